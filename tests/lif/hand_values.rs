//! T1 and T5: small cases worked out by hand.

use crate::support::{all_of, reference};
use spikeseek::engine::cpu::lif::{Method, build};
use spikeseek::engine::lif::{LifEngine, LifWeights, Options, OutputGradient};
use spikeseek::network::{Capacity, Comparison, Delay, Lif, Reset};
use spikeseek::spikes::SpikeTrain;

/// A network of one neuron a layer; `w` is each layer's weight.
fn chain(w: &[f64]) -> (Lif, LifWeights<f64>) {
    let network = Lif::new(&vec![1; w.len() + 1]);
    let mut weights = LifWeights::zeros(&network);
    for (layer, &w) in weights.layers.iter_mut().zip(w) {
        layer.w[0] = w;
    }
    (network, weights)
}

fn engines(network: &Lif, weights: &LifWeights<f64>) -> Vec<Box<dyn LifEngine>> {
    let mut single = LifWeights::zeros(network);
    for (to, from) in single.layers.iter_mut().zip(&weights.layers) {
        to.w = from.w.iter().map(|&w| w as f32).collect();
    }
    let capacities = all_of(network);
    Method::ALL
        .iter()
        .map(|&method| build(method, network, &single, &capacities, Options::default()))
        .collect()
}

/// d = 0.9, c = 10·0.1 = 1, w = 0.6, a spike in every step:
/// 0.6, 0.54 + 0.6 = 1.14 (spike), 0 + 0.6, 1.14 (spike): the reset is to zero, one step later.
#[test]
fn potentials_of_one_neuron() {
    let (mut network, weights) = chain(&[0.6]);
    network.layers[0].decay = 0.9;
    let input = [SpikeTrain::from_dense(1, &[1, 1, 1, 1])];
    let pass = reference(&network, &weights, &[1]).infer(&input, 0, true);
    let states = &pass.record.unwrap()[0].states[0];
    for (v, want) in states.iter().zip([0.6, 1.14, 0.6, 1.14]) {
        assert!((v - want).abs() < 1e-12, "{states:?}");
    }
    assert_eq!(pass.counts[0], [2.0]);
    for mut engine in engines(&network, &weights) {
        assert_eq!(engine.infer(&input, 0, false).counts[0], [2.0]);
    }
}

/// A potential that equals the threshold: 0.5 + 0.5, exact in every number type.
#[test]
fn equality_crosses_only_where_it_is_inclusive() {
    for (comparison, spikes) in [(Comparison::Strict, 0.0), (Comparison::Inclusive, 1.0)] {
        let (mut network, weights) = chain(&[1.0]);
        network.comparison = comparison;
        network.layers[0].decay = 0.5;
        network.input_scale = 2.0;
        let input = [SpikeTrain::from_dense(1, &[1])];
        for mut engine in engines(&network, &weights) {
            let pass = engine.infer(&input, 0, true);
            assert_eq!(pass.record.unwrap()[0].states[0], [1.0]);
            assert_eq!(pass.counts[0], [spikes], "{comparison:?}");
        }
    }
}

/// An impulse reaches layer L after L − 1 steps, or at once.
#[test]
fn an_impulse_takes_one_step_a_layer() {
    for (delay, arrival) in [(Delay::NextStep, 3), (Delay::SameStep, 0)] {
        let (mut network, weights) = chain(&[3.0, 3.0, 3.0, 3.0]);
        network.delay = delay;
        let input = [SpikeTrain::from_dense(1, &[1, 0, 0, 0, 0, 0])];
        for mut engine in engines(&network, &weights) {
            let record = engine.infer(&input, 0, true).record.unwrap();
            let list = &record[3].lists[0];
            let fired: Vec<usize> =
                (0..list.rows()).filter(|&t| !list.spikes(t).is_empty()).collect();
            assert_eq!(fired, [arrival], "{delay:?}");
        }
    }
}

/// T5: a spike at step 0 resets the neuron, but g\[0\] still has the part d·g\[1\]. Loss = the spike
/// count with the gradient 1, and w = 1.2, d = 0.5, c = 1: v = 1.2 in both steps, so
/// σ′ = 1/(10·0.2 + 1)² = 1/9, g\[1\] = 1/9, g\[0\] = 1/9 + 0.5/9, dw = c·(g\[0\] + g\[1\]).
#[test]
fn the_reset_is_a_constant_in_the_backward_pass() {
    let (mut network, weights) = chain(&[1.2]);
    network.layers[0].decay = 0.5;
    network.input_scale = 2.0;
    let input = [SpikeTrain::from_dense(1, &[1, 1])];
    let want = (1.0 + 1.0 + 0.5) / 9.0;
    let mut engine = reference(&network, &weights, &[1]);
    let gradient = OutputGradient { counts: vec![vec![1.0]], potential: vec![] };
    let pass = engine.step(&input, 0, &mut |_| gradient.clone());
    assert_eq!(pass.counts[0], [2.0]);
    let got = engine.gradients().layers[0].w[0];
    assert!((got - want).abs() < 1e-12, "{got} is not {want}");
    for mut engine in engines(&network, &weights) {
        engine.step(&input, 0, &mut |_| OutputGradient {
            counts: vec![vec![1.0]],
            potential: vec![],
        });
        let got = f64::from(engine.gradients().layers[0].w[0]);
        assert!((got - want).abs() < 1e-6, "{got} is not {want}");
    }
}

/// T5: two neurons cross, the list holds one. With the state-based reset both go to zero, with the
/// other the second keeps integrating and is emitted one step later if the first is quiet.
#[test]
fn a_dropped_spike_is_reset_or_not() {
    for (reset, second) in [(Reset::State, 0.0), (Reset::Emitted, 1.0)] {
        let mut network = Lif::new(&[1, 2]);
        network.reset = reset;
        network.layers[0].capacity = Capacity::Fixed(1);
        network.layers[0].decay = 0.9;
        network.layers[0].second_threshold = 0.9;
        let mut weights = LifWeights::zeros(&network);
        weights.layers[0].w = vec![1.5_f32, 1.5];
        let input = [SpikeTrain::from_dense(1, &[1, 0])];
        for method in [Method::Reference, Method::SparseOps, Method::SparseLayer] {
            let mut engine = build(method, &network, &weights, &[1], Options::default());
            let pass = engine.infer(&input, 0, false);
            // v₂ = 0.9·1.5 = 1.35 > 1 in the second step where it was not reset.
            assert_eq!(pass.counts[0], [1.0, second], "{reset:?}, {}", method.name());
            let activity = &pass.activity[0];
            assert_eq!(activity.dropped_spikes, 1);
            assert_eq!(activity.overflowed_rows, 1);
            assert_eq!(activity.emitted, 1 + second as u64);
        }
    }
}
