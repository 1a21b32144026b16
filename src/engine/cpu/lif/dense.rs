//! The dense engine: one matrix product for all steps and samples of a layer.
//!
//! It has no lists: every neuron above θ₁ emits, every neuron above θ₂ has a gradient (every one,
//! where the selection rule fills its lists). Arrays are `[row, neuron]`; the rows of a sample, one a
//! step, are consecutive. The currents are rounded in another order than those of the sparse engines.

use crate::engine::lif::{
    LayerActivity, LayerRecord, LifEngine, LifWeights, Loss, Options, OutputGradient, Pass,
    RowActivity, SpikeList, Tensor, factors, logit_gradient,
};
use crate::network::{Comparison, Lif, Readout, Selection};
use crate::numerics::vector::widest;
use crate::spikes::SpikeTrain;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;
use std::sync::Arc;

/// Rows of a product that one task computes: half of them, within these bounds. Each task packs the right
/// factor for itself, so few and large ones are best; they do not depend on the number of threads.
const TASK_ROWS: (usize, usize) = (512, 2048);

/// The engine. See the [module](self).
pub struct DenseEngine {
    network: Lif,
    weights: LifWeights<f32>,
    gradients: LifWeights<f32>,
    options: Options,
    pool: Arc<rayon::ThreadPool>,
    /// Arrays of the step before, the last layer first: memory that was used needs no fresh pages.
    spare: Vec<Kept>,
}

/// What one layer keeps of a pass; arrays `[row, …]`.
#[derive(Default)]
struct Kept {
    /// What arrived, 0 or 1.
    input: Vec<f32>,
    v: Vec<f32>,
    /// What was sent, 0 or 1.
    sent: Vec<f32>,
}

/// Thresholds that a potential crosses by being strictly above.
#[derive(Clone, Copy)]
struct Thresholds {
    fire: f32,
    gradient: f32,
}

/// c += a·b of row-major matrices, a `[m, k]`, in fixed tasks of rows.
fn multiply(c: &mut [f32], a: MatRef<'_, f32>, b: MatRef<'_, f32>) {
    let n = b.ncols();
    let task_rows = a.nrows().div_ceil(2).clamp(TASK_ROWS.0, TASK_ROWS.1);
    c.par_chunks_mut(task_rows * n.max(1)).enumerate().for_each(|(task, c)| {
        let rows = c.len() / n;
        let a = a.subrows(task * task_rows, rows);
        let c = MatMut::from_row_major_slice_mut(c, rows, n);
        matmul(c, Accum::Add, a, b, 1.0, Par::Seq);
    });
}

/// So many zeros, in memory that may have been used before.
fn zeros(memory: &mut Vec<f32>, length: usize) -> &mut [f32] {
    memory.clear();
    memory.resize(length, 0.0);
    memory
}

fn matrix(values: &[f32], columns: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(values, values.len() / columns.max(1), columns)
}

impl DenseEngine {
    /// An engine with these weights.
    ///
    /// # Panics
    /// Where the weights have another shape than the network, or with checkpoints, which this
    /// engine does not have.
    pub fn new(network: &Lif, weights: &LifWeights<f32>, options: Options) -> Self {
        assert!(weights.fits(network), "weights of another network");
        assert_eq!(options.checkpoint_steps, 0, "only the fused engine has checkpoints");
        DenseEngine {
            network: network.clone(),
            weights: weights.clone(),
            gradients: LifWeights::zeros(network),
            options,
            pool: super::pool(options.threads),
            spare: Vec::new(),
        }
    }

    fn thresholds(&self, l: usize) -> Thresholds {
        let strictly = |threshold: f64| match self.network.comparison {
            Comparison::Strict => threshold as f32,
            Comparison::Inclusive => (threshold as f32).next_down(),
        };
        let fire = strictly(self.network.layers[l].threshold);
        let gradient = match self.network.selection {
            // The list always holds K neurons: all of them where there is room.
            Selection::OneThreshold | Selection::OneThresholdFromStart => f32::NEG_INFINITY,
            _ => strictly(self.network.layers[l].second_threshold),
        };
        Thresholds { fire, gradient }
    }

