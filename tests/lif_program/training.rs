//! `spikeseek train` on each kind of data, from the files to the metrics.

use crate::support::{Place, json_lines};
use serde_json::Value;
use spikeseek::data::npy::{self, Matrix};
use spikeseek::data::{dvs_gesture, event_data, event_source::EventSource};
use std::path::Path;

/// A small network on the data of a table.
fn run_file(data: &str) -> String {
    format!(
        "model = \"lif\"\n[data]\n{data}\n[network]\nhidden = [24]\nweight_mul = 3.0\n\
         max_activity = 0.2\n[training]\nepochs = 2\nbatch_size = 8\nlr = 5e-3\n"
    )
}

/// Trains; checks what every run must show; gives the metrics of the epochs.
fn trained(
    place: &Place,
    data: &str,
    options: &str,
    [train, validation, test]: [u64; 3],
) -> Vec<Value> {
    place.file("run.toml", &run_file(data));
    let shown = place.success(&format!("train run.toml --save saved {options}"));
    let counts = format!("{train} training, {validation} validation and {test} test samples");
    assert!(shown.contains(&counts), "{shown}");
    let part = if validation > 0 { "valid " } else { "test " };
    assert!(shown.contains(part) && shown.contains("active "), "{shown}");
    let metrics = json_lines(&place.path("saved/metrics.jsonl"));
    assert_eq!(metrics.len(), 2);
    for epoch in &metrics {
        for (part, samples) in [("training", train), ("validation", validation), ("test", test)] {
            let of_part = &epoch[part];
            if samples == 0 {
                assert!(of_part.is_null());
                continue;
            }
            assert_eq!(of_part["samples"], samples);
            let accuracy = of_part["accuracy"].as_f64().unwrap();
            assert!((0.0..=1.0).contains(&accuracy), "{accuracy}");
            let layers = of_part["layers"].as_array().unwrap();
            assert_eq!(layers.len(), 2);
            for key in ["rate", "overflowed", "dropped", "entries"] {
                assert!(layers.iter().all(|layer| layer[key].is_f64()), "{key}");
            }
            assert!(layers[0]["rate"].as_f64().unwrap() > 0.0, "a silent layer: {layers:?}");
        }
    }
    // The settings as resolved give the same run.
    place.success(&format!("train saved/run.toml --save again {options}"));
    let again = json_lines(&place.path("again/metrics.jsonl"));
    for (a, b) in metrics.iter().zip(&again) {
        assert_eq!((&a["training"], &a["test"]), (&b["training"], &b["test"]));
    }
    // The saved network scores what it scored.
    assert_eq!(place.json("evaluate saved --json")["metrics"], metrics[1]["test"]);
    if validation > 0 {
        let again = place.json("evaluate saved --part hold-out --json");
        assert_eq!(again["metrics"], metrics[1]["validation"]);
        assert!(place.refusal("evaluate saved --part hold-out --seed 9").contains("--seed"));
    } else {
        assert!(place.refusal("evaluate saved --part hold-out").contains("data.hold_out"));
    }
    metrics
}

#[test]
fn a_run_is_no_study_and_its_folder_is_nobody_elses() {
    let place = Place::new();
    let data = "set = \"random\"\nunits = 20\nclasses = 2\nsteps = 10\ntrain = 20\ntest = 10";
    place.file("run.toml", &run_file(data));
    place.success("train run.toml --save saved");
    for command in ["report", "export", "retrain", "search --resume --save"] {
        let text = place.refusal(&format!("{command} saved"));
        assert!(text.contains("saved") && text.contains("metrics.jsonl"), "{text}");
    }
    assert!(place.refusal("train run.toml --save saved").contains("holds a run already"));
    let study = "[study]\nname = \"s\"\n[data]\nset = \"digits\"\nsize = 50\n[silence]\nupdate_interval = 9\n";
    place.file("study.toml", study);
    assert!(place.refusal("train study.toml --save saved").contains("run of a LIF network"));
    let space = "[space]\nnorm = { float = [20.0, 30.0] }\n[budget]\ncalls = 1\n";
    place.file("study.toml", &format!("{study}{space}"));
    assert!(place.refusal("search study.toml --save saved").contains("run of a LIF network"));
    std::fs::rename(place.path("saved/run.toml"), place.path("saved/study.toml")).unwrap();
    assert!(place.refusal("train run.toml --save saved").contains("holds a study already"));
}

