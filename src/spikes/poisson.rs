//! Rate encoding by Poisson distributed intervals.

use super::SpikeTrain;
use crate::random::Stream;
use rand::Rng;

/// Encodes grey levels as spike trains whose intervals are Poisson distributed whole steps.
///
/// For a pixel of grey level g > 0 (spec stdp.md section 7, hpo.md section 1.1):
///
/// datum = g / max_level · gain \[Hz\], lam = (1 / datum) · (1000 / dt) \[steps\], all in f32;
/// intervals Iₖ = max(1, Poisson(lam)); spikes at the steps I₁ + … + Iₖ − 1 below `steps`.
///
/// The spike count therefore varies far less than that of a Poisson process, and the first spike
/// comes after a whole interval. Level 0 is silent.
///
/// An interval is drawn by inverting its distribution function: one u32 of the stream against a
/// table of thresholds, found through a guide table by the u32's highest byte (the indexed search
/// of Chen and Asau, AIIE Transactions 6:163, 1974). Intervals that pass the last step end a pixel
/// and are not told apart, so a table has no more than `steps` entries; entries that round to
/// probability 0 or 1 are left out. Rounding to u32 moves a probability by at most 2⁻³³.
#[derive(Debug, Clone)]
pub struct PoissonEncoder {
    steps: u32,
    levels: Vec<Level>,
    thresholds: Vec<u32>,
    guide: Vec<[u16; GUIDE_CELLS]>,
}

/// Interval distribution of one grey level.
#[derive(Debug, Clone, Copy)]
struct Level {
    /// The f32 `lam` of the equations; infinite at level 0.
    lam: f32,
    /// Smallest interval of probability above 0; past `steps` if the level never fires.
    first: u32,
    /// This level's range of the threshold table: a draw u gives the interval
    /// `first + #{thresholds ≤ u}`.
    start: u32,
    end: u32,
}

/// Cells of a guide table, one a value of the highest byte of a draw.
const GUIDE_CELLS: usize = 256;

/// Draws come as whole numbers below this.
const DRAWS: f64 = (1_u64 << 32) as f64;

impl PoissonEncoder {
    /// Most time steps that an encoder can make; bounds its tables.
    pub const MAX_STEPS: usize = u16::MAX as usize;

    /// Tabulates the interval distribution of every grey level from 0 to `max_level`.
    ///
    /// `steps` is the length of a train, `dt_ms` the length of a step \[ms\], `gain_hz` the rate
    /// of full intensity \[Hz\].
    ///
    /// # Panics
    /// If `steps` is above [`Self::MAX_STEPS`], `dt_ms` not above 0 or `gain_hz` below 0.
    pub fn new(steps: usize, dt_ms: f64, gain_hz: f64, max_level: u8) -> Self {
        assert!(steps <= Self::MAX_STEPS, "{steps} steps, at most {}", Self::MAX_STEPS);
        assert!(dt_ms > 0.0 && gain_hz >= 0.0, "dt {dt_ms} ms, gain {gain_hz} Hz");
        let mut encoder = PoissonEncoder {
            steps: steps as u32,
            levels: Vec::new(),
            thresholds: Vec::new(),
            guide: Vec::new(),
        };
        for level in 0..=max_level {
            let datum = f32::from(level) / f32::from(max_level) * gain_hz as f32;
            let lam =
                if level == 0 { f32::INFINITY } else { 1.0 / datum * (1000.0 / dt_ms) as f32 };
            encoder.push_level(lam);
        }
        encoder
    }

    fn push_level(&mut self, lam: f32) {
        let below = interval_cdf(f64::from(lam), self.steps as usize)
            .into_iter()
            .map(|p| (p * DRAWS).round());
        let start = self.thresholds.len();
        let mut first = 1;
        for threshold in below {
            if threshold <= 0.0 {
                first += 1;
            } else if threshold < DRAWS {
                self.thresholds.push(threshold as u32);
            } else {
                break;
            }
        }
        let table = &self.thresholds[start..];
        self.guide.push(std::array::from_fn(|cell| {
            let lowest_draw = (cell as u32) << 24;
            // At most `steps` entries, so the index fits.
            table.partition_point(|&threshold| threshold <= lowest_draw) as u16
        }));
        let end = self.thresholds.len() as u32;
        self.levels.push(Level { lam, first, start: start as u32, end });
    }

