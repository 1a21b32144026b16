//! Functions drawn from the posterior, by pathwise conditioning.
//!
//! Matheron's rule (J. T. Wilson et al., *Pathwise conditioning of Gaussian processes*, JMLR 22,
//! 2021): with f and ε drawn from the prior,
//!
//! ```text
//! (f | y)(x) = f(x) + v k(x, X) K⁻¹ (y − m − f(X) − ε) + m
//! ```
//!
//! has the law of the posterior. The prior function is a sum of waves (A. Rahimi, B. Recht, *Random
//! features for large-scale kernel machines*, 2007)
//!
//! ```text
//! f(x) = √(v/F) Σ_k A_k cos(ω_k·x + β_k),   ω_kj = z_kj √(5/u_k) / ℓ_j,   z ~ N(0, 1), u ~ χ²(5)
//! ```
//!
//! with A² ~ χ²(2) and β uniform, which is a cos(ω·x) + b sin(ω·x) with normal a and b; ω has the
//! spectral density of Matérn 5/2, a multivariate t with 5 degrees of freedom.
//!
//! # High frequencies
//!
//! Near data, what is left of the variance is what the data do not determine: waves shorter than
//! the distance of the points. Where the posterior variance is 10⁻⁴ of v, one wave in 10⁴ is of that
//! kind; drawn as above, nineteen functions of twenty would have none, and the twentieth a wave of
//! variance v/F, twenty times too much. So half of the u come from χ²(1) instead, which holds many high
//! frequencies, and the square of each amplitude is weighted by the ratio of the density wanted to
//! the density drawn from (importance sampling from a mixture, A. Owen, Y. Zhou, *Safe and effective
//! importance sampling*, 2000):
//!
//! ```text
//! w(u) = p₅(u) / (½ p₅(u) + ½ p₁(u)) = 2 u² / (u² + 3) ≤ 2
//! ```
//!
//! # Error
//!
//! Every draw has its own waves, so mean and covariance over the draws are those of the posterior
//! for any F. What F changes is the law of a single draw: given its waves it is Gaussian with a prior
//! covariance that is off by less than v/√F (standard deviation over the waves), 0.044 v for
//! F = 512; so the values at a point have a kurtosis a little above 3. The update term is exact.

use super::kernel::{Points, cross_times};
use super::posterior::Gp;
use crate::numerics::vector::{LANES, Lanes, cos_turn, widest};
use crate::random::{Key, Purpose, Stream, fill_normal, uniform};
use std::f64::consts::TAU;

/// F, the number of waves of a prior function.
pub const WAVES: usize = 512;

/// Degrees of freedom of the spectral density: 2ν of Matérn ν = 5/2.
const FREEDOM: usize = 5;
/// Degrees of freedom of the density that every other wave is drawn from.
const WIDE_FREEDOM: usize = 1;

impl Gp {
    /// Draws m functions from the posterior of f and gives their values at the test points (N × d,
    /// row-major): m × N, row-major. Takes N (n + 512 m) (d + 20) operations, and memory for m (n + N)
    /// numbers.
    ///
    /// Draw number k has the stream of `key.sample(k)`: it is the same function for any m and any
    /// test points.
    pub fn sample_paths(&self, xs: &[f64], m: usize, key: Key) -> Vec<f64> {
        if xs.is_empty() || m == 0 {
            return Vec::new();
        }
        let points = self.scaled(xs);
        let (n, ld) = (self.layout.n, self.layout.ld);
        let spread = self.hyper.outputscale.sqrt();
        let noise = (self.hyper.noise + self.jitter).sqrt();
        let mut draws = vec![0.0; m * points.n];
        let mut updates = vec![0.0; m * ld];
        let mut errors = vec![0.0; n];
        for k in 0..m {
            let mut stream = key.sample(k as u64).stream(Purpose::Thompson);
            let waves = Waves::draw(self.hyper.lengthscales.len(), &mut stream);
            fill_normal(&mut stream, &mut errors);
            let update = &mut updates[k * ld..][..n];
            waves.evaluate(&self.points, update);
            for (u, e) in update.iter_mut().zip(&errors) {
                *u = spread * *u + noise * e;
            }
            waves.evaluate(&points, &mut draws[k * points.n..][..points.n]);
        }
        // R⁻¹ (f(X) + ε), then α v − R⁻¹ (f(X) + ε): what k(x, X) is multiplied with.
        self.layout.solve(&self.factor, &mut updates);
        for update in updates.chunks_exact_mut(ld) {
            for (u, alpha) in update.iter_mut().zip(&self.weights) {
                *u = self.hyper.outputscale * alpha - *u;
            }
            update[n..].fill(0.0);
        }
        let products = cross_times(&self.points, &points, &updates);
        for (k, draw) in draws.chunks_exact_mut(points.n).enumerate() {
            for (i, f) in draw.iter_mut().enumerate() {
                *f = self.units.invert(self.hyper.mean + spread * *f + products[i * m + k]);
            }
        }
        draws
    }
}

/// A draw from the prior with v = 1.
struct Waves {
    /// ω in turns a unit of the scaled coordinates, F × d.
    frequencies: Vec<f64>,
    /// β in turns.
    phases: Vec<f64>,
    /// A/√F.
    amplitudes: Vec<f64>,
}

