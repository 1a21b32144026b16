//! T4: the backward pass against differences of the loss, on a network with a smooth spike whose
//! derivative is exactly the surrogate one ([`SpikeFunction::Smooth`]).

use crate::support::{all_of, any_gradient, any_network, batch, lively, stream};
use proptest::prelude::*;
use spikeseek::engine::cpu::lif::reference::{ReferenceEngine, SpikeFunction};
use spikeseek::engine::lif::{LifEngine, LifWeights, OutputGradient};
use spikeseek::network::Lif;
use spikeseek::random::below;
use spikeseek::spikes::SpikeTrain;

/// The functional whose gradient [`any_gradient`] is.
fn value(
    network: &Lif,
    weights: &LifWeights<f64>,
    batch: &[SpikeTrain],
    gradient: &OutputGradient<f64>,
) -> f64 {
    let all = all_of(network);
    let mut engine = ReferenceEngine::new(network, weights, &all, SpikeFunction::Smooth);
    let pass = engine.infer(batch, 0, false);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let counts: f64 = pass.counts.iter().zip(&gradient.counts).map(|(c, g)| dot(c, g)).sum();
    counts + dot(&pass.potential, &gradient.potential)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn central_differences_agree(seed in any::<u64>()) {
        let network = any_network(seed);
        let s = &mut stream(seed ^ 1);
        let batch = batch(s, network.inputs, &[6, 4], 0.4);
        let weights: LifWeights<f64> = lively(&network, seed);
        let gradient = any_gradient(&network, batch.len(), seed);
        let all = all_of(&network);
        let mut engine = ReferenceEngine::new(&network, &weights, &all, SpikeFunction::Smooth);
        engine.step(&batch, 0, &mut |_| gradient.clone());
        let gradients = engine.gradients();
        for l in 0..network.layers.len() {
            for part in 0..4 {
                let size = weights.layers[l].parts()[part].1.len();
                for _ in 0..size.min(6) {
                    let k = below(s, size);
                    let at = |step: f64| {
                        let mut moved = weights.clone();
                        moved.layers[l].parts_mut()[part].1[k] += step;
                        value(&network, &moved, &batch, &gradient)
                    };
                    let (name, of_part) = gradients.layers[l].parts()[part];
                    // f has kinks in its second derivative: where one lies within h, the error is as
                    // h. Rounding forbids a small h from the start.
                    let differences = [1e-6, 1e-7, 1e-8].map(|h| (at(h) - at(-h)) / (2.0 * h));
                    let close = |d: &f64| (d - of_part[k]).abs() < 1e-5 * (1.0 + d.abs());
                    prop_assert!(
                        differences.iter().any(close),
                        "layer {} {}[{}]: {} and {:?}", l, name, k, of_part[k], differences
                    );
                }
            }
        }
    }
}

/// T4c: the value of an input spike, moved by scaling the weights that it alone uses: a train with
/// one spike of input i, so that value 1 + ε of the spike is weight (1 + ε)·w\[·, i\].
#[test]
fn value_of_an_input_spike() {
    for seed in 0..30 {
        let network = any_network(seed);
        let weights: LifWeights<f64> = lively(&network, seed);
        let s = &mut stream(seed);
        let (step, input) = (below(s, 3), below(s, network.inputs));
        let mut dense = vec![0_u8; 5 * network.inputs];
        dense[step * network.inputs + input] = 1;
        let batch = [SpikeTrain::from_dense(network.inputs, &dense)];
        let gradient = any_gradient(&network, 1, seed);
        let all = all_of(&network);
        let mut engine = ReferenceEngine::new(&network, &weights, &all, SpikeFunction::Smooth);
        let pass = engine.step(&batch, 0, &mut |_| gradient.clone());
        let at = |value: f64| {
            let mut moved = weights.clone();
            for row in moved.layers[0].w.chunks_exact_mut(network.inputs) {
                row[input] *= value;
            }
            self::value(&network, &moved, &batch, &gradient)
        };
        let h = 1e-6;
        let difference = (at(1.0 + h) - at(1.0 - h)) / (2.0 * h);
        let got = pass.input_gradient[0][0];
        assert!((got - difference).abs() < 1e-5 * (1.0 + difference.abs()), "{got} {difference}");
    }
}
