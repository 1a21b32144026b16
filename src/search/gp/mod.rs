//! Exact Gaussian process regression for the search.
//!
//! The model of one output (spec scbo.md, section GP; C. E. Rasmussen, C. K. I. Williams, *Gaussian
//! Processes for Machine Learning*, 2006, chapters 2 and 5):
//!
//! ```text
//! y = m + f + e,   f ~ GP(0, v k),   e ~ N(0, σ²)
//! k(x, x') = (1 + s + s²/3) e⁻ˢ,   s² = 5 Σ_j (x_j − x'_j)² / ℓ_j²        (Matérn 5/2, ARD)
//! ```
//!
//! # Notation
//!
//! | symbol | in code | shape | meaning |
//! |---|---|---|---|
//! | X | `x` | n × d, row-major | training points, in the unit cube |
//! | X* | `xs` | N × d, row-major | test points |
//! | y | `y` | n | targets; standardised (mean 0, sample deviation 1) inside a fit |
//! | ℓ | `lengthscales` | d | in units of the cube |
//! | v | `outputscale` | | prior variance of f, in units of y² |
//! | σ² | `noise` | | variance of e, in units of y² |
//! | m | `mean` | | constant mean, in units of y |
//! | λ | `ratio` | | σ²/v |
//! | R | | n × n | k(X, X) + λ I |
//! | K | | n × n | v R |
//! | L | `factor` | n × n | lower Cholesky factor of R |
//! | α | `weights` | n | K⁻¹ (y − m) |
//!
//! # Files
//!
//! [`hyper`]: hyperparameters and their bounds. `kernel`: the loops over pairs of points.
//! `likelihood`: log marginal likelihood and gradient. `fit`: its maximum. [`posterior`]: mean,
//! variance, covariance and joint draws. `paths`: draws over thousands of points.
//!
//! # Cost
//!
//! One likelihood takes n³/3 floating point operations, its gradient another 2n³/3 (the inverse); all
//! else is O(n² d). The memory is 3.5 n² numbers during a fit (700 MB at n = 5000) and n² after it. A
//! model of n ≥ 100 points is first fitted to every second (fourth, …) point, at 1/8 (1/64, …) of the cost
//! an evaluation. Predicting N points takes n N (d + 20) operations for the mean and n² N for the
//! variance. Drawing a function at N points takes N (n + 512) (d + 20), where a Cholesky draw takes
//! n² N + n N² + N³/3.
//!
//! # Ill-conditioned data
//!
//! Duplicates and near-duplicates make k(X, X) singular; the noise, at least 10⁻⁸ of the variance of
//! y, repairs that nearly always. Where the factorisation still meets a pivot that is not positive,
//! a jitter of 10⁻¹⁰ v is added to the diagonal, then ten times that until it succeeds; it
//! counts as noise in all that follows ([`Gp::jitter`]). Constant targets and a single point say
//! nothing about the hyperparameters: they are not fitted, the start is kept.
//!
//! # Determinism
//!
//! All is single-threaded with a fixed order of operations: equal input gives equal bits on one kind
//! of processor. The matrix products choose their instruction set at run time, so that another kind
//! may differ in the last bits.

mod factor;
mod fit;
pub mod hyper;
mod kernel;
mod likelihood;
mod paths;
pub mod posterior;

pub use hyper::{Bounds, Hyper};
pub use likelihood::{Gradient, log_likelihood_gradient};
pub use paths::Paths;
pub use posterior::Gp;

use crate::error::{Error, Result};

/// Checks what a model is given: `x` holds n points of the unit cube, `y` n finite numbers.
///
/// # Errors
/// [`Error::Usage`] with the place of the first value that does not fit.
fn check(x: &[f64], d: usize, y: &[f64]) -> Result<()> {
    let wrong = |message: String| Err(Error::Usage(format!("Gaussian process: {message}")));
    if d == 0 || y.is_empty() || x.len() != d * y.len() {
        return wrong(format!(
            "expected at least one point of at least one coordinate and one target a point, \
             found {} coordinates for {} targets in {d} dimensions",
            x.len(),
            y.len()
        ));
    }
    if let Some(k) = x.iter().position(|x| !(0.0..=1.0).contains(x)) {
        let (point, dimension) = (k / d, k % d);
        return wrong(format!(
            "point {point}, coordinate {dimension}: expected a number in [0, 1], found {}",
            x[k]
        ));
    }
    if let Some(k) = y.iter().position(|y| !y.is_finite()) {
        return wrong(format!(
            "target {k}: expected a finite number, found {}; leave the point out",
            y[k]
        ));
    }
    Ok(())
}
