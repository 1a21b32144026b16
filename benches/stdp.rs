//! Images a second of the STDP engines on real MNIST digits, with the network of experiment 1:
//! 784 inputs, 100 steps, one sample at a time. Encoding is not included (see `encode`).

use divan::Bencher;
use divan::counter::ItemsCount;
use spikeseek::data::mnist;
use spikeseek::engine::Engine;
use spikeseek::engine::cpu::stdp::event::EventEngine;
use spikeseek::engine::cpu::stdp::reference::ReferenceEngine;
use spikeseek::engine::cpu::stdp::{Factors, initial_weights};
use spikeseek::network::{DiehlCook, Variant};
use spikeseek::random::{Key, Purpose, below};
use spikeseek::spikes::{PoissonEncoder, SpikeTrain};
use std::path::Path;

fn main() {
    divan::main();
}

/// The published best solution of experiment 1 (spec hpo.md section 6), with another map size.
fn network(map_size: usize) -> DiehlCook {
    DiehlCook {
        map_size,
        nu_pre: 0.000848,
        nu_post: 0.00888,
        strength_exc: 356.92461,
        strength_inh: 433.5939,
        norm: 123.387203,
        e_thresh: -57.661011,
        e_rest: -60.800126,
        e_refrac: 6.0,
        theta_plus: 0.044037,
        tc_theta_decay: 2041798.636945,
        e_tc_decay: 4166.794222,
        i_thresh: -22.81812,
        i_rest: -51.113999,
        i_refrac: 19.0,
        i_tc_decay: 1516.155512,
        ..DiehlCook::new(Variant::OneSpike)
    }
}

fn trains() -> Vec<SpikeTrain> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist-10k");
    let data = mnist::load(&folder).expect("data/mnist-10k is in the repository").train;
    let encoder = PoissonEncoder::new(100, 1.0, 128.0, data.max_level);
    let encode = |i: usize| {
        let mut stream = Key::new(1).sample(i as u64).stream(Purpose::EncodeTrain);
        encoder.encode(data.image(i), &mut stream)
    };
    (0..1_000).map(encode).collect()
}

/// Runs the images in turn on an engine that has seen `warm` of them.
fn run(bencher: Bencher<'_, '_>, mut engine: impl Engine, learning: bool, warm: usize) {
    let trains = trains();
    let mut stream = Key::new(2).stream(Purpose::OneSpikeTrain);
    let mut next = 0;
    let mut step = |learning: bool| {
        let mut choose =
            |_: usize, _: usize, crossed: &[u32]| crossed[below(&mut stream, crossed.len())];
        next = (next + 1) % trains.len();
        engine.run(std::slice::from_ref(&trains[next]), learning, &mut choose, None)
    };
    (0..warm).for_each(|_| drop(step(true)));
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| step(learning));
}

#[divan::bench(args = [100, 400, 1000], sample_count = 1000, sample_size = 1)]
fn train(bencher: Bencher<'_, '_>, map_size: usize) {
    let (net, weights) = setup(map_size);
    run(bencher, EventEngine::new(&net, Factors::new(&net), &weights), true, 2_000);
}

#[divan::bench(args = [100, 400, 1000], sample_count = 1000, sample_size = 1)]
fn evaluate(bencher: Bencher<'_, '_>, map_size: usize) {
    let (net, weights) = setup(map_size);
    run(bencher, EventEngine::new(&net, Factors::new(&net), &weights), false, 2_000);
}

#[divan::bench(args = [100, 400], sample_count = 3, sample_size = 1)]
fn train_reference(bencher: Bencher<'_, '_>, map_size: usize) {
    let (net, weights) = setup(map_size);
    run(bencher, ReferenceEngine::new(&net, Factors::new(&net), &weights), true, 1);
}

fn setup(map_size: usize) -> (DiehlCook, spikeseek::engine::Weights) {
    let net = network(map_size);
    let weights = initial_weights(&net, 784, Key::new(1));
    (net, weights)
}
