//! Scalar reference of STDP and of the weight normalisation.

use crate::network::Reduction;

/// Pair-based STDP with trace at the other side's spike ("PostPre"), spec stdp.md section 4.
///
/// At every training step, with spikes s and traces x after the step's layer update:
///
/// ```text
/// W ← W − reduce_b s_pre[b,i]·(x_post[b,j]·nu_pre)     skipped if nu_pre = 0
/// W ← W + reduce_b x_pre[b,i]·(s_post[b,j]·nu_post)    skipped if nu_post = 0
/// W ← W·(1 − weight_decay)
/// W ← min(max(W, wmin), wmax)                          once, at the end
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PostPre {
    /// Depression rate.
    pub nu_pre: f32,
    /// Potentiation rate.
    pub nu_post: f32,
    /// Share of each weight lost a step.
    pub weight_decay: f32,
    /// Lower bound \[mV\].
    pub wmin: f32,
    /// Upper bound \[mV\].
    pub wmax: f32,
    /// Sum or mean over the batch.
    pub reduction: Reduction,
}

/// Spikes and traces of one side, `[sample × neuron]`.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Spikes.
    pub s: &'a [bool],
    /// Traces.
    pub x: &'a [f32],
}

impl PostPre {
    /// One step on weights `[n_pre × n_post]`.
    pub fn step(&self, w: &mut [f32], n_post: usize, batch: usize, pre: Side<'_>, post: Side<'_>) {
        let n_pre = w.len() / n_post;
        let share = match self.reduction {
            Reduction::Sum => 1.0,
            Reduction::Mean => batch as f32,
        };
        let keep = 1.0 - self.weight_decay;
        for i in 0..n_pre {
            for j in 0..n_post {
                let (mut down, mut up) = (0.0_f32, 0.0_f32);
                for b in 0..batch {
                    let (p, q) = (b * n_pre + i, b * n_post + j);
                    if pre.s[p] {
                        down += post.x[q] * self.nu_pre;
                    }
                    if post.s[q] {
                        up += pre.x[p] * self.nu_post;
                    }
                }
                let weight = &mut w[i * n_post + j];
                *weight -= down / share;
                *weight += up / share;
                *weight = (*weight * keep).max(self.wmin).min(self.wmax);
            }
        }
    }
}

/// Scales each column of `w` (`[n_pre × n_post]`) to Σ_i |W_ij| = norm; a column of zeros stays
/// (spec stdp.md section 5). The factor is rounded to float32 before it is applied.
pub fn normalise(w: &mut [f32], n_post: usize, norm: f32) {
    let mut sums = vec![0.0_f64; n_post];
    for row in w.chunks_exact(n_post) {
        for (sum, &weight) in sums.iter_mut().zip(row) {
            *sum += f64::from(weight.abs());
        }
    }
    let factors: Vec<f32> = sums.iter().map(|&sum| column_factor(norm, sum)).collect();
    for row in w.chunks_exact_mut(n_post) {
        for (weight, &factor) in row.iter_mut().zip(&factors) {
            *weight *= factor;
        }
    }
}

/// The factor that scales a column of absolute sum `sum` to `norm`.
pub fn column_factor(norm: f32, sum: f64) -> f32 {
    let sum = sum as f32;
    norm / if sum == 0.0 { 1.0 } else { sum }
}
