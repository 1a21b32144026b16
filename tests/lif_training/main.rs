//! Training of LIF networks on random manifolds (T14 of spec sparse_lif_ipu, section 8), and
//! checkpoints.

mod checkpoint;
mod files;
mod learning;
mod samples;

use spikeseek::data::randman::{Part, Randman, RandmanSettings};
use spikeseek::engine::cpu::lif::Method;
use spikeseek::network::{Capacity, Lif};
use spikeseek::spikes::SpikeSet;
use spikeseek::train::lif::{Settings, Trainer};
use spikeseek::train::loss::{BatchReduction, LossKind, Objective};
use spikeseek::train::optimiser::OptimiserKind;

const CLASSES: usize = 4;
const UNITS: usize = 64;

/// Training and test samples of one set of manifolds.
fn data(seed: u64, per_class: usize) -> (SpikeSet, SpikeSet) {
    let settings = RandmanSettings {
        units: UNITS,
        steps: 40,
        classes: CLASSES,
        alpha: 2.0,
        ..RandmanSettings::default()
    };
    let randman = Randman::new(settings, seed).expect("settings are allowed");
    (randman.samples(Part::Train, per_class), randman.samples(Part::Test, per_class))
}

/// A hidden layer of 128 neurons, of which at most `share` are listed in a step.
fn settings(method: Method, share: f64, seed: u64) -> Settings {
    let mut network = Lif { weight_mul: 2.0, ..Lif::new(&[UNITS, 128, CLASSES]) };
    network.layers[0].capacity = Capacity::Fixed((share * 128.0) as usize);
    Settings {
        method,
        seed,
        trial: 0,
        batch_size: 20,
        threads: 1,
        checkpoint_steps: 0,
        capacity_quantile: 0.99,
        network,
        objective: Objective {
            loss: LossKind::CrossEntropy,
            reduction: BatchReduction::Mean,
            regulariser: None,
        },
        optimiser: OptimiserKind::adam(5e-3),
    }
}

fn trainer(settings: Settings) -> Trainer {
    Trainer::new(settings).expect("settings are allowed")
}
