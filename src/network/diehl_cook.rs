//! The Diehl & Cook network: inputs → excitatory neurons ⇄ inhibitory neurons.
//!
//! Every input projects to every excitatory neuron with a weight learned by STDP; excitatory
//! neuron j drives inhibitory neuron j; the inhibitory neurons act back on the excitatory ones.
//! Equations and update order: [`crate::engine::cpu::stdp`]. Sources: Diehl & Cook, Frontiers in
//! Computational Neuroscience 9:99 (2015); spec stdp.md sections 2 and 3, hpo.md section 1.2.

use serde::{Deserialize, Serialize};

/// Which of the two published variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// Experiment 1: at most one excitatory spike a step and sample, drawn uniformly from the
    /// neurons that cross; uniform lateral weights.
    #[default]
    OneSpike,
    /// Experiment 2: adaptive LIF neurons that all spike; lateral weights grow with distance.
    SoftLateral,
}

/// Sign of the distance-dependent lateral weights of [`Variant::SoftLateral`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lateral {
    /// +strength_inh·|i−j|/(m−1): what the reference computes, although it is described as
    /// inhibition. The default, so that its studies can be repeated.
    #[default]
    Positive,
    /// −strength_inh·|i−j|/(m−1): what the description says.
    Negative,
}

/// How STDP changes of the samples of one batch are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Added up: the reference's default for every batch size.
    #[default]
    Sum,
    /// Averaged.
    Mean,
}

/// Parameters of a Diehl & Cook network. Names, units and defaults are the reference's.
///
/// | parameters | unit |
/// |---|---|
/// | `*_rest`, `*_reset`, `*_thresh`, `theta_plus`, `strength_*`, `norm`, weights | mV |
/// | `*_refrac`, `tc_*`, `*_tc_*`, `input_trace`, `dt` | ms |
/// | `nu_*`, `weight_decay` | 1 per spike, 1 per step |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiehlCook {
    /// One-spike choice and uniform lateral weights, or adaptive LIF and soft lateral weights.
    pub variant: Variant,
    /// Number of excitatory (and of inhibitory) neurons, m.
    pub map_size: usize,
    /// Duration of a time step \[ms\].
    pub dt: f64,
    /// Membrane potentials, counters, traces and pending spikes are reset every so many steps,
    /// step 0 included; 0 = never.
    pub reset_interval: u32,
    /// Weight from excitatory neuron j to inhibitory neuron j \[mV\].
    pub strength_exc: f64,
    /// Magnitude of the weights from inhibitory to excitatory neurons \[mV\].
    pub strength_inh: f64,
    /// Sign of distance-dependent lateral weights; no effect on [`Variant::OneSpike`].
    pub lateral: Lateral,
    /// STDP depression rate, at a presynaptic spike.
    pub nu_pre: f64,
    /// STDP potentiation rate, at a postsynaptic spike.
    pub nu_post: f64,
    /// Share of every input weight lost each training step.
    pub weight_decay: f64,
    /// Combination of STDP changes over a batch.
    pub reduction: Reduction,
    /// Lower bound of the input weights \[mV\].
    pub wmin: f64,
    /// Upper bound of the input weights \[mV\].
    pub wmax: f64,
    /// Sum of |input weights| of each excitatory neuron after each run \[mV\]; 0 = no normalisation.
    pub norm: f64,
    /// Time constant of the input traces \[ms\].
    pub input_trace: f64,
    /// Growth of the adaptive threshold at a crossing \[mV\].
    pub theta_plus: f64,
    /// Time constant of the adaptive threshold \[ms\].
    pub tc_theta_decay: f64,
    /// Resting potential, excitatory \[mV\].
    pub e_rest: f64,
    /// Reset potential, excitatory \[mV\].
    pub e_reset: f64,
    /// Threshold without the adaptive part, excitatory \[mV\].
    pub e_thresh: f64,
    /// Refractory period, excitatory \[ms\].
    pub e_refrac: f64,
    /// Membrane time constant, excitatory \[ms\].
    pub e_tc_decay: f64,
    /// Trace time constant, excitatory \[ms\].
    pub e_tc_trace: f64,
    /// Resting potential, inhibitory \[mV\].
    pub i_rest: f64,
    /// Reset potential, inhibitory \[mV\].
    pub i_reset: f64,
    /// Threshold, inhibitory \[mV\].
    pub i_thresh: f64,
    /// Refractory period, inhibitory \[ms\].
    pub i_refrac: f64,
    /// Membrane time constant, inhibitory \[ms\].
    pub i_tc_decay: f64,
}

impl DiehlCook {
    /// The defaults of a variant (spec stdp.md section 3).
    pub fn new(variant: Variant) -> Self {
        let (norm, reset_interval) = match variant {
            Variant::OneSpike => (78.4, 0),
            Variant::SoftLateral => (0.0, 10),
        };
        DiehlCook {
            variant,
            map_size: 100,
            dt: 1.0,
            reset_interval,
            strength_exc: 22.5,
            strength_inh: 17.5,
            lateral: Lateral::Positive,
            nu_pre: 1e-4,
            nu_post: 1e-2,
            weight_decay: 0.0,
            reduction: Reduction::Sum,
            wmin: 0.0,
            wmax: 1.0,
            norm,
            input_trace: 20.0,
            theta_plus: 0.05,
            tc_theta_decay: 1e7,
            e_rest: -65.0,
            e_reset: -60.0,
            e_thresh: -52.0,
            e_refrac: 5.0,
            e_tc_decay: 100.0,
            e_tc_trace: 20.0,
            i_rest: -60.0,
            i_reset: -45.0,
            i_thresh: -40.0,
            i_refrac: 2.0,
            i_tc_decay: 10.0,
        }
    }

