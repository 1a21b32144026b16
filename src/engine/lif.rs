//! The contract of engines that compute stacks of LIF layers ([`crate::network::Lif`]).
//!
//! An engine holds the weights of one network. [`LifEngine::infer`] gives the answers of a batch
//! and stores nothing; [`LifEngine::step`] also runs the backward pass and leaves the gradients in
//! the engine, beside the weights they belong to, for an optimiser to use.
//!
//! The samples of a batch may have different numbers of steps; each is run for its own.

use crate::network::{LearnedDecay, Lif};
use crate::random::{Key, Purpose, uniform};
use crate::spikes::SpikeTrain;

/// Floating point numbers that an engine can compute with: `f32`, or `f64` in checks.
pub trait Real:
    num_traits::Float
    + std::iter::Sum
    + std::ops::AddAssign
    + std::fmt::Debug
    + Default
    + Send
    + Sync
    + 'static
{
    /// The nearest number of this type.
    fn real(x: f64) -> Self {
        Self::from(x).expect("every f64 has a nearest number")
    }
}

impl Real for f32 {}
impl Real for f64 {}

/// What is learned in one layer. Parts that the network does not have are empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayerWeights<T> {
    /// W, `[neuron, input]`, input index fastest.
    pub w: Vec<T>,
    /// R, `[neuron, neuron of the step before]`.
    pub recurrent: Vec<T>,
    /// b, `[neuron]`.
    pub bias: Vec<T>,
    /// ρ with d = 1/(1 + exp(−ρ)): one a layer or one a neuron.
    pub decay_logit: Vec<T>,
}

impl<T> LayerWeights<T> {
    /// The parts in a fixed order, with their names.
    pub fn parts(&self) -> [(&'static str, &Vec<T>); 4] {
        [
            ("w", &self.w),
            ("recurrent", &self.recurrent),
            ("bias", &self.bias),
            ("decay_logit", &self.decay_logit),
        ]
    }

    /// The parts in the order of [`LayerWeights::parts`].
    pub fn parts_mut(&mut self) -> [(&'static str, &mut Vec<T>); 4] {
        [
            ("w", &mut self.w),
            ("recurrent", &mut self.recurrent),
            ("bias", &mut self.bias),
            ("decay_logit", &mut self.decay_logit),
        ]
    }
}

/// Everything that is learned, layer by layer; also the shape of its gradients.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LifWeights<T> {
    /// One entry a layer, input side first.
    pub layers: Vec<LayerWeights<T>>,
}

impl<T: Real> LifWeights<T> {
    /// Zeros in the shape of a network.
    pub fn zeros(network: &Lif) -> Self {
        let layers = network
            .layers
            .iter()
            .enumerate()
            .map(|(l, layer)| {
                let n = layer.neurons;
                let decays = match network.learned_decay {
                    LearnedDecay::No => 0,
                    LearnedDecay::Layer => 1,
                    LearnedDecay::Neuron => n,
                };
                let zeros = |count: usize| vec![T::zero(); count];
                LayerWeights {
                    w: zeros(n * network.fan_in(l)),
                    recurrent: zeros(if layer.recurrent { n * n } else { 0 }),
                    bias: zeros(if network.bias { n } else { 0 }),
                    decay_logit: zeros(decays),
                }
            })
            .collect();
        LifWeights { layers }
    }

    /// Weights before training: uniform in ±weight_mul·√(6/n_in) + weight_offset, recurrent ones
    /// with n_in the layer's own size, biases 0, decays those of the network.
    pub fn initial(network: &Lif, key: Key) -> Self {
        let mut weights = Self::zeros(network);
        for (l, layer) in weights.layers.iter_mut().enumerate() {
            let mut stream = key.sample(l as u64).stream(Purpose::Weights);
            let neurons = network.layers[l].neurons;
            for (w, n_in) in [(&mut layer.w, network.fan_in(l)), (&mut layer.recurrent, neurons)] {
                let bound = network.weight_mul * (6.0 / n_in as f64).sqrt();
                for w in w {
                    *w =
                        T::real(bound * (2.0 * uniform(&mut stream) - 1.0) + network.weight_offset);
                }
            }
            let decay = network.layers[l].decay;
            layer.decay_logit.fill(T::real((decay / (1.0 - decay)).ln()));
        }
        weights
    }