    fn forward(
        &self,
        batch: &[SpikeTrain],
        starts: &[usize],
        mut spare: Vec<Kept>,
    ) -> (Pass<f32>, Vec<Kept>) {
        let rows = starts[batch.len()];
        let mut result =
            Pass { steps: batch.iter().map(SpikeTrain::steps).collect(), ..Pass::default() };
        let mut kept: Vec<Kept> = Vec::new();
        for l in 0..self.network.layers.len() {
            let n_in = self.network.fan_in(l);
            let mut own = spare.pop().unwrap_or_default();
            let input = zeros(&mut own.input, rows * n_in);
            for (b, train) in batch.iter().enumerate() {
                assert_eq!(train.neurons(), self.network.inputs, "inputs of another network");
                let input = &mut input[starts[b] * n_in..starts[b + 1] * n_in];
                match kept.last() {
                    None => {
                        for t in 0..train.steps() {
                            train.step(t).iter().for_each(|&i| input[t * n_in + i as usize] = 1.0);
                        }
                    }
                    Some(below) => {
                        let shift = (self.network.delay.steps() * n_in).min(input.len());
                        let sent = &below.sent[starts[b] * n_in..];
                        let length = input.len() - shift;
                        input[shift..].copy_from_slice(&sent[..length]);
                    }
                }
            }
            self.layer(l, &mut own, starts, &mut result);
            kept.push(own);
        }
        (result, kept)
    }

    /// Runs a layer on its input.
    fn layer(&self, l: usize, kept: &mut Kept, starts: &[usize], result: &mut Pass<f32>) {
        let n = self.network.layers[l].neurons;
        let n_in = self.network.fan_in(l);
        let samples = starts.len() - 1;
        let weights = &self.weights.layers[l];
        let Kept { input, v, sent } = kept;
        let v = zeros(v, starts[samples] * n);
        if !weights.bias.is_empty() {
            v.chunks_exact_mut(n).for_each(|v| v.copy_from_slice(&weights.bias));
        }
        multiply(v, matrix(input, n_in), matrix(&weights.w, n_in).transpose());
        let sent = zeros(sent, v.len());
        let (decay, gain) = factors(&self.network, l, &weights.decay_logit);
        let thresholds = self.thresholds(l);
        let activity: Vec<LayerActivity> = by_sample(v, starts, n)
            .into_par_iter()
            .zip(by_sample(sent, starts, n))
            .map(|(v, sent)| {
                let mut activity = LayerActivity::default();
                let mut u = vec![0.0_f32; n];
                let mut before: &[f32] = &[];
                let rows = v.chunks_exact_mut(n).zip(sent.chunks_exact_mut(n));
                for (v, sent) in rows {
                    if !weights.recurrent.is_empty() && !before.is_empty() {
                        let recurrent = matrix(&weights.recurrent, n).transpose();
                        let v = MatMut::from_row_major_slice_mut(v, 1, n);
                        matmul(v, Accum::Add, matrix(before, n), recurrent, 1.0, Par::Seq);
                    }
                    let row = widest(
                        #[inline(always)]
                        || advance(v, sent, &mut u, &decay, &gain, thresholds),
                    );
                    activity.add(row);
                    before = sent;
                }
                activity
            })
            .collect();
        let mut sum = LayerActivity::default();
        activity.iter().for_each(|a| sum.merge(a));
        result.activity.push(sum);
        let mut counts = vec![0.0; samples * n];
        for (b, counts) in counts.chunks_exact_mut(n).enumerate() {
            for sent in sent[starts[b] * n..starts[b + 1] * n].chunks_exact(n) {
                counts.iter_mut().zip(sent).for_each(|(count, s)| *count += s);
            }
        }
        result.counts.push(counts);
        if l + 1 == self.network.layers.len() && self.network.readout == Readout::Potential {
            result.potential = vec![0.0; samples * n];
            for (b, mean) in result.potential.chunks_exact_mut(n).enumerate() {
                for v in v[starts[b] * n..starts[b + 1] * n].chunks_exact(n) {
                    mean.iter_mut().zip(v).for_each(|(mean, v)| *mean += v);
                }
                mean.iter_mut().for_each(|mean| *mean /= result.steps[b].max(1) as f32);
            }
        }
    }

