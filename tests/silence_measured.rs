//! The silence criterion on recorded sequences of real networks.
//!
//! `golden/silence/NAME.json.gz` are networks that `examples/silence_agreement.rs` recorded with seed 1
//! for `benchmarking/silence/NAME.toml`: the first 100 (digits: 400), and 60 that a search proposed near
//! the limit (fashion_searched). `benchmarking/silence/README.md` says what either rule makes of them.

use flate2::read::GzDecoder;
use serde::Deserialize;
use spikeseek::silence::{Recording, Sequential, Settings, Stop};
use std::fs::File;
use std::path::Path;

#[derive(Deserialize)]
struct Measured {
    silence: Settings,
    networks: Vec<Recording>,
}

fn read(name: &str) -> Measured {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/silence");
    let file = File::open(folder.join(format!("{name}.json.gz"))).unwrap();
    serde_json::from_reader(GzDecoder::new(file)).unwrap()
}

/// (study, networks, stopped by the reference rule, most of the reference's samples [%])
const SETS: [(&str, usize, usize, usize); 5] = [
    ("digits", 400, 380, 53),
    ("mnist_near", 100, 38, 87),
    ("mnist_experiment_1", 100, 54, 87),
    ("mnist_experiment_1_as_run", 100, 84, 75),
    ("fashion_searched", 60, 5, 72),
];

/// The requirement, with the defaults: the same verdict as the reference rule on at least 99 % of
/// the networks of each study, fewer samples for those that both stop, and a network silent from
/// the start is known within 100 samples.
#[test]
fn sequential_decision_agrees_with_the_reference_rule() {
    for (name, networks, stopped, percent) in SETS {
        let measured = read(name);
        let settings = Settings { sequential: Some(Sequential::default()), ..measured.silence };
        let (mut agree, mut reference, mut sequential) = (0, 0, 0);
        let mut stops = 0;
        for network in &measured.networks {
            let replay = network.replay(&settings).unwrap();
            agree += usize::from(replay.agrees());
            let samples =
                |(epoch, stop): (usize, Stop)| epoch * network.samples() + stop.after_samples;
            if let (Some(by_reference), Some(early)) = (replay.reference, replay.sequential) {
                stops += 1;
                reference += samples(by_reference);
                sequential += samples(early);
            }
            let silent = |leaf| network.silent_share(0, leaf, 0..100) == Some(1.0);
            if (0..network.leaves().len()).any(silent) {
                assert!(replay.sequential.map(samples) <= Some(100), "{name}: {replay:?}");
            }
        }
        assert_eq!((measured.networks.len(), stops), (networks, stopped), "{name}");
        assert!(agree * 100 >= networks * 99, "{name}: {agree} of {networks}");
        assert!(sequential * 100 <= reference * percent, "{name}: {sequential} of {reference}");
    }
}
