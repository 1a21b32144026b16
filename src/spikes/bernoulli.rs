//! Rate encoding by independent trials.

use super::SpikeTrain;
use crate::random::{Stream, uniform};

/// Encodes intensities as spikes that are independent from step to step.
///
/// p = max_prob · datum \[spikes per step\], where all data are divided by their largest if that
/// is above 1 (spec stdp.md section 7). The arithmetic is f32.
#[derive(Debug, Clone, Copy)]
pub struct BernoulliEncoder {
    steps: usize,
    max_prob: f32,
}

impl BernoulliEncoder {
    /// `steps` is the length of a train, `max_prob` the probability of a spike in a step at
    /// intensity 1.
    ///
    /// # Panics
    /// If `max_prob` is not in [0, 1].
    pub fn new(steps: usize, max_prob: f64) -> Self {
        assert!((0.0..=1.0).contains(&max_prob), "max_prob {max_prob} is not in [0, 1]");
        BernoulliEncoder { steps, max_prob: max_prob as f32 }
    }

    /// Probability of a spike in a step for each datum. Data below 0 and NaN count as 0.
    pub fn probabilities(&self, data: &[f32]) -> Vec<f32> {
        let largest = data.iter().copied().fold(1.0, f32::max);
        data.iter().map(|&datum| self.max_prob * (datum / largest).max(0.0)).collect()
    }

    /// Encodes a tensor: one neuron a datum, `steps` steps.
    ///
    /// Gaps between spikes are drawn from the geometric distribution by inversion,
    /// ⌊ln U / ln(1 − p)⌋ silent steps with U uniform in (0, 1], which is the same process as a
    /// trial a step and takes one draw a spike (and one that passes the end) instead of one a step.
    pub fn encode(&self, data: &[f32], stream: &mut Stream) -> SpikeTrain {
        let mut events = Vec::new();
        for (id, p) in self.probabilities(data).into_iter().enumerate() {
            if p <= 0.0 {
                continue;
            }
            let log_silent = (-f64::from(p)).ln_1p(); // −∞ at p = 1: every gap is 0
            let mut step = 0.0;
            loop {
                let u = 1.0 - uniform(stream);
                step += (u.ln() / log_silent).floor();
                if step >= self.steps as f64 {
                    break;
                }
                events.push((step as u32, id as u32));
                step += 1.0;
            }
        }
        SpikeTrain::from_events(data.len(), self.steps, &events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose};

    fn stream() -> Stream {
        Key::new(5).stream(Purpose::Synthetic)
    }

    #[test]
    fn data_are_scaled_only_above_one() {
        let encoder = BernoulliEncoder::new(1, 0.5);
        assert_eq!(encoder.probabilities(&[0.0, 0.5, 1.0]), [0.0, 0.25, 0.5]);
        assert_eq!(encoder.probabilities(&[0.0, 1.0, 4.0]), [0.0, 0.125, 0.5]);
        assert_eq!(encoder.probabilities(&[-1.0, f32::NAN, 1.0]), [0.0, 0.0, 0.5]);
        assert_eq!(encoder.probabilities(&[]), [] as [f32; 0]);
    }

    #[test]
    fn certain_and_impossible_spikes() {
        let train = BernoulliEncoder::new(9, 1.0).encode(&[0.0, 1.0, 0.0], &mut stream());
        assert!((0..9).all(|t| train.step(t) == [1]));
        assert_eq!(BernoulliEncoder::new(0, 1.0).encode(&[1.0], &mut stream()).count(), 0);
    }

    /// Steps are independent and equally likely to hold a spike, the first and the last included.
    #[test]
    fn steps_are_independent() {
        let (neurons, steps, p) = (20_000_usize, 4, 0.3);
        let train = BernoulliEncoder::new(steps, p).encode(&vec![1.0; neurons], &mut stream());
        let mut patterns = vec![0_usize; neurons];
        for t in 0..steps {
            for &id in train.step(t) {
                patterns[id as usize] |= 1 << t;
            }
        }
        for pattern in 0..1 << steps {
            let spikes = (pattern as u32).count_ones() as i32;
            let prob = p.powi(spikes) * (1.0 - p).powi(steps as i32 - spikes);
            let n = neurons as f64;
            let seen = patterns.iter().filter(|&&x| x == pattern).count() as f64;
            // Binomial standard deviation; six of them leave 16 × 2e-9 for a false alarm.
            let sigma = (n * prob * (1.0 - prob)).sqrt();
            assert!((seen - n * prob).abs() < 6.0 * sigma, "{pattern:04b}: {seen}, {}", n * prob);
        }
    }
}