    fn backward(
        &mut self,
        kept: &[Kept],
        starts: &[usize],
        outside: &OutputGradient<f32>,
    ) -> Vec<f32> {
        let samples = starts.len() - 1;
        self.gradients = LifWeights::zeros(&self.network);
        // dL/d(what the layer sent) from above, [row, neuron].
        let mut upward = vec![0.0; starts[samples] * self.network.outputs()];
        for l in (0..self.network.layers.len()).rev() {
            let n = self.network.layers[l].neurons;
            let n_in = self.network.fan_in(l);
            let (h, decay_gradient) = self.errors(l, &kept[l], upward, starts, outside);
            let weights = &self.weights.layers[l];
            let gradients = &mut self.gradients.layers[l];
            multiply(&mut gradients.w, matrix(&h, n).transpose(), matrix(&kept[l].input, n_in));
            if !weights.recurrent.is_empty() {
                for b in 0..samples {
                    let range = starts[b] * n..starts[b + 1] * n;
                    if range.len() > n {
                        let later = matrix(&h[range.start + n..range.end], n);
                        let before = matrix(&kept[l].sent[range.start..range.end - n], n);
                        multiply(&mut gradients.recurrent, later.transpose(), before);
                    }
                }
            }
            if !gradients.bias.is_empty() {
                for h in h.chunks_exact(n) {
                    gradients.bias.iter_mut().zip(h).for_each(|(bias, h)| *bias += h);
                }
            }
            if !weights.decay_logit.is_empty() {
                let (decay, _) = factors(&self.network, l, &weights.decay_logit);
                let logits = weights.decay_logit.len();
                gradients.decay_logit = logit_gradient(&decay, &decay_gradient, logits);
            }
            upward = vec![];
            if l > 0 || self.options.input_gradient {
                upward = vec![0.0; starts[samples] * n_in];
                multiply(&mut upward, matrix(&h, n), matrix(&weights.w, n_in));
            }
            if l > 0 {
                // What was sent at t arrived at t + delay.
                let shift = self.network.delay.steps() * n_in;
                for rows in by_sample(&mut upward, starts, n_in) {
                    let shift = shift.min(rows.len());
                    rows.copy_within(shift.., 0);
                    let end = rows.len() - shift;
                    rows[end..].fill(0.0);
                }
            }
        }
        upward
    }

    /// h = c·dL/dv `[row, neuron]`, and Σ of what reaches the decay of each neuron.
    fn errors(
        &self,
        l: usize,
        kept: &Kept,
        mut upward: Vec<f32>,
        starts: &[usize],
        outside: &OutputGradient<f32>,
    ) -> (Vec<f32>, Vec<f32>) {
        let layer = &self.network.layers[l];
        let n = layer.neurons;
        let weights = &self.weights.layers[l];
        let (decay, gain) = factors(&self.network, l, &weights.decay_logit);
        let thresholds = self.thresholds(l);
        let (theta, slope) = (layer.threshold as f32, self.network.surrogate_slope as f32);
        let last = l + 1 == self.network.layers.len();
        let decay_gradients: Vec<Vec<f32>> = by_sample(&mut upward, starts, n)
            .into_par_iter()
            .enumerate()
            .map(|(b, rows)| {
                let v = &kept.v[starts[b] * n..starts[b + 1] * n];
                let steps = rows.len() / n;
                let of_counts = outside.counts.get(l).and_then(|c| c.get(b * n..(b + 1) * n));
                let of_potential = outside.potential.get(b * n..(b + 1) * n).filter(|_| last);
                let mut g = vec![0.0_f32; n];
                let mut decay_gradient = vec![0.0_f32; n];
                for t in (0..steps).rev() {
                    let (now, later) = rows[t * n..].split_at_mut(n);
                    if !weights.recurrent.is_empty() && t + 1 < steps {
                        let now = MatMut::from_row_major_slice_mut(now, 1, n);
                        let later = matrix(&later[..n], n);
                        let recurrent = matrix(&weights.recurrent, n);
                        matmul(now, Accum::Add, later, recurrent, 1.0, Par::Seq);
                    }
                    let v_now = &v[t * n..][..n];
                    widest(
                        #[inline(always)]
                        || {
                            for j in 0..n {
                                let x = slope * (v_now[j] - theta).abs() + 1.0;
                                let error = now[j] + of_counts.map_or(0.0, |c| c[j]);
                                let listed = v_now[j] > thresholds.gradient;
                                let slope = if listed { 1.0 / (x * x) } else { 0.0 };
                                let mut sum = decay[j] * g[j] + error * slope;
                                if let Some(of_potential) = of_potential {
                                    sum += of_potential[j] / steps as f32;
                                }
                                g[j] = sum;
                                now[j] = gain[j] * sum;
                            }
                        },
                    );
                    if !weights.decay_logit.is_empty() {
                        for j in 0..n {
                            let before = if t == 0 { 0.0 } else { v[(t - 1) * n + j] };
                            let u = if before > thresholds.fire { 0.0 } else { before };
                            // scale·current = (v − d·u)/(1 − d).
                            let scaled = (v_now[j] - decay[j] * u) / (1.0 - decay[j]);
                            decay_gradient[j] += g[j] * (u - scaled);
                        }
                    }
                }
                decay_gradient
            })
            .collect();
        let mut decay_gradient = vec![0.0; n];
        for of_sample in decay_gradients {
            decay_gradient.iter_mut().zip(of_sample).for_each(|(sum, x)| *sum += x);
        }
        (upward, decay_gradient)
    }

