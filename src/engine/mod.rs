//! How networks are computed: the contract that every engine keeps, and the engines.
//!
//! An engine knows nothing of files, hyperparameter searches or progress bars. It holds the
//! weights of one network, takes batches of [`SpikeTrain`]s and gives the spikes of each layer;
//! with learning on it changes its weights. The same suite (`tests/engine_contract.rs`) runs on
//! every engine; the scalar CPU path is the reference.

pub mod cpu;
pub mod lif;

use crate::spikes::SpikeTrain;

/// What a network has learned.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Number of inputs.
    pub inputs: usize,
    /// Number of excitatory neurons.
    pub neurons: usize,
    /// Input weights \[mV per spike\], `[input, neuron]`, neuron index fastest.
    pub w: Vec<f32>,
    /// Adaptive part of the threshold \[mV\], `[neuron]`.
    pub theta: Vec<f32>,
}

/// Spikes of one sample, layer by layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSpikes {
    /// Excitatory layer, the network's output.
    pub exc: SpikeTrain,
    /// Inhibitory layer.
    pub inh: SpikeTrain,
}

/// Which of the neurons that cross their threshold spikes, where only one may:
/// `(step, sample in the batch, crossing neurons in ascending order) → one of them`.
pub type Choose<'a> = dyn FnMut(usize, usize, &[u32]) -> u32 + 'a;

/// State after one step of one sample, for monitors.
pub struct StepView<'a> {
    /// Time step, from 0.
    pub step: usize,
    /// Index of the sample in the batch.
    pub sample: usize,
    /// Membrane potential, excitatory \[mV\], `[neuron]`.
    pub v_exc: &'a [f32],
    /// Membrane potential, inhibitory \[mV\], `[neuron]`.
    pub v_inh: &'a [f32],
    /// Refractory counter, excitatory \[ms\], `[neuron]`; blocks input while above 0.
    pub refrac_exc: &'a [f32],
    /// Adaptive threshold \[mV\], `[neuron]`, shared by the batch.
    pub theta: &'a [f32],
    /// Excitatory neurons that reached their threshold in this step, ascending.
    pub crossed: &'a [u32],
}

/// State at the end of a run, before normalisation and before the state is reset.
pub struct EndView<'a> {
    /// Input traces, `[sample × input]`.
    pub x_in: &'a [f32],
    /// Excitatory traces, `[sample × neuron]`.
    pub x_exc: &'a [f32],
    /// Weights as they are before normalisation.
    pub weights: &'a Weights,
}

/// A monitor of a run. Costs time; training runs without one.
pub trait Probe {
    /// Called after each step, for each sample of the batch.
    fn step(&mut self, view: &StepView<'_>);
    /// Called once after the last step.
    fn end(&mut self, view: &EndView<'_>);
}

/// A network that can be run. State variables are reset after every run; weights and adaptive
/// thresholds stay.
pub trait Engine: Send {
    /// Runs a batch for as many steps as its trains have (all the same number) and gives each
    /// sample's spikes. With `learning` the weights and adaptive thresholds change.
    ///
    /// # Panics
    /// Where the batch is empty, or a train has another number of neurons or steps than expected.
    fn run(
        &mut self,
        batch: &[SpikeTrain],
        learning: bool,
        choose: &mut Choose<'_>,
        probe: Option<&mut dyn Probe>,
    ) -> Vec<LayerSpikes>;

    /// A copy of the weights.
    fn weights(&self) -> Weights;
}
