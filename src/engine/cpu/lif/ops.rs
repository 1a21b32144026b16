//! Sparse operations one after the other, for each step and layer: product of a dense matrix and a
//! list of spikes ([`super::matmul`]), state update, selection; backwards likewise. Lists are arrays
//! `[step, sample, slot]` of fixed capacity.
//!
//! This is the usual way to put a sparse layer together from operations of a framework. Each
//! operation streams its arrays through memory once a step; [`super::layer`] is what remains when
//! they are fused.

use super::matmul::{self, Lists};
use super::select::{Candidate, RowKey, Selector};
use crate::engine::lif::{
    LayerActivity, LayerRecord, LifEngine, LifWeights, Loss, Options, OutputGradient, Pass,
    SpikeList, Tensor, factors, logit_gradient,
};
use crate::network::{Lif, Readout, Reset};
use crate::spikes::SpikeTrain;
use rayon::prelude::*;
use std::sync::Arc;

/// What slots hold that nobody may read: an id that no layer has.
const STALE: u32 = u32::MAX;

/// The engine. See the [module](self).
pub struct OpsEngine {
    network: Lif,
    /// W and R as `[input, neuron]`.
    weights: LifWeights<f32>,
    gradients: LifWeights<f32>,
    selectors: Vec<Selector<f32>>,
    options: Options,
    pool: Arc<rayon::ThreadPool>,
}

/// What one layer keeps of a pass; arrays `[step, sample, …]`.
struct Kept {
    capacity: usize,
    ids: Vec<u32>,
    /// Spikes, n1.
    emitted: Vec<u32>,
    /// Entries, n2.
    listed: Vec<u32>,
    /// Input current.
    current: Vec<f32>,
    /// Potential before the reset.
    v: Vec<f32>,
    /// Potential after the reset.
    u: Vec<f32>,
}

impl Kept {
    fn new(steps: usize, samples: usize, neurons: usize, capacity: usize) -> Self {
        Kept {
            capacity,
            ids: vec![STALE; steps * samples * capacity],
            emitted: vec![0; steps * samples],
            listed: vec![0; steps * samples],
            current: vec![0.0; steps * samples * neurons],
            v: vec![0.0; steps * samples * neurons],
            u: vec![0.0; steps * samples * neurons],
        }
    }

    /// Spikes of a step.
    fn spikes(&self, t: usize, samples: usize) -> Lists<'_> {
        let counts = &self.emitted[t * samples..][..samples];
        Lists { counts, ..self.entries(t, samples) }
    }

    /// All entries of a step.
    fn entries(&self, t: usize, samples: usize) -> Lists<'_> {
        Lists {
            capacity: self.capacity,
            ids: &self.ids[t * samples * self.capacity..][..samples * self.capacity],
            counts: &self.listed[t * samples..][..samples],
        }
    }
}

impl OpsEngine {
    /// An engine with these weights and list capacities.
    ///
    /// # Panics
    /// Where the weights have another shape than the network, or with checkpoints, which this
    /// engine does not have.
    pub fn new(
        network: &Lif,
        weights: &LifWeights<f32>,
        capacities: &[usize],
        options: Options,
    ) -> Self {
        assert!(weights.fits(network), "weights of another network");
        assert_eq!(options.checkpoint_steps, 0, "only the fused engine has checkpoints");
        let pool = super::pool(options.threads);
        let selectors =
            (0..capacities.len()).map(|l| Selector::new(network, l, capacities[l])).collect();
        let mut engine = OpsEngine {
            network: network.clone(),
            weights: LifWeights::zeros(network),
            gradients: LifWeights::zeros(network),
            selectors,
            options,
            pool,
        };
        let packed = engine.pack(weights);
        for (tensor, values) in engine.tensors().into_iter().zip(packed) {
            tensor.values.copy_from_slice(&values);
        }
        engine
    }

