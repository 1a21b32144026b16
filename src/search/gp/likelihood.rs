//! The log marginal likelihood and its gradient (Rasmussen and Williams 2006, equations 5.8, 5.9).
//!
//! ```text
//! ln p(y) = −½ (y−m)ᵀ K⁻¹ (y−m) − ½ ln det K − (n/2) ln 2π
//! d ln p / dθ = ½ Σ_ij (α_i α_j − K⁻¹_ij) dK_ij/dθ
//! ```

use super::factor::Layout;
use super::kernel::{Points, lengthscale_sums, slopes_len, symmetric};
use super::{Hyper, check};
use crate::error::Result;

/// First jitter, in units of v.
const JITTER: f64 = 1e-10;

/// Derivatives of the log marginal likelihood, by the hyperparameters as they stand in [`Hyper`].
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    /// By ℓ.
    pub lengthscales: Vec<f64>,
    /// By v.
    pub outputscale: f64,
    /// By σ².
    pub noise: f64,
    /// By m.
    pub mean: f64,
}

/// The log marginal likelihood of targets that are taken as they are, and its gradient. `x` is n × d,
/// row-major, d the number of lengthscales.
///
/// # Errors
/// As [`Gp::condition`](super::Gp::condition).
pub fn log_likelihood_gradient(x: &[f64], y: &[f64], hyper: &Hyper) -> Result<(f64, Gradient)> {
    check(x, hyper.lengthscales.len(), y)?;
    let mut likelihood = Likelihood::new(x, hyper.lengthscales.len(), y);
    likelihood.factor(&hyper.lengthscales, hyper.noise / hyper.outputscale);
    let value = likelihood.value(hyper.outputscale, hyper.mean);
    Ok((value, likelihood.gradient(hyper.outputscale, hyper.mean)))
}

/// Data with the factorisation for the lengthscales and the ratio λ that were asked for last.
#[derive(Debug)]
pub struct Likelihood<'a> {
    x: &'a [f64],
    y: &'a [f64],
    layout: Layout,
    /// The points, scaled.
    pub points: Points,
    /// L.
    matrix: Vec<f64>,
    /// R⁻¹ and L⁻¹ of the last gradient.
    inverse: Vec<f64>,
    scratch: Vec<f64>,
    slopes: Vec<f64>,
    /// R⁻¹ y and R⁻¹ 1, padded.
    solved: Vec<f64>,
    ratio: f64,
    /// What was added to the diagonal of R.
    pub jitter: f64,
    log_det: f64,
}

impl<'a> Likelihood<'a> {
    /// Takes data that [`check`] has passed.
    pub fn new(x: &'a [f64], d: usize, y: &'a [f64]) -> Self {
        let points = Points::new(x, &vec![1.0; d]);
        let layout = Layout { n: points.n, ld: points.padded() };
        Likelihood {
            x,
            y,
            layout,
            points,
            matrix: vec![0.0; layout.n * layout.ld],
            inverse: Vec::new(),
            scratch: Vec::new(),
            slopes: vec![0.0; slopes_len(layout.ld)],
            solved: vec![0.0; 2 * layout.ld],
            ratio: 0.0,
            jitter: 0.0,
            log_det: 0.0,
        }
    }

    /// Number of points.
    pub fn n(&self) -> usize {
        self.layout.n
    }

    /// Factors R = k(X, X) + λ I, with as much jitter as it takes.
    pub fn factor(&mut self, lengthscales: &[f64], ratio: f64) {
        let Layout { n, ld } = self.layout;
        self.points = Points::new(self.x, lengthscales);
        self.ratio = ratio;
        self.jitter = 0.0;
        loop {
            symmetric(&self.points, ratio + self.jitter, &mut self.matrix, &mut self.slopes);
            // Ends: the matrix is diagonally dominant once the jitter exceeds n.
            if self.layout.cholesky(&mut self.matrix) {
                break;
            }
            self.jitter = if self.jitter == 0.0 { JITTER } else { 10.0 * self.jitter };
        }
        self.log_det = self.layout.log_det(&self.matrix);
        self.solved.fill(0.0);
        self.solved[..n].copy_from_slice(self.y);
        self.solved[ld..ld + n].fill(1.0);
        self.layout.solve(&self.matrix, &mut self.solved);
    }

    /// The mean of the highest likelihood: 1ᵀR⁻¹y / 1ᵀR⁻¹1.
    pub fn best_mean(&self) -> f64 {
        let (y, one) = self.solved.split_at(self.layout.ld);
        let sum = |v: &[f64]| v[..self.layout.n].iter().sum::<f64>();
        sum(y) / sum(one)
    }

    /// (y−m)ᵀ R⁻¹ (y−m).
    pub fn quadratic(&self, mean: f64) -> f64 {
        let (y, one) = self.solved.split_at(self.layout.ld);
        let terms = self.y.iter().zip(y.iter().zip(one));
        terms.map(|(target, (y, one))| (target - mean) * (y - mean * one)).sum()
    }

