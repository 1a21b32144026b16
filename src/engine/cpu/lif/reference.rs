//! The scalar reference: plain loops over dense arrays, sample by sample.

// Indices as in the equations: the reference is to be compared with them line by line.
#![allow(clippy::needless_range_loop)]

use super::select::{Candidate, RowKey, Selector};
use crate::engine::lif::{
    LayerActivity, LayerRecord, LifEngine, LifWeights, Loss, OutputGradient, Pass, Real, SpikeList,
    Tensor, factors, logit_gradient,
};
use crate::network::{Lif, Readout, Reset};
use crate::spikes::SpikeTrain;

/// What neurons send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpikeFunction {
    /// 1 where the neuron spikes, else 0: the model.
    #[default]
    Step,
    /// f(v) = x/(slope·|x| + 1), x = v − θ₁, of every neuron, without reset and lists: a smooth
    /// model whose exact derivative is the surrogate one, so that the backward pass can be held
    /// against differences of the loss.
    Smooth,
}

/// The engine. See the [module](self).
pub struct ReferenceEngine<T> {
    network: Lif,
    weights: LifWeights<T>,
    gradients: LifWeights<T>,
    capacities: Vec<usize>,
    function: SpikeFunction,
}

/// All that one sample did in one layer: arrays `[step, neuron]`.
struct Trace<T> {
    /// Input current W x + R s + b.
    current: Vec<T>,
    /// Potential before the reset.
    v: Vec<T>,
    /// Potential after the reset.
    u: Vec<T>,
    /// What was sent to the next layer.
    sent: Vec<T>,
    list: SpikeList<T>,
}

impl<T: Real> ReferenceEngine<T> {
    /// An engine with these weights and list capacities.
    ///
    /// # Panics
    /// Where the weights have another shape than the network.
    pub fn new(
        network: &Lif,
        weights: &LifWeights<T>,
        capacities: &[usize],
        function: SpikeFunction,
    ) -> Self {
        assert!(weights.fits(network), "weights of another network");
        ReferenceEngine {
            network: network.clone(),
            weights: weights.clone(),
            gradients: LifWeights::zeros(network),
            capacities: capacities.to_vec(),
            function,
        }
    }

    /// What layer `l` receives from below at step `t`, given the layers below.
    fn input(&self, train: &SpikeTrain, below: &[Trace<T>], l: usize, t: usize) -> Vec<T> {
        let n = self.network.fan_in(l);
        let mut x = vec![T::zero(); n];
        if l == 0 {
            for &i in train.step(t) {
                x[i as usize] = T::one();
            }
        } else if let Some(from) = t.checked_sub(self.network.delay.steps()) {
            x.copy_from_slice(&below[l - 1].sent[from * n..][..n]);
        }
        x
    }

    fn run_sample(
        &self,
        train: &SpikeTrain,
        sample: usize,
        pass: u64,
        activity: &mut [LayerActivity],
    ) -> Vec<Trace<T>> {
        assert_eq!(train.neurons(), self.network.inputs, "inputs of another network");
        let mut traces = Vec::new();
        // A layer depends on the ones below alone: all its steps can be done before the next layer.
        for l in 0..self.network.layers.len() {
            let n = self.network.layers[l].neurons;
            let threshold = T::real(self.network.layers[l].threshold);
            let slope = T::real(self.network.surrogate_slope);
            let weights = &self.weights.layers[l];
            let (decay, gain) = factors(&self.network, l, &weights.decay_logit);
            let mut selector = Selector::new(&self.network, l, self.capacities[l]);
            let mut trace = Trace {
                current: vec![],
                v: vec![],
                u: vec![],
                sent: vec![],
                list: SpikeList::default(),
            };
            let mut u = vec![T::zero(); n];
            let mut sent = vec![T::zero(); n];
            for t in 0..train.steps() {
                let x = self.input(train, &traces, l, t);
                let mut current = vec![T::zero(); n];
                for j in 0..n {
                    let mut sum = weights.bias.get(j).copied().unwrap_or(T::zero());
                    for (&w, &x) in weights.w[j * x.len()..].iter().zip(&x) {
                        sum += w * x;
                    }
                    if !weights.recurrent.is_empty() {
                        for (&w, &s) in weights.recurrent[j * n..].iter().zip(&sent) {
                            sum += w * s;
                        }
                    }
                    current[j] = sum;
                }
                let v: Vec<T> = (0..n).map(|j| decay[j] * u[j] + gain[j] * current[j]).collect();
                u.copy_from_slice(&v);
                sent.fill(T::zero());
                let all: Vec<Candidate<T>> = (0..n).map(|j| (j as u32, v[j])).collect();
                match self.function {
                    SpikeFunction::Smooth => {
                        for j in 0..n {
                            let x = v[j] - threshold;
                            sent[j] = x / (slope * x.abs() + T::one());
                        }
                        trace.list.push_row(&[], &all);
                    }
                    SpikeFunction::Step => {
                        let key = RowKey { pass, layer: l, sample, step: t };
                        activity[l].add(selector.select(&all, key, &mut trace.list));
                        for &id in trace.list.spikes(t) {
                            sent[id as usize] = T::one();
                        }
                        for j in 0..n {
                            let crossed = selector.fires(v[j]);
                            if match self.network.reset {
                                Reset::State => crossed,
                                Reset::Emitted => sent[j] == T::one(),
                            } {
                                u[j] = T::zero();
                            }
                        }
                    }
                }
                trace.current.extend_from_slice(&current);
                trace.v.extend_from_slice(&v);
                trace.u.extend_from_slice(&u);
                trace.sent.extend_from_slice(&sent);
            }
            traces.push(trace);
        }
        traces
    }