impl Waves {
    fn draw(d: usize, stream: &mut Stream) -> Self {
        let mut frequencies = Vec::with_capacity(WAVES * d);
        let (mut phases, mut amplitudes) = (Vec::new(), Vec::new());
        let mut normals = vec![0.0; FREEDOM + d];
        for k in 0..WAVES {
            fill_normal(stream, &mut normals);
            let (chi, z) = normals.split_at(FREEDOM);
            let freedom = if k % 2 == 0 { FREEDOM } else { WIDE_FREEDOM };
            let u: f64 = chi[..freedom].iter().map(|c| c * c).sum();
            // √(5/u)/ℓ, less the √5/ℓ by which the points are scaled. A u of 0 has no weight.
            let length = (TAU * u.max(f64::MIN_POSITIVE).sqrt()).recip();
            frequencies.extend(z.iter().map(|z| z * length));
            phases.push(uniform(stream));
            // A² ~ χ²(2) = −2 ln(uniform in (0, 1]).
            let square = -2.0 * (1.0 - uniform(stream)).ln();
            let weight = 2.0 * u * u / (u * u + 3.0);
            amplitudes.push((weight * square / WAVES as f64).sqrt());
        }
        Waves { frequencies, phases, amplitudes }
    }

    /// Values at scaled points.
    fn evaluate(&self, points: &Points, out: &mut [f64]) {
        let d = points.lengthscales().len();
        widest(
            #[inline(always)]
            || {
                let blocks = points.blocks().chunks_exact(d);
                for (out, block) in out.chunks_mut(LANES).zip(blocks) {
                    let mut sum = [0.0; LANES];
                    let waves = self.frequencies.chunks_exact(d);
                    let shape = self.phases.iter().zip(&self.amplitudes);
                    for (frequency, (phase, amplitude)) in waves.zip(shape) {
                        let cos = cos_turn(turns(frequency, *phase, block));
                        for l in 0..LANES {
                            sum[l] = amplitude.mul_add(cos[l], sum[l]);
                        }
                    }
                    let len = out.len();
                    out.copy_from_slice(&sum[..len]);
                }
            },
        );
    }
}

/// ω·x + β for each point of a block.
#[inline(always)]
fn turns(frequency: &[f64], phase: f64, block: &[Lanes]) -> Lanes {
    let mut turns = [phase; LANES];
    for (f, x) in frequency.iter().zip(block) {
        for l in 0..LANES {
            turns[l] = f.mul_add(x[l], turns[l]);
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_of_waves_has_nearly_the_prior_correlation() {
        // Given waves and amplitudes, the mean of f(x) f(x') over the phases is ½ Σ A² cos(ω·(x − x')).
        // Over 400 draws: its mean is k(x, x') within 4 standard errors, its deviation below √(2/F):
        // 1/√F of the waves, another 1/√F of the amplitudes.
        let lengthscales = [0.5, 1.5, 0.9];
        for distance in [0.0, 0.05, 0.2, 0.6, 1.0] {
            let apart =
                Points::new(&[0.0, 0.0, 0.0, distance, distance, 0.3 * distance], &lengthscales);
            let difference: Vec<f64> = (0..3).map(|k| apart.blocks()[k][1]).collect();
            let s = difference.iter().map(|x| x * x).sum::<f64>().sqrt();
            let expected = (1.0 + s + s * s / 3.0) * (-s).exp();
            let found: Vec<f64> = (0..400)
                .map(|seed| {
                    let mut stream = Key::new(seed).stream(Purpose::Synthetic);
                    let waves = Waves::draw(3, &mut stream);
                    let waves = waves.frequencies.chunks_exact(3).zip(&waves.amplitudes);
                    let terms = waves.map(|(w, a)| {
                        let turns: f64 = w.iter().zip(&difference).map(|(w, x)| w * x).sum();
                        0.5 * a * a * (TAU * turns).cos()
                    });
                    terms.sum::<f64>()
                })
                .collect();
            let mean = found.iter().sum::<f64>() / 400.0;
            let square = found.iter().map(|f| (f - mean).powi(2)).sum::<f64>() / 399.0;
            let deviation = square.sqrt();
            assert!(
                (mean - expected).abs() < 4.0 * deviation / 20.0,
                "{distance}: {mean} {expected}"
            );
            assert!(deviation < (2.0 / WAVES as f64).sqrt(), "{distance}: {deviation}");
        }
    }

    #[test]
    fn waves_equal_their_formula() {
        let x = [0.1, 0.7, 0.9, 0.2, 0.4, 0.4];
        let waves = Waves::draw(2, &mut Key::new(3).stream(Purpose::Synthetic));
        let points = Points::new(&x, &[0.3, 2.0]);
        let mut found = [0.0; 3];
        waves.evaluate(&points, &mut found);
        for (i, found) in found.iter().enumerate() {
            let mut expected = 0.0;
            for k in 0..WAVES {
                let scaled = [x[2 * i] / 0.3, x[2 * i + 1] / 2.0];
                let w = &waves.frequencies[2 * k..][..2];
                let turns = 5.0_f64.sqrt() * (w[0] * scaled[0] + w[1] * scaled[1]);
                expected += waves.amplitudes[k] * (TAU * (turns + waves.phases[k])).cos();
            }
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }
}
