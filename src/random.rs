//! Counter-based random streams.
//!
//! Every random number in spikeseek comes from a ChaCha8 stream whose key is the tuple
//! (study seed, trial, epoch, sample) and whose stream number is the [`Purpose`]. Two places that
//! ask for the same tuple get the same numbers, whichever thread, rank or order they run in, and
//! no stream ever overlaps another.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A keyed random stream; implements the traits of the `rand` crate.
pub type Stream = ChaCha8Rng;

/// What the numbers of a stream are used for. The discriminants are part of the results: a new
/// purpose gets a new number, an old one keeps its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Purpose {
    /// Split of the training data into training and hold-out part.
    Split = 1,
    /// Initial weights.
    Weights = 2,
    /// Order of the samples in an epoch.
    Shuffle = 3,
    /// Input spikes of a training sample.
    EncodeTrain = 4,
    /// Input spikes of a hold-out or test sample.
    EncodeTest = 5,
    /// Which of the crossing neurons spikes, training.
    OneSpikeTrain = 6,
    /// Which of the crossing neurons spikes, hold-out or test.
    OneSpikeTest = 7,
    /// Points proposed by a sampler.
    Sampler = 8,
    /// Synthetic data of benches and tests.
    Synthetic = 9,
    /// Functions drawn from a posterior to choose the next points.
    Thompson = 10,
    /// Which spikes a full time step keeps.
    Capacity = 20,
    /// Coefficients of random manifolds.
    Manifold = 21,
    /// Points drawn on random manifolds.
    ManifoldPoint = 22,
    /// Random spikes and their labels.
    RandomSpikes = 23,
    /// Noise and gestures of the made event recordings.
    Recording = 24,
    /// Which neurons enter a spike list that has no room for all.
    SpikeSelection = 30,
}

/// Address of a stream. Fields that do not apply stay 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Key {
    /// Seed of the study.
    pub seed: u64,
    /// Number of the trial in the study.
    pub trial: u64,
    /// Epoch, from 0.
    pub epoch: u64,
    /// Index of the sample in its data set.
    pub sample: u64,
}

impl Key {
    /// Key with a seed alone.
    pub fn new(seed: u64) -> Self {
        Key { seed, ..Key::default() }
    }

    /// The same key for another trial.
    pub fn trial(self, trial: u64) -> Self {
        Key { trial, ..self }
    }

    /// The same key for another epoch.
    pub fn epoch(self, epoch: u64) -> Self {
        Key { epoch, ..self }
    }

    /// The same key for another sample.
    pub fn sample(self, sample: u64) -> Self {
        Key { sample, ..self }
    }

    /// Opens the stream of this key for a purpose.
    pub fn stream(self, purpose: Purpose) -> Stream {
        let mut seed = [0_u8; 32];
        for (bytes, word) in
            seed.chunks_exact_mut(8).zip([self.seed, self.trial, self.epoch, self.sample])
        {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        let mut stream = ChaCha8Rng::from_seed(seed);
        stream.set_stream(purpose as u64);
        stream
    }
}

/// Uniform in [0, 1) with 53 random bits.
pub fn uniform(stream: &mut Stream) -> f64 {
    use rand::Rng;
    (stream.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// Uniform in {0, …, n−1} (widening multiply; the bias is below n/2⁶⁴). `n` must not be 0.
pub fn below(stream: &mut Stream, n: usize) -> usize {
    use rand::Rng;
    debug_assert!(n > 0);
    ((u128::from(stream.next_u64()) * n as u128) >> 64) as usize
}

/// Fills a slice with standard normal numbers, in pairs (G. E. P. Box, M. E. Muller, *A note on the
/// generation of random normal deviates*, 1958): √(−2 ln u) (cos 2πv, sin 2πv), u in (0, 1].
pub fn fill_normal(stream: &mut Stream, numbers: &mut [f64]) {
    for pair in numbers.chunks_mut(2) {
        let radius = (-2.0 * (1.0 - uniform(stream)).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * uniform(stream)).sin_cos();
        for (number, part) in pair.iter_mut().zip([cos, sin]) {
            *number = radius * part;
        }
    }
}

/// Shuffles in place (Fisher–Yates).
pub fn shuffle<T>(stream: &mut Stream, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(stream, last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn streams_are_repeatable_and_distinct() {
        let key = Key::new(7).trial(1).epoch(2).sample(3);
        let first = |k: Key, p| k.stream(p).next_u64();
        assert_eq!(first(key, Purpose::Shuffle), first(key, Purpose::Shuffle));
        let mut seen = vec![
            first(key, Purpose::Shuffle),
            first(key, Purpose::Weights),
            first(key.sample(4), Purpose::Shuffle),
            first(key.epoch(3), Purpose::Shuffle),
            first(key.trial(2), Purpose::Shuffle),
            first(Key { seed: 8, ..key }, Purpose::Shuffle),
        ];
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 6);
    }

    #[test]
    fn below_covers_its_range_evenly() {
        let mut stream = Key::new(1).stream(Purpose::Synthetic);
        let mut hits = [0_u32; 5];
        for _ in 0..50_000 {
            hits[below(&mut stream, 5)] += 1;
        }
        // Standard deviation is 89; five of them on either side.
        assert!(hits.iter().all(|&h| (9_550..=10_450).contains(&h)), "{hits:?}");
    }

    #[test]
    fn normal_numbers_have_the_moments_of_the_normal() {
        let mut z = vec![0.0; 200_001];
        fill_normal(&mut Key::new(4).stream(Purpose::Synthetic), &mut z);
        let n = z.len() as f64;
        // E zᵏ = 0, 1, 0, 3; the variances of the means are (1, 2, 15, 96)/n. Four deviations.
        for (power, expected, variance) in
            [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)]
        {
            let mean = z.iter().map(|z: &f64| z.powi(power)).sum::<f64>() / n;
            let sigma = (variance / n as f64).sqrt();
            assert!((mean - expected).abs() < 4.0 * sigma, "power {power}: {mean}");
        }
        // Neighbours come from one pair: they must not be correlated.
        let product = z.windows(2).map(|w| w[0] * w[1]).sum::<f64>() / n;
        assert!(product.abs() < 4.0 / n.sqrt(), "{product}");
        let beyond = z.iter().filter(|z| z.abs() > 1.959_963_985).count() as f64 / n;
        // 5 % ± four times √(0.05·0.95/n).
        assert!((beyond - 0.05).abs() < 0.002, "{beyond}");
    }

    #[test]
    fn shuffle_is_a_permutation() {
        let mut items: Vec<u32> = (0..100).collect();
        shuffle(&mut Key::new(3).stream(Purpose::Shuffle), &mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
