//! A training step (forward, loss, backward) of a LIF network, by method and activity:
//! 2312-1024-512-10, 100 steps, batches of 32. `examples/lif_step.rs` times other sizes.

use divan::Bencher;
use spikeseek::engine::cpu::lif::{Method, build};
use spikeseek::engine::lif::{LifEngine, LifWeights, Options, Pass};
use spikeseek::network::Lif;
use spikeseek::random::{Key, Purpose, uniform};
use spikeseek::spikes::SpikeTrain;
use spikeseek::train::loss::{BatchReduction, LossKind, Objective};

fn main() {
    divan::main();
}

const STEPS: usize = 100;
const SAMPLES: usize = 32;

/// Activity of the input, and a factor of the weights under which the hidden layers come near it.
const ACTIVITIES: [(f64, f64); 2] = [(0.05, 2.0), (0.01, 3.4)];

fn bench(bencher: Bencher<'_, '_>, method: Method, (activity, weight_mul): (f64, f64)) {
    let network = Lif { weight_mul, ..Lif::new(&[2312, 1024, 512, 10]) };
    let mut stream = Key::new(1).stream(Purpose::Synthetic);
    let batch: Vec<SpikeTrain> = (0..SAMPLES)
        .map(|_| {
            let mut train = SpikeTrain::empty(network.inputs);
            for _ in 0..STEPS {
                let active = |_: &u32| uniform(&mut stream) < activity;
                let ids: Vec<u32> = (0..network.inputs as u32).filter(active).collect();
                train.push_step(&ids);
            }
            train
        })
        .collect();
    let labels: Vec<u32> = (0..SAMPLES as u32).map(|b| b % 10).collect();
    let capacities: Vec<usize> = network.layers.iter().map(|layer| layer.neurons).collect();
    let weights = LifWeights::initial(&network, Key::new(2));
    let mut engine: Box<dyn LifEngine> =
        build(method, &network, &weights, &capacities, Options::default());
    let objective = Objective {
        loss: LossKind::CrossEntropy,
        reduction: BatchReduction::Mean,
        regulariser: None,
    };
    bencher.bench_local(|| {
        engine.step(&batch, 0, &mut |pass: &Pass<f32>| {
            objective.score(&network, pass, &labels).gradient
        })
    });
}

#[divan::bench(args = ACTIVITIES, sample_count = 10, sample_size = 1)]
fn sparse_layer(bencher: Bencher<'_, '_>, activity: (f64, f64)) {
    bench(bencher, Method::SparseLayer, activity);
}

#[divan::bench(args = ACTIVITIES, sample_count = 5, sample_size = 1)]
fn sparse_ops(bencher: Bencher<'_, '_>, activity: (f64, f64)) {
    bench(bencher, Method::SparseOps, activity);
}

#[divan::bench(args = ACTIVITIES, sample_count = 5, sample_size = 1)]
fn dense(bencher: Bencher<'_, '_>, activity: (f64, f64)) {
    bench(bencher, Method::Dense, activity);
}