    /// Encodes one image: one neuron a pixel, `steps` steps.
    ///
    /// Takes one u32 of the stream an interval, pixel after pixel; a pixel that cannot fire in
    /// time (level 0, or so dark that the probability rounds to 0) takes none.
    ///
    /// # Panics
    /// If a grey level is above the encoder's `max_level`.
    pub fn encode(&self, image: &[u8], stream: &mut Stream) -> SpikeTrain {
        // A guess that fits MNIST (1.6 spikes a pixel); the list grows where it is exceeded.
        let mut events = Vec::with_capacity(2 * image.len());
        for (id, &grey) in image.iter().enumerate() {
            let level = self.levels[usize::from(grey)];
            if level.first > self.steps {
                continue;
            }
            let thresholds = &self.thresholds[level.start as usize..level.end as usize];
            let guide = &self.guide[usize::from(grey)];
            let mut time = 0;
            loop {
                let draw = stream.next_u32();
                let mut index = usize::from(guide[(draw >> 24) as usize]);
                while thresholds.get(index).is_some_and(|&threshold| threshold <= draw) {
                    index += 1;
                }
                time += level.first + index as u32;
                if time > self.steps {
                    break;
                }
                events.push((time - 1, id as u32));
            }
        }
        SpikeTrain::from_events(image.len(), self.steps as usize, &events)
    }

    /// Mean interval `lam` of a grey level \[steps\] before zeros are raised to 1; infinite at
    /// level 0.
    pub fn lam(&self, level: u8) -> f32 {
        self.levels[usize::from(level)].lam
    }

    /// Probability of each interval of a grey level, as the tables have it: element k belongs to
    /// interval k, for k from 0 (never) to `steps`; what they lack to 1 passes the last step.
    pub fn interval_pmf(&self, level: u8) -> Vec<f64> {
        let level = self.levels[usize::from(level)];
        let mut pmf = vec![0.0; self.steps as usize + 1];
        let mut below = 0.0;
        let thresholds = &self.thresholds[level.start as usize..level.end as usize];
        // The interval after the last threshold takes all that is left.
        let limits = thresholds.iter().map(|&t| f64::from(t)).chain([DRAWS]);
        for (p, limit) in pmf.iter_mut().skip(level.first as usize).zip(limits) {
            *p = (limit - below) / DRAWS;
            below = limit;
        }
        pmf
    }
}