#[test]
fn recordings_of_digits() {
    let place = Place::new();
    place.success("data make nmnist made --train 40 --test 10 --seed 3");
    let data = "set = \"nmnist\"\nsteps = 30\nwidth_us = 10000\ndenoise_us = 10000\nsize = [17, 17]\ncapacity = 40";
    trained(&place, data, "--data-dir made", [36, 4, 10]);
    // Both parts are in the cache; another binning gets its own.
    let caches = || {
        let entries = std::fs::read_dir(place.path("cache/spikeseek")).unwrap();
        entries
            .filter(|e| e.as_ref().unwrap().path().extension() == Some("spikes".as_ref()))
            .count()
    };
    assert_eq!(caches(), 2);
    place.success("train run.toml --data-dir made --sparse_size_inp 5");
    assert_eq!(caches(), 4);
}

#[test]
fn gestures_in_both_layouts() {
    let place = Place::new();
    place.success("data make dvs_gesture made --train 2 --test 1 --seed 3");
    let data = "set = \"dvs_gesture\"\nsteps = 20\nsize = [32, 32]\npolarity = \"merged\"\nhold_out = 0.25";
    trained(&place, data, "--data-dir made", [18, 6, 12]);

    let other = Place::new();
    as_npy(&place.path("made"), dvs_gesture::Half::Train, &other.path("npy/ibmGestureTrain"));
    as_npy(&place.path("made"), dvs_gesture::Half::Test, &other.path("npy/ibmGestureTest"));
    // The second arm roll of a trial has the name of the first: 2 × 11 and 11.
    trained(&other, data, "--data-dir npy", [16, 6, 11]);
}

/// Writes the gestures of trials as Tonic keeps them.
fn as_npy(made: &Path, half: dvs_gesture::Half, folder: &Path) {
    let source = dvs_gesture::DvsGesture::open(made, half).unwrap();
    for trial in 0..source.pieces() {
        let user = folder.join(format!("user{trial:02}_led"));
        std::fs::create_dir_all(&user).unwrap();
        for gesture in source.read(trial).unwrap() {
            let rows = gesture.events.iter().flat_map(|e| {
                [f64::from(e.x), f64::from(e.y), f64::from(e.p), e.t_us as f64 / 1000.0]
            });
            let matrix = Matrix { columns: 4, values: rows.collect() };
            std::fs::write(user.join(format!("{}.npy", gesture.label)), npy::to_bytes(&matrix))
                .unwrap();
        }
    }
}

#[cfg(feature = "shd")]
#[test]
fn words() {
    let place = Place::new();
    place.success("data make shd made --train 40 --test 20 --seed 3");
    let data = "steps = 25\nwidth_us = 40000\ncapacity = 100";
    trained(&place, &format!("set = \"shd\"\n{data}"), "--data-dir made", [36, 4, 20]);

    // SSC has the same format and a validation part of its own.
    let other = Place::new();
    std::fs::create_dir(other.path("ssc")).unwrap();
    for (from, to) in [("train", "train"), ("test", "valid"), ("test", "test")] {
        let from = place.path(&format!("made/shd_{from}.h5"));
        std::fs::copy(from, other.path(&format!("ssc/ssc_{to}.h5"))).unwrap();
    }
    trained(&other, &format!("set = \"ssc\"\n{data}"), "--data-dir ssc", [40, 20, 20]);
}

#[cfg(not(feature = "shd"))]
#[test]
fn words_need_a_feature() {
    let place = Place::new();
    place.file("run.toml", &run_file("set = \"shd\""));
    let text = place.refusal("train run.toml --data-dir made");
    assert!(text.contains("--features shd"), "{text}");
}

#[test]
fn pictures_as_rates() {
    let place = Place::new();
    let digits = "set = \"digits\"\nsteps = 20\ntrain = 120\ntest = 30\ngain = 300.0";
    let poisson = trained(&place, digits, "", [108, 12, 30]);
    let other = Place::new();
    let bernoulli =
        trained(&other, &format!("{digits}\nencoder = \"bernoulli\""), "", [108, 12, 30]);
    assert_ne!(poisson[0]["training"], bernoulli[0]["training"]);

    let third = Place::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist-tiny");
    let mnist = "set = \"mnist\"\nsteps = 10\ntrain = 60\ntest = 20\nhold_out = 0.0";
    trained(&third, mnist, &format!("--data-dir {folder}"), [60, 0, 20]);
}

#[test]
fn made_spikes() {
    for data in [
        "set = \"random\"\nunits = 30\nclasses = 3\nsteps = 15\nrate = 0.1\ntrain = 50\ntest = 20",
        "set = \"randman\"\nunits = 30\nclasses = 3\nsteps = 15\ntrain = 50\ntest = 20",
    ] {
        let place = Place::new();
        let of_file = trained(&place, data, "", [45, 5, 20]);
        place.success("train run.toml --save other --seed 2");
        let others = json_lines(&place.path("other/metrics.jsonl"));
        assert_ne!(of_file[0]["training"]["loss"], others[0]["training"]["loss"], "{data}");
    }
}

