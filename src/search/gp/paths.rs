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
//! f(x) = √(v/F) Σ_k √w_k (a_k cos(ω_k·x) + b_k sin(ω_k·x)),   ω_kj = z_kj √(5/u_k) / ℓ_j
//! ```
//!
//! with a, b, z ~ N(0, 1) and u ~ χ²(5): ω has the spectral density of Matérn 5/2, a multivariate t
//! with 5 degrees of freedom. The functions that are drawn together share their waves and have a and b
//! of their own, so that cosines and sines are computed once.
//!
//! # High frequencies
//!
//! Near data, what is left of the variance is what the data do not determine: waves shorter than
//! the distance of the points. Where the posterior variance is 10⁻⁴ of v, one wave in 10⁴ is of that
//! kind; drawn as above, nineteen functions of twenty would have none, and the twentieth a wave of
//! variance v/F, twenty times too much. So half of the u come from χ²(1) instead, which holds many high
//! frequencies, and each wave is weighted by the ratio of the density wanted to the density drawn from (importance sampling from a mixture, A. Owen, Y. Zhou, *Safe and effective
//! importance sampling*, 2000):
//!
//! ```text
//! w(u) = p₅(u) / (½ p₅(u) + ½ p₁(u)) = 2 u² / (u² + 3) ≤ 2
//! ```
//!
//! # Error
//!
//! Over the waves, mean and covariance of a draw are those of the posterior for any F. Given its
//! waves a draw is Gaussian with a prior covariance that is off by less than v/√F (standard deviation
//! over the waves), 0.044 v for F = 512; that error is common to the functions drawn together. The
//! update term is exact.

use super::factor::{Layout, product};
use super::kernel::Points;
use super::posterior::Gp;
use crate::numerics::vector::{LANES, Lanes, cos_turn, sin_turn, widest};
use crate::random::{Key, Purpose, Stream, fill_normal};
use std::f64::consts::TAU;
use std::ops::Range;

/// F, the number of waves of a prior function.
pub const WAVES: usize = 512;

/// A cosine and a sine of each.
const FEATURES: usize = 2 * WAVES;

/// The features of so many blocks of points are multiplied with the coefficients at once: half a
/// megabyte.
const BLOCKS: usize = 4;

/// Degrees of freedom of the spectral density: 2ν of Matérn ν = 5/2.
const FREEDOM: usize = 5;
/// Degrees of freedom of the density that every other wave is drawn from.
const WIDE_FREEDOM: usize = 1;

/// Functions drawn from the posterior of f.
pub struct Paths<'a> {
    gp: &'a Gp,
    waves: Waves,
    /// √v a and √v b of each function, one after the other.
    coefficients: Vec<f64>,
    /// What k(x, X) is multiplied with, a padded vector a function.
    updates: Vec<f64>,
}

