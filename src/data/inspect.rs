//! What is in an event data set: counts, rates, and what binning would make of it.

use crate::Result;
use crate::data::event_source::{EventSource, Recording};
use crate::data::parallel::in_order;
use crate::random::Key;
use crate::spikes::{Binning, BinningCounts, Sensor};
use serde::Serialize;

/// Counts and rates of one part of a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// What it was recorded with.
    pub sensor: Sensor,
    /// Number of recordings.
    pub recordings: usize,
    /// Recordings without events.
    pub silent: usize,
    /// Name and number of recordings of each class.
    pub classes: Vec<(String, usize)>,
    /// Events in all.
    pub events: u64,
    /// Fraction of them that is ON; none where the sensor has one kind only.
    pub on: Option<f64>,
    /// Events of a recording.
    pub events_per_recording: Spread,
    /// From its first to its last event, in milliseconds.
    pub duration_ms: Spread,
    /// Events of a recording in a millisecond of its duration.
    pub events_per_ms: Spread,
    /// Spike trains, where a binning was asked for.
    pub trains: Option<Trains>,
}

/// Least, median and largest of a set of numbers; zeros where there are none.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Spread {
    /// Least.
    pub least: f64,
    /// Median: the upper one of two.
    pub median: f64,
    /// Largest.
    pub most: f64,
}

/// What binning makes of a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trains {
    /// Neurons of a train.
    pub neurons: usize,
    /// Steps of a train.
    pub steps: usize,
    /// What became of the events.
    pub counts: BinningCounts,
    /// Spikes of a step, over all steps of all recordings: mean.
    pub spikes_per_step: f64,
    /// The number of spikes that 99 % of the steps do not exceed: a capacity that loses little.
    pub capacity_99: usize,
    /// Most spikes of a step.
    pub most_per_step: usize,
    /// Mean fraction of the neurons that spike in a step.
    pub activity: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        match (values.first(), values.last()) {
            (Some(&least), Some(&most)) => Spread { least, median: values[values.len() / 2], most },
            _ => Spread::default(),
        }
    }
}

/// Facts of one recording.
struct Facts {
    label: u16,
    events: usize,
    on: usize,
    duration_us: u64,
    /// Spikes of each step, and what became of the events.
    train: Option<(Vec<usize>, BinningCounts)>,
}

impl Facts {
    fn of(recording: &Recording, binning: Option<&Binning>, key: Key) -> Self {
        let events = &recording.events;
        let train = binning.map(|binning| {
            let (train, counts) = binning.apply(events, key);
            ((0..train.steps()).map(|t| train.step(t).len()).collect(), counts)
        });
        Facts {
            label: recording.label,
            events: events.len(),
            on: events.iter().filter(|event| event.p == 1).count(),
            duration_us: events.duration_us(),
            train,
        }
    }
}

/// Reads everything and counts. `progress` hears of pieces done and pieces in all.
///
/// # Errors
/// Those of the source; [`crate::Error::Usage`] if the binning does not fit its sensor.
pub fn summary(
    source: &dyn EventSource,
    binning: Option<&Binning>,
    progress: &dyn Fn(usize, usize),
) -> Result<Summary> {
    let sensor = source.sensor();
    if let Some(binning) = binning {
        binning.check(sensor)?;
    }
    let mut all: Vec<Facts> = Vec::new();
    let read = |piece: usize| {
        let recordings = source.read(piece)?;
        let facts = recordings.iter().enumerate().map(|(number, recording)| {
            Facts::of(recording, binning, Key::new(0).epoch(piece as u64).sample(number as u64))
        });
        Ok(facts.collect::<Vec<_>>())
    };
    in_order(source.pieces(), read, |piece, facts| {
        all.extend(facts);
        progress(piece + 1, source.pieces());
        Ok(())
    })?;

    let mut classes: Vec<_> = source.class_names().into_iter().map(|name| (name, 0)).collect();
    for facts in &all {
        classes[usize::from(facts.label)].1 += 1;
    }
    let events: u64 = all.iter().map(|facts| facts.events as u64).sum();
    let on: u64 = all.iter().map(|facts| facts.on as u64).sum();
    let milliseconds = |facts: &Facts| facts.duration_us as f64 / 1000.0;
    let lasting: Vec<&Facts> = all.iter().filter(|facts| facts.duration_us > 0).collect();
    Ok(Summary {
        sensor,
        recordings: all.len(),
        silent: all.iter().filter(|facts| facts.events == 0).count(),
        classes,
        events,
        on: (sensor.polarities > 1 && events > 0).then(|| on as f64 / events as f64),
        events_per_recording: Spread::of(all.iter().map(|f| f.events as f64).collect()),
        duration_ms: Spread::of(all.iter().map(milliseconds).collect()),
        events_per_ms: Spread::of(
            lasting.iter().map(|f| f.events as f64 / milliseconds(f)).collect(),
        ),
        trains: binning.map(|binning| trains(&all, binning, sensor)),
    })
}

