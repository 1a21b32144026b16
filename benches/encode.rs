//! Time to encode one real MNIST image as in experiment 1: 100 steps of 1 ms, gain 128 Hz.

use divan::{Bencher, black_box};
use spikeseek::data::mnist;
use spikeseek::random::{Key, Purpose};
use spikeseek::spikes::PoissonEncoder;
use std::path::Path;

fn main() {
    divan::main();
}

/// The training images one after the other, each from its own stream, as a training epoch does.
#[divan::bench(sample_count = 600)]
fn poisson_mnist_100_steps(bencher: Bencher) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist-tiny");
    let set = mnist::load(&dir).expect("data/mnist-tiny").train;
    let encoder = PoissonEncoder::new(100, 1.0, 128.0, set.max_level);
    let key = Key::new(1);
    let mut sample = 0;
    bencher.bench_local(|| {
        sample = (sample + 1) % set.len();
        let mut stream = key.sample(sample as u64).stream(Purpose::EncodeTrain);
        encoder.encode(black_box(set.image(sample)), &mut stream)
    });
}
