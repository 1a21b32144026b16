//! A feed-forward stack of leaky integrate-and-fire layers, trained through time with a surrogate
//! gradient.
//!
//! # Model (spec sparse_lif_ipu, section 1; spec lif)
//!
//! Layers l = 1 … L of n_l neurons; time steps t = 0 … T−1; membrane potential v in units of the
//! threshold; s = 1 where a neuron spikes; θ₁ firing threshold, θ₂ gradient threshold, d decay:
//!
//! ```text
//! x_1[t] = network input at t,   x_l[t] = s_{l−1}[t − delay]      (s[−1] = 0)
//! v_l[t] = d·u_l[t−1] + c·(W_l x_l[t] + R_l s_l[t−1] + b_l),      c = input_scale·(1 − d)
//! s_l[t] = 1 where v_l[t] > θ₁ and the neuron is in the list of step t
//! u_l[t] = 0 where the neuron is reset, else v_l[t];              u[−1] = 0
//! ```
//!
//! A layer emits at most `capacity` ids a step. What happens beyond that is [`Selection`]; whether
//! a neuron that crossed θ₁ but was not emitted is reset is [`Reset`]. Entries of the list that
//! crossed θ₂ but not θ₁ are not spikes, but take part in the backward pass.
//!
//! # Gradient
//!
//! The step function has the derivative σ′(v) = 1/(slope·|v − θ₁| + 1)² for neurons in the list
//! and 0 for all others; the reset is a constant in the backward pass, so ∂v\[t+1\]/∂v\[t\] = d.

use serde::{Deserialize, Serialize};

/// When a neuron's potential goes back to zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// Whenever it crosses θ₁, also where the list had no room for its spike.
    #[default]
    State,
    /// Only where its spike was emitted; a neuron without room keeps integrating.
    Emitted,
}

/// When the spikes of a layer reach the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delay {
    /// One step later: L layers see an input after L − 1 steps.
    #[default]
    NextStep,
    /// In the same step.
    SameStep,
}

impl Delay {
    /// Steps between a spike and its arrival in the next layer.
    pub fn steps(self) -> usize {
        usize::from(self == Delay::NextStep)
    }
}

/// Whether a potential that equals a threshold crosses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// v > θ.
    #[default]
    Strict,
    /// v ≥ θ.
    Inclusive,
}

/// Which neurons a list of K places holds where more want in. A is the set of neurons above θ₁,
/// G those between θ₂ and θ₁. In all rules but `one_threshold` spikes have absolute priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Lowest ids first (rule R2 of the spec): the first K of A, then the first of G. Biased
    /// against high ids.
    #[default]
    LowestIds,
    /// A uniformly random subset of A, then of G.
    Random,
    /// The K highest potentials: those furthest above, then those nearest below the threshold.
    HighestPotential,
    /// Rule R1 of the spec: θ₂ = 0.9·θ₁, K distinct neurons always, scanned cyclically from a
    /// random place in each of up to six parts of the layer; near-threshold neurons can crowd out
    /// spikes.
    OneThreshold,
    /// [`Selection::OneThreshold`] that scans each part from its beginning.
    OneThresholdFromStart,
}

/// Room in the spike list of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Capacity {
    /// At most so many ids a step.
    Fixed(usize),
    /// Named rules.
    Named(NamedCapacity),
}

/// Capacities that follow from the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedCapacity {
    /// As many as the layer has neurons: nothing is ever dropped.
    All,
    /// Grows to a quantile of what was observed; see [`crate::train::lif::Capacities`].
    Auto,
}

/// What the network's answer for a class is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readout {
    /// Σ_t s_L\[t\].
    #[default]
    SpikeCount,
    /// Σ_t s_L\[t\] / T.
    Rate,
    /// Mean over the steps of the last layer's potential v_L\[t\] (before its reset).
    Potential,
}

/// Who shares a learned decay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearnedDecay {
    /// Decays are constants.
    #[default]
    No,
    /// One for the layer.
    Layer,
    /// One for each neuron.
    Neuron,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifLayer {
    /// Number of neurons n_l.
    pub neurons: usize,
    /// Decay d of the potential in one step (initial value where it is learned).
    pub decay: f64,
    /// Firing threshold θ₁.
    pub threshold: f64,
    /// Gradient threshold θ₂ ≤ θ₁; −∞ gives every neuron a gradient.
    pub second_threshold: f64,
    /// Room in the spike list.
    pub capacity: Capacity,
    /// Whether the layer feeds back into itself one step later (R_l).
    pub recurrent: bool,
}