    fn forward(&self, batch: &[SpikeTrain], pass: u64) -> (Pass<T>, Vec<Vec<Trace<T>>>) {
        let layers = &self.network.layers;
        let mut result = Pass {
            steps: batch.iter().map(SpikeTrain::steps).collect(),
            counts: vec![vec![]; layers.len()],
            activity: vec![LayerActivity::default(); layers.len()],
            ..Pass::default()
        };
        let mut traces = Vec::new();
        for (b, train) in batch.iter().enumerate() {
            let sample = self.run_sample(train, b, pass, &mut result.activity);
            for (l, trace) in sample.iter().enumerate() {
                let n = layers[l].neurons;
                let mut counts = vec![T::zero(); n];
                for sent in trace.sent.chunks_exact(n) {
                    counts.iter_mut().zip(sent).for_each(|(c, &s)| *c += s);
                }
                result.counts[l].extend(counts);
            }
            if self.network.readout == Readout::Potential {
                let n = self.network.outputs();
                let mut sum = vec![T::zero(); n];
                for v in sample[layers.len() - 1].v.chunks_exact(n) {
                    sum.iter_mut().zip(v).for_each(|(sum, &v)| *sum += v);
                }
                let steps = T::real(train.steps().max(1) as f64);
                result.potential.extend(sum.into_iter().map(|x| x / steps));
            }
            traces.push(sample);
        }
        (result, traces)
    }

