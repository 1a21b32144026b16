//! Diehl & Cook networks with STDP, batch by batch.
//!
//! # One time step
//!
//! From spec stdp.md sections 1 to 5, with s(t) the spikes of step t:
//!
//! 0. With a reset interval r and t mod r = 0: membrane potentials, refractory counters, traces and
//!    the spikes of step t−1 are reset (v = rest, all else 0).
//! 1. Currents of all layers from the spikes of step t−1:
//!    `I_exc = s_in W + s_inh L`, `I_inh = s_exc E`.
//! 2. Layers in the order input, excitatory, inhibitory ([`population`]).
//! 3. STDP on W if learning ([`plasticity`]).
//!
//! After the last step each neuron's input weights are scaled to a fixed sum.
//!
//! # Implementations
//!
//! * [`mod@reference`]: plain loops over dense arrays, any batch size. Slow, short, the measure of all.
//! * [`event`]: touches the weight rows of inputs that spike and, for learning, the columns of
//!   neurons that spiked. One sample at a time, no weight decay.
//!
//! Both sum currents in the order of the input ids, so their spikes are identical; weights differ
//! by the rounding of the normalisation alone.

pub mod event;
mod event_state;
mod kernel;
pub mod plasticity;
pub mod population;
pub mod reference;

use crate::engine::{Engine, Weights};
use crate::network::{DiehlCook, Variant};
use crate::random::{Key, Purpose};
use rand::Rng;

/// Factors by which states shrink in one step, computed once in float32.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factors {
    /// Membrane potential, excitatory.
    pub exc_v: f32,
    /// Adaptive threshold.
    pub theta: f32,
    /// Trace, excitatory.
    pub exc_trace: f32,
    /// Membrane potential, inhibitory.
    pub inh_v: f32,
    /// Trace, input.
    pub in_trace: f32,
}

/// exp(−dt/tc), the quotient in float32 as the reference has it, the exponential correctly rounded.
pub fn decay_factor(dt: f64, tc: f64) -> f32 {
    let quotient = -(dt as f32) / (tc as f32);
    f64::from(quotient).exp() as f32
}

impl Factors {
    /// The factors of a network.
    pub fn new(network: &DiehlCook) -> Self {
        Factors {
            exc_v: decay_factor(network.dt, network.e_tc_decay),
            theta: decay_factor(network.dt, network.tc_theta_decay),
            exc_trace: decay_factor(network.dt, network.e_tc_trace),
            inh_v: decay_factor(network.dt, network.i_tc_decay),
            in_trace: decay_factor(network.dt, network.input_trace),
        }
    }
}

/// Weights before training: uniform in [0, 1), clamped to [wmin, wmax], not normalised; theta 0.
pub fn initial_weights(network: &DiehlCook, inputs: usize, key: Key) -> Weights {
    let mut stream = key.stream(Purpose::Weights);
    let (wmin, wmax) = (network.wmin as f32, network.wmax as f32);
    let w = (0..inputs * network.map_size)
        .map(|_| ((stream.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)).clamp(wmin, wmax))
        .collect();
    Weights { inputs, neurons: network.map_size, w, theta: vec![0.0; network.map_size] }
}

/// The fastest engine that computes this network with batches of this size.
pub fn build(network: &DiehlCook, weights: &Weights, batch_size: usize) -> Box<dyn Engine> {
    let factors = Factors::new(network);
    if is_event_driven(network, batch_size) {
        Box::new(event::EventEngine::new(network, factors, weights))
    } else {
        Box::new(reference::ReferenceEngine::new(network, factors, weights))
    }
}

/// Largest map of the reference engine, whose lateral weights are a dense matrix: of 1 GiB then.
const MAX_DENSE_MAP: usize = 16_384;

/// Refuses a network whose engine would not fit into memory: name of the setting and what is allowed.
pub fn check_size(network: &DiehlCook, batch_size: usize) -> Result<(), (&'static str, String)> {
    if !is_event_driven(network, batch_size) && network.map_size > MAX_DENSE_MAP {
        let text = format!(
            "{} is too many neurons for batches or weight decay; give at most {MAX_DENSE_MAP}, or \
             batch_size = 1 and weight_decay = 0",
            network.map_size
        );
        return Err(("map_size", text));
    }
    Ok(())
}

fn is_event_driven(network: &DiehlCook, batch_size: usize) -> bool {
    batch_size == 1 && network.weight_decay == 0.0
}

/// Weight from inhibitory neuron i to excitatory neuron j.
pub fn lateral_weight(network: &DiehlCook, i: usize, j: usize) -> f32 {
    use crate::network::Lateral;
    let strength = network.strength_inh as f32;
    match network.variant {
        Variant::OneSpike if i == j => 0.0,
        Variant::OneSpike => -strength,
        Variant::SoftLateral => {
            let weight = strength * i.abs_diff(j) as f32 / (network.map_size - 1) as f32;
            if network.lateral == Lateral::Negative { -weight } else { weight }
        }
    }
}