impl Gp {
    /// Draws m functions from the posterior of f: takes n² m operations, and memory for m (n + 1024)
    /// numbers.
    ///
    /// The waves have the stream of `key.sample(u64::MAX)`, all else of draw number k that of
    /// `key.sample(k)`: it is the same function for any m.
    pub fn paths(&self, m: usize, key: Key) -> Paths<'_> {
        let (n, ld) = (self.layout.n, self.layout.ld);
        let spread = self.hyper.outputscale.sqrt();
        let noise = (self.hyper.noise + self.jitter).sqrt();
        let mut stream = key.sample(u64::MAX).stream(Purpose::Thompson);
        let waves = Waves::draw(self.hyper.lengthscales.len(), &mut stream);
        let mut coefficients = vec![0.0; m * FEATURES];
        let mut updates = vec![0.0; m * ld];
        let mut errors = vec![0.0; m * n];
        for k in 0..m {
            let mut stream = key.sample(k as u64).stream(Purpose::Thompson);
            let own = &mut coefficients[k * FEATURES..][..FEATURES];
            fill_normal(&mut stream, own);
            for (pair, amplitude) in own.chunks_exact_mut(2).zip(&waves.amplitudes) {
                pair.iter_mut().for_each(|c| *c *= spread * amplitude);
            }
            fill_normal(&mut stream, &mut errors[k * n..][..n]);
        }
        waves.evaluate(&self.points, &coefficients, &mut updates, ld);
        for (update, errors) in updates.chunks_exact_mut(ld).zip(errors.chunks_exact(n)) {
            for (u, e) in update.iter_mut().zip(errors) {
                *u += noise * e;
            }
        }
        // R⁻¹ (f(X) + ε), then α v − R⁻¹ (f(X) + ε).
        self.layout.solve(&self.factor, &mut updates);
        for update in updates.chunks_exact_mut(ld) {
            for (u, alpha) in update.iter_mut().zip(&self.weights) {
                *u = self.hyper.outputscale * alpha - *u;
            }
            update[n..].fill(0.0);
        }
        Paths { gp: self, waves, coefficients, updates }
    }

    /// Values of m functions drawn from the posterior of f at the test points (N × d, row-major):
    /// m × N, row-major; see [`Gp::paths`].
    pub fn sample_paths(&self, xs: &[f64], m: usize, key: Key) -> Vec<f64> {
        self.paths(m, key).evaluate(xs, 0..m)
    }
}

impl Paths<'_> {
    /// The same functions, nearer to the mean μ of the posterior: μ + share·(f − μ).
    pub fn towards_mean(mut self, share: f64) -> Self {
        self.coefficients.iter_mut().for_each(|c| *c *= share);
        let v = self.gp.hyper.outputscale;
        for update in self.updates.chunks_exact_mut(self.gp.layout.ld) {
            for (u, alpha) in update.iter_mut().zip(&self.gp.weights) {
                *u = share * *u + (1.0 - share) * v * alpha;
            }
        }
        self
    }

    /// Values of some of the functions at test points (N × d, row-major): a row of N numbers each.
    /// Takes N (n (d + 20 + m) + 512 (d + 30 + 2 m)) operations for m of them.
    pub fn evaluate(&self, xs: &[f64], functions: Range<usize>) -> Vec<f64> {
        let gp = self.gp;
        let (m, ld) = (functions.len(), gp.layout.ld);
        if xs.is_empty() || m == 0 {
            return Vec::new();
        }
        let points = gp.scaled(xs);
        let own = |row: usize| functions.start * row..functions.end * row;
        let mut draws = vec![0.0; m * points.n];
        self.waves.evaluate(&points, &self.coefficients[own(FEATURES)], &mut draws, points.n);
        let products = gp.cross_times(xs, &self.updates[own(ld)]);
        for (k, draw) in draws.chunks_exact_mut(points.n).enumerate() {
            for (i, f) in draw.iter_mut().enumerate() {
                *f = gp.units.invert(gp.hyper.mean + *f + products[i * m + k]);
            }
        }
        draws
    }
}

/// Frequencies of prior functions with v = 1.
struct Waves {
    /// ω in turns a unit of the scaled coordinates, F × d.
    frequencies: Vec<f64>,
    /// √(w/F).
    amplitudes: Vec<f64>,
}

impl Waves {
    fn draw(d: usize, stream: &mut Stream) -> Self {
        let mut frequencies = Vec::with_capacity(WAVES * d);
        let mut amplitudes = Vec::with_capacity(WAVES);
        let mut normals = vec![0.0; FREEDOM + d];
        for k in 0..WAVES {
            fill_normal(stream, &mut normals);
            let (chi, z) = normals.split_at(FREEDOM);
            let freedom = if k % 2 == 0 { FREEDOM } else { WIDE_FREEDOM };
            let u: f64 = chi[..freedom].iter().map(|c| c * c).sum();
            // √(5/u)/ℓ, less the √5/ℓ by which the points are scaled. A u of 0 has no weight.
            let length = (TAU * u.max(f64::MIN_POSITIVE).sqrt()).recip();
            frequencies.extend(z.iter().map(|z| z * length));
            amplitudes.push((2.0 * u * u / (u * u + 3.0) / WAVES as f64).sqrt());
        }
        Waves { frequencies, amplitudes }
    }

