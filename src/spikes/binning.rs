//! Events → spike trains: noise filter, down-scaling, polarity, time bins, one spike an address and
//! step, capacity.

use super::{Events, Sensor, SpikeTrain, denoise};
use crate::random::{Key, Purpose, below};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Most time steps and most addresses of a train; no data set of the field comes near.
const MOST: usize = 1 << 24;

/// How the events of a recording become spikes.
///
/// In this order: [`denoise`]; down-scaling, x ← ⌊x · width′ / width⌋ and likewise y; the id of an
/// event, x + width′ · y + width′ · height′ · p; its step; of equal ids in a step all but one go; of
/// more than `capacity` ids in a step a uniformly random subset stays, drawn from the stream of
/// [`Purpose::Capacity`] (spec sparse_lif_ipu.md, section 5.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Binning {
    /// Number of time steps.
    pub steps: usize,
    /// How long a step is.
    pub bins: TimeBins,
    /// When step 0 begins.
    #[serde(default)]
    pub origin: Origin,
    /// Filter time of [`denoise`] in microseconds; none leaves all events.
    #[serde(default)]
    pub denoise_us: Option<u64>,
    /// Size to scale down to, `[width, height]`; none keeps that of the sensor.
    #[serde(default)]
    pub size: Option<[u16; 2]>,
    /// What becomes of the polarity.
    #[serde(default)]
    pub polarity: Polarity,
    /// Most spikes in a step; none keeps all.
    #[serde(default)]
    pub capacity: Option<usize>,
}

/// How long a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum TimeBins {
    /// So many microseconds in every recording. Events behind the last step are dropped.
    WidthUs(u64),
    /// The recording's own length divided by the number of steps, rounded down to whole microseconds (at
    /// least 1), as Tonic's `n_time_bins`. What does not divide drops out at the end, at least the last
    /// event. Steps begin at the first event, whatever [`Binning::origin`] says.
    Equal,
}

/// When step 0 begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// With the first event (that the noise filter leaves).
    #[default]
    FirstEvent,
    /// At time 0 of the recording's clock.
    Zero,
}

/// What becomes of the polarity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Polarity {
    /// ON and OFF events have addresses of their own.
    #[default]
    Separate,
    /// Both are the same address.
    Merged,
}

/// What became of the events. `events` is the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BinningCounts {
    /// Events of the recordings.
    pub events: u64,
    /// Removed by the noise filter.
    pub denoised: u64,
    /// Outside the time steps.
    pub outside: u64,
    /// Further events of an address in a step.
    pub duplicates: u64,
    /// Spikes beyond the capacity of their step.
    pub overflow: u64,
    /// Spikes of the trains.
    pub spikes: u64,
}

impl AddAssign for BinningCounts {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.denoised += other.denoised;
        self.outside += other.outside;
        self.duplicates += other.duplicates;
        self.overflow += other.overflow;
        self.spikes += other.spikes;
    }
}

impl Binning {
    /// Steps of `width_us` from the first event on, and nothing else done to the events.
    pub fn width_us(steps: usize, width_us: u64) -> Self {
        Binning {
            steps,
            bins: TimeBins::WidthUs(width_us),
            origin: Origin::FirstEvent,
            denoise_us: None,
            size: None,
            polarity: Polarity::Separate,
            capacity: None,
        }
    }

    /// Refuses settings that do not go together with a sensor.
    ///
    /// # Errors
    /// [`Error::Usage`] that says what is wrong and what is allowed.
    pub fn check(&self, sensor: Sensor) -> Result<()> {
        let refuse = |text: String| Err(Error::Usage(text));
        if self.steps == 0 || self.steps > MOST {
            return refuse(format!("steps = {}: must be 1 to {MOST}", self.steps));
        }
        if self.bins == TimeBins::WidthUs(0) {
            return refuse("width_us = 0: a step lasts at least 1 microsecond".into());
        }
        if let Some([width, height]) = self.size
            && !(1..=sensor.width).contains(&width) | !(1..=sensor.height).contains(&height)
        {
            let (w, h) = (sensor.width, sensor.height);
            return refuse(format!(
                "size = [{width}, {height}]: the sensor has {w} × {h} pixels and can only be scaled down"
            ));
        }
        if self.capacity == Some(0) {
            return refuse("capacity = 0: no spike would be left".into());
        }
        if self.output(sensor).addresses() > MOST {
            return refuse(format!(
                "{} addresses: at most {MOST} are possible",
                sensor.addresses()
            ));
        }
        Ok(())
    }