    /// The first parameter that is out of its range: its name and what is allowed.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let positive = [
            ("dt", self.dt),
            ("input_trace", self.input_trace),
            ("tc_theta_decay", self.tc_theta_decay),
            ("e_tc_decay", self.e_tc_decay),
            ("e_tc_trace", self.e_tc_trace),
            ("i_tc_decay", self.i_tc_decay),
        ];
        let not_negative = [
            ("norm", self.norm),
            ("theta_plus", self.theta_plus),
            ("e_refrac", self.e_refrac),
            ("i_refrac", self.i_refrac),
            ("strength_exc", self.strength_exc),
            ("strength_inh", self.strength_inh),
            ("nu_pre", self.nu_pre),
            ("nu_post", self.nu_post),
        ];
        let finite = [
            ("wmin", self.wmin),
            ("wmax", self.wmax),
            ("e_rest", self.e_rest),
            ("e_reset", self.e_reset),
            ("e_thresh", self.e_thresh),
            ("i_rest", self.i_rest),
            ("i_reset", self.i_reset),
            ("i_thresh", self.i_thresh),
        ];
        for (name, x) in positive {
            if !(x.is_finite() && x > 0.0) {
                return Err((name, format!("{x} is not allowed; give a number above 0")));
            }
        }
        for (name, x) in not_negative {
            if !(x.is_finite() && x >= 0.0) {
                return Err((name, format!("{x} is not allowed; give a number of 0 or more")));
            }
        }
        for (name, x) in finite {
            if !x.is_finite() {
                return Err((name, format!("{x} is not allowed; give a finite number")));
            }
        }
        if self.wmin >= self.wmax {
            return Err(("wmin", format!("{} is not below wmax = {}", self.wmin, self.wmax)));
        }
        if !(0.0..1.0).contains(&self.weight_decay) {
            let text = format!("{} is not allowed; give 0 ≤ weight_decay < 1", self.weight_decay);
            return Err(("weight_decay", text));
        }
        // Distances |i−j|/(m−1) need two neurons.
        let least = if self.variant == Variant::SoftLateral { 2 } else { 1 };
        if !(least..=MAX_MAP_SIZE).contains(&self.map_size) {
            let text = format!("{} is not allowed; give {least} to {MAX_MAP_SIZE}", self.map_size);
            return Err(("map_size", text));
        }
        Ok(())
    }

    /// Unit of a parameter, as plots show it; None for pure numbers and names.
    pub fn unit(parameter: &str) -> Option<&'static str> {
        match parameter {
            "strength_exc" | "strength_inh" | "wmin" | "wmax" | "norm" | "theta_plus"
            | "e_rest" | "e_reset" | "e_thresh" | "i_rest" | "i_reset" | "i_thresh" => Some("mV"),
            "dt" | "input_trace" | "tc_theta_decay" | "e_refrac" | "e_tc_decay" | "e_tc_trace"
            | "i_refrac" | "i_tc_decay" => Some("ms"),
            "reset_interval" => Some("steps"),
            "map_size" => Some("neurons"),
            _ => None,
        }
    }

    /// Number of weights: input, excitatory → inhibitory and lateral matrices (hpo.md section 1.2).
    pub fn parameters(&self, inputs: usize) -> usize {
        inputs * self.map_size + 2 * self.map_size * self.map_size
    }

    /// Number of weights that STDP changes.
    pub fn trainable(&self, inputs: usize) -> usize {
        inputs * self.map_size
    }

    /// Number of neurons, inputs included.
    pub fn nodes(&self, inputs: usize) -> usize {
        inputs + 2 * self.map_size
    }
}

/// Largest map that is accepted: bounds the memory that a study file can ask for.
pub const MAX_MAP_SIZE: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_accepted_and_bad_values_name_their_parameter() {
        for variant in [Variant::OneSpike, Variant::SoftLateral] {
            assert_eq!(DiehlCook::new(variant).check(), Ok(()));
        }
        let base = DiehlCook::new(Variant::OneSpike);
        let bad = [
            (DiehlCook { dt: 0.0, ..base.clone() }, "dt"),
            (DiehlCook { norm: f64::NAN, ..base.clone() }, "norm"),
            (DiehlCook { e_rest: f64::INFINITY, ..base.clone() }, "e_rest"),
            (DiehlCook { wmin: 2.0, ..base.clone() }, "wmin"),
            (DiehlCook { weight_decay: 1.0, ..base.clone() }, "weight_decay"),
            (DiehlCook { map_size: 0, ..base.clone() }, "map_size"),
            (DiehlCook { map_size: 1, ..DiehlCook::new(Variant::SoftLateral) }, "map_size"),
        ];
        for (network, name) in bad {
            assert_eq!(network.check().unwrap_err().0, name);
        }
    }

    /// Row of the published experiment 1 (hpo.md section 1.2): 784 inputs, 797 neurons.
    #[test]
    fn sizes_follow_the_identities_of_the_released_rows() {
        let network = DiehlCook { map_size: 797, ..DiehlCook::new(Variant::OneSpike) };
        assert_eq!(network.parameters(784), 784 * 797 + 2 * 797 * 797);
        assert_eq!(network.trainable(784), 784 * 797);
        assert_eq!(network.nodes(784), 784 + 2 * 797);
    }
}
