//! Runs that stop and go on, and runs that go wrong.

use crate::support::{Place, json_lines};

/// A run of `epochs` epochs with further settings of the training.
fn file(place: &Place, epochs: usize, training: &str) {
    let text = format!(
        "model = \"lif\"\n[data]\nset = \"randman\"\nunits = 30\nclasses = 3\nsteps = 20\n\
         train = 60\ntest = 15\n[network]\nhidden = [24]\nweight_mul = 3.0\n[training]\n\
         epochs = {epochs}\nbatch_size = 8\n{training}"
    );
    place.file("run.toml", &text);
}

/// Metrics without times.
fn metrics(place: &Place, folder: &str) -> Vec<serde_json::Value> {
    let mut lines = json_lines(&place.path(&format!("{folder}/metrics.jsonl")));
    lines.iter_mut().for_each(|line| line["seconds"] = 0.into());
    lines
}

#[test]
fn a_run_goes_on_as_if_it_had_not_stopped() {
    let place = Place::new();
    file(&place, 4, "lr = 5e-3\n");
    place.success("train run.toml --save whole --quiet");
    let expected = metrics(&place, "whole");
    assert_eq!(expected.len(), 4);

    file(&place, 2, "lr = 5e-3\n");
    place.success("train run.toml --save parts --quiet");
    // A kill after the third epoch was noted and before its checkpoint; then one in the middle of a line.
    let path = place.path("parts/metrics.jsonl");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"epoch\": 3, \"seconds\": 1}\n{\"epoch\": 4, \"sec");
    std::fs::write(&path, text).unwrap();
    // More epochs and threads are no other run.
    file(&place, 4, "lr = 5e-3\nthreads = 2\n");
    place.success("train run.toml --save parts --resume --quiet");
    assert_eq!(metrics(&place, "parts"), expected);
    let test = |folder: &str| place.json(&format!("evaluate {folder} --json"))["metrics"].clone();
    assert_eq!((&test("parts"), &test("whole")), (&expected[3]["test"], &expected[3]["test"]));

    // The checkpoint is lost: nothing is thrown away.
    std::fs::remove_file(place.path("parts/checkpoint.safetensors")).unwrap();
    assert!(place.refusal("evaluate parts").contains("no epoch has ended"));
    let text = place.refusal("train run.toml --save parts --resume --quiet");
    assert!(text.contains("put back the checkpoint"), "{text}");
    assert_eq!(metrics(&place, "parts"), expected);
    // Stopped in its first epoch, whose line was written already.
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.split_inclusive('\n').next().unwrap()).unwrap();
    place.success("train run.toml --save parts --resume --quiet");
    assert_eq!(metrics(&place, "parts"), expected);
}

#[test]
fn another_run_does_not_go_on_with_this_one() {
    let place = Place::new();
    file(&place, 1, "lr = 5e-3\n");
    place.success("train run.toml --save saved --quiet");
    let before = std::fs::read_to_string(place.path("saved/run.toml")).unwrap();
    for (option, parts) in [
        ("--seed 7", ["data.seed", "was 1", "is 7"]),
        ("--lr 1e-3", ["training.learning_rate", "was 0.005", "is 0.001"]),
        ("--data 50", ["data.train", "was 60", "is 50"]),
        ("--max_activity 0.5", ["network.max_activity", "was not set", "is 0.5"]),
    ] {
        let text = place.refusal(&format!("train run.toml --save saved --resume {option}"));
        assert!(parts.iter().all(|part| text.contains(part)), "{option}: {text}");
    }
    assert_eq!(std::fs::read_to_string(place.path("saved/run.toml")).unwrap(), before);
    let text = place.refusal("train run.toml --save nowhere --resume");
    assert!(text.contains("nowhere") && text.contains("leave out --resume"), "{text}");
}

#[test]
fn a_run_that_diverges_ends_and_spoils_no_checkpoint() {
    let place = Place::new();
    for (method, selection) in [
        ("dense", "lowest_ids"),
        ("sparse_ops", "lowest_ids"),
        ("sparse_layer", "lowest_ids"),
        ("sparse_ops", "one_threshold"),
        ("sparse_layer", "one_threshold"),
    ] {
        let folder = format!("{method}-{selection}");
        let with_rate = |rate: &str| {
            file(&place, 2, &format!("lr = {rate}\nmethod = \"{method}\"\n"));
            let path = place.path("run.toml");
            let text = std::fs::read_to_string(&path).unwrap();
            let room = if method == "dense" { "" } else { "max_activity = 0.5\n" };
            let network = format!("selection = \"{selection}\"\n{room}[training]");
            std::fs::write(path, text.replace("[training]", &network)).unwrap();
        };
        // Adam moves every weight by about the rate a step: the second leaves the numbers.
        with_rate("3e38");
        let text = place.refusal(&format!("train run.toml --save {folder} --quiet"));
        assert!(text.contains("epoch 1") && text.contains("learning rate"), "{folder}: {text}");
        assert!(!place.path(&folder).join("checkpoint.safetensors").exists());
        assert!(place.refusal(&format!("evaluate {folder}")).contains("no epoch has ended"));
        with_rate("1e39");
        assert!(place.refusal("train run.toml").contains("f32 can hold"));
    }
}

/// Gradients of 10³⁰, whose squares are beyond f32: Adam's steps become 0 and the weights stay finite.
#[test]
fn gradients_whose_squares_leave_the_numbers_are_a_divergence() {
    let place = Place::new();
    let strong =
        "regulariser = { low_strength = 1e30, low = 0.9, high_strength = 1e30, high = 0.95 }";
    file(&place, 2, &format!("{strong}\nlr = 1e-2\n"));
    let text = place.refusal("train run.toml --save run --quiet");
    assert!(text.contains("epoch 1") && text.contains("moment of the optimiser"), "{text}");
    assert!(!place.path("run/checkpoint.safetensors").exists());
}

#[test]
fn numbers_that_nothing_can_be_made_of_are_refused() {
    let place = Place::new();
    let refused = |data: &str, network: &str, training: &str, parts: [&str; 2]| {
        let text = format!(
            "model = \"lif\"\n[data]\nset = \"randman\"\nclasses = 3\nsteps = 20\ntrain = 30\n\
             test = 15\n{data}\n[network]\n{network}\n[training]\nepochs = 1\n{training}\n"
        );
        place.file("run.toml", &text);
        let text = place.refusal("train run.toml");
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    };
    refused("", "hidden = [0]\nsparse_multiplier = 2", "", ["run.toml", "neurons"]);
    refused("", "hidden = [40000]\nnum_hidden_layers = 30", "", ["run.toml", "weights"]);
    refused("", "input_scale = 1e39", "", ["run.toml", "input_scale"]);
    refused("", "", "threads = 100000", ["threads", "1 to 1024"]);
    refused("", "", "threads = 0", ["threads", "1 to 1024"]);
    refused("dimension = 64\nalpha = 1.0\nunits = 1048576", "", "", ["waves", "smaller"]);
    // One frequency is the least.
    place.file(
        "run.toml",
        "model = \"lif\"\n[data]\nset = \"randman\"\nunits = 9\nclasses = 2\nsteps = 9\ntrain = 10\n\
         test = 4\nalpha = 1e17\n[network]\nhidden = [4]\n[training]\nepochs = 1\n",
    );
    place.success("train run.toml");
}
