//! The posterior of f given data: mean, variance, covariance, and joint draws by Cholesky.
//!
//! ```text
//! mean(x)    = m + k(x, X) v α
//! cov(x, x') = v (k(x, x') − k(x, X) R⁻¹ k(X, x'))
//! ```
//!
//! Of f, that is, without the noise of an observation (spec scbo.md, section GP), in the units of the
//! targets that the model was given.

use super::factor::{Layout, transposed_product};
use super::kernel::{Points, cross};
use super::likelihood::Likelihood;
use super::{Bounds, Hyper, check, fit};
use crate::error::Result;
use crate::random::{Key, Purpose, fill_normal};
use crate::search::transforms::Standardise;

/// Test points whose k(X, x) are held at a time: bounds the memory of a variance to n × 256.
const BATCH: usize = 256;
/// What a joint draw adds to the diagonal of the covariance at first, in units of v.
const DRAW_JITTER: f64 = 1e-10;

/// A Gaussian process with its data.
#[derive(Debug, Clone)]
pub struct Gp {
    pub(super) hyper: Hyper,
    pub(super) jitter: f64,
    pub(super) points: Points,
    pub(super) layout: Layout,
    /// L, in its lower triangle.
    pub(super) factor: Vec<f64>,
    /// α, padded.
    pub(super) weights: Vec<f64>,
    /// From the units of the targets to those of the hyperparameters.
    pub(super) units: Standardise,
    log_likelihood: f64,
}

