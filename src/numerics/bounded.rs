//! Limited-memory BFGS in a box.
//!
//! A two-metric projection (D. P. Bertsekas, *Projected Newton methods for optimization problems with
//! simple constraints*, SIAM J. Control and Optimization 20, 1982): variables that lie at a bound with
//! the gradient pushing them out are held, the quasi-Newton direction is taken in the others, and the
//! step is searched along the projection P(x + t·d) by halving until the value decreases enough. The
//! corrections are those of Liu and Nocedal 1989, restricted to the variables that are free.
//!
//! Value and gradient are asked for apart: a rejected step costs no gradient.

use super::lbfgs::{Correction, MEMORY, descent_direction, dot};
use std::collections::VecDeque;

/// Decrease that a step must bring, as a share of what the slope promises (Armijo).
const SUFFICIENT: f64 = 1e-4;
/// Largest change of a variable in the first step, while no curvature is known.
const FIRST: f64 = 0.5;
/// Largest change of a variable in any step.
const LONGEST: f64 = 3.0;
/// Steps tried along one direction.
const TRIALS: usize = 12;

/// A function with a gradient.
pub trait Smooth {
    /// The value at `x`.
    fn value(&mut self, x: &[f64]) -> f64;
    /// Fills in the gradient at the point where the value was asked for last.
    fn gradient(&mut self, gradient: &mut [f64]);
}

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    /// Stops when two iterations in turn bring less than this.
    pub decrease: f64,
    /// Stops when the quasi-Newton model promises less than this.
    pub promise: f64,
    /// Number of iterations.
    pub iterations: usize,
}

/// The curvature seen so far. May be handed from one function to a similar one.
#[derive(Debug, Clone, Default)]
pub struct Memory(VecDeque<Correction>);

impl Memory {
    /// The curvature of a function `factor` times as large.
    pub fn scale(&mut self, factor: f64) {
        for c in &mut self.0 {
            c.y.iter_mut().for_each(|y| *y *= factor);
            c.rho /= factor;
        }
    }

    /// The corrections as the variables in `free` see them.
    fn restricted(&self, free: &[bool]) -> VecDeque<Correction> {
        let mask = |v: &[f64]| -> Vec<f64> {
            v.iter().zip(free).map(|(v, free)| if *free { *v } else { 0.0 }).collect()
        };
        let masked = self.0.iter().map(|c| (mask(&c.s), mask(&c.y)));
        masked.filter_map(|(s, y)| correction(s, y)).collect()
    }

    fn push(&mut self, s: Vec<f64>, y: Vec<f64>) {
        if let Some(correction) = correction(s, y) {
            if self.0.len() == MEMORY {
                self.0.pop_front();
            }
            self.0.push_back(correction);
        }
    }
}

/// A correction, if its curvature is positive.
fn correction(s: Vec<f64>, y: Vec<f64>) -> Option<Correction> {
    let curvature = dot(&s, &y);
    let positive = curvature > 1e-10 * (dot(&s, &s) * dot(&y, &y)).sqrt();
    positive.then(|| Correction { s, y, rho: curvature.recip() })
}

/// Minimises in place from `x` (taken into the box first), `low` ≤ x ≤ `high`; gives the value.
pub fn minimise(
    function: &mut impl Smooth,
    x: &mut [f64],
    (low, high): (&[f64], &[f64]),
    memory: &mut Memory,
    stop: Stop,
) -> f64 {
    project(x, low, high);
    let mut value = function.value(x);
    let mut gradient = vec![0.0; x.len()];
    let mut next = x.to_vec();
    let mut next_gradient = gradient.clone();
    function.gradient(&mut gradient);
    let mut slow = 0;
    for _ in 0..stop.iterations {
        let (direction, informed) = direction(x, &gradient, (low, high), memory);
        let along = |t: f64, next: &mut [f64]| {
            for ((next, x), d) in next.iter_mut().zip(&*x).zip(&direction) {
                *next = x + t * d;
            }
            project(next, low, high);
            next.iter().zip(&*x).zip(&gradient).map(|((n, x), g)| (n - x) * g).sum::<f64>()
        };
        let promised = -0.5 * along(1.0, &mut next);
        if promised <= 0.0 || informed && promised < stop.promise {
            break;
        }
        let mut t = 1.0;
        let mut accepted = None;
        for _ in 0..TRIALS {
            let slope = along(t, &mut next);
            let found = function.value(&next);
            if found <= value + SUFFICIENT * slope {
                accepted = Some(found);
                break;
            }
            // The minimum of the parabola through both values and the slope.
            let parabola = -0.5 * slope / (found - value - slope);
            t *= if parabola.is_finite() { parabola.clamp(0.1, 0.5) } else { 0.1 };
        }
        let Some(found) = accepted else {
            if memory.0.is_empty() {
                break;
            }
            // Perhaps the curvature misled: once more from the bare gradient.
            memory.0.clear();
            continue;
        };
        let decrease = value - found;
        let step = next.iter().zip(&*x).map(|(n, x)| n - x).collect();
        value = found;
        x.copy_from_slice(&next);
        slow = if decrease < stop.decrease { slow + 1 } else { 0 };
        if slow == 2 {
            break;
        }
        function.gradient(&mut next_gradient);
        memory.push(step, next_gradient.iter().zip(&gradient).map(|(n, g)| n - g).collect());
        std::mem::swap(&mut gradient, &mut next_gradient);
    }
    value
}