    /// Whether every part has the size that the network asks for.
    pub fn fits(&self, network: &Lif) -> bool {
        let shape = Self::zeros(network);
        self.layers.len() == shape.layers.len()
            && self.layers.iter().zip(&shape.layers).all(|(a, b)| {
                a.parts().iter().zip(b.parts()).all(|((_, a), (_, b))| a.len() == b.len())
            })
    }
}

/// Decay d and gain c of each neuron of layer `l`, from the network or the learned logits. A learned d stays
/// below 1, however large its logit: at 1 no current would count any more.
pub fn factors<T: Real>(network: &Lif, l: usize, decay_logit: &[T]) -> (Vec<T>, Vec<T>) {
    let layer = &network.layers[l];
    let n = layer.neurons;
    if decay_logit.is_empty() {
        let gain = network.input_scale * (1.0 - layer.decay);
        return (vec![T::real(layer.decay); n], vec![T::real(gain); n]);
    }
    let scale = T::real(network.input_scale);
    let below_one = T::one() - T::epsilon() / T::real(2.0);
    (0..n)
        .map(|j| {
            let logit = decay_logit[if decay_logit.len() == 1 { 0 } else { j }];
            let decay = T::one() / (T::one() + (-logit).exp());
            let decay = if decay == T::one() { below_one } else { decay };
            (decay, scale * (T::one() - decay))
        })
        .unzip()
}

/// Turns dL/dd of each neuron into dL/dρ, in the shape of the layer's logits.
pub fn logit_gradient<T: Real>(decay: &[T], decay_gradient: &[T], logits: usize) -> Vec<T> {
    let each = decay.iter().zip(decay_gradient).map(|(&d, &g)| g * d * (T::one() - d));
    if logits == 1 { vec![each.sum()] } else { each.take(logits).collect() }
}

/// The lists of one layer for one sample: a row a step. The first `spikes` entries of a row are
/// the ids that spiked, ascending; the others, ascending too, take part in the backward pass only.
#[derive(Debug, Clone, PartialEq)]
pub struct SpikeList<T> {
    ends: Vec<u32>,
    spikes: Vec<u32>,
    ids: Vec<u32>,
    potentials: Vec<T>,
}

impl<T> Default for SpikeList<T> {
    fn default() -> Self {
        SpikeList { ends: vec![0], spikes: vec![], ids: vec![], potentials: vec![] }
    }
}

impl<T: Copy> SpikeList<T> {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.spikes.len()
    }

    /// Removes all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.ends.truncate(1);
        self.spikes.clear();
        self.ids.clear();
        self.potentials.clear();
    }

    /// Appends a row: the spikes, then the gradient-only entries.
    pub fn push_row(&mut self, spikes: &[(u32, T)], gradient_only: &[(u32, T)]) {
        for part in [spikes, gradient_only] {
            self.ids.extend(part.iter().map(|entry| entry.0));
            self.potentials.extend(part.iter().map(|entry| entry.1));
        }
        self.spikes.push(spikes.len() as u32);
        self.ends.push(self.ids.len() as u32);
    }

    /// Places of row `t` in [`SpikeList::ids`] and [`SpikeList::potentials`].
    pub fn range(&self, t: usize) -> std::ops::Range<usize> {
        self.ends[t] as usize..self.ends[t + 1] as usize
    }

    /// Ids of row `t`, spikes first.
    pub fn row(&self, t: usize) -> &[u32] {
        &self.ids[self.range(t)]
    }

    /// Ids that spiked in row `t`, ascending.
    pub fn spikes(&self, t: usize) -> &[u32] {
        &self.row(t)[..self.spikes[t] as usize]
    }

    /// All ids, row by row.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Potential v of each entry of [`SpikeList::ids`] at its step.
    pub fn potentials(&self) -> &[T] {
        &self.potentials
    }
}

/// What a layer did in a pass, over all samples and steps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayerActivity {
    /// Rows: steps × samples.
    pub rows: u64,
    /// Neurons above θ₁.
    pub crossed: u64,
    /// Spikes that were emitted.
    pub emitted: u64,
    /// Entries that take part in the backward pass only.
    pub gradient_only: u64,
    /// Neurons above θ₁ that the list had no room for.
    pub dropped_spikes: u64,
    /// Neurons between θ₂ and θ₁ that the list had no room for.
    pub dropped_gradient: u64,
    /// Rows in which something was dropped.
    pub overflowed_rows: u64,
    /// `demand[k]`: rows in which k neurons were above θ₂.
    pub demand: Vec<u64>,
}

impl LayerActivity {
    /// Adds one row.
    pub fn add(&mut self, row: RowActivity) {
        let RowActivity { crossed, near, emitted, gradient_only } = row;
        self.rows += 1;
        self.crossed += crossed as u64;
        self.emitted += emitted as u64;
        self.gradient_only += gradient_only as u64;
        self.dropped_spikes += crossed.saturating_sub(emitted) as u64;
        self.dropped_gradient += near.saturating_sub(gradient_only) as u64;
        self.overflowed_rows += u64::from(emitted < crossed || gradient_only < near);
        let demand = crossed + near;
        if self.demand.len() <= demand {
            self.demand.resize(demand + 1, 0);
        }
        self.demand[demand] += 1;
    }

    /// Adds what another part of the pass, or another pass, counted.
    pub fn merge(&mut self, other: &LayerActivity) {
        self.rows += other.rows;
        self.crossed += other.crossed;
        self.emitted += other.emitted;
        self.gradient_only += other.gradient_only;
        self.dropped_spikes += other.dropped_spikes;
        self.dropped_gradient += other.dropped_gradient;
        self.overflowed_rows += other.overflowed_rows;
        if self.demand.len() < other.demand.len() {
            self.demand.resize(other.demand.len(), 0);
        }
        for (a, b) in self.demand.iter_mut().zip(&other.demand) {
            *a += b;
        }
    }