/// Distribution function of max(1, Poisson(lam)) at 1, …, `steps`.
///
/// The weights lamᵏ/k! are built up and down from the mode and divided by their sum, which needs
/// neither exponentials nor factorials and cannot underflow.
fn interval_cdf(lam: f64, steps: usize) -> Vec<f64> {
    // Beyond this, P(Poisson(lam) ≤ steps) ≤ P(… ≤ lam/2) < exp(−0.153 lam) < 2⁻³³ (Chernoff).
    if lam > 2.0 * steps as f64 + 200.0 {
        return vec![0.0; steps];
    }
    // Weights below this cannot change a sum that is at least 1.
    const NEGLIGIBLE: f64 = 1e-20;
    let mode = lam.floor();
    let mut weights = vec![1.0];
    let mut k = mode;
    while k > 0.0 && weights[weights.len() - 1] > NEGLIGIBLE {
        weights.push(weights[weights.len() - 1] * k / lam);
        k -= 1.0;
    }
    let lowest = k as usize;
    weights.reverse();
    let mut k = mode + 1.0;
    while weights[weights.len() - 1] > NEGLIGIBLE {
        weights.push(weights[weights.len() - 1] * lam / k);
        k += 1.0;
    }
    let total: f64 = weights.iter().sum();
    let mut sum = 0.0;
    let mut weights = weights.into_iter();
    let mut cdf = Vec::with_capacity(steps + 1);
    for interval in 0..=steps {
        if interval >= lowest {
            sum += weights.next().unwrap_or(0.0);
        }
        cdf.push((sum / total).min(1.0));
    }
    // A draw of 0 becomes 1: the probability of 0 is part of the entry at 1 already.
    cdf.remove(0);
    cdf
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose, below};
    use proptest::prelude::*;

    /// Distribution function of the interval from the textbook formula, no table.
    fn direct_cdf(lam: f64, interval: u32) -> f64 {
        let mut log_factorial = 0.0;
        let mut sum = (-lam).exp();
        for k in 1..=interval {
            log_factorial += f64::from(k).ln();
            sum += (f64::from(k) * lam.ln() - lam - log_factorial).exp();
        }
        sum
    }

    /// The plain sampler: walks the distribution function of the interval.
    fn direct_interval(lam: f64, steps: u32, u: f64) -> u32 {
        let mut interval = 1;
        while interval <= steps && direct_cdf(lam, interval) <= u {
            interval += 1;
        }
        interval
    }

    fn stream(seed: u64) -> Stream {
        Key::new(seed).stream(Purpose::Synthetic)
    }

    #[test]
    fn tables_hold_the_poisson_distribution() {
        // (steps, dt, gain): the four MNIST configurations, short and long steps, dark and bright.
        for (steps, dt, gain) in [
            (25, 1.0, 512.0),
            (50, 1.0, 256.0),
            (100, 1.0, 128.0),
            (250, 1.0, 128.0),
            (60, 0.5, 63.75),
            (40, 2.0, 2000.0),
            (300, 1.0, 3.4),
            (1, 1.0, 900.0),
        ] {
            let encoder = PoissonEncoder::new(steps, dt, gain, 255);
            for level in 1..=255 {
                let lam = f64::from(encoder.lam(level));
                let pmf = encoder.interval_pmf(level);
                assert_eq!(pmf[0], 0.0);
                let mut sum = 0.0;
                for (k, p) in pmf.iter().enumerate().skip(1) {
                    sum += p;
                    // Rounding to 2⁻³² plus rounding errors of f64 in the textbook formula.
                    let want = direct_cdf(lam, k as u32);
                    assert!(
                        (sum - want).abs() < 0.5 / DRAWS + 1e-11,
                        "steps {steps} level {level} interval {k}: {sum} and {want}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn encoder_agrees_with_direct_inversion(
            seed in any::<u64>(),
            steps in 0_usize..120,
            gain in 1.0..2000.0_f64,
            max_level in 1_u8..=255,
        ) {
            let encoder = PoissonEncoder::new(steps, 1.0, gain, max_level);
            let mut levels = stream(seed);
            let image: Vec<u8> =
                (0..20).map(|_| below(&mut levels, usize::from(max_level) + 1) as u8).collect();
            let mut draws = stream(seed ^ 1);
            let train = encoder.encode(&image, &mut draws.clone());
            let mut dense = vec![0_u8; steps * image.len()];
            for (id, &level) in image.iter().enumerate() {
                let lam = f64::from(encoder.lam(level));
                // A level that does not fire with 2⁻³³ draws nothing.
                if level == 0 || direct_cdf(lam, steps as u32) < 0.5 / DRAWS {
                    continue;
                }
                let mut time = 0;
                loop {
                    // The middle of the cell: rounding of a threshold moves it by half a cell.
                    let u = (f64::from(draws.next_u32()) + 0.5) / DRAWS;
                    time += direct_interval(lam, steps as u32, u) as usize;
                    if time > steps {
                        break;
                    }
                    dense[(time - 1) * image.len() + id] = 1;
                }
            }
            if steps > 0 {
                prop_assert_eq!(train, SpikeTrain::from_dense(image.len(), &dense));
            } else {
                prop_assert_eq!(train.count(), 0);
            }
        }
    }

    #[test]
    fn level_zero_and_hopeless_levels_draw_nothing() {
        // At 1 Hz the mean interval is 1000 steps: no spike in 10 steps. At gain 0 there is none.
        for encoder in
            [PoissonEncoder::new(10, 1.0, 1.0, 255), PoissonEncoder::new(10, 1.0, 0.0, 255)]
        {
            let mut used = stream(1);
            let train = encoder.encode(&[0, 1, 128, 255], &mut used);
            assert_eq!((train.count(), train.steps(), train.neurons()), (0, 10, 4));
            assert_eq!(used.next_u32(), stream(1).next_u32());
        }
    }

    #[test]
    fn a_huge_rate_fires_at_every_step() {
        let train = PoissonEncoder::new(7, 1.0, 1e12, 1).encode(&[1, 0], &mut stream(1));
        assert!((0..7).all(|t| train.step(t) == [0]));
    }
}