    /// The network input as lists.
    fn input(&self, batch: &[SpikeTrain], steps: usize) -> Kept {
        let samples = batch.len();
        let at =
            |train: &SpikeTrain, t: usize| if t < train.steps() { train.step(t).len() } else { 0 };
        let longest = (0..steps).flat_map(|t| batch.iter().map(move |train| at(train, t))).max();
        let mut kept = Kept::new(steps, samples, 0, longest.unwrap_or(0).max(1));
        for t in 0..steps {
            for (b, train) in batch.iter().enumerate() {
                assert_eq!(train.neurons(), self.network.inputs, "inputs of another network");
                if t < train.steps() {
                    let ids = train.step(t);
                    let row = t * samples + b;
                    kept.ids[row * kept.capacity..][..ids.len()].copy_from_slice(ids);
                    kept.emitted[row] = ids.len() as u32;
                    kept.listed[row] = ids.len() as u32;
                }
            }
        }
        kept
    }

    /// Runs all steps; entry 0 is the input, entry l + 1 layer l.
    fn forward(&mut self, batch: &[SpikeTrain], pass: u64) -> (Pass<f32>, Vec<Kept>) {
        let samples = batch.len();
        let steps = batch.iter().map(SpikeTrain::steps).max().unwrap_or(0);
        let layers = self.network.layers.clone();
        let mut kept = vec![self.input(batch, steps)];
        for (layer, selector) in layers.iter().zip(&self.selectors) {
            kept.push(Kept::new(steps, samples, layer.neurons, selector.capacity));
        }
        let mut result = Pass {
            steps: batch.iter().map(SpikeTrain::steps).collect(),
            counts: layers.iter().map(|layer| vec![0.0; samples * layer.neurons]).collect(),
            activity: vec![LayerActivity::default(); layers.len()],
            ..Pass::default()
        };
        if self.network.readout == Readout::Potential {
            result.potential = vec![0.0; samples * self.network.outputs()];
        }
        for t in 0..steps {
            for l in 0..layers.len() {
                let (below, this) = kept.split_at_mut(l + 1);
                self.product(&below[l], &mut this[0], l, t, samples);
                self.update(&mut this[0], l, t, samples);
                self.select(&mut this[0], &mut result, pass, l, t);
            }
        }
        let outputs = self.network.outputs().max(1);
        for (sums, &steps) in result.potential.chunks_mut(outputs).zip(&result.steps) {
            sums.iter_mut().for_each(|sum| *sum /= steps.max(1) as f32);
        }
        (result, kept)
    }

    /// Operation 1: currents of all samples.
    fn product(&self, below: &Kept, this: &mut Kept, l: usize, t: usize, samples: usize) {
        let n = self.network.layers[l].neurons;
        let weights = &self.weights.layers[l];
        let mut current = std::mem::take(&mut this.current);
        let y = &mut current[t * samples * n..][..samples * n];
        if !weights.bias.is_empty() {
            y.chunks_exact_mut(n).for_each(|y| y.copy_from_slice(&weights.bias));
        }
        if let Some(from) = t.checked_sub(self.arrival(l)) {
            matmul::product(&weights.w, below.spikes(from, samples), n, y);
        }
        if t > 0 && !weights.recurrent.is_empty() {
            matmul::product(&weights.recurrent, this.spikes(t - 1, samples), n, y);
        }
        this.current = current;
    }

    /// Steps between a spike of what is below layer `l` and its arrival.
    fn arrival(&self, l: usize) -> usize {
        if l == 0 { 0 } else { self.network.delay.steps() }
    }

    /// Operation 2: v = d·u + c·current.
    fn update(&self, this: &mut Kept, l: usize, t: usize, samples: usize) {
        let n = self.network.layers[l].neurons;
        let (decay, gain) = factors(&self.network, l, &self.weights.layers[l].decay_logit);
        let now = t * samples * n;
        let zeros = vec![0.0; if t == 0 { samples * n } else { 0 }];
        let before = if t == 0 { &zeros } else { &this.u[now - samples * n..now] };
        let parts = this.v[now..][..samples * n].par_chunks_mut(n);
        let inputs = before.par_chunks(n).zip(this.current[now..][..samples * n].par_chunks(n));
        parts.zip(inputs).for_each(|(v, (u, current))| {
            for j in 0..n {
                v[j] = decay[j] * u[j] + gain[j] * current[j];
            }
        });
    }

