//! T2, T3, T8, T10: every engine against the reference.

use crate::support::{
    all_of, any_gradient, any_network, assert_close, assert_weights_close, batch, capacities,
    lively, outputs, reference, step, stream,
};
use proptest::prelude::*;
use spikeseek::engine::cpu::lif::{Method, build};
use spikeseek::engine::lif::{LifEngine, LifWeights, Options};
use spikeseek::network::{Comparison, LearnedDecay, Lif, Reset, Selection};
use spikeseek::random::below;

/// Gradients of single-precision engines differ by the order of their sums.
const ROUNDING: f64 = 2e-4;

fn numbers_of_steps(seed: u64) -> Vec<usize> {
    let s = &mut stream(seed);
    let samples = 1 + below(s, 13);
    let longest = 1 + below(s, 25);
    match below(s, 3) {
        0 => (0..samples).map(|_| below(s, longest + 1)).collect(),
        _ => vec![longest; samples],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    /// Potentials, lists and counts bit for bit; gradients to rounding. Networks with every
    /// switch, capacities below and at n, batches of 1 to 13 samples of different lengths.
    #[test]
    fn sparse_engines_agree_with_the_reference(seed in any::<u64>()) {
        let network = any_network(seed);
        let steps = numbers_of_steps(seed ^ 2);
        let batch = batch(&mut stream(seed ^ 1), network.inputs, &steps, 0.3);
        let weights: LifWeights<f32> = lively(&network, seed);
        let k = capacities(&network);
        let gradient = any_gradient(&network, batch.len(), seed);
        let mut engine = reference(&network, &weights, &k);
        let want = engine.infer(&batch, 3, true);
        let (want_pass, want_gradients) = step(&mut engine, &batch, &gradient);
        let options = Options { input_gradient: true, ..Options::default() };
        for method in [Method::SparseOps, Method::SparseLayer] {
            let mut engine = build(method, &network, &weights, &k, options);
            prop_assert!(engine.weights() == weights, "{}: packing", method.name());
            let got = engine.infer(&batch, 3, true);
            prop_assert_eq!(&got.activity, &want.activity, "{}", method.name());
            prop_assert!(got.record == want.record, "{}: records differ", method.name());
            prop_assert!(outputs(&got) == outputs(&want), "{}: outputs differ", method.name());
            let (pass, gradients) = step(engine.as_mut(), &batch, &gradient);
            prop_assert!(outputs(&pass) == outputs(&want_pass), "{}: outputs differ", method.name());
            assert_weights_close(method.name(), &gradients, &want_gradients, ROUNDING);
            for (got, want) in pass.input_gradient.iter().zip(&want_pass.input_gradient) {
                assert_close(method.name(), got, want, ROUNDING);
            }
        }
    }

    /// T2, T3: with room for every neuron all engines, the dense one too, compute the same network.
    #[test]
    fn without_a_limit_all_engines_agree(seed in any::<u64>()) {
        let mut network = any_network(seed);
        if network.reset == Reset::Emitted && network.selection == Selection::Random {
            network.reset = Reset::State; // the same without overflow
        }
        if network.learned_decay == LearnedDecay::Layer {
            // Its gradient is a sum over the neurons, which can cancel: its terms are compared instead.
            network.learned_decay = LearnedDecay::Neuron;
        }
        let all = all_of(&network);
        let batch = batch(&mut stream(seed ^ 1), network.inputs, &numbers_of_steps(seed), 0.3);
        let weights: LifWeights<f32> = lively(&network, seed);
        let gradient = any_gradient(&network, batch.len(), seed);
        let mut engine = reference(&network, &weights, &all);
        let want = engine.infer(&batch, 3, true);
        // Sums in another order move potentials by some ulps: no spike may hang on that.
        let margin = |v: f32, l: usize| {
            let layer = &network.layers[l];
            let theta2 = network.gradient_threshold(l).max(-50.0);
            (f64::from(v) - layer.threshold).abs().min((f64::from(v) - theta2).abs())
        };
        let record = want.record.as_ref().unwrap();
        let tied = record.iter().enumerate().any(|(l, layer)| {
            layer.states.iter().flatten().any(|&v| margin(v, l) < 1e-4)
        });
        prop_assume!(!tied);
        let (want_pass, want_gradients) = step(&mut engine, &batch, &gradient);
        let options = Options { input_gradient: true, ..Options::default() };
        let mut engine = build(Method::Dense, &network, &weights, &all, options);
        let got = engine.infer(&batch, 3, true);
        prop_assert_eq!(&got.counts, &want.counts);
        for (got, want) in got.record.unwrap().iter().zip(record) {
            for (got, want) in got.states.iter().zip(&want.states) {
                assert_close("dense states", got, want, 1e-4);
            }
            for (got, want) in got.lists.iter().zip(&want.lists) {
                for t in 0..want.rows() {
                    prop_assert_eq!(got.spikes(t), want.spikes(t));
                    prop_assert_eq!(got.row(t), want.row(t));
                }
            }
        }
        let (pass, gradients) = step(engine.as_mut(), &batch, &gradient);
        assert_weights_close("dense", &gradients, &want_gradients, 10.0 * ROUNDING);
        for (got, want) in pass.input_gradient.iter().zip(&want_pass.input_gradient) {
            assert_close("dense input gradient", got, want, 10.0 * ROUNDING);
        }
    }

    /// The number of threads changes nothing, bit for bit.
    #[test]
    fn threads_do_not_matter(seed in any::<u64>()) {
        let network = any_network(seed);
        let batch = batch(&mut stream(seed ^ 1), network.inputs, &numbers_of_steps(seed), 0.3);
        let weights: LifWeights<f32> = lively(&network, seed);
        let gradient = any_gradient(&network, batch.len(), seed);
        let k = capacities(&network);
        for method in [Method::Dense, Method::SparseOps, Method::SparseLayer] {
            let run = |threads| {
                let options = Options { threads, input_gradient: true, ..Options::default() };
                let mut engine = build(method, &network, &weights, &k, options);
                step(engine.as_mut(), &batch, &gradient)
            };
            prop_assert!(run(1) == run(3), "{}", method.name());
        }
    }

    /// Checkpoints give the same spikes, and the same gradients to rounding.
    #[test]
    fn checkpoints_do_not_matter(seed in any::<u64>(), every in 1_usize..9) {
        let network = any_network(seed);
        let batch = batch(&mut stream(seed ^ 1), network.inputs, &numbers_of_steps(seed), 0.3);
        let weights: LifWeights<f32> = lively(&network, seed);
        let gradient = any_gradient(&network, batch.len(), seed);
        let k = capacities(&network);
        let run = |checkpoint_steps| {
            let options = Options { checkpoint_steps, input_gradient: true, threads: 1 };
            let mut engine = build(Method::SparseLayer, &network, &weights, &k, options);
            step(engine.as_mut(), &batch, &gradient)
        };
        let (pass, gradients) = run(every);
        let (want_pass, want_gradients) = run(0);
        prop_assert!(outputs(&pass) == outputs(&want_pass), "outputs differ");
        assert_weights_close("checkpoints", &gradients, &want_gradients, ROUNDING);
        for (got, want) in pass.input_gradient.iter().zip(&want_pass.input_gradient) {
            assert_close("input gradient", got, want, ROUNDING);
        }
    }
}

/// T2: the sizes that the spec names, odd ones among them.
#[test]
fn sizes_of_the_spec() {
    for (sizes, steps) in
        [(&[16, 7, 2][..], 20), (&[102, 801, 799][..], 4), (&[100, 256, 256, 8][..], 8)]
    {
        let mut network = Lif { weight_mul: 2.0, ..Lif::new(sizes) };
        network.layers.iter_mut().for_each(|layer| layer.second_threshold = -100.0);
        let weights: LifWeights<f32> = lively(&network, 1);
        let all = all_of(&network);
        let batch = batch(&mut stream(1), network.inputs, &[steps; 6], 0.1);
        let gradient = any_gradient(&network, batch.len(), 1);
        let mut engine = reference(&network, &weights, &all);
        let (want, want_gradients) = step(&mut engine, &batch, &gradient);
        assert!(want.activity.iter().all(|a| a.emitted > 0), "{sizes:?}: a silent layer");
        for method in [Method::SparseOps, Method::SparseLayer] {
            let mut engine = build(method, &network, &weights, &all, Options::default());
            let (got, gradients) = step(engine.as_mut(), &batch, &gradient);
            assert_eq!(outputs(&got), outputs(&want), "{sizes:?}, {}", method.name());
            assert_weights_close(method.name(), &gradients, &want_gradients, ROUNDING);
        }
    }
}

/// Samples so long that the fused engine goes through their gradients piece by piece, with short ones between.
#[test]
fn long_samples() {
    let mut network = Lif { weight_mul: 3.0, ..Lif::new(&[3, 70, 4]) };
    network.learned_decay = LearnedDecay::Layer;
    let weights: LifWeights<f32> = lively(&network, 7);
    let all = all_of(&network);
    let batch = batch(&mut stream(7), 3, &[9000, 100, 0, 4097, 4096, 50], 0.4);
    let gradient = any_gradient(&network, batch.len(), 7);
    let mut engine = reference(&network, &weights, &all);
    let (want, want_gradients) = step(&mut engine, &batch, &gradient);
    assert!(want.activity.iter().all(|a| a.emitted > 0), "a silent layer");
    let options = Options { input_gradient: true, ..Options::default() };
    let mut engine = build(Method::SparseLayer, &network, &weights, &all, options);
    let (got, gradients) = step(engine.as_mut(), &batch, &gradient);
    assert_eq!(outputs(&got), outputs(&want));
    assert_weights_close("long samples", &gradients, &want_gradients, ROUNDING);
    for (got, want) in got.input_gradient.iter().zip(&want.input_gradient) {
        assert_close("long samples", got, want, ROUNDING);
    }
}

/// T3: rule R1 with room for all is the dense network in which every neuron has a gradient; so is
/// θ₂ = −∞; a threshold other than 1 included.
#[test]
fn one_threshold_with_room_for_all_is_dense() {
    for threshold in [1.0, 0.6] {
        let mut network = Lif { weight_mul: 3.0, ..Lif::new(&[30, 20, 5]) };
        for layer in &mut network.layers {
            layer.threshold = threshold;
            layer.second_threshold = f64::NEG_INFINITY;
        }
        let weights: LifWeights<f64> = lively(&network, 2);
        let all = all_of(&network);
        let batch = batch(&mut stream(2), 30, &[12; 5], 0.2);
        let gradient = any_gradient(&network, 5, 2);
        let (want, want_gradients) =
            step(&mut reference(&network, &weights, &all), &batch, &gradient);
        for selection in [Selection::OneThreshold, Selection::OneThresholdFromStart] {
            network.selection = selection;
            let (got, gradients) =
                step(&mut reference(&network, &weights, &all), &batch, &gradient);
            assert_eq!(got.counts, want.counts);
            assert_weights_close("one threshold", &gradients, &want_gradients, 1e-12);
        }
    }
}

/// T10: one step, one layer, lists of one id; no samples' steps at all; the same answer twice.
#[test]
fn edges() {
    for method in Method::ALL {
        for (sizes, steps) in [(&[3, 2][..], 1), (&[3, 4, 2][..], 1), (&[3, 2][..], 0)] {
            let network = Lif { weight_mul: 4.0, ..Lif::new(sizes) };
            let weights: LifWeights<f32> = lively(&network, 4);
            let batch = batch(&mut stream(4), 3, &[steps; 2], 0.9);
            let gradient = any_gradient(&network, 2, 4);
            let k = vec![1; network.layers.len()];
            let mut engine = build(method, &network, &weights, &k, Options::default());
            let first = step(engine.as_mut(), &batch, &gradient);
            let second = step(engine.as_mut(), &batch, &gradient);
            assert_eq!(first, second, "{}: not repeatable", method.name());
            if steps == 0 {
                let zeros = LifWeights::zeros(&network);
                assert_eq!(first.1, zeros, "{}: gradients of nothing", method.name());
            }
        }
    }
}

/// Gradients of an earlier step do not remain where a later one has none.
#[test]
fn gradients_are_those_of_the_last_step() {
    let mut network = Lif { weight_mul: 4.0, bias: true, ..Lif::new(&[8, 12, 3]) };
    network.learned_decay = LearnedDecay::Neuron;
    network.comparison = Comparison::Inclusive;
    let weights: LifWeights<f32> = lively(&network, 5);
    let full = batch(&mut stream(5), 8, &[10; 3], 0.5);
    let empty = batch(&mut stream(5), 8, &[0; 3], 0.5);
    let gradient = any_gradient(&network, 3, 5);
    for method in Method::ALL {
        let mut engine = build(method, &network, &weights, &all_of(&network), Options::default());
        let (_, some) = step(engine.as_mut(), &full, &gradient);
        assert!(some.layers[0].w.iter().any(|&g| g != 0.0));
        let (_, none) = step(engine.as_mut(), &empty, &gradient);
        assert_eq!(none, LifWeights::zeros(&network), "{}", method.name());
    }
}