    /// The sensor as it appears after down-scaling and merging of polarities.
    pub fn output(&self, sensor: Sensor) -> Sensor {
        let [width, height] = self.size.unwrap_or([sensor.width, sensor.height]);
        let polarities = match self.polarity {
            Polarity::Separate => sensor.polarities,
            Polarity::Merged => 1,
        };
        Sensor { width, height, polarities }
    }

    /// Number of neurons of the trains.
    pub fn neurons(&self, sensor: Sensor) -> usize {
        self.output(sensor).addresses()
    }

    /// Turns a recording into a train of [`Binning::steps`] steps over [`Binning::neurons`] neurons.
    /// `key` addresses the random choice where a step is too full. A recording without events gives a
    /// silent train. The settings must have passed [`Binning::check`].
    pub fn apply(&self, recording: &Events, key: Key) -> (SpikeTrain, BinningCounts) {
        let mut counts = BinningCounts { events: recording.len() as u64, ..Default::default() };
        let filtered;
        let events = match self.denoise_us {
            Some(filter_time_us) => {
                filtered = denoise(recording, filter_time_us);
                &filtered
            }
            None => recording,
        };
        counts.denoised = (recording.len() - events.len()) as u64;

        let step_of = self.clock(events);
        let id_of = self.addresses(recording.sensor());
        let mut spikes: Vec<(u32, u32)> = events
            .iter()
            .filter_map(|event| Some((step_of(event.t_us)?, id_of(event.x, event.y, event.p))))
            .collect();
        counts.outside = (events.len() - spikes.len()) as u64;

        spikes.sort_unstable();
        let with_duplicates = spikes.len();
        spikes.dedup();
        counts.duplicates = (with_duplicates - spikes.len()) as u64;

        let neurons = self.neurons(recording.sensor());
        let mut train = SpikeTrain::empty(neurons);
        let mut stream = key.stream(Purpose::Capacity);
        let mut rest = &spikes[..];
        let mut ids = Vec::new();
        for step in 0..self.steps as u32 {
            let (now, later) = rest.split_at(rest.partition_point(|spike| spike.0 == step));
            rest = later;
            ids.clear();
            ids.extend(now.iter().map(|spike| spike.1));
            if let Some(capacity) = self.capacity
                && ids.len() > capacity
            {
                counts.overflow += (ids.len() - capacity) as u64;
                // The first `capacity` places of a Fisher–Yates shuffle.
                for place in 0..capacity {
                    let other = place + below(&mut stream, ids.len() - place);
                    ids.swap(place, other);
                }
                ids.truncate(capacity);
                ids.sort_unstable();
            }
            train.push_step(&ids);
        }
        counts.spikes = train.count() as u64;
        (train, counts)
    }

    /// The step of a time; None outside.
    fn clock(&self, events: &Events) -> impl Fn(u64) -> Option<u32> {
        let first = events.times_us().first().copied().unwrap_or(0);
        let (start, width) = match (self.bins, self.origin) {
            (TimeBins::WidthUs(width), Origin::FirstEvent) => (first, width),
            (TimeBins::WidthUs(width), Origin::Zero) => (0, width),
            (TimeBins::Equal, _) => (first, (events.duration_us() / self.steps as u64).max(1)),
        };
        let steps = self.steps as u64;
        move |t_us| {
            let step = (t_us - start) / width;
            (step < steps).then_some(step as u32)
        }
    }