fn trains(all: &[Facts], binning: &Binning, sensor: Sensor) -> Trains {
    let mut counts = BinningCounts::default();
    let mut steps: Vec<usize> = Vec::new();
    for (of_steps, of_events) in all.iter().filter_map(|facts| facts.train.as_ref()) {
        steps.extend(of_steps);
        counts += *of_events;
    }
    steps.sort_unstable();
    let neurons = binning.neurons(sensor);
    let mean = counts.spikes as f64 / steps.len().max(1) as f64;
    let most = steps.last().copied().unwrap_or(0);
    Trains {
        neurons,
        steps: binning.steps,
        counts,
        spikes_per_step: mean,
        capacity_99: steps
            .get((steps.len() * 99).div_ceil(100).saturating_sub(1))
            .copied()
            .unwrap_or(0),
        most_per_step: most,
        activity: mean / neurons as f64,
    }
}

/// The events of a recording as a map of counts, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Events of each field.
    pub counts: Vec<u32>,
}

impl Map {
    /// Where the events are: pixels, at most `columns` × `rows` fields. A sensor of one row is shown over
    /// time instead, from left to right, its channels from bottom to top.
    pub fn of(events: &crate::spikes::Events, columns: usize, rows: usize) -> Self {
        let sensor = events.sensor();
        let over_time = sensor.height == 1;
        let (wide, high) = match over_time {
            true => (columns as u64, u64::from(sensor.width)),
            false => (u64::from(sensor.width), u64::from(sensor.height)),
        };
        let (width, height) = ((wide as usize).min(columns), (high as usize).min(rows));
        let mut counts = vec![0; width * height];
        let start = events.times_us().first().copied().unwrap_or(0);
        for event in events.iter() {
            let (x, y) = match over_time {
                true => (
                    // One more than the duration, so that the last event has a column.
                    (u128::from(event.t_us - start) * wide as u128
                        / (u128::from(events.duration_us()) + 1)) as u64,
                    high - 1 - u64::from(event.x),
                ),
                false => (u64::from(event.x), u64::from(event.y)),
            };
            let column = x as usize * width / wide as usize;
            counts[y as usize * height / high as usize * width + column] += 1;
        }
        Map { width, height, counts }
    }

    /// The map in characters, from `░` to `█`, which is the fullest field; below an eighth of it is blank.
    pub fn text(&self) -> String {
        let most = self.counts.iter().copied().max().unwrap_or(0).max(1);
        let most = u64::from(most);
        let shade = |&count: &u32| match (4 * u64::from(count) + most / 2) / most {
            0 => ' ',
            1 => '░',
            2 => '▒',
            3 => '▓',
            _ => '█',
        };
        let rows = self.counts.chunks(self.width.max(1));
        rows.map(|row| row.iter().map(shade).collect::<String>().trim_end().to_string() + "\n")
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spikes::{Event, Events};
    use std::path::PathBuf;

    struct Two;

    const SENSOR: Sensor = Sensor { width: 4, height: 2, polarities: 2 };

    fn events() -> Events {
        let all = [(1000, 0, 0, 1), (1500, 0, 0, 0), (3000, 3, 1, 0), (3000, 2, 1, 0)];
        let all = all.map(|(t_us, x, y, p)| Event { t_us, x, y, p });
        Events::from_unordered(SENSOR, all.to_vec()).unwrap()
    }

    impl EventSource for Two {
        fn sensor(&self) -> Sensor {
            SENSOR
        }
        fn class_names(&self) -> Vec<String> {
            vec!["a".into(), "b".into()]
        }
        fn files(&self) -> &[PathBuf] {
            &[]
        }
        fn pieces(&self) -> usize {
            2
        }
        fn read(&self, piece: usize) -> Result<Vec<Recording>> {
            let events = if piece == 0 { events() } else { Events::new(SENSOR) };
            Ok(vec![Recording { events, label: 1 }])
        }
    }

    #[test]
    fn counts_and_rates() {
        let summary = summary(&Two, Some(&Binning::width_us(3, 1000)), &|_, _| ()).unwrap();
        assert_eq!((summary.recordings, summary.silent, summary.events), (2, 1, 4));
        assert_eq!(summary.classes, [("a".to_string(), 0), ("b".to_string(), 2)]);
        assert_eq!(summary.on, Some(0.25));
        assert_eq!(summary.duration_ms, Spread { least: 0.0, median: 2.0, most: 2.0 });
        assert_eq!(summary.events_per_ms.most, 2.0);
        let trains = summary.trains.unwrap();
        assert_eq!((trains.neurons, trains.steps, trains.counts.spikes), (16, 3, 4));
        // Spikes of the six steps: 2, 0, 2, 0, 0, 0.
        assert_eq!((trains.capacity_99, trains.most_per_step), (2, 2));
        assert!((trains.spikes_per_step - 4.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn maps_show_where_events_are() {
        assert_eq!(Map::of(&events(), 80, 40).text(), "█\n  ▒▒\n");
        assert_eq!(Map::of(&events(), 2, 1).counts, [2, 2]);
        let audio = Sensor { width: 4, height: 1, polarities: 1 };
        let mut sound = Events::new(audio);
        sound.push(Event { t_us: 10, x: 0, y: 0, p: 0 });
        sound.push(Event { t_us: 29, x: 3, y: 0, p: 0 });
        assert_eq!(Map::of(&sound, 2, 2), Map { width: 2, height: 2, counts: vec![0, 1, 1, 0] });
        assert_eq!(Map::of(&Events::new(audio), 3, 4).counts, [0; 12]);
    }
}
