use crate::{data, settings, trainer};
use proptest::prelude::*;
use spikeseek::engine::cpu::lif::Method;
use spikeseek::network::{Capacity, LearnedDecay, NamedCapacity, Selection};
use spikeseek::train::lif::{Checkpoint, Settings, Trainer};
use spikeseek::train::optimiser::OptimiserKind;
use std::sync::LazyLock;

/// Everything that a checkpoint must hold: bias, recurrence, learned decays, growing capacities.
fn rich(method: Method) -> Settings {
    let mut settings = settings(method, 1.0, 2);
    settings.network.bias = true;
    settings.network.learned_decay = LearnedDecay::Neuron;
    settings.network.selection = Selection::Random;
    settings.network.weight_mul = 4.0;
    settings.network.layers[0].recurrent = true;
    settings.network.layers[0].capacity = Capacity::Named(NamedCapacity::Auto);
    settings.network.layers[0].second_threshold = f64::NEG_INFINITY;
    settings
}

#[test]
fn a_run_that_was_stopped_goes_on_bit_for_bit() {
    let (train, test) = data(2, 10);
    let folder = tempfile::tempdir().unwrap();
    for method in [Method::SparseLayer, Method::SparseOps, Method::Dense] {
        for optimiser in [OptimiserKind::adam(1e-2), OptimiserKind::Sgd { learning_rate: 0.1 }] {
            let settings = Settings { optimiser, ..rich(method) };
            let mut whole = trainer(settings.clone());
            let path = folder.path().join("network.safetensors");
            let mut stopped = trainer(settings.clone());
            for epoch in 0..3 {
                let want = whole.epoch(&train, &mut |_, _| true).unwrap();
                let got = stopped.epoch(&train, &mut |_, _| true).unwrap();
                assert_eq!(got, want, "{}, epoch {epoch}", method.name());
                stopped.checkpoint().save(&path).unwrap();
                let loaded = Checkpoint::load(&path).unwrap();
                assert_eq!(loaded, stopped.checkpoint());
                stopped = Trainer::resume(settings.clone(), &loaded).unwrap();
                assert_eq!(stopped.epochs(), epoch + 1);
            }
            assert_eq!(whole.weights(), stopped.weights());
            assert_eq!(whole.evaluate(&test), stopped.evaluate(&test));
        }
    }
}

#[test]
fn an_interrupted_epoch_does_not_count() {
    let (train, _) = data(2, 20);
    let mut trainer = trainer(rich(Method::SparseLayer));
    assert_eq!(trainer.epoch(&train, &mut |done, _| done < 40), None);
    assert_eq!(trainer.epochs(), 0);
}

#[test]
fn a_checkpoint_of_another_network_is_refused() {
    let checkpoint = trainer(rich(Method::Dense)).checkpoint();
    let mut other = rich(Method::Dense);
    other.network.input_scale = 20.0;
    let (name, _) = Trainer::resume(other, &checkpoint).err().expect("refused");
    assert_eq!(name, "network");
}

/// The file of a small network after a step of Adam.
static SMALL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.safetensors");
    let (train, _) = data(2, 5);
    let mut settings = settings(Method::Dense, 1.0, 2);
    settings.network.layers[0].neurons = 3;
    settings.network.layers[0].capacity = Capacity::Fixed(2);
    let mut trainer = trainer(settings);
    trainer.epoch(&train, &mut |_, _| true).unwrap();
    trainer.checkpoint().save(&path).unwrap();
    std::fs::read(&path).unwrap()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    /// A file that is cut or has a byte changed gives an error or a network, never a panic.
    #[test]
    fn damaged_files_are_refused(place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network.safetensors");
        let mut bytes = SMALL.clone();
        // Most of the file is numbers, most of the format its beginning.
        let place = place.index(bytes.len().min(2 * 1800));
        if cut {
            bytes.truncate(place);
        } else {
            bytes[place] = byte;
        }
        std::fs::write(&path, &bytes).unwrap();
        match Checkpoint::load(&path) {
            Ok(checkpoint) => prop_assert!(!cut && checkpoint.network.check().is_ok()),
            Err(error) => prop_assert!(error.to_string().contains("network.safetensors")),
        }
    }
}