/// A stack of LIF layers; see the module for the equations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lif {
    /// Width n_0 of the network input.
    pub inputs: usize,
    /// Layers, input side first.
    pub layers: Vec<LifLayer>,
    /// Factor of the input current: c = `input_scale`·(1 − d).
    pub input_scale: f64,
    /// Slope β of the surrogate derivative 1/(β|v − θ₁| + 1)².
    pub surrogate_slope: f64,
    /// When a neuron is reset.
    pub reset: Reset,
    /// When spikes reach the next layer.
    pub delay: Delay,
    /// Whether thresholds are crossed by equality.
    pub comparison: Comparison,
    /// Who is dropped where a list overflows.
    pub selection: Selection,
    /// The network's answer.
    pub readout: Readout,
    /// Whether layers have a bias b_l (initially 0).
    pub bias: bool,
    /// Whether decays are learned.
    pub learned_decay: LearnedDecay,
    /// Initial weights are uniform in ±`weight_mul`·√(6/n_in), plus `weight_offset`.
    pub weight_mul: f64,
    /// Added to every initial weight.
    pub weight_offset: f64,
}

/// θ₂/θ₁ of the one-threshold selection (spec sparse_lif_ipu, section 2.3).
pub const ONE_THRESHOLD_RATIO: f64 = 0.9;

/// Largest layer that is accepted: bounds the memory that a file can ask for.
pub const MAX_NEURONS: usize = 1 << 20;

/// Largest number of weights of a network that is accepted.
pub const MAX_WEIGHTS: usize = 1 << 31;

impl Lif {
    /// The defaults of the spec for layers of these sizes, inputs first: d 0.95, θ₁ 1, θ₂ 0.9 in
    /// hidden layers and −100 in the last, so that each output neuron gets a gradient.
    ///
    /// # Panics
    /// With fewer than two sizes.
    pub fn new(sizes: &[usize]) -> Self {
        assert!(sizes.len() >= 2, "a network needs inputs and a layer");
        let last = sizes.len() - 2;
        let layers = sizes[1..]
            .iter()
            .enumerate()
            .map(|(l, &neurons)| LifLayer {
                neurons,
                decay: 0.95,
                threshold: 1.0,
                second_threshold: if l == last { -100.0 } else { 0.9 },
                capacity: Capacity::Named(NamedCapacity::All),
                recurrent: false,
            })
            .collect();
        Lif {
            inputs: sizes[0],
            layers,
            input_scale: 10.0,
            surrogate_slope: 10.0,
            reset: Reset::State,
            delay: Delay::NextStep,
            comparison: Comparison::Strict,
            selection: Selection::LowestIds,
            readout: Readout::SpikeCount,
            bias: false,
            learned_decay: LearnedDecay::No,
            weight_mul: 1.0,
            weight_offset: 0.001,
        }
    }

    /// Width of what layer `l` (from 0) receives from below.
    pub fn fan_in(&self, l: usize) -> usize {
        if l == 0 { self.inputs } else { self.layers[l - 1].neurons }
    }

