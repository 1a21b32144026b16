//! Limited-memory BFGS for smooth functions without bounds.
//!
//! D. C. Liu, J. Nocedal, *On the limited memory BFGS method for large scale optimization*,
//! Mathematical Programming 45 (1989). First step, line search, scaling, skipped updates and stopping
//! rules are those of L-BFGS-B (C. Zhu et al., ACM TOMS 23, 1997) without active bounds: the fits
//! that this must reproduce are stopped long before they converge, so that the path matters.

use super::line_search::{LineSearch, Trial};
use std::collections::VecDeque;

/// Number of correction pairs.
pub const MEMORY: usize = 10;

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    /// Largest absolute component of the gradient.
    pub gradient: f64,
    /// Decrease of the value in one iteration, relative to the larger of the values and 1.
    pub decrease: f64,
    /// Number of iterations.
    pub iterations: usize,
    /// Number of evaluations in one line search.
    pub trials: usize,
}

/// A step s and the change y of the gradient over it.
#[derive(Debug, Clone)]
pub struct Correction {
    /// The step.
    pub s: Vec<f64>,
    /// The change of the gradient.
    pub y: Vec<f64>,
    /// 1 / (s·y).
    pub rho: f64,
}

/// Minimises in place from `x`; `evaluate(x, gradient)` fills the gradient and returns the value.
/// Returns the number of iterations.
pub fn minimise(
    x: &mut Vec<f64>,
    stop: Stop,
    mut evaluate: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> usize {
    let mut gradient = vec![0.0; x.len()];
    let mut value = evaluate(x, &mut gradient);
    let mut memory: VecDeque<Correction> = VecDeque::with_capacity(MEMORY);
    let (mut next, mut next_gradient) = (x.clone(), gradient.clone());
    let mut iterations = 0;
    while iterations < stop.iterations && largest(&gradient) > stop.gradient {
        let direction = descent_direction(&gradient, &memory);
        let slope = dot(&gradient, &direction);
        let first = if iterations == 0 { dot(&direction, &direction).sqrt().recip() } else { 1.0 };
        let accepted = (slope < 0.0).then(|| {
            let mut search = LineSearch::new(value, slope, first);
            let mut step = first;
            for _ in 0..stop.trials {
                for ((next, x), d) in next.iter_mut().zip(&*x).zip(&direction) {
                    *next = x + step * d;
                }
                let value = evaluate(&next, &mut next_gradient);
                let trial = Trial { step, value, slope: dot(&next_gradient, &direction) };
                match search.next(trial) {
                    Some(other) => step = other,
                    None => return Some(trial),
                }
            }
            None
        });
        let Some(trial) = accepted.flatten() else {
            // No descent along this direction: try once more from the bare gradient.
            if memory.is_empty() {
                break;
            }
            memory.clear();
            continue;
        };
        iterations += 1;
        let s: Vec<f64> = direction.iter().map(|d| trial.step * d).collect();
        let y: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(n, g)| n - g).collect();
        std::mem::swap(x, &mut next);
        std::mem::swap(&mut gradient, &mut next_gradient);
        let scale = value.abs().max(trial.value.abs()).max(1.0);
        let settled = value - trial.value <= stop.decrease * scale;
        value = trial.value;
        if settled {
            break;
        }
        // s·y from the slopes, as L-BFGS-B does.
        let curvature = (trial.slope - slope) * trial.step;
        if curvature > f64::EPSILON * -slope * trial.step {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back(Correction { s, y, rho: curvature.recip() });
        }
    }
    iterations
}

/// −H·g by the two-loop recursion, H from the stored corrections on top of (s·y)/(y·y)·I of the
/// newest.
pub fn descent_direction(gradient: &[f64], memory: &VecDeque<Correction>) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut alphas = Vec::with_capacity(memory.len());
    for c in memory.iter().rev() {
        let alpha = c.rho * dot(&c.s, &q);
        q.iter_mut().zip(&c.y).for_each(|(q, y)| *q -= alpha * y);
        alphas.push(alpha);
    }
    if let Some(newest) = memory.back() {
        let scale = (newest.rho * dot(&newest.y, &newest.y)).recip();
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for (c, alpha) in memory.iter().zip(alphas.iter().rev()) {
        let beta = c.rho * dot(&c.y, &q);
        q.iter_mut().zip(&c.s).for_each(|(q, s)| *q += (alpha - beta) * s);
    }
    q
}

/// Largest absolute component.
fn largest(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |m, x| x.abs().max(m))
}

/// Scalar product in eight partial sums: a fixed order that still vectorises.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (a, b) in a8.zip(b8) {
        for (sum, (x, y)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOP: Stop = Stop { gradient: 1e-8, decrease: 0.0, iterations: 200, trials: 20 };

    #[test]
    fn rosenbrock_reaches_its_minimum() {
        // The standard start; the minimum is 0 at (1, 1).
        let mut x = vec![-1.2, 1.0];
        let iterations = minimise(&mut x, STOP, |x, g| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            g[0] = -2.0 * a - 400.0 * x[0] * b;
            g[1] = 200.0 * b;
            a * a + 100.0 * b * b
        });
        assert!((x[0] - 1.0).abs() < 1e-6 && (x[1] - 1.0).abs() < 1e-6, "{x:?}");
        assert!(iterations < 60, "{iterations} iterations");
    }

    #[test]
    fn a_quadratic_reaches_its_minimum() {
        // ½ Σ k (x_k − k)², minimum at x_k = k.
        let mut x = vec![0.0; 30];
        minimise(&mut x, STOP, |x, g| {
            let mut value = 0.0;
            for (k, (x, g)) in x.iter().zip(g).enumerate() {
                let (weight, residual) = (k as f64 + 1.0, x - k as f64);
                *g = weight * residual;
                value += 0.5 * weight * residual * residual;
            }
            value
        });
        assert!(x.iter().enumerate().all(|(k, x)| (x - k as f64).abs() < 1e-7), "{x:?}");
    }

    #[test]
    fn stops_at_the_number_of_iterations() {
        let mut x = vec![-1.2, 1.0];
        let stop = Stop { iterations: 3, ..STOP };
        let count = minimise(&mut x, stop, |x, g| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            g[0] = -2.0 * a - 400.0 * x[0] * b;
            g[1] = 200.0 * b;
            a * a + 100.0 * b * b
        });
        assert_eq!(count, 3);
    }
}
