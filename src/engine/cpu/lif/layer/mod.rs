//! The fused engine: each layer for a whole stretch of steps and all samples in one sweep.
//!
//! A layer depends on the ones below it alone, so the network is run layer by layer, and each layer
//! in blocks of neurons that threads share (`blocks`). The lists of a layer (`forward`) are all
//! that the backward pass (`backward`) needs; potentials are kept only for their entries.
//!
//! With [`Options::checkpoint_steps`] the sequence is cut into stretches: the forward pass keeps the
//! state at the start of each, the backward pass runs each again before it differentiates it.
//!
//! A layer whose potentials depend on what was emitted one step before (recurrent ones, and all with
//! [`Reset::Emitted`]) goes step by step instead, in parallel over samples.

mod backward;
mod blocks;
mod entries;
mod forward;

use super::select::Selector;
use crate::engine::cpu::lanes::numbers;
use crate::engine::lif::{
    LayerActivity, LayerRecord, LifEngine, LifWeights, Loss, Options, OutputGradient, Pass,
    SpikeList, Tensor, factors,
};
use crate::network::{Comparison, Lif, Readout, Reset};
use crate::spikes::SpikeTrain;
use backward::{BackCarry, Outside};
use blocks::{Blocked, Row, WIDTH, ZERO, from_rows, to_rows};
use forward::{Carry, Done, Watch};
use std::sync::Arc;

/// Steps that an inference keeps at a time.
const INFERENCE_STEPS: usize = 128;

/// One layer, ready to be run.
pub struct Layer {
    neurons: usize,
    w: Blocked,
    recurrent: Option<Blocked>,
    /// `[block]`, empty without bias.
    bias: Vec<Row>,
    decay_logit: Vec<f32>,
    /// d and c of each neuron, `[block]`.
    decay: Vec<Row>,
    gain: Vec<Row>,
    input_scale: f32,
    /// A potential strictly above crosses θ₁.
    fire: f32,
    /// A potential strictly above is a candidate for the list.
    candidate: f32,
    threshold: f32,
    surrogate_slope: f32,
    reset: Reset,
}

impl Layer {
    fn blocks(&self) -> usize {
        self.neurons.div_ceil(WIDTH)
    }

    /// σ′(v).
    #[inline(always)]
    fn slope_at(&self, v: f32) -> f32 {
        let x = self.surrogate_slope * (v - self.threshold).abs() + 1.0;
        1.0 / (x * x)
    }
}

/// Gradients of one layer, in the layout of its weights.
pub struct LayerGradients {
    w: Blocked,
    recurrent: Option<Blocked>,
    bias: Vec<Row>,
    decay_logit: Vec<f32>,
    /// Room for the errors of a stretch, where they are kept.
    errors: Vec<Row>,
}

/// Some consecutive steps of a batch, as one layer sees them.
pub struct Stretch<'a> {
    /// Number of the first step.
    first: usize,
    /// Steps of each sample in the stretch.
    lengths: &'a [usize],
    /// Row number of each sample's first step: a row is one step of one sample.
    starts: &'a [usize],
    /// What arrives: the trains of the batch, or the spikes of the layer below.
    trains: &'a [SpikeTrain],
    /// Step of the trains that arrives first.
    offset: usize,
}

impl Stretch<'_> {
    /// Ids that arrive at step `k` of the stretch.
    #[inline(always)]
    fn input(&self, sample: usize, k: usize) -> &[u32] {
        self.trains[sample].step(self.offset + k)
    }

    /// Rows of a sample.
    fn rows_of(&self, sample: usize) -> std::ops::Range<usize> {
        self.starts[sample]..self.starts[sample] + self.lengths[sample]
    }

    fn rows(&self) -> usize {
        self.lengths.iter().sum()
    }
}

/// The part of a batch that lies in some steps.
struct Cut {
    first: usize,
    lengths: Vec<usize>,
    starts: Vec<usize>,
}

