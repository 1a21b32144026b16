//! Random spikes with random labels: input of a known rate for timings, and a task that cannot be
//! learnt but by heart.

use crate::random::{Key, Purpose, below};
use crate::spikes::{BernoulliEncoder, BinningCounts, SpikeSet};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// What random spikes look like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomSpikes {
    /// Neurons of the trains.
    pub neurons: usize,
    /// Time steps.
    pub steps: usize,
    /// Classes; labels are uniform over them.
    pub classes: usize,
    /// Probability of a spike of a neuron in a step.
    pub rate: f64,
}

impl RandomSpikes {
    /// Draws `samples` samples. Sample i depends on the seed and i alone.
    ///
    /// # Errors
    /// [`Error::Usage`] if a setting is out of its range.
    pub fn samples(&self, seed: u64, samples: usize) -> Result<SpikeSet> {
        if !(0.0..=1.0).contains(&self.rate) {
            return Err(Error::Usage(format!("rate = {}: must be 0 to 1", self.rate)));
        }
        for (name, value, most) in [
            ("neurons", self.neurons, 1 << 24),
            ("steps", self.steps, 1 << 24),
            ("classes", self.classes, 1 << 16),
        ] {
            if !(1..=most).contains(&value) {
                return Err(Error::Usage(format!("{name} = {value}: must be 1 to {most}")));
            }
        }
        let encoder = BernoulliEncoder::new(self.steps, self.rate);
        let intensities = vec![1.0; self.neurons];
        let mut set = SpikeSet::new(self.neurons, self.classes);
        for sample in 0..samples {
            let mut stream = Key::new(seed).sample(sample as u64).stream(Purpose::RandomSpikes);
            let label = below(&mut stream, self.classes) as u16;
            let train = encoder.encode(&intensities, &mut stream);
            let spikes = train.count() as u64;
            set.push(&train, label, BinningCounts { events: spikes, spikes, ..Default::default() });
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_labels_and_seed_are_as_asked() {
        let settings = RandomSpikes { neurons: 50, steps: 40, classes: 4, rate: 0.05 };
        let set = settings.samples(3, 100).unwrap();
        assert_eq!((set.neurons(), set.steps(), set.classes(), set.len()), (50, 40, 4, 100));
        // 200,000 trials: mean 10,000, deviation 97.5; five of them on either side.
        assert!((9_512..=10_488).contains(&set.counts().spikes), "{}", set.counts().spikes);
        for class in 0..4 {
            // Mean 25, deviation 4.3.
            let count = set.labels().iter().filter(|&&label| label == class).count();
            assert!((4..=46).contains(&count), "class {class}: {count}");
        }
        assert_eq!(settings.samples(3, 10).unwrap().sample(9), set.sample(9));
        assert_ne!(settings.samples(4, 10).unwrap().sample(9), set.sample(9));
        assert_ne!(set.train(0), set.train(1));
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let good = RandomSpikes { neurons: 5, steps: 4, classes: 2, rate: 0.5 };
        let refusal = |s: RandomSpikes| s.samples(1, 1).unwrap_err().to_string();
        assert!(refusal(RandomSpikes { rate: f64::NAN, ..good.clone() }).contains("rate"));
        assert!(refusal(RandomSpikes { neurons: 0, ..good.clone() }).contains("neurons"));
        assert!(refusal(RandomSpikes { classes: 70_000, ..good }).contains("classes"));
    }
}