    /// The backward pass of one sample; gives the gradient of each input spike's value.
    fn differentiate(
        &mut self,
        train: &SpikeTrain,
        b: usize,
        traces: &[Trace<T>],
        gradient: &OutputGradient<T>,
    ) -> Vec<T> {
        let steps = train.steps();
        let zero = T::zero();
        // dL/d(what the layer sent), `[step, neuron]`, from the layer above.
        let mut upward: Vec<T> = vec![zero; steps * self.network.outputs()];
        for l in (0..self.network.layers.len()).rev() {
            let n = self.network.layers[l].neurons;
            let n_in = self.network.fan_in(l);
            let threshold = T::real(self.network.layers[l].threshold);
            let slope = T::real(self.network.surrogate_slope);
            let trace = &traces[l];
            let (decay, gain) = factors(&self.network, l, &self.weights.layers[l].decay_logit);
            let scale = T::real(self.network.input_scale);
            let last = l + 1 == self.network.layers.len();
            let mut below = vec![zero; steps * n_in];
            let mut decay_gradient = vec![zero; n];
            let mut g = vec![zero; n];
            let mut later_h = vec![zero; n];
            for t in (0..steps).rev() {
                let mut sent_gradient = upward[t * n..][..n].to_vec();
                if let Some(of_counts) = gradient.counts.get(l).filter(|x| !x.is_empty()) {
                    for j in 0..n {
                        sent_gradient[j] += of_counts[b * n + j];
                    }
                }
                let weights = &self.weights.layers[l];
                if !weights.recurrent.is_empty() {
                    for j in 0..n {
                        for i in 0..n {
                            sent_gradient[i] += weights.recurrent[j * n + i] * later_h[j];
                        }
                    }
                }
                for j in 0..n {
                    g[j] = decay[j] * g[j];
                }
                for &j in trace.list.row(t) {
                    let j = j as usize;
                    let x = slope * (trace.v[t * n + j] - threshold).abs() + T::one();
                    g[j] += sent_gradient[j] / (x * x);
                }
                if last && !gradient.potential.is_empty() {
                    for j in 0..n {
                        g[j] += gradient.potential[b * n + j] / T::real(steps as f64);
                    }
                }
                let h: Vec<T> = (0..n).map(|j| gain[j] * g[j]).collect();
                let x = self.input(train, traces, l, t);
                let layer = &mut self.gradients.layers[l];
                for j in 0..n {
                    for i in 0..n_in {
                        layer.w[j * n_in + i] += h[j] * x[i];
                        let from = if l == 0 {
                            Some(t)
                        } else {
                            t.checked_sub(self.network.delay.steps())
                        };
                        if let Some(from) = from {
                            below[from * n_in + i] += weights.w[j * n_in + i] * h[j];
                        }
                    }
                    if t > 0 && !weights.recurrent.is_empty() {
                        for i in 0..n {
                            layer.recurrent[j * n + i] += h[j] * trace.sent[(t - 1) * n + i];
                        }
                    }
                    if let Some(bias) = layer.bias.get_mut(j) {
                        *bias += h[j];
                    }
                    let u = if t > 0 { trace.u[(t - 1) * n + j] } else { zero };
                    decay_gradient[j] += g[j] * (u - scale * trace.current[t * n + j]);
                }
                later_h = h;
            }
            let logits = self.weights.layers[l].decay_logit.len();
            let of_logits = logit_gradient(&decay, &decay_gradient, logits);
            for (sum, x) in self.gradients.layers[l].decay_logit.iter_mut().zip(of_logits) {
                *sum += x;
            }
            upward = below;
        }
        (0..steps)
            .flat_map(|t| train.step(t).iter().map(move |&i| (t, i as usize)))
            .map(|(t, i)| upward[t * train.neurons() + i])
            .collect()
    }
}

/// The monitor's view of the traces.
fn record<T: Real>(network: &Lif, traces: Vec<Vec<Trace<T>>>) -> Vec<LayerRecord<T>> {
    let mut layers: Vec<_> = network.layers.iter().map(|_| LayerRecord::default()).collect();
    for sample in traces {
        for (layer, trace) in layers.iter_mut().zip(sample) {
            layer.states.push(trace.v);
            layer.lists.push(trace.list);
        }
    }
    layers
}

impl<T: Real> LifEngine<T> for ReferenceEngine<T> {
    fn infer(&mut self, batch: &[SpikeTrain], pass: u64, with_record: bool) -> Pass<T> {
        let (mut result, traces) = self.forward(batch, pass);
        result.record = with_record.then(|| record(&self.network, traces));
        result
    }

    fn step(&mut self, batch: &[SpikeTrain], pass: u64, loss: &mut Loss<'_, T>) -> Pass<T> {
        let (mut result, traces) = self.forward(batch, pass);
        let gradient = loss(&result);
        self.gradients = LifWeights::zeros(&self.network);
        for (b, train) in batch.iter().enumerate() {
            let of_inputs = self.differentiate(train, b, &traces[b], &gradient);
            result.input_gradient.push(of_inputs);
        }
        result
    }

    fn tensors(&mut self) -> Vec<Tensor<'_, T>> {
        super::tensors_of(&mut self.weights, &self.gradients)
    }

    fn pack(&self, weights: &LifWeights<T>) -> Vec<Vec<T>> {
        super::pack_parts(weights)
    }

    fn unpack(&self, tensors: &[&[T]]) -> LifWeights<T> {
        super::unpack_parts(&self.network, tensors)
    }

    fn set_capacities(&mut self, capacities: &[usize]) {
        self.capacities = capacities.to_vec();
    }
}