impl Cut {
    /// The batch in stretches of at most `steps`.
    fn all(batch: &[SpikeTrain], steps: usize) -> Vec<Cut> {
        let longest = batch.iter().map(SpikeTrain::steps).max().unwrap_or(0);
        (0..longest)
            .step_by(steps.max(1))
            .map(|first| {
                let within = |train: &SpikeTrain| train.steps().saturating_sub(first).min(steps);
                let lengths: Vec<usize> = batch.iter().map(within).collect();
                let starts = lengths.iter().scan(0, |next, n| {
                    *next += n;
                    Some(*next - n)
                });
                Cut { first, starts: starts.collect(), lengths }
            })
            .collect()
    }
}

/// The engine. See the [module](self).
pub struct LayerEngine {
    network: Lif,
    layers: Vec<Layer>,
    gradients: Vec<LayerGradients>,
    selectors: Vec<Selector<f32>>,
    options: Options,
    pool: Arc<rayon::ThreadPool>,
}

impl LayerEngine {
    /// An engine with these weights and list capacities.
    ///
    /// # Panics
    /// Where the weights have another shape than the network.
    pub fn new(
        network: &Lif,
        weights: &LifWeights<f32>,
        capacities: &[usize],
        options: Options,
    ) -> Self {
        assert!(weights.fits(network), "weights of another network");
        let pool = super::pool(options.threads);
        let mut engine = LayerEngine {
            network: network.clone(),
            layers: Vec::new(),
            gradients: Vec::new(),
            selectors: Vec::new(),
            options,
            pool,
        };
        for (l, layer) in network.layers.iter().enumerate() {
            let n = layer.neurons;
            let selector = Selector::<f32>::new(network, l, capacities[l]);
            // v ≥ θ is v > the number before θ.
            let strictly = |threshold: f64| match network.comparison {
                Comparison::Strict => threshold as f32,
                Comparison::Inclusive => (threshold as f32).next_down(),
            };
            let candidate = if selector.wants_all() {
                f32::NEG_INFINITY
            } else {
                strictly(network.gradient_threshold(l))
            };
            let zeros = |present: bool, inputs| present.then(|| Blocked::zeros(n, inputs));
            let blocks = n.div_ceil(WIDTH);
            let bias = vec![ZERO; if network.bias { blocks } else { 0 }];
            let logits = weights.layers[l].decay_logit.len();
            engine.layers.push(Layer {
                neurons: n,
                w: Blocked::zeros(n, network.fan_in(l)),
                recurrent: zeros(layer.recurrent, n),
                bias: bias.clone(),
                decay_logit: vec![0.0; logits],
                decay: vec![],
                gain: vec![],
                input_scale: network.input_scale as f32,
                fire: strictly(layer.threshold),
                candidate,
                threshold: layer.threshold as f32,
                surrogate_slope: network.surrogate_slope as f32,
                reset: network.reset,
            });
            engine.gradients.push(LayerGradients {
                w: Blocked::zeros(n, network.fan_in(l)),
                recurrent: zeros(layer.recurrent, n),
                bias,
                decay_logit: vec![0.0; logits],
                errors: vec![],
            });
            engine.selectors.push(selector);
        }
        let packed = engine.pack(weights);
        for (tensor, values) in engine.tensors().into_iter().zip(packed) {
            tensor.values.copy_from_slice(&values);
        }
        engine
    }

    /// Puts the decays and gains in place for a pass.
    fn prepare(&mut self) {
        for (l, layer) in self.layers.iter_mut().enumerate() {
            let (decay, gain) = factors(&self.network, l, &layer.decay_logit);
            (layer.decay, layer.gain) = (to_rows(&decay), to_rows(&gain));
        }
    }