    /// The id of an address.
    fn addresses(&self, sensor: Sensor) -> impl Fn(u16, u16, u8) -> u32 {
        let output = self.output(sensor);
        let scale =
            |value: u16, to: u16, from: u16| u32::from(value) * u32::from(to) / u32::from(from);
        move |x, y, p| {
            let (w, h) = (u32::from(output.width), u32::from(output.height));
            let x = scale(x, output.width, sensor.width);
            let y = scale(y, output.height, sensor.height);
            let p = if output.polarities > 1 { u32::from(p) } else { 0 };
            x + w * (y + h * p)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spikes::Event;
    use proptest::prelude::*;

    const SENSOR: Sensor = Sensor { width: 4, height: 2, polarities: 2 };

    fn recording(events: &[(u64, u16, u16, u8)]) -> Events {
        let all = events.iter().map(|&(t_us, x, y, p)| Event { t_us, x, y, p }).collect();
        Events::from_unordered(SENSOR, all).unwrap()
    }

    fn steps(binning: &Binning, events: &[(u64, u16, u16, u8)]) -> Vec<Vec<u32>> {
        let (train, _) = binning.apply(&recording(events), Key::new(1));
        (0..train.steps()).map(|t| train.step(t).to_vec()).collect()
    }

    /// T13 of spec sparse_lif_ipu.md: an event on an edge belongs to the later bin, bins begin at the
    /// first event, ids are x + W·y + W·H·p.
    #[test]
    fn bins_edges_and_ids() {
        let mut binning = Binning::width_us(3, 10);
        let events =
            [(105, 0, 0, 0), (114, 3, 1, 0), (115, 0, 0, 1), (134, 1, 1, 1), (135, 2, 0, 0)];
        assert_eq!(steps(&binning, &events), [vec![0, 7], vec![8], vec![13]]);
        binning.origin = Origin::Zero;
        binning.steps = 12;
        let mut expected = vec![vec![]; 12];
        expected[10] = vec![0];
        expected[11] = vec![7, 8];
        assert_eq!(steps(&binning, &events), expected);
        binning.polarity = Polarity::Merged;
        expected[11] = vec![0, 7];
        assert_eq!(steps(&binning, &events), expected);
    }

    #[test]
    fn equal_bins_divide_each_recording_and_lose_its_last_event() {
        let binning = Binning { bins: TimeBins::Equal, ..Binning::width_us(3, 1) };
        // (110 − 100) / 3 = 3 µs: steps begin at 100, 103, 106 and end at 109.
        let events =
            [(100, 0, 0, 0), (102, 1, 0, 0), (103, 2, 0, 0), (108, 3, 0, 0), (110, 0, 1, 0)];
        assert_eq!(steps(&binning, &events), [vec![0, 1], vec![2], vec![3]]);
        // All at one time: bins of 1 µs.
        assert_eq!(steps(&binning, &[(5, 0, 0, 0), (5, 1, 0, 0)]), [vec![0, 1], vec![], vec![]]);
    }

    #[test]
    fn scaling_down_joins_pixels() {
        let binning = Binning { size: Some([2, 1]), ..Binning::width_us(1, 10) };
        let events = [(0, 0, 0, 0), (1, 1, 1, 0), (2, 2, 0, 1), (3, 3, 1, 1)];
        assert_eq!(steps(&binning, &events), [vec![0, 3]]);
        let counts = binning.apply(&recording(&events), Key::new(1)).1;
        assert_eq!((counts.duplicates, counts.spikes), (2, 2));
    }

    #[test]
    fn every_subset_of_a_full_step_is_as_likely() {
        let binning = Binning { capacity: Some(2), ..Binning::width_us(1, 10) };
        let events = recording(&[(0, 0, 0, 0), (1, 1, 0, 0), (2, 2, 0, 0), (3, 3, 0, 0)]);
        let mut hits = std::collections::BTreeMap::new();
        for sample in 0..6_000 {
            let (train, counts) = binning.apply(&events, Key::new(3).sample(sample));
            assert_eq!((counts.overflow, counts.spikes), (2, 2));
            *hits.entry(train.step(0).to_vec()).or_insert(0_u32) += 1;
        }
        // Six subsets, 1,000 each; the deviation is 29, five of them on either side.
        assert_eq!(hits.len(), 6);
        assert!(hits.values().all(|n| (855..=1145).contains(n)), "{hits:?}");
    }

    #[test]
    fn no_events_give_silence() {
        for bins in [TimeBins::WidthUs(7), TimeBins::Equal] {
            let binning = Binning { bins, denoise_us: Some(9), ..Binning::width_us(4, 1) };
            let (train, counts) = binning.apply(&Events::new(SENSOR), Key::new(1));
            assert_eq!((train.steps(), train.count(), train.neurons()), (4, 0, 16));
            assert_eq!(counts, BinningCounts::default());
        }
    }

    #[test]
    fn settings_that_cannot_be_are_refused() {
        let good = Binning::width_us(5, 10);
        good.check(SENSOR).unwrap();
        let refusal = |binning: Binning| binning.check(SENSOR).unwrap_err().to_string();
        assert!(refusal(Binning { steps: 0, ..good.clone() }).contains("steps"));
        assert!(refusal(Binning { steps: usize::MAX, ..good.clone() }).contains("steps"));
        assert!(refusal(Binning::width_us(5, 0)).contains("1 microsecond"));
        assert!(refusal(Binning { size: Some([5, 1]), ..good.clone() }).contains("4 × 2"));
        assert!(refusal(Binning { size: Some([4, 0]), ..good.clone() }).contains("scaled down"));
        assert!(refusal(Binning { capacity: Some(0), ..good.clone() }).contains("capacity"));
        let huge = Sensor { width: u16::MAX, height: u16::MAX, polarities: 2 };
        assert!(good.check(huge).unwrap_err().to_string().contains("addresses"));
    }

    proptest! {
        /// Against the definition, written as sets; every event is accounted for.
        #[test]
        fn trains_hold_what_the_definition_says(
            raw in prop::collection::vec((0_u64..400, 0_u16..4, 0_u16..2, 0_u8..2), 0..80),
            bin_count in 1_usize..30,
            width in 1_u64..40,
            denoised in prop::option::of(0_u64..60),
            capacity in prop::option::of(1_usize..4),
            half in any::<bool>(),
            merged in any::<bool>(),
            from_zero in any::<bool>(),
        ) {
            let binning = Binning {
                origin: if from_zero { Origin::Zero } else { Origin::FirstEvent },
                denoise_us: denoised,
                size: half.then_some([2, 1]),
                polarity: if merged { Polarity::Merged } else { Polarity::Separate },
                capacity,
                ..Binning::width_us(bin_count, width)
            };
            binning.check(SENSOR).unwrap();
            let recording = recording(&raw);
            let kept = denoised.map_or_else(|| recording.clone(), |us| denoise(&recording, us));
            let start = if from_zero { 0 } else { kept.times_us().first().copied().unwrap_or(0) };
            let output = binning.output(SENSOR);
            let mut sets = vec![std::collections::BTreeSet::new(); bin_count];
            let mut outside = 0;
            for e in kept.iter() {
                let step = ((e.t_us - start) / width) as usize;
                let (x, y) = if half { (e.x / 2, e.y / 2) } else { (e.x, e.y) };
                let p = if merged { 0 } else { e.p };
                let id = u32::from(x) + u32::from(output.width) * (u32::from(y) + u32::from(output.height) * u32::from(p));
                if step < bin_count { sets[step].insert(id); } else { outside += 1; }
            }
            let (train, counts) = binning.apply(&recording, Key::new(9));
            prop_assert_eq!(train.steps(), bin_count);
            prop_assert_eq!(train.neurons(), output.addresses());
            let mut overflow = 0;
            for (t, set) in sets.iter().enumerate() {
                let most = capacity.unwrap_or(usize::MAX);
                prop_assert_eq!(train.step(t).len(), set.len().min(most));
                prop_assert!(train.step(t).iter().all(|id| set.contains(id)));
                overflow += set.len().saturating_sub(most) as u64;
            }
            prop_assert_eq!(counts.outside, outside);
            prop_assert_eq!(counts.overflow, overflow);
            prop_assert_eq!(counts.denoised as usize, recording.len() - kept.len());
            prop_assert_eq!(
                counts.events,
                counts.denoised + counts.outside + counts.duplicates + counts.overflow + counts.spikes
            );
            prop_assert_eq!(counts.spikes as usize, train.count());
        }
    }
}
