//! Networks, inputs and comparisons that the tests share.

use spikeseek::engine::cpu::lif::reference::{ReferenceEngine, SpikeFunction};
use spikeseek::engine::lif::{LifEngine, LifWeights, OutputGradient, Pass, Real};
use spikeseek::network::{
    Capacity, Comparison, Delay, LearnedDecay, Lif, Readout, Reset, Selection,
};
use spikeseek::random::{Key, Purpose, Stream, below, uniform};
use spikeseek::spikes::SpikeTrain;

pub fn stream(seed: u64) -> Stream {
    Key::new(seed).stream(Purpose::Synthetic)
}

/// A train with this share of active inputs.
pub fn train(stream: &mut Stream, inputs: usize, steps: usize, rate: f64) -> SpikeTrain {
    let dense: Vec<u8> = (0..inputs * steps).map(|_| u8::from(uniform(stream) < rate)).collect();
    if steps == 0 { SpikeTrain::empty(inputs) } else { SpikeTrain::from_dense(inputs, &dense) }
}

pub fn batch(stream: &mut Stream, inputs: usize, steps: &[usize], rate: f64) -> Vec<SpikeTrain> {
    steps.iter().map(|&t| train(stream, inputs, t, rate)).collect()
}

/// As many as the lists can need.
pub fn all_of(network: &Lif) -> Vec<usize> {
    network.layers.iter().map(|layer| layer.neurons).collect()
}

/// The fixed capacities of a network.
pub fn capacities(network: &Lif) -> Vec<usize> {
    let of = |layer: &spikeseek::network::LifLayer| match layer.capacity {
        Capacity::Fixed(k) => k,
        Capacity::Named(_) => layer.neurons,
    };
    network.layers.iter().map(of).collect()
}

/// Weights under which layers are neither silent nor always firing.
pub fn lively<T: Real>(network: &Lif, seed: u64) -> LifWeights<T> {
    let mut weights = LifWeights::initial(network, Key::new(seed));
    let mut stream = stream(seed ^ 0x5eed);
    for layer in &mut weights.layers {
        for bias in &mut layer.bias {
            *bias = T::real(uniform(&mut stream) - 0.5);
        }
        for logit in &mut layer.decay_logit {
            *logit += T::real(uniform(&mut stream) - 0.5);
        }
    }
    weights
}

/// A network with every switch thrown somehow, and its sizes.
pub fn any_network(seed: u64) -> Lif {
    let s = &mut stream(seed);
    let depth = 1 + below(s, 3);
    let sizes: Vec<usize> = (0..=depth)
        .map(|_| {
            let largest = [9, 40, 150][below(s, 3)];
            1 + below(s, largest)
        })
        .collect();
    let mut network = Lif::new(&sizes);
    for layer in &mut network.layers {
        layer.decay = 0.5 + 0.48 * uniform(s);
        layer.threshold = [1.0, 0.7, 1.3][below(s, 3)];
        layer.second_threshold =
            [layer.threshold, 0.9 * layer.threshold, -0.2, -100.0][below(s, 4)];
        layer.recurrent = below(s, 4) == 0;
        let k = [layer.neurons, 1 + below(s, layer.neurons)][below(s, 2)];
        layer.capacity = Capacity::Fixed(k);
    }
    network.input_scale = [10.0, 1.0, 20.0][below(s, 3)];
    network.surrogate_slope = [10.0, 2.0][below(s, 2)];
    network.reset = [Reset::State, Reset::Emitted][below(s, 2)];
    network.delay = [Delay::NextStep, Delay::SameStep][below(s, 2)];
    network.comparison = [Comparison::Strict, Comparison::Inclusive][below(s, 2)];
    network.selection = [
        Selection::LowestIds,
        Selection::Random,
        Selection::HighestPotential,
        Selection::OneThreshold,
        Selection::OneThresholdFromStart,
    ][below(s, 5)];
    network.readout = [Readout::SpikeCount, Readout::Rate, Readout::Potential][below(s, 3)];
    network.bias = below(s, 2) == 0;
    network.learned_decay =
        [LearnedDecay::No, LearnedDecay::Layer, LearnedDecay::Neuron][below(s, 3)];
    network.weight_mul = 1.0 + 3.0 * uniform(s);
    network.check().expect("a network that is allowed");
    network
}

/// A gradient for everything that a pass gives: not a loss, but any linear functional of it.
pub fn any_gradient<T: Real>(network: &Lif, samples: usize, seed: u64) -> OutputGradient<T> {
    let mut s = stream(seed);
    let mut draw =
        |n: usize| -> Vec<T> { (0..n).map(|_| T::real(uniform(&mut s) - 0.5)).collect() };
    let counts = network.layers.iter().map(|layer| draw(samples * layer.neurons)).collect();
    let potential = match network.readout {
        Readout::Potential => draw(samples * network.outputs()),
        _ => vec![],
    };
    OutputGradient { counts, potential }
}

pub fn reference<T: Real>(
    network: &Lif,
    weights: &LifWeights<T>,
    capacities: &[usize],
) -> ReferenceEngine<T> {
    ReferenceEngine::new(network, weights, capacities, SpikeFunction::Step)
}

/// A pass without its record and input gradient.
pub fn outputs<T: Real>(pass: &Pass<T>) -> Pass<T> {
    Pass { record: None, input_gradient: vec![], ..pass.clone() }
}

/// Asserts that two sets of weights or gradients agree within `relative` of the largest number of their
/// layer. Not of their part: gradients of a bias or a decay are sums over steps and samples, and where there
/// are one or two of them they may cancel to less than the rounding of their terms.
pub fn assert_weights_close<T: Real>(
    what: &str,
    got: &LifWeights<T>,
    want: &LifWeights<T>,
    relative: f64,
) {
    for (l, (got, want)) in got.layers.iter().zip(&want.layers).enumerate() {
        let scale = want.parts().into_iter().map(|(_, part)| largest(part)).fold(0.0, f64::max);
        for ((name, got), (_, want)) in got.parts().into_iter().zip(want.parts()) {
            assert_within(&format!("{what}: layer {l}, {name}"), got, want, (relative, scale));
        }
    }
}

fn largest<T: Real>(values: &[T]) -> f64 {
    values.iter().fold(0.0, |m: f64, x| m.max(x.to_f64().unwrap().abs()))
}

/// Asserts |got − want| ≤ relative·max|want|.
pub fn assert_close<T: Real>(what: &str, got: &[T], want: &[T], relative: f64) {
    assert_within(what, got, want, (relative, largest(want)));
}

fn assert_within<T: Real>(what: &str, got: &[T], want: &[T], (relative, scale): (f64, f64)) {
    assert_eq!(got.len(), want.len(), "{what}: lengths differ");
    let allowed = relative * scale.max(1e-6);
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let (g, w) = (g.to_f64().unwrap(), w.to_f64().unwrap());
        assert!((g - w).abs() <= allowed, "{what}[{i}]: got {g}, want {w} ± {allowed:e}");
    }
}

/// Result of a step with a fixed output gradient: the pass and all gradients.
pub fn step<T: Real>(
    engine: &mut dyn LifEngine<T>,
    batch: &[SpikeTrain],
    gradient: &OutputGradient<T>,
) -> (Pass<T>, LifWeights<T>) {
    let pass = engine.step(batch, 3, &mut |_| gradient.clone());
    (pass, engine.gradients())
}