    /// Σ_k a_k cos(ω_k·x) + b_k sin(ω_k·x) at scaled points, for several functions: the coefficients
    /// (a_0, b_0, a_1, …) of one after the other; the values of each begin `stride` after the last.
    fn evaluate(&self, points: &Points, coefficients: &[f64], out: &mut [f64], stride: usize) {
        let d = points.lengthscales().len();
        let mut features = vec![[0.0; LANES]; BLOCKS * FEATURES];
        for (c, blocks) in points.blocks().chunks(BLOCKS * d).enumerate() {
            // A column a feature, as many blocks of rows as there are.
            let rows = blocks.len() / d;
            widest(
                #[inline(always)]
                || {
                    let columns = features.chunks_exact_mut(2 * rows);
                    for (pair, frequency) in columns.zip(self.frequencies.chunks_exact(d)) {
                        let (cos, sin) = pair.split_at_mut(rows);
                        for ((cos, sin), block) in
                            cos.iter_mut().zip(sin).zip(blocks.chunks_exact(d))
                        {
                            let turns = turns(frequency, block);
                            *cos = cos_turn(turns);
                            *sin = sin_turn(turns);
                        }
                    }
                },
            );
            let first = c * BLOCKS * LANES;
            let points = Layout { n: (rows * LANES).min(points.n - first), ld: rows * LANES };
            let features = features[..rows * FEATURES].as_flattened();
            product(points, features, coefficients, &mut out[first..], stride);
        }
    }
}

/// ω·x for each point of a block.
#[inline(always)]
fn turns(frequency: &[f64], block: &[Lanes]) -> Lanes {
    let mut turns = [0.0; LANES];
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
    fn waves_have_nearly_the_prior_correlation() {
        // Given waves, the mean of f(x) f(x') over the coefficients is Σ w cos(ω·(x − x'))/F. Over 400
        // draws: its mean is k(x, x') within 4 standard errors, its deviation below √(2/F): 1/√F of the
        // frequencies, another 1/√F of the weights.
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
                        a * a * (TAU * turns).cos()
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
        // Numbers of functions around the four that are summed together, points around a block.
        let mut stream = Key::new(3).stream(Purpose::Synthetic);
        let waves = Waves::draw(2, &mut stream);
        for (m, n) in [(1, 3), (4, 16), (6, 17)] {
            let mut coefficients = vec![0.0; m * FEATURES];
            fill_normal(&mut stream, &mut coefficients);
            let x: Vec<f64> = (0..2 * n).map(|i| (i * 37 % 101) as f64 / 101.0).collect();
            let points = Points::new(&x, &[0.3, 2.0]);
            let stride = n + 5;
            let mut found = vec![0.0; m * stride];
            waves.evaluate(&points, &coefficients, &mut found, stride);
            for (i, k) in (0..n).flat_map(|i| (0..m).map(move |k| (i, k))) {
                let own = coefficients[k * FEATURES..][..FEATURES].chunks_exact(2);
                let terms = waves.frequencies.chunks_exact(2).zip(own).map(|(w, c)| {
                    let scaled = [x[2 * i] / 0.3, x[2 * i + 1] / 2.0];
                    let turns = 5.0_f64.sqrt() * (w[0] * scaled[0] + w[1] * scaled[1]);
                    let (sin, cos) = (TAU * turns).sin_cos();
                    c[0] * cos + c[1] * sin
                });
                let expected: f64 = terms.sum();
                let found = found[k * stride + i];
                assert!((found - expected).abs() < 1e-10, "{m} {n}: {found} {expected}");
            }
        }
    }
}