/// Options in the style of the reference's script say the same as the keys of the file.
#[test]
fn options_replace_settings() {
    let place = Place::new();
    let text =
        run_file("set = \"randman\"\nunits = 20\nclasses = 2\nsteps = 10\ntrain = 20\ntest = 10");
    place.file("run.toml", &text);
    place.success(
        "train run.toml --save s --quiet --impl_method dense --batchsize 5 --lr 0.02 --second_thresh 0.7 \
         --weight_mul 2.5 --sparse_multiplier 3 --num_hidden_layers 2 --data 16 --seed 9 --use_ipu 0 --num_ipus 1",
    );
    let saved = std::fs::read_to_string(place.path("s/run.toml")).unwrap();
    let saved: toml::Table = toml::from_str(&saved).unwrap();
    let (network, training) = (&saved["network"], &saved["training"]);
    assert_eq!(training["method"].as_str(), Some("dense"));
    assert_eq!(training["batch_size"].as_integer(), Some(5));
    assert_eq!(training["learning_rate"].as_float(), Some(0.02));
    assert_eq!(training["seed"].as_integer(), Some(9));
    assert_eq!(network["second_threshold"].as_float(), Some(0.7));
    assert_eq!(network["weight_mul"].as_float(), Some(2.5));
    assert_eq!(network["sparse_multiplier"].as_integer(), Some(3));
    assert_eq!(network["hidden"].to_string(), "[24, 24]");
    assert!(network.get("max_activity").is_none());
    assert_eq!(saved["data"]["train"].as_integer(), Some(16));
    assert_eq!(saved["data"]["seed"].as_integer(), Some(9));

    for (options, parts) in [
        ("--use_ipu 1", ["--use_ipu", "on the processor"]),
        ("--num_ipus 4", ["--num_ipus", "on the processor"]),
        ("--ipu_id 3", ["--ipu_id", "no device"]),
        ("--transpose_weights 1", ["--transpose_weights", "layout"]),
        ("--num_neurons_per_tile 8", ["--num_neurons_per_tile", "network.hidden"]),
        ("--bench_mode multi_layer", ["--bench_mode", "network.hidden"]),
        ("--profile_run 1", ["--profile_run", "compare"]),
        ("--lr=-1", ["--lr", "not allowed"]),
        ("--max_activity 2", ["--max_activity", "share"]),
        ("--sparse_size_inp 9", ["--sparse_size_inp", "unknown key"]),
        ("--dataset dvs_gestur", ["--dataset", "did you mean `dvs_gesture`"]),
        ("--dataset NMNIST", ["data.units", "unknown key"]),
        ("--impl_method dens", ["--impl_method", "did you mean `dense`"]),
    ] {
        let text = place.refusal(&format!("train run.toml {options}"));
        assert!(parts.iter().all(|part| text.contains(part)), "{options}: {text}");
    }
}

#[test]
fn what_cannot_be_loaded_is_told() {
    let place = Place::new();
    place.success("data make nmnist made --train 6 --test 3");
    for (data, options, part) in [
        ("set = \"nmnist\"", "", "`data.dir`: is missing"),
        ("set = \"nmnist\"", "--data-dir none", "folders Train/0 to Train/9"),
        ("set = \"dvs_gesture\"\ndir = \"made\"", "", "trials_to_train.txt"),
        ("set = \"mnist\"\ndir = \"made\"", "", "MNIST's four files"),
        (
            "set = \"nmnist\"\ndir = \"made\"\ntrain = 7",
            "",
            "7 samples were asked for, there are 6",
        ),
        ("set = \"nmnist\"\ndir = \"made\"\nhold_out = 0.99", "", "data.hold_out"),
        ("set = \"nmnist\"\ndir = \"made\"\nsize = [35, 3]", "", "34 × 34"),
        ("set = \"nmnist\"\ndir = \"made\"\n\ncapacity = 0", "", "run.toml:6: `data.capacity`"),
        ("set = \"digits\"\ndir = \"made\"", "", "run.toml:4: `data.dir`: unknown key"),
        ("set = \"digits\"\nsteps = 10001", "", "run.toml:4: `data.steps`"),
    ] {
        place.file("run.toml", &run_file(data));
        let text = place.refusal(&format!("train run.toml {options}"));
        assert!(text.contains(part), "{data}: {text}");
    }
    assert!(event_data::EventSet::ALL.len() == 4, "a new set: try it here");
}
