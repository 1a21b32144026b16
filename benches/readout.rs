//! One prequential step of each readout: predict an interval, then learn from it.
//!
//! The interval has the size that experiment 1 uses (1,200 samples, 10 classes) on 400 neurons, of
//! which about 30 fire once or twice in a sample, at most one in a step. `2gram` also meets networks
//! that fire everywhere at every step.

use divan::{Bencher, black_box};
use spikeseek::random::{Key, Purpose, below, uniform};
use spikeseek::readout::{ReadoutKind, ReadoutSet};
use spikeseek::spikes::SpikeTrain;

const CLASSES: usize = 10;

fn main() {
    divan::main();
}

/// Samples whose spikes come from the neurons of their class (a quarter) or from any,
/// so that the fits have to work: classes overlap.
fn interval(samples: usize, neurons: usize, steps: usize) -> (Vec<SpikeTrain>, Vec<u16>) {
    let mut stream = Key::new(1).stream(Purpose::Synthetic);
    let mut sample = || {
        let class = below(&mut stream, CLASSES);
        let mut train = SpikeTrain::empty(neurons);
        for _ in 0..steps {
            let draw = uniform(&mut stream);
            let share = neurons / CLASSES;
            if draw < 0.08 {
                train.push_step(&[(class * share + below(&mut stream, share)) as u32]);
            } else if draw < 0.36 {
                train.push_step(&[below(&mut stream, neurons) as u32]);
            } else {
                train.push_step(&[]);
            }
        }
        (train, class as u16)
    };
    (0..samples).map(|_| sample()).unzip()
}

#[divan::bench(args = ReadoutKind::ALL)]
fn interval_1200x400(bencher: Bencher, kind: ReadoutKind) {
    let (spikes, labels) = interval(1_200, 400, 100);
    let mut known = ReadoutSet::new(&[kind], 400, CLASSES);
    known.update(&spikes, &labels);
    bencher
        .with_inputs(|| known.clone())
        .bench_local_refs(|set| black_box(set.predict_then_update(&spikes, &labels)));
}

#[divan::bench(args = [400, 2_000], sample_count = 10)]
fn two_gram_all_fire_10_samples(bencher: Bencher, neurons: usize) {
    let ids: Vec<u32> = (0..neurons as u32).collect();
    let mut train = SpikeTrain::empty(neurons);
    (0..100).for_each(|_| train.push_step(&ids));
    let (spikes, labels) = (vec![train; 10], vec![3; 10]);
    let mut known = ReadoutSet::new(&[ReadoutKind::TwoGram], neurons, CLASSES);
    known.update(&spikes, &labels);
    bencher
        .with_inputs(|| known.clone())
        .bench_local_refs(|set| black_box(set.predict_then_update(&spikes, &labels)));
}