    /// Operation 3: lists and resets.
    fn select(&mut self, this: &mut Kept, result: &mut Pass<f32>, pass: u64, l: usize, t: usize) {
        let samples = result.steps.len();
        let n = self.network.layers[l].neurons;
        let last = l + 1 == self.network.layers.len();
        let capacity = this.capacity;
        let (now, row) = (t * samples * n, t * samples);
        let lists = this.ids[row * capacity..][..samples * capacity].par_chunks_mut(capacity);
        let counts =
            this.emitted[row..][..samples].par_iter_mut().zip(&mut this.listed[row..][..samples]);
        let states = this.v[now..][..samples * n]
            .par_chunks(n)
            .zip(this.u[now..][..samples * n].par_chunks_mut(n));
        let selector = &self.selectors[l];
        let reset = self.network.reset;
        let rows: Vec<_> = lists
            .zip(counts)
            .zip(states)
            .enumerate()
            .map(|(b, ((ids, (emitted, listed)), (v, u)))| {
                if t >= result.steps[b] {
                    return None;
                }
                let mut selector = selector.clone();
                let all: Vec<Candidate<f32>> =
                    v.iter().enumerate().map(|(j, &v)| (j as u32, v)).collect();
                let mut list = SpikeList::default();
                let key = RowKey { pass, layer: l, sample: b, step: t };
                let activity = selector.select(&all, key, &mut list);
                ids[..list.row(0).len()].copy_from_slice(list.row(0));
                *emitted = list.spikes(0).len() as u32;
                *listed = list.row(0).len() as u32;
                u.copy_from_slice(v);
                match reset {
                    Reset::State => {
                        u.iter_mut().filter(|u| selector.fires(**u)).for_each(|u| *u = 0.0)
                    }
                    Reset::Emitted => list.spikes(0).iter().for_each(|&id| u[id as usize] = 0.0),
                }
                Some(activity)
            })
            .collect();
        for (b, activity) in rows.into_iter().enumerate() {
            let Some(activity) = activity else { continue };
            result.activity[l].add(activity);
            let counts = &mut result.counts[l][b * n..][..n];
            this.spikes(t, samples).row(b).iter().for_each(|&id| counts[id as usize] += 1.0);
            if last && !result.potential.is_empty() {
                let sums = &mut result.potential[b * n..][..n];
                sums.iter_mut().zip(&this.v[now + b * n..]).for_each(|(sum, v)| *sum += v);
            }
        }
    }