/// The direction of descent in the free variables, zero in the held ones, and whether any curvature
/// went into it.
fn direction(
    x: &[f64],
    gradient: &[f64],
    (low, high): (&[f64], &[f64]),
    memory: &Memory,
) -> (Vec<f64>, bool) {
    let free: Vec<bool> = (0..x.len())
        .map(|k| !(x[k] <= low[k] && gradient[k] > 0.0 || x[k] >= high[k] && gradient[k] < 0.0))
        .collect();
    let reduced: Vec<f64> =
        gradient.iter().zip(&free).map(|(g, free)| if *free { *g } else { 0.0 }).collect();
    let corrections = memory.restricted(&free);
    let informed = !corrections.is_empty();
    let mut direction = descent_direction(&reduced, &corrections);
    let largest = direction.iter().fold(0.0_f64, |m, d| m.max(d.abs()));
    let limit = if informed { LONGEST } else { FIRST };
    if largest > limit || !informed && largest > 0.0 {
        direction.iter_mut().for_each(|d| *d *= limit / largest);
    }
    (direction, informed)
}

fn project(x: &mut [f64], low: &[f64], high: &[f64]) {
    for ((x, low), high) in x.iter_mut().zip(low).zip(high) {
        *x = x.clamp(*low, *high);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOP: Stop = Stop { decrease: 1e-13, promise: 5e-15, iterations: 500 };

    /// A function and its gradient, and how often each was asked for.
    struct Counted<F> {
        function: F,
        x: Vec<f64>,
        values: usize,
        gradients: usize,
    }

    impl<F: Fn(&[f64]) -> (f64, Vec<f64>)> Smooth for Counted<F> {
        fn value(&mut self, x: &[f64]) -> f64 {
            self.values += 1;
            self.x = x.to_vec();
            (self.function)(x).0
        }

        fn gradient(&mut self, gradient: &mut [f64]) {
            self.gradients += 1;
            gradient.copy_from_slice(&(self.function)(&self.x).1);
        }
    }

    fn counted<F: Fn(&[f64]) -> (f64, Vec<f64>)>(function: F) -> Counted<F> {
        Counted { function, x: Vec::new(), values: 0, gradients: 0 }
    }

    fn rosenbrock(x: &[f64]) -> (f64, Vec<f64>) {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        (a * a + 100.0 * b * b, vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b])
    }

    #[test]
    fn rosenbrock_inside_and_at_a_bound() {
        // In the open: 0 at (1, 1).
        let mut x = [-1.2, 1.0];
        let mut function = counted(rosenbrock);
        let bounds = (&[-3.0; 2][..], &[3.0; 2][..]);
        minimise(&mut function, &mut x, bounds, &mut Memory::default(), STOP);
        assert!((x[0] - 1.0).abs() < 1e-5 && (x[1] - 1.0).abs() < 1e-5, "{x:?}");
        assert!(function.values < 120 && function.gradients <= function.values);
        // With x0 ≤ ½ the minimum is (½, ¼): there b = 0 and the value (1 − ½)² = ¼.
        let mut x = [-1.2, 1.0];
        let bounds = (&[-3.0; 2][..], &[0.5, 3.0][..]);
        let value =
            minimise(&mut counted(rosenbrock), &mut x, bounds, &mut Memory::default(), STOP);
        assert_eq!(x[0], 0.5);
        assert!((x[1] - 0.25).abs() < 1e-6 && (value - 0.25).abs() < 1e-10, "{x:?}: {value}");
    }

    /// ½ Σ k (x_k − k)² for k = 1 … n.
    fn quadratic(x: &[f64]) -> (f64, Vec<f64>) {
        let residual = |(k, x): (usize, &f64)| (k as f64 + 1.0, x - (k as f64 + 1.0));
        let value = x.iter().enumerate().map(residual).map(|(w, r)| 0.5 * w * r * r).sum();
        (value, x.iter().enumerate().map(residual).map(|(w, r)| w * r).collect())
    }

    #[test]
    fn a_quadratic_ends_at_the_nearest_point_of_the_box() {
        let (low, high) = ([2.5; 30], [20.5; 30]);
        let mut x = vec![100.0; 30];
        minimise(&mut counted(quadratic), &mut x, (&low, &high), &mut Memory::default(), STOP);
        for (k, x) in x.iter().enumerate() {
            let expected = (k as f64 + 1.0).clamp(2.5, 20.5);
            assert!((x - expected).abs() < 1e-5, "{k}: {x}");
        }
    }

    #[test]
    fn curvature_of_a_similar_function_saves_steps() {
        let bounds = (&[-100.0; 8][..], &[100.0; 8][..]);
        let ten_times = |x: &[f64]| {
            let (value, gradient) = quadratic(x);
            (10.0 * value, gradient.iter().map(|g| 10.0 * g).collect())
        };
        let stop = Stop { decrease: 1e-6, promise: 5e-8, ..STOP };
        let mut memory = Memory::default();
        minimise(&mut counted(quadratic), &mut [0.0; 8], bounds, &mut memory, stop);
        let mut cold = counted(ten_times);
        minimise(&mut cold, &mut [0.5; 8], bounds, &mut Memory::default(), stop);
        memory.scale(10.0);
        let mut warm = counted(ten_times);
        let value = minimise(&mut warm, &mut [0.5; 8], bounds, &mut memory, stop);
        assert!(value < 1e-4, "{value}");
        assert!(warm.values < cold.values, "{} and {}", warm.values, cold.values);
    }

    #[test]
    fn a_start_at_the_minimum_stays() {
        let mut x = [1.0, 2.0];
        let mut function = counted(quadratic);
        let bounds = (&[0.0; 2][..], &[5.0; 2][..]);
        minimise(&mut function, &mut x, bounds, &mut Memory::default(), STOP);
        assert_eq!((x, function.values), ([1.0, 2.0], 1));
    }
}