    fn start(&self, samples: usize) -> Vec<Carry> {
        let last = self.layers.len() - 1;
        let carry = |(l, layer): (usize, &Layer)| {
            let zeros = vec![ZERO; layer.blocks() * samples];
            let trace = if layer.decay_logit.is_empty() { vec![] } else { zeros.clone() };
            let summed = l == last && self.network.readout == Readout::Potential;
            let potential = if summed { zeros.clone() } else { vec![] };
            Carry { u: zeros, trace, last: vec![vec![]; samples], potential }
        };
        self.layers.iter().enumerate().map(carry).collect()
    }

    /// Runs all layers over one cut.
    fn forward(
        &self,
        batch: &[SpikeTrain],
        cut: &Cut,
        pass: u64,
        carry: &mut [Carry],
        states: bool,
    ) -> Vec<Done> {
        let mut done: Vec<Done> = Vec::new();
        for (l, layer) in self.layers.iter().enumerate() {
            let stretch = self.stretch(batch, cut, &done, l);
            let watch = Watch { potential: !carry[l].potential.is_empty(), states };
            let selector = &self.selectors[l];
            done.push(forward::run(layer, &stretch, selector, (pass, l), &mut carry[l], watch));
        }
        done
    }

    fn stretch<'a>(
        &self,
        batch: &'a [SpikeTrain],
        cut: &'a Cut,
        done: &'a [Done],
        l: usize,
    ) -> Stretch<'a> {
        let (trains, offset) = match l.checked_sub(1) {
            None => (batch, cut.first),
            // Their step 0 is the one before the cut.
            Some(below) => (done[below].spikes.as_slice(), 1 - self.network.delay.steps()),
        };
        Stretch { first: cut.first, lengths: &cut.lengths, starts: &cut.starts, trains, offset }
    }

    fn empty_pass(&self, batch: &[SpikeTrain], record: bool) -> Pass<f32> {
        let samples = batch.len();
        for train in batch {
            assert_eq!(train.neurons(), self.network.inputs, "inputs of another network");
        }
        let potential = match self.network.readout {
            Readout::Potential => vec![0.0; samples * self.network.outputs()],
            _ => vec![],
        };
        let of_layer = |_: &Layer| LayerRecord {
            states: vec![vec![]; samples],
            lists: vec![SpikeList::default(); samples],
        };
        Pass {
            steps: batch.iter().map(SpikeTrain::steps).collect(),
            counts: self.layers.iter().map(|l| vec![0.0; samples * l.neurons]).collect(),
            potential,
            activity: vec![LayerActivity::default(); self.layers.len()],
            record: record.then(|| self.layers.iter().map(of_layer).collect()),
            input_gradient: vec![],
        }
    }

    /// Adds what happened in a cut to the pass.
    fn collect(&self, pass: &mut Pass<f32>, cut: &Cut, done: &[Done]) {
        let samples = cut.lengths.len();
        for (l, done) in done.iter().enumerate() {
            let n = self.layers[l].neurons;
            pass.activity[l].merge(&done.activity);
            for b in 0..samples {
                let counts = &mut pass.counts[l][b * n..][..n];
                for k in 0..cut.lengths[b] {
                    for &id in done.spikes[b].step(k + 1) {
                        counts[id as usize] += 1.0;
                    }
                }
                if let Some(record) = &mut pass.record {
                    let rows: usize = cut.lengths.iter().sum();
                    for k in 0..cut.lengths[b] {
                        let row = cut.starts[b] + k;
                        let v = (0..n).map(|j| lane(&done.states[j / WIDTH * rows + row], j));
                        record[l].states[b].extend(v);
                        done.append_list(row, &mut record[l].lists[b]);
                    }
                }
            }
        }
    }

    /// Mean potentials from the sums that the last layer took along.
    fn finish(&self, pass: &mut Pass<f32>, carry: &[Carry]) {
        let sums = &carry[carry.len() - 1].potential;
        let samples = pass.steps.len();
        for (b, means) in pass.potential.chunks_mut(self.network.outputs()).enumerate() {
            for (j, mean) in means.iter_mut().enumerate() {
                *mean = lane(&sums[j / WIDTH * samples + b], j) / pass.steps[b].max(1) as f32;
            }
        }
    }

    fn infer_here(&self, batch: &[SpikeTrain], pass: u64, record: bool) -> Pass<f32> {
        let mut result = self.empty_pass(batch, record);
        let mut carry = self.start(batch.len());
        for cut in Cut::all(batch, INFERENCE_STEPS) {
            let done = self.forward(batch, &cut, pass, &mut carry, record);
            self.collect(&mut result, &cut, &done);
        }
        self.finish(&mut result, &carry);
        result
    }

    fn step_here(
        &self,
        gradients: &mut [LayerGradients],
        batch: &[SpikeTrain],
        pass: u64,
        loss: &mut Loss<'_, f32>,
    ) -> Pass<f32> {
        let mut result = self.empty_pass(batch, false);
        let steps = match self.options.checkpoint_steps {
            0 => usize::MAX,
            steps => steps,
        };
        let cuts = Cut::all(batch, steps);
        let mut carry = self.start(batch.len());
        let mut saved = Vec::new();
        let mut kept = None;
        for (c, cut) in cuts.iter().enumerate() {
            if c + 1 < cuts.len() {
                saved.push(carry.clone());
            }
            let done = self.forward(batch, cut, pass, &mut carry, false);
            self.collect(&mut result, cut, &done);
            kept = Some(done);
        }
        self.finish(&mut result, &carry);
        let outside = loss(&result);
        let potential = self.potential_gradient(&outside, &result.steps);
        let mut back: Vec<_> =
            self.layers.iter().map(|layer| BackCarry::new(layer, batch.len())).collect();
        let mut of_inputs = vec![Vec::new(); batch.len()];
        let mut fresh = true;
        for cut in cuts.iter().rev() {
            let done = kept.take().unwrap_or_else(|| {
                let mut carry = saved.pop().expect("a state is saved for each cut but the last");
                self.forward(batch, cut, pass, &mut carry, false)
            });
            let mut above = Vec::new();
            for l in (0..self.layers.len()).rev() {
                let stretch = self.stretch(batch, cut, &done, l);
                let outside = Outside {
                    counts: outside.counts.get(l).map_or(&[], Vec::as_slice),
                    potential: if l + 1 == self.layers.len() { &potential } else { &[] },
                };
                let errors = backward::run(
                    &self.layers[l],
                    &stretch,
                    &done[l],
                    std::mem::take(&mut above),
                    outside,
                    &mut back[l],
                    &mut gradients[l],
                    fresh,
                    l > 0 || self.options.input_gradient,
                );
                let layer = &self.layers[l];
                if let Some(below) = l.checked_sub(1) {
                    let delay = self.network.delay.steps();
                    let asked = |b: usize| done[below].places(stretch.rows_of(b));
                    above = backward::slot_errors(layer, &errors, &stretch, delay, asked);
                } else if self.options.input_gradient {
                    let asked = |b: usize| {
                        let steps = (0..cut.lengths[b]).map(|k| (k as u32, stretch.input(b, k)));
                        steps.flat_map(|(k, ids)| ids.iter().map(move |&id| (id, k))).collect()
                    };
                    let part = backward::slot_errors(layer, &errors, &stretch, 0, asked);
                    for (all, mut part) in of_inputs.iter_mut().zip(part) {
                        part.append(all);
                        *all = part;
                    }
                }
                gradients[l].errors = errors.h;
            }
            fresh = false;
        }
        if fresh {
            gradients.iter_mut().for_each(LayerGradients::clear);
        }
        if self.options.input_gradient {
            result.input_gradient = of_inputs;
        }
        result
    }

    /// dL/dv of every step that the mean potential causes, `[block][sample]`.
    fn potential_gradient(&self, outside: &OutputGradient<f32>, steps: &[usize]) -> Vec<Row> {
        if outside.potential.is_empty() {
            return vec![];
        }
        let n = self.network.outputs();
        let mut rows = vec![ZERO; n.div_ceil(WIDTH) * steps.len()];
        for (b, gradient) in outside.potential.chunks_exact(n).enumerate() {
            for (j, g) in gradient.iter().enumerate() {
                let row = &mut rows[j / WIDTH * steps.len() + b];
                *blocks::lane_mut(row, j as u32) = g / steps[b].max(1) as f32;
            }
        }
        rows
    }
}

