//! The events of one recording, as a sensor gives them.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a sensor can address: `width` × `height` pixels (an audio sensor is one row of channels), each
/// with `polarities` kinds of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sensor {
    /// Columns; x is below it.
    pub width: u16,
    /// Rows; y is below it, 0 at the top.
    pub height: u16,
    /// 2 where ON (1) and OFF (0) events are told apart, else 1.
    pub polarities: u8,
}

impl Sensor {
    /// Number of addresses: width × height × polarities.
    pub fn addresses(&self) -> usize {
        usize::from(self.width) * usize::from(self.height) * usize::from(self.polarities)
    }

    /// True where the sensor has the address of `event`.
    pub fn holds(&self, event: &Event) -> bool {
        event.x < self.width && event.y < self.height && event.p < self.polarities
    }
}

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Event {
    /// Time in microseconds from the start of the recording's clock.
    pub t_us: u64,
    /// Column, or channel of an audio sensor.
    pub x: u16,
    /// Row, 0 at the top.
    pub y: u16,
    /// Polarity: 1 ON, 0 OFF; 0 where the sensor has one kind only.
    pub p: u8,
}

/// The events of one recording, in order of time. Struct of arrays: event i is
/// (`t_us[i]`, `x[i]`, `y[i]`, `p[i]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    sensor: Sensor,
    t_us: Vec<u64>,
    x: Vec<u16>,
    y: Vec<u16>,
    p: Vec<u8>,
}

impl Events {
    /// No events yet.
    pub fn new(sensor: Sensor) -> Self {
        Events { sensor, t_us: Vec::new(), x: Vec::new(), y: Vec::new(), p: Vec::new() }
    }

    /// Takes events in any order; those of equal time keep theirs.
    ///
    /// # Errors
    /// [`Error::Usage`] that names the first event whose address the sensor does not have.
    pub fn from_unordered(sensor: Sensor, mut events: Vec<Event>) -> Result<Self> {
        if let Some(i) = events.iter().position(|event| !sensor.holds(event)) {
            return Err(Error::Usage(format!("event {i}: {:?} is not on {sensor:?}", events[i])));
        }
        // Recordings are nearly always in order: the sort then only looks.
        events.sort_by_key(|event| event.t_us);
        Ok(Events {
            sensor,
            t_us: events.iter().map(|event| event.t_us).collect(),
            x: events.iter().map(|event| event.x).collect(),
            y: events.iter().map(|event| event.y).collect(),
            p: events.iter().map(|event| event.p).collect(),
        })
    }

    /// Appends an event that is on the sensor and not before the last one.
    pub fn push(&mut self, event: Event) {
        debug_assert!(self.sensor.holds(&event), "{event:?} is not on {:?}", self.sensor);
        debug_assert!(self.t_us.last().is_none_or(|&last| last <= event.t_us), "time falls");
        self.t_us.push(event.t_us);
        self.x.push(event.x);
        self.y.push(event.y);
        self.p.push(event.p);
    }

    /// What the events are addressed on.
    pub fn sensor(&self) -> Sensor {
        self.sensor
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.t_us.len()
    }

    /// True where there is no event.
    pub fn is_empty(&self) -> bool {
        self.t_us.is_empty()
    }

    /// Event `i` in order of time.
    pub fn get(&self, i: usize) -> Event {
        Event { t_us: self.t_us[i], x: self.x[i], y: self.y[i], p: self.p[i] }
    }

    /// All events in order of time.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Event> + '_ {
        (0..self.len()).map(|i| self.get(i))
    }

    /// Times in microseconds, ascending.
    pub fn times_us(&self) -> &[u64] {
        &self.t_us
    }

    /// Microseconds from the first to the last event; 0 where there are none.
    pub fn duration_us(&self) -> u64 {
        self.t_us.last().map_or(0, |last| last - self.t_us[0])
    }

    /// The events of `start_us ..< end_us`, with their times.
    pub fn between(&self, start_us: u64, end_us: u64) -> Events {
        let from = self.t_us.partition_point(|&t| t < start_us);
        let to = self.t_us.partition_point(|&t| t < end_us).max(from);
        Events {
            sensor: self.sensor,
            t_us: self.t_us[from..to].to_vec(),
            x: self.x[from..to].to_vec(),
            y: self.y[from..to].to_vec(),
            p: self.p[from..to].to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENSOR: Sensor = Sensor { width: 4, height: 3, polarities: 2 };

    fn event(t_us: u64, x: u16) -> Event {
        Event { t_us, x, y: 2, p: 1 }
    }

    #[test]
    fn order_is_by_time_and_ties_keep_theirs() {
        let events =
            Events::from_unordered(SENSOR, vec![event(5, 1), event(2, 3), event(5, 0)]).unwrap();
        let got: Vec<_> = events.iter().map(|e| (e.t_us, e.x)).collect();
        assert_eq!(got, [(2, 3), (5, 1), (5, 0)]);
        assert_eq!(events.duration_us(), 3);
        assert_eq!(events.between(2, 5).iter().collect::<Vec<_>>(), [event(2, 3)]);
        assert!(events.between(9, 3).is_empty());
        assert_eq!(Events::new(SENSOR).duration_us(), 0);
    }

    #[test]
    fn an_address_beyond_the_sensor_is_named() {
        for wrong in [
            Event { x: 4, ..event(0, 0) },
            Event { y: 3, ..event(0, 0) },
            Event { p: 2, ..event(0, 0) },
        ] {
            let error = Events::from_unordered(SENSOR, vec![event(0, 0), wrong]).unwrap_err();
            assert!(error.to_string().contains("event 1"), "{error}");
        }
    }
}