    fn record(&self, kept: &[Kept], starts: &[usize]) -> Vec<LayerRecord<f32>> {
        let of_layer = |(l, kept): (usize, &Kept)| {
            let n = self.network.layers[l].neurons;
            let thresholds = self.thresholds(l);
            let mut record = LayerRecord::default();
            for b in 0..starts.len() - 1 {
                let v = &kept.v[starts[b] * n..starts[b + 1] * n];
                let mut list = SpikeList::default();
                for v in v.chunks_exact(n) {
                    let ids = || v.iter().enumerate().map(|(j, &v)| (j as u32, v));
                    let spikes: Vec<_> = ids().filter(|x| x.1 > thresholds.fire).collect();
                    let near: Vec<_> = ids()
                        .filter(|x| x.1 > thresholds.gradient && x.1 <= thresholds.fire)
                        .collect();
                    list.push_row(&spikes, &near);
                }
                record.lists.push(list);
                record.states.push(v.to_vec());
            }
            record
        };
        kept.iter().enumerate().map(of_layer).collect()
    }
}

/// One step of one sample: `v` comes as the current and goes as the potential.
#[inline(always)]
fn advance(
    v: &mut [f32],
    sent: &mut [f32],
    u: &mut [f32],
    decay: &[f32],
    gain: &[f32],
    thresholds: Thresholds,
) -> RowActivity {
    let (mut crossed, mut above) = (0_u32, 0_u32);
    for (((v, sent), u), (d, c)) in v.iter_mut().zip(sent).zip(u).zip(decay.iter().zip(gain)) {
        let x = d * *u + c * *v;
        let fires = x > thresholds.fire;
        *v = x;
        *sent = if fires { 1.0 } else { 0.0 };
        *u = if fires { 0.0 } else { x };
        crossed += u32::from(fires);
        above += u32::from(x > thresholds.gradient);
    }
    let (crossed, near) = (crossed as usize, (above - crossed) as usize);
    RowActivity { crossed, near, emitted: crossed, gradient_only: near }
}

/// The rows of each sample.
fn by_sample<'a>(values: &'a mut [f32], starts: &[usize], columns: usize) -> Vec<&'a mut [f32]> {
    let mut rest = values;
    starts
        .windows(2)
        .map(|w| {
            let (rows, tail) = std::mem::take(&mut rest).split_at_mut((w[1] - w[0]) * columns);
            rest = tail;
            rows
        })
        .collect()
}

/// Number of the first row of each sample, and of all rows.
fn row_starts(batch: &[SpikeTrain]) -> Vec<usize> {
    let mut starts = vec![0];
    for train in batch {
        starts.push(starts[starts.len() - 1] + train.steps());
    }
    starts
}

impl LifEngine for DenseEngine {
    fn infer(&mut self, batch: &[SpikeTrain], _pass: u64, record: bool) -> Pass<f32> {
        let starts = row_starts(batch);
        let pool = Arc::clone(&self.pool);
        pool.install(|| {
            let engine = self;
            let (mut result, kept) = engine.forward(batch, &starts, vec![]);
            result.record = record.then(|| engine.record(&kept, &starts));
            result
        })
    }

    fn step(&mut self, batch: &[SpikeTrain], _pass: u64, loss: &mut Loss<'_, f32>) -> Pass<f32> {
        let starts = row_starts(batch);
        let pool = Arc::clone(&self.pool);
        pool.install(|| {
            let engine = self;
            let spare = std::mem::take(&mut engine.spare);
            let (mut result, mut kept) = engine.forward(batch, &starts, spare);
            let outside = loss(&result);
            let of_inputs = engine.backward(&kept, &starts, &outside);
            kept.reverse();
            engine.spare = kept;
            if engine.options.input_gradient {
                let of_sample = |(b, train): (usize, &SpikeTrain)| {
                    let spikes = (0..train.steps())
                        .flat_map(|t| train.step(t).iter().map(move |&i| (t, i as usize)));
                    let n = train.neurons();
                    spikes.map(|(t, i)| of_inputs[(starts[b] + t) * n + i]).collect()
                };
                result.input_gradient = batch.iter().enumerate().map(of_sample).collect();
            }
            result
        })
    }

    fn tensors(&mut self) -> Vec<Tensor<'_, f32>> {
        super::tensors_of(&mut self.weights, &self.gradients)
    }

    fn pack(&self, weights: &LifWeights<f32>) -> Vec<Vec<f32>> {
        super::pack_parts(weights)
    }

    fn unpack(&self, tensors: &[&[f32]]) -> LifWeights<f32> {
        super::unpack_parts(&self.network, tensors)
    }

    fn set_capacities(&mut self, _capacities: &[usize]) {}
}