    fn backward(&mut self, kept: &[Kept], result: &mut Pass<f32>, outside: &OutputGradient<f32>) {
        let samples = result.steps.len();
        let steps = result.steps.iter().copied().max().unwrap_or(0);
        let layers = self.network.layers.len();
        self.gradients = LifWeights::zeros(&self.network);
        // Slot gradients of the input and of each layer; NaN where none was written.
        let mut e: Vec<Vec<f32>> = kept.iter().map(|k| vec![f32::NAN; k.ids.len()]).collect();
        let mut g: Vec<Vec<f32>> = Vec::new();
        let mut later_h: Vec<Vec<f32>> = Vec::new();
        let mut decay_gradient: Vec<Vec<f32>> = Vec::new();
        for layer in &self.network.layers {
            g.push(vec![0.0; samples * layer.neurons]);
            later_h.push(vec![0.0; samples * layer.neurons]);
            decay_gradient.push(vec![0.0; layer.neurons]);
        }
        for t in (0..steps).rev() {
            for l in (0..layers).rev() {
                let n = self.network.layers[l].neurons;
                let h = self.errors(
                    (l, t),
                    &kept[l + 1],
                    &e[l + 1],
                    &later_h[l],
                    &mut g[l],
                    &mut decay_gradient[l],
                    &result.steps,
                    outside,
                );
                let weights = &self.weights.layers[l];
                let gradients = &mut self.gradients.layers[l];
                if let Some(from) =
                    t.checked_sub(if l == 0 { 0 } else { self.network.delay.steps() })
                {
                    matmul::weight_gradient(&h, kept[l].spikes(from, samples), n, &mut gradients.w);
                    if l > 0 || self.options.input_gradient {
                        let entries = kept[l].entries(from, samples);
                        let size = samples * entries.capacity;
                        let e = &mut e[l][from * size..][..size];
                        matmul::slot_gradient(&weights.w, &h, entries, n, e);
                    }
                }
                if t > 0 && !weights.recurrent.is_empty() {
                    let before = kept[l + 1].spikes(t - 1, samples);
                    matmul::weight_gradient(&h, before, n, &mut gradients.recurrent);
                }
                if !gradients.bias.is_empty() {
                    for h in h.chunks_exact(n) {
                        gradients.bias.iter_mut().zip(h).for_each(|(bias, h)| *bias += h);
                    }
                }
                later_h[l] = h;
            }
        }
        for (l, layer) in self.gradients.layers.iter_mut().enumerate() {
            let logits = &self.weights.layers[l].decay_logit;
            if !logits.is_empty() {
                let (decay, _) = factors(&self.network, l, logits);
                layer.decay_logit = logit_gradient(&decay, &decay_gradient[l], logits.len());
            }
        }
        if self.options.input_gradient {
            let input = &kept[0];
            result.input_gradient = (0..samples)
                .map(|b| {
                    let row = |t: usize| (t * samples + b) * input.capacity;
                    let slots = |t: usize| input.emitted[t * samples + b] as usize;
                    let rows = (0..steps).flat_map(|t| &e[0][row(t)..][..slots(t)]);
                    rows.copied().collect()
                })
                .collect();
        }
    }

    /// h = c·g after step `t` of the recursion.
    #[expect(clippy::too_many_arguments)]
    fn errors(
        &self,
        (l, t): (usize, usize),
        this: &Kept,
        e: &[f32],
        later_h: &[f32],
        g: &mut [f32],
        decay_gradient: &mut [f32],
        steps: &[usize],
        outside: &OutputGradient<f32>,
    ) -> Vec<f32> {
        let samples = steps.len();
        let layer = &self.network.layers[l];
        let n = layer.neurons;
        let weights = &self.weights.layers[l];
        let (decay, gain) = factors(&self.network, l, &weights.decay_logit);
        let (threshold, slope) = (layer.threshold as f32, self.network.surrogate_slope as f32);
        let entries = this.entries(t, samples);
        let mut fed_back = vec![f32::NAN; samples * entries.capacity];
        if !weights.recurrent.is_empty() {
            matmul::slot_gradient(&weights.recurrent, later_h, entries, n, &mut fed_back);
        }
        let last = l + 1 == self.network.layers.len();
        let above_arrives = t + self.network.delay.steps();
        let mut h = vec![0.0; samples * n];
        let now = t * samples * n;
        g.par_chunks_mut(n).zip(h.par_chunks_mut(n)).enumerate().for_each(|(b, (g, h))| {
            if t >= steps[b] {
                return;
            }
            g.iter_mut().zip(&decay).for_each(|(g, d)| *g *= d);
            for (slot, &id) in entries.row(b).iter().enumerate() {
                let place = (t * samples + b) * entries.capacity + slot;
                let mut error = 0.0;
                // Spikes that arrive after the last step have no effect, and no gradient.
                if !last && above_arrives < steps[b] {
                    error += e[place];
                }
                if let Some(&of_count) =
                    outside.counts.get(l).and_then(|c| c.get(b * n + id as usize))
                {
                    error += of_count;
                }
                if !weights.recurrent.is_empty() {
                    error += fed_back[b * entries.capacity + slot];
                }
                let v = this.v[now + b * n + id as usize];
                let x = slope * (v - threshold).abs() + 1.0;
                g[id as usize] += error * (1.0 / (x * x));
            }
            if last && !outside.potential.is_empty() {
                let of_potential = &outside.potential[b * n..][..n];
                let share = |x: f32| x / steps[b] as f32;
                g.iter_mut().zip(of_potential).for_each(|(g, &x)| *g += share(x));
            }
            for j in 0..n {
                h[j] = gain[j] * g[j];
            }
        });
        if !weights.decay_logit.is_empty() {
            let scale = self.network.input_scale as f32;
            for b in (0..samples).filter(|&b| t < steps[b]) {
                for j in 0..n {
                    let place = now + b * n + j;
                    let u = if t == 0 { 0.0 } else { this.u[place - samples * n] };
                    decay_gradient[j] += g[b * n + j] * (u - scale * this.current[place]);
                }
            }
        }
        h
    }