    /// The log marginal likelihood with this v and m.
    pub fn value(&self, outputscale: f64, mean: f64) -> f64 {
        let n = self.n() as f64;
        let log_det = self.log_det + n * outputscale.ln();
        let constant = n * std::f64::consts::TAU.ln();
        -0.5 * (self.quadratic(mean) / outputscale + log_det + constant)
    }

    /// α = K⁻¹ (y−m), padded with zeros.
    pub fn weights(&self, outputscale: f64, mean: f64) -> Vec<f64> {
        let (y, one) = self.solved.split_at(self.layout.ld);
        let weight = |(y, one): (&f64, &f64)| (y - mean * one) / outputscale;
        let mut weights: Vec<f64> = y.iter().zip(one).map(weight).collect();
        weights[self.layout.n..].fill(0.0);
        weights
    }

    /// The gradient with this v and m, after [`Likelihood::factor`].
    pub fn gradient(&mut self, outputscale: f64, mean: f64) -> Gradient {
        let Layout { n, ld } = self.layout;
        self.inverse.resize(self.matrix.len(), 0.0);
        self.scratch.resize(self.matrix.len(), 0.0);
        self.layout.invert(&self.matrix, &mut self.scratch, &mut self.inverse);
        let alpha = self.weights(outputscale, mean);
        let trace = (0..n).map(|i| self.inverse[i * ld + i]).sum::<f64>() / outputscale;
        let square: f64 = alpha.iter().map(|a| a * a).sum();
        let noise = self.ratio * outputscale;
        let sums = lengthscale_sums(
            &self.points,
            &alpha,
            &self.inverse,
            outputscale.recip(),
            &self.slopes,
        );
        // K less the noise is v dK/dv.
        let fit = self.quadratic(mean) / outputscale - noise * square;
        Gradient {
            lengthscales: sums
                .iter()
                .zip(self.points.lengthscales())
                .map(|(sum, l)| outputscale * sum / l)
                .collect(),
            outputscale: 0.5 * (fit - n as f64 + noise * trace) / outputscale,
            noise: 0.5 * (square - trace),
            mean: alpha.iter().sum(),
        }
    }

    /// Gives up the factor of the last [`Likelihood::factor`]: points, L and its layout.
    pub fn into_factor(self) -> (Points, Vec<f64>, Layout) {
        (self.points, self.matrix, self.layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose, uniform};

    #[test]
    fn gradient_is_the_slope_of_the_value() {
        // Central differences in double precision are good to 1e-6 here.
        let mut stream = Key::new(5).stream(Purpose::Synthetic);
        let x: Vec<f64> = (0..20 * 3).map(|_| uniform(&mut stream)).collect();
        let y: Vec<f64> = x.chunks_exact(3).map(|x| (6.0 * x[0]).sin() + x[1]).collect();
        let hyper =
            Hyper { lengthscales: vec![0.4, 0.9, 2.0], outputscale: 1.3, noise: 2e-3, mean: 0.2 };
        let (_, gradient) = log_likelihood_gradient(&x, &y, &hyper).unwrap();
        let slope = |change: &dyn Fn(&mut Hyper, f64), size: f64| {
            let at = |step: f64| {
                let mut moved = hyper.clone();
                change(&mut moved, step);
                log_likelihood_gradient(&x, &y, &moved).unwrap().0
            };
            (at(size) - at(-size)) / (2.0 * size)
        };
        let close = |a: f64, b: f64| (a - b).abs() < 1e-5 * (1.0 + b.abs());
        for k in 0..3 {
            let expected = slope(&|h, step| h.lengthscales[k] += step, 1e-5);
            assert!(close(gradient.lengthscales[k], expected), "{gradient:?}: {expected}");
        }
        assert!(close(gradient.outputscale, slope(&|h, step| h.outputscale += step, 1e-5)));
        assert!(close(gradient.noise, slope(&|h, step| h.noise += step, 1e-7)));
        assert!(close(gradient.mean, slope(&|h, step| h.mean += step, 1e-5)));
    }

    #[test]
    fn best_mean_has_no_slope_by_the_mean() {
        let x = [0.1, 0.5, 0.6, 0.9];
        let y = [1.0, -0.5, 0.25, 3.0];
        let mut likelihood = Likelihood::new(&x, 1, &y);
        likelihood.factor(&[0.3], 0.01);
        let mean = likelihood.best_mean();
        assert!(likelihood.gradient(2.0, mean).mean.abs() < 1e-12);
    }

    #[test]
    fn a_singular_matrix_gets_jitter() {
        // Five times the same point and no noise: rank 1.
        let mut likelihood = Likelihood::new(&[0.5; 5], 1, &[1.0; 5]);
        likelihood.factor(&[1.0], 0.0);
        assert!(likelihood.jitter >= JITTER && likelihood.jitter <= 1e-6, "{}", likelihood.jitter);
        assert!(likelihood.value(1.0, 0.0).is_finite());
        likelihood.factor(&[1.0], 1e-8);
        assert_eq!(likelihood.jitter, 0.0);
    }
}
