//! Sequential minimal optimisation of a support vector machine with two classes.
//!
//! R.-E. Fan, P.-H. Chen, C.-J. Lin, *Working set selection using second order information for
//! training support vector machines*, Journal of Machine Learning Research 6 (2005): the rule "WSS 2"
//! of libsvm, with its treatment of ties, its float32 kernel rows and its bias, but without
//! shrinking, which only saves time on sets far larger than an interval.

use super::counts::Counts;
use super::rbf::Rbf;
use std::ops::Range;

/// Penalty C.
const C: f64 = 1.0;
/// Largest violation of the optimality conditions at the end.
const TOLERANCE: f64 = 1e-3;
/// Stands for the curvature along directions that have none.
const TAU: f64 = 1e-12;
/// Memory for kernel rows, in values of 4 bytes: 64 MiB.
const CACHED_VALUES: usize = 1 << 24;

/// Kernel rows among the training samples, computed when first asked for and kept as memory allows.
pub struct KernelRows<'a> {
    samples: &'a Counts,
    rbf: &'a Rbf,
    rows: Vec<Option<Box<[f32]>>>,
    kept: usize,
    most: usize,
    scratch: Vec<f64>,
}

impl<'a> KernelRows<'a> {
    /// Rows among `samples`, which are also those that `rbf` has stored.
    pub fn new(samples: &'a Counts, rbf: &'a Rbf) -> Self {
        let count = rbf.len();
        KernelRows {
            samples,
            rbf,
            rows: vec![None; count],
            kept: 0,
            most: (CACHED_VALUES / count.max(1)).max(2),
            scratch: vec![0.0; count],
        }
    }

    /// The rows of two samples.
    fn pair(&mut self, i: usize, j: usize) -> (&[f32], &[f32]) {
        let missing = |rows: &[Option<_>], k: usize| usize::from(rows[k].is_none());
        if self.kept + missing(&self.rows, i) + missing(&self.rows, j) > self.most {
            self.rows.fill(None);
            self.kept = 0;
        }
        for k in [i, j] {
            if self.rows[k].is_none() {
                self.rbf.row(self.samples.row(k), &mut self.scratch);
                self.rows[k] = Some(self.scratch.iter().map(|&v| v as f32).collect());
                self.kept += 1;
            }
        }
        let row = |k: usize| self.rows[k].as_deref().unwrap_or_default();
        (row(i), row(j))
    }
}

/// What separates two classes: Σ_k coefficients\[k\] K(x_k, x) − bias, above 0 for the first.
pub struct Separation {
    /// y_k α_k of the samples of the first class, then of the second.
    pub coefficients: Vec<f64>,
    /// ρ.
    pub bias: f64,
}