impl Gp {
    /// Fits to `x` (n × d, row-major, in the unit cube) and `y` (n): standardises y, then maximises
    /// the likelihood within the bounds from several starts, `start` (such as the hyperparameters of
    /// the fit before) among them.
    ///
    /// Constant targets and a single point leave the hyperparameters at `start`, or at
    /// [`Bounds::middle`], with mean 0; see the [room](super).
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) if lengths do not go together, a point lies outside of
    /// the cube, a target is not finite, or `start` has another dimension.
    pub fn fit(
        x: &[f64],
        d: usize,
        y: &[f64],
        start: Option<&Hyper>,
        bounds: &Bounds,
    ) -> Result<Gp> {
        check(x, start.map_or(d, |start| start.lengthscales.len()), y)?;
        check(x, d, y)?;
        let units = Standardise::of(y);
        let y: Vec<f64> = y.iter().map(|y| units.apply(*y)).collect();
        if units.is_constant() {
            let hyper = start.cloned().unwrap_or_else(|| bounds.middle(d));
            let hyper = Hyper { mean: 0.0, ..hyper };
            return Ok(Gp::at(Likelihood::new(x, d, &y), hyper, units));
        }
        let (hyper, likelihood) = fit::fit(x, d, &y, start, bounds);
        Ok(Gp::from_factor(likelihood, hyper, units))
    }

    /// Conditions on data with hyperparameters as they are, in units of the standardised targets.
    ///
    /// # Errors
    /// As [`Gp::fit`].
    pub fn with_hyper(x: &[f64], y: &[f64], hyper: &Hyper) -> Result<Gp> {
        let d = hyper.lengthscales.len();
        check(x, d, y)?;
        let units = Standardise::of(y);
        let y: Vec<f64> = y.iter().map(|y| units.apply(*y)).collect();
        Ok(Gp::at(Likelihood::new(x, d, &y), hyper.clone(), units))
    }

    /// Conditions on data with hyperparameters as they are; the targets are not standardised.
    ///
    /// # Errors
    /// As [`Gp::fit`].
    pub fn condition(x: &[f64], y: &[f64], hyper: &Hyper) -> Result<Gp> {
        let d = hyper.lengthscales.len();
        check(x, d, y)?;
        Ok(Gp::at(Likelihood::new(x, d, y), hyper.clone(), Standardise::none()))
    }

    fn at(mut likelihood: Likelihood<'_>, hyper: Hyper, units: Standardise) -> Gp {
        likelihood.factor(&hyper.lengthscales, hyper.noise / hyper.outputscale);
        Gp::from_factor(likelihood, hyper, units)
    }

    /// Takes over a likelihood that was factored at the hyperparameters.
    fn from_factor(likelihood: Likelihood<'_>, hyper: Hyper, units: Standardise) -> Gp {
        let log_likelihood = likelihood.value(hyper.outputscale, hyper.mean);
        let weights = likelihood.weights(hyper.outputscale, hyper.mean);
        let jitter = likelihood.jitter * hyper.outputscale;
        let (points, factor, layout) = likelihood.into_factor();
        Gp { hyper, jitter, points, layout, factor, weights, units, log_likelihood }
    }

    /// The hyperparameters, in units of the standardised targets.
    pub fn hyper(&self) -> &Hyper {
        &self.hyper
    }

    /// ln p(y) of the standardised targets.
    pub fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// What was added to the noise to make the factorisation succeed, mostly 0.
    pub fn jitter(&self) -> f64 {
        self.jitter
    }

    /// Variance of the noise, in units of the targets squared.
    pub fn noise(&self) -> f64 {
        (self.hyper.noise + self.jitter) * self.units.scale().powi(2)
    }

    /// Number of training points.
    pub fn n(&self) -> usize {
        self.points.n
    }

    /// Test points, scaled.
    pub(super) fn scaled(&self, xs: &[f64]) -> Points {
        Points::new(xs, &self.hyper.lengthscales)
    }

    /// Mean of f at each of the test points (N × d, row-major): n N operations.
    pub fn predict_mean(&self, xs: &[f64]) -> Vec<f64> {
        let products = self.cross_times(xs, &self.weights);
        products.iter().map(|k| self.mean_of(*k)).collect()
    }

    /// k(x, X) w for each test point (N × d, row-major) and each vector w: `weights` holds m of them in
    /// the layout of the factor, the result is N × m, row-major. The whole matrix is never stored.
    pub(super) fn cross_times(&self, xs: &[f64], weights: &[f64]) -> Vec<f64> {
        let mut products = Vec::new();
        for batch in xs.chunks(BATCH * self.hyper.lengthscales.len()) {
            let points = self.scaled(batch);
            let mut columns = vec![0.0; self.layout.ld * points.n];
            cross(&self.points, &points, &mut columns);
            products.extend(transposed_product(self.layout, weights, &columns));
        }
        products
    }

    /// The mean at a point x from k(x, X) α.
    fn mean_of(&self, product: f64) -> f64 {
        self.units.invert(self.hyper.mean + self.hyper.outputscale * product)
    }

    /// Mean and variance of f at each of the test points (N × d, row-major): n² N operations.
    pub fn predict(&self, xs: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let d = self.hyper.lengthscales.len();
        let ld = self.layout.ld;
        let mut variance = Vec::with_capacity(xs.len() / d);
        for batch in xs.chunks(BATCH * d) {
            let points = self.scaled(batch);
            let mut columns = vec![0.0; ld * points.n];
            cross(&self.points, &points, &mut columns);
            self.layout.solve_lower(&self.factor, &mut columns);
            variance.extend(columns.chunks_exact(ld).map(|column| {
                let explained: f64 = column[..self.layout.n].iter().map(|c| c * c).sum();
                (1.0 - explained).max(0.0) * self.hyper.outputscale * self.units.scale().powi(2)
            }));
        }
        (self.predict_mean(xs), variance)
    }

    /// Mean and covariance (N × N) of f at the test points (N × d, row-major). Memory: (n + N) N.
    pub fn joint(&self, xs: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let points = self.scaled(xs);
        let (count, own) = (points.n, Layout { n: points.n, ld: points.padded() });
        let mut columns = vec![0.0; self.layout.ld * count];
        cross(&self.points, &points, &mut columns);
        self.layout.solve_lower(&self.factor, &mut columns);
        let mut covariance = transposed_product(self.layout, &columns, &columns);
        let mut prior = vec![0.0; own.ld * count];
        cross(&points, &points, &mut prior);
        let unit = self.hyper.outputscale * self.units.scale().powi(2);
        for (column, prior) in covariance.chunks_exact_mut(count).zip(prior.chunks_exact(own.ld)) {
            for (c, prior) in column.iter_mut().zip(prior) {
                *c = (prior - *c) * unit;
            }
        }
        // Rounding leaves the two triangles apart by an ulp.
        for j in 0..count {
            for i in 0..j {
                covariance[j * count + i] = covariance[i * count + j];
            }
        }
        (self.predict_mean(xs), covariance)
    }

    /// Joint draws of f at the test points by a Cholesky factor of their covariance: m × N, row-major.
    /// The reference for [`Gp::sample_paths`], for a few hundred points at most. Draw number k has the
    /// stream of `key.sample(k)`.
    pub fn sample_joint(&self, xs: &[f64], m: usize, key: Key) -> Vec<f64> {
        let (mean, covariance) = self.joint(xs);
        let count = mean.len();
        let layout = Layout { n: count, ld: count };
        let unit = self.hyper.outputscale * self.units.scale().powi(2);
        let mut jitter = DRAW_JITTER * unit;
        let factor = loop {
            let mut factor = covariance.clone();
            factor.iter_mut().step_by(count + 1).for_each(|c| *c += jitter);
            if layout.cholesky(&mut factor) {
                break factor;
            }
            jitter *= 10.0;
        };
        let mut draws = vec![0.0; m * count];
        let mut normal = vec![0.0; count];
        for (k, draw) in draws.chunks_exact_mut(count.max(1)).enumerate() {
            fill_normal(&mut key.sample(k as u64).stream(Purpose::Thompson), &mut normal);
            draw.copy_from_slice(&mean);
            for (j, z) in normal.iter().enumerate() {
                for i in j..count {
                    draw[i] += factor[j * count + i] * z;
                }
            }
        }
        draws
    }
}