    fn record(&self, result: &Pass<f32>, kept: &[Kept]) -> Vec<LayerRecord<f32>> {
        let samples = result.steps.len();
        let of_layer = |(l, kept): (usize, &Kept)| {
            let n = self.network.layers[l].neurons;
            let mut record = LayerRecord::default();
            for (b, &steps) in result.steps.iter().enumerate() {
                let mut list = SpikeList::default();
                let mut states = Vec::new();
                for t in 0..steps {
                    let v = &kept.v[(t * samples + b) * n..][..n];
                    let entry = |&id: &u32| (id, v[id as usize]);
                    let spikes = kept.spikes(t, samples).row(b).len();
                    let row: Vec<_> = kept.entries(t, samples).row(b).iter().map(entry).collect();
                    list.push_row(&row[..spikes], &row[spikes..]);
                    states.extend_from_slice(v);
                }
                record.lists.push(list);
                record.states.push(states);
            }
            record
        };
        kept[1..].iter().enumerate().map(of_layer).collect()
    }
}

/// Rows of a `[rows, columns]` matrix become columns.
fn transpose(matrix: &[f32], columns: usize) -> Vec<f32> {
    let rows = matrix.len() / columns.max(1);
    (0..matrix.len()).map(|k| matrix[k % rows * columns + k / rows]).collect()
}

impl LifEngine for OpsEngine {
    fn infer(&mut self, batch: &[SpikeTrain], pass: u64, record: bool) -> Pass<f32> {
        let pool = Arc::clone(&self.pool);
        pool.install(|| {
            let engine = self;
            let (mut result, kept) = engine.forward(batch, pass);
            result.record = record.then(|| engine.record(&result, &kept));
            result
        })
    }

    fn step(&mut self, batch: &[SpikeTrain], pass: u64, loss: &mut Loss<'_, f32>) -> Pass<f32> {
        let pool = Arc::clone(&self.pool);
        pool.install(|| {
            let engine = self;
            let (mut result, kept) = engine.forward(batch, pass);
            let outside = loss(&result);
            engine.backward(&kept, &mut result, &outside);
            result
        })
    }

    fn tensors(&mut self) -> Vec<Tensor<'_, f32>> {
        super::tensors_of(&mut self.weights, &self.gradients)
    }

    fn pack(&self, weights: &LifWeights<f32>) -> Vec<Vec<f32>> {
        let mut transposed = weights.clone();
        for (l, layer) in transposed.layers.iter_mut().enumerate() {
            layer.w = transpose(&layer.w, self.network.fan_in(l));
            layer.recurrent = transpose(&layer.recurrent, self.network.layers[l].neurons);
        }
        super::pack_parts(&transposed)
    }

    fn unpack(&self, tensors: &[&[f32]]) -> LifWeights<f32> {
        let mut weights = super::unpack_parts(&self.network, tensors);
        for (layer, shape) in weights.layers.iter_mut().zip(&self.network.layers) {
            layer.w = transpose(&layer.w, shape.neurons);
            layer.recurrent = transpose(&layer.recurrent, shape.neurons);
        }
        weights
    }

    fn set_capacities(&mut self, capacities: &[usize]) {
        for (selector, &capacity) in self.selectors.iter_mut().zip(capacities) {
            selector.capacity = capacity;
        }
    }
}