/// Minimises ½ αᵀQα − Σ α with 0 ≤ α ≤ C and yᵀα = 0, where Q_kl = y_k y_l K(x_k, x_l); the samples
/// in the range `first` have y = 1, those in `second` y = −1.
pub fn separate(
    kernel: &mut KernelRows<'_>,
    first: Range<usize>,
    second: Range<usize>,
) -> Separation {
    let samples: Vec<usize> = first.clone().chain(second.clone()).collect();
    let positive = |t: usize| t < first.len();
    let sign = |t: usize| if positive(t) { 1.0 } else { -1.0 };
    let mut alpha = vec![0.0_f64; samples.len()];
    let mut gradient = vec![-1.0_f64; samples.len()];
    // libsvm's own limit; never met in practice.
    let limit = samples.len().saturating_mul(100).max(10_000_000);
    for _ in 0..limit {
        // First of the pair: the largest −y·G among those that can move up.
        let (mut i, mut highest) = (None, f64::NEG_INFINITY);
        for t in 0..samples.len() {
            let can_rise = if positive(t) { alpha[t] < C } else { alpha[t] > 0.0 };
            let rise = -sign(t) * gradient[t];
            if can_rise && rise >= highest {
                (i, highest) = (Some(t), rise);
            }
        }
        let Some(i) = i else { break };
        // Second: the largest decrease of the objective among those that can move down.
        let (row, _) = kernel.pair(samples[i], samples[i]);
        let (mut j, mut best, mut deepest) = (None, f64::INFINITY, f64::NEG_INFINITY);
        for t in 0..samples.len() {
            let can_fall = if positive(t) { alpha[t] > 0.0 } else { alpha[t] < C };
            if !can_fall {
                continue;
            }
            let fall = sign(t) * gradient[t];
            deepest = deepest.max(fall);
            let violation = highest + fall;
            if violation > 0.0 {
                let gain = -(violation * violation) / curvature(row[samples[t]]);
                if gain <= best {
                    (j, best) = (Some(t), gain);
                }
            }
        }
        let Some(j) = j.filter(|_| highest + deepest >= TOLERANCE) else { break };
        let (row_i, row_j) = kernel.pair(samples[i], samples[j]);
        let curvature = curvature(row_i[samples[j]]);
        let (old_i, old_j) = (alpha[i], alpha[j]);
        (alpha[i], alpha[j]) = if positive(i) == positive(j) {
            let step = (gradient[i] - gradient[j]) / curvature;
            clip_sum(old_i - step, old_j + step, old_i + old_j)
        } else {
            let step = (-gradient[i] - gradient[j]) / curvature;
            clip_difference(old_i + step, old_j + step, old_i - old_j)
        };
        let move_i = sign(i) * (alpha[i] - old_i);
        let move_j = sign(j) * (alpha[j] - old_j);
        let (rising, falling) = gradient.split_at_mut(first.len());
        for (gradient, range, sign) in [(rising, &first, 1.0), (falling, &second, -1.0)] {
            let rows = row_i[range.clone()].iter().zip(&row_j[range.clone()]);
            for (gradient, (&k_i, &k_j)) in gradient.iter_mut().zip(rows) {
                *gradient += sign * (f64::from(k_i) * move_i + f64::from(k_j) * move_j);
            }
        }
    }
    let slopes = gradient.iter().enumerate().map(|(t, g)| sign(t) * g);
    let bias = bias(&alpha, slopes, first.len());
    let coefficients = alpha.iter().enumerate().map(|(t, a)| sign(t) * a).collect();
    Separation { coefficients, bias }
}

/// K_ii + K_jj − 2 K_ij, the second derivative along the pair; K_ii = 1.
fn curvature(kernel: f32) -> f64 {
    let curvature = 2.0 - 2.0 * f64::from(kernel);
    if curvature > 0.0 { curvature } else { TAU }
}

/// Brings a pair of equal sign back into the box along α_i + α_j = sum.
fn clip_sum(mut i: f64, mut j: f64, sum: f64) -> (f64, f64) {
    if sum > C {
        if i > C {
            (i, j) = (C, sum - C);
        }
        if j > C {
            (i, j) = (sum - C, C);
        }
    } else {
        if j < 0.0 {
            (i, j) = (sum, 0.0);
        }
        if i < 0.0 {
            (i, j) = (0.0, sum);
        }
    }
    (i, j)
}

/// Brings a pair of opposite sign back into the box along α_i − α_j = difference.
fn clip_difference(mut i: f64, mut j: f64, difference: f64) -> (f64, f64) {
    if difference > 0.0 {
        if j < 0.0 {
            (i, j) = (difference, 0.0);
        }
        if i > C {
            (i, j) = (C, C - difference);
        }
    } else {
        if i < 0.0 {
            (i, j) = (0.0, -difference);
        }
        if j > C {
            (i, j) = (C + difference, C);
        }
    }
    (i, j)
}

/// ρ: the mean of y·G over the free α, or the middle of what the bounded ones allow. `positives` is
/// the number of samples with y = 1, which come first.
fn bias(alpha: &[f64], slopes: impl Iterator<Item = f64>, positives: usize) -> f64 {
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let (mut free, mut sum) = (0_usize, 0.0);
    for (t, (&alpha, slope)) in alpha.iter().zip(slopes).enumerate() {
        let positive = t < positives;
        if alpha > 0.0 && alpha < C {
            free += 1;
            sum += slope;
        } else if (alpha >= C) == positive {
            low = low.max(slope);
        } else {
            high = high.min(slope);
        }
    }
    if free > 0 { sum / free as f64 } else { 0.5 * (low + high) }
}