    /// Number of classes: neurons of the last layer.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.neurons)
    }

    /// θ₂ of layer `l` as the selection rule sees it.
    pub fn gradient_threshold(&self, l: usize) -> f64 {
        let layer = &self.layers[l];
        match self.selection {
            Selection::OneThreshold | Selection::OneThresholdFromStart => {
                ONE_THRESHOLD_RATIO * layer.threshold
            }
            _ => layer.second_threshold,
        }
    }

    /// Number of trained parameters.
    pub fn parameters(&self) -> usize {
        (0..self.layers.len())
            .map(|l| {
                let n = self.layers[l].neurons;
                n * self.fan_in(l)
                    + usize::from(self.layers[l].recurrent) * n * n
                    + usize::from(self.bias) * n
                    + match self.learned_decay {
                        LearnedDecay::No => 0,
                        LearnedDecay::Layer => 1,
                        LearnedDecay::Neuron => n,
                    }
            })
            .sum()
    }

    /// The first parameter that is out of its range: its name and what is allowed.
    pub fn check(&self) -> Result<(), (String, String)> {
        let finite = [
            ("input_scale", self.input_scale),
            ("weight_mul", self.weight_mul),
            ("weight_offset", self.weight_offset),
        ];
        for (name, x) in finite {
            if !(x as f32).is_finite() {
                let text = format!("{x} is not allowed; give a number that f32 can hold");
                return Err((name.into(), text));
            }
        }
        if !((self.surrogate_slope as f32).is_finite() && self.surrogate_slope >= 0.0) {
            let text = format!(
                "{} is not allowed; give 0 or more, up to what f32 can hold",
                self.surrogate_slope
            );
            return Err(("surrogate_slope".into(), text));
        }
        if !(1..=MAX_NEURONS).contains(&self.inputs) {
            let text = format!("{} is not allowed; give 1 to {MAX_NEURONS}", self.inputs);
            return Err(("inputs".into(), text));
        }
        if self.layers.is_empty() {
            return Err(("layers".into(), "there is none; give at least one".into()));
        }
        let mut weights = 0_usize;
        (0..self.layers.len()).try_for_each(|l| {
            self.check_layer(l)?;
            let LifLayer { neurons, recurrent, .. } = self.layers[l];
            let fan_in = self.fan_in(l) + if recurrent { neurons } else { 0 };
            weights = weights.saturating_add(neurons.saturating_mul(fan_in));
            if weights > MAX_WEIGHTS {
                let text = format!("more than {MAX_WEIGHTS} weights up to this layer");
                return Err((format!("layers[{l}].neurons"), text));
            }
            Ok(())
        })
    }

    fn check_layer(&self, l: usize) -> Result<(), (String, String)> {
        let layer = &self.layers[l];
        let wrong = |name: &str, text: String| Err((format!("layers[{l}].{name}"), text));
        if !(1..=MAX_NEURONS).contains(&layer.neurons) {
            let text = format!("{} is not allowed; give 1 to {MAX_NEURONS}", layer.neurons);
            return wrong("neurons", text);
        }
        if !(layer.decay > 0.0 && layer.decay < 1.0) {
            return wrong("decay", format!("{} is not allowed; give 0 < decay < 1", layer.decay));
        }
        if !(layer.threshold as f32).is_finite() {
            let text = format!("{} is no number that f32 can hold", layer.threshold);
            return wrong("threshold", text);
        }
        let theta2 = layer.second_threshold;
        // Above θ₁ a neuron could be reset without ever being listed.
        if theta2.is_nan() || theta2 > layer.threshold {
            let text = format!("{theta2} is not at or below the threshold {}", layer.threshold);
            return wrong("second_threshold", text);
        }
        if let Capacity::Fixed(k) = layer.capacity
            && !(1..=layer.neurons).contains(&k)
        {
            let text = format!("{k} is not allowed; give 1 to {} neurons", layer.neurons);
            return wrong("capacity", text);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_accepted_and_bad_values_name_their_parameter() {
        let good = Lif::new(&[5, 4, 3]);
        assert_eq!(good.check(), Ok(()));
        assert_eq!(good.parameters(), 5 * 4 + 4 * 3);
        let mut full = Lif { bias: true, learned_decay: LearnedDecay::Layer, ..good.clone() };
        full.layers[0].recurrent = true;
        assert_eq!(full.parameters(), 5 * 4 + 4 * 3 + 16 + 7 + 2);
        type Change = fn(&mut Lif);
        let bad: [(Change, &str); 10] = [
            (|n| n.input_scale = f64::NAN, "input_scale"),
            (|n| n.surrogate_slope = -1.0, "surrogate_slope"),
            (|n| n.inputs = 0, "inputs"),
            (|n| n.layers.clear(), "layers"),
            (|n| n.layers[0].neurons = 0, "layers[0].neurons"),
            (|n| n.layers[1].decay = 1.0, "layers[1].decay"),
            (|n| n.layers[1].threshold = f64::INFINITY, "layers[1].threshold"),
            (|n| n.layers[0].second_threshold = 1.5, "layers[0].second_threshold"),
            (|n| n.layers[0].capacity = Capacity::Fixed(5), "layers[0].capacity"),
            (|n| n.layers[0].capacity = Capacity::Fixed(0), "layers[0].capacity"),
        ];
        for (change, name) in bad {
            let mut network = good.clone();
            change(&mut network);
            assert_eq!(network.check().unwrap_err().0, name);
        }
    }

    #[test]
    fn capacity_reads_a_number_or_a_name() {
        let read = |text: &str| serde_json::from_str::<Capacity>(text);
        assert_eq!(read("7").unwrap(), Capacity::Fixed(7));
        assert_eq!(read("\"auto\"").unwrap(), Capacity::Named(NamedCapacity::Auto));
        assert!(read("\"some\"").is_err());
    }
}