impl LayerGradients {
    fn clear(&mut self) {
        self.w.rows.fill(ZERO);
        if let Some(recurrent) = &mut self.recurrent {
            recurrent.rows.fill(ZERO);
        }
        self.bias.fill(ZERO);
        self.decay_logit.fill(0.0);
    }
}

/// Lane of neuron `j` of a layer in the row of its block.
fn lane(row: &Row, j: usize) -> f32 {
    numbers(std::slice::from_ref(row))[j % WIDTH]
}

impl LifEngine for LayerEngine {
    fn infer(&mut self, batch: &[SpikeTrain], pass: u64, record: bool) -> Pass<f32> {
        self.prepare();
        self.pool.install(|| self.infer_here(batch, pass, record))
    }

    fn step(&mut self, batch: &[SpikeTrain], pass: u64, loss: &mut Loss<'_, f32>) -> Pass<f32> {
        self.prepare();
        let mut gradients = std::mem::take(&mut self.gradients);
        let result = self.pool.install(|| self.step_here(&mut gradients, batch, pass, loss));
        self.gradients = gradients;
        result
    }

    fn tensors(&mut self) -> Vec<Tensor<'_, f32>> {
        let mut tensors = Vec::new();
        for (layer, gradients) in self.layers.iter_mut().zip(&self.gradients) {
            tensors.push(Tensor { values: layer.w.numbers_mut(), gradient: gradients.w.numbers() });
            if let (Some(values), Some(gradient)) = (&mut layer.recurrent, &gradients.recurrent) {
                tensors.push(Tensor { values: values.numbers_mut(), gradient: gradient.numbers() });
            }
            if !layer.bias.is_empty() {
                let values = crate::engine::cpu::lanes::numbers_mut(&mut layer.bias);
                tensors.push(Tensor { values, gradient: from_rows(&gradients.bias) });
            }
            if !layer.decay_logit.is_empty() {
                let gradient = &gradients.decay_logit;
                tensors.push(Tensor { values: &mut layer.decay_logit, gradient });
            }
        }
        tensors
    }

    fn pack(&self, weights: &LifWeights<f32>) -> Vec<Vec<f32>> {
        let mut packed = Vec::new();
        for (layer, weights) in self.layers.iter().zip(&weights.layers) {
            packed.push(layer.w.pack(&weights.w));
            if let Some(recurrent) = &layer.recurrent {
                packed.push(recurrent.pack(&weights.recurrent));
            }
            if !layer.bias.is_empty() {
                packed.push(from_rows(&to_rows(&weights.bias)).to_vec());
            }
            if !layer.decay_logit.is_empty() {
                packed.push(weights.decay_logit.clone());
            }
        }
        packed
    }

    fn unpack(&self, tensors: &[&[f32]]) -> LifWeights<f32> {
        let mut weights = LifWeights::zeros(&self.network);
        let mut tensors = tensors.iter();
        let mut next = || *tensors.next().expect("a tensor for each part");
        for (layer, weights) in self.layers.iter().zip(&mut weights.layers) {
            weights.w = layer.w.unpack(next());
            if let Some(recurrent) = &layer.recurrent {
                weights.recurrent = recurrent.unpack(next());
            }
            if !layer.bias.is_empty() {
                weights.bias = next()[..layer.neurons].to_vec();
            }
            if !layer.decay_logit.is_empty() {
                weights.decay_logit = next().to_vec();
            }
        }
        weights
    }

    fn set_capacities(&mut self, capacities: &[usize]) {
        for (selector, &capacity) in self.selectors.iter_mut().zip(capacities) {
            selector.capacity = capacity;
        }
    }
}