    /// Mean share of the layer's `neurons` that spike in a step.
    pub fn rate(&self, neurons: usize) -> f64 {
        self.emitted as f64 / (self.rows as f64 * neurons as f64).max(1.0)
    }
}

/// What happened in one row: neurons above θ₁, between θ₂ and θ₁, and how many of each are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowActivity {
    /// |A|.
    pub crossed: usize,
    /// |G|.
    pub near: usize,
    /// n1.
    pub emitted: usize,
    /// n2 − n1.
    pub gradient_only: usize,
}

/// Everything a monitor can ask of one layer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayerRecord<T> {
    /// Potentials v before the reset: for each sample `[step, neuron]`.
    pub states: Vec<Vec<T>>,
    /// Lists of each sample, a row a step.
    pub lists: Vec<SpikeList<T>>,
}

/// What a forward pass gives.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pass<T> {
    /// Steps of each sample.
    pub steps: Vec<usize>,
    /// Emitted spikes of each layer: `[sample, neuron]`.
    pub counts: Vec<Vec<T>>,
    /// Mean potential of the last layer, `[sample, neuron]`; empty unless the readout uses it.
    pub potential: Vec<T>,
    /// What each layer did.
    pub activity: Vec<LayerActivity>,
    /// Potentials and lists, where they were asked for.
    pub record: Option<Vec<LayerRecord<T>>>,
    /// Gradient with respect to the value of each input spike (in the order of
    /// [`SpikeTrain::ids`]), for each sample; empty unless asked for.
    pub input_gradient: Vec<Vec<T>>,
}

/// Gradient of the loss with respect to what a pass gives. An empty vector stands for zeros.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OutputGradient<T> {
    /// With respect to [`Pass::counts`], for each layer.
    pub counts: Vec<Vec<T>>,
    /// With respect to [`Pass::potential`].
    pub potential: Vec<T>,
}

/// How an engine runs; the results do not depend on it, but for rounding where stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Threads; results are the same bit for bit.
    pub threads: usize,
    /// Steps between checkpoints: a step keeps the lists of so many steps only and computes the
    /// others again. 0 = keep all. Gradients are added stretch by stretch, which rounds otherwise.
    pub checkpoint_steps: usize,
    /// Whether [`LifEngine::step`] also gives [`Pass::input_gradient`].
    pub input_gradient: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { threads: 1, checkpoint_steps: 0, input_gradient: false }
    }
}

/// A learned tensor in the engine's own layout, with its gradient.
pub struct Tensor<'a, T> {
    /// Values; padding stays as it is where its gradient is 0.
    pub values: &'a mut [T],
    /// Gradient of the last [`LifEngine::step`].
    pub gradient: &'a [T],
}

/// Computes the loss of a pass: its gradient goes back through the network.
pub type Loss<'a, T> = dyn FnMut(&Pass<T>) -> OutputGradient<T> + Send + 'a;

/// A stack of LIF layers that can be run and differentiated. See the [module](self).
pub trait LifEngine<T: Real = f32>: Send {
    /// Runs a batch and keeps nothing for a backward pass. `pass` addresses the random numbers of
    /// the selection; `record` asks for [`Pass::record`].
    ///
    /// # Panics
    /// Where a train has another number of neurons than the network has inputs.
    fn infer(&mut self, batch: &[SpikeTrain], pass: u64, record: bool) -> Pass<T>;

    /// Runs a batch forward, asks `loss` for the gradient of the outputs and runs it backward.
    ///
    /// # Panics
    /// As [`LifEngine::infer`], and where the loss gives a gradient of another shape.
    fn step(&mut self, batch: &[SpikeTrain], pass: u64, loss: &mut Loss<'_, T>) -> Pass<T>;

    /// The learned tensors and the gradients of the last step.
    fn tensors(&mut self) -> Vec<Tensor<'_, T>>;

    /// Brings values in the shape of the network into the order and layout of
    /// [`LifEngine::tensors`].
    fn pack(&self, weights: &LifWeights<T>) -> Vec<Vec<T>>;

    /// The inverse of [`LifEngine::pack`].
    fn unpack(&self, tensors: &[&[T]]) -> LifWeights<T>;

    /// Changes how many ids the lists hold.
    fn set_capacities(&mut self, capacities: &[usize]);

    /// A copy of the weights.
    fn weights(&mut self) -> LifWeights<T> {
        let values: Vec<Vec<T>> = self.tensors().iter().map(|t| t.values.to_vec()).collect();
        self.unpack(&values.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// A copy of the gradients.
    fn gradients(&mut self) -> LifWeights<T> {
        let values: Vec<Vec<T>> = self.tensors().iter().map(|t| t.gradient.to_vec()).collect();
        self.unpack(&values.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }
}
