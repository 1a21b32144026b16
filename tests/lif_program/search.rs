//! `spikeseek search` over LIF networks, and the commands after it.

use crate::support::Place;
use spikeseek::search::sampler::scbo::Note;
use spikeseek::study::folder::StudyFolder;
use spikeseek::study::journal;
use spikeseek::study::record::{Finished, Outcome, StudyRecord};
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

/// 18 trials of some tens of milliseconds each, a part of them silent.
const SEARCH: &str = r#"
model = "lif"

[study]
name = "small"
seed = 3

[data]
set = "randman"
units = 20
classes = 2
steps = 20
train = 240
test = 60
hold_out = 0.25

[network]
hidden = [16, 16]

[training]
epochs = 5
batch_size = 12

[silence]
update_interval = 40

[silence.rule]
or = [
    { silent = { layer = "hidden_1", threshold = 3, proportion = 0.2, total = "train" } },
    { silent = { layer = "hidden_2", threshold = 3, proportion = 0.2, total = "train" } },
]

[silence.sequential]

[space]
learning_rate = { float = [1e-2, 1e-1], prior = "log" }
decay = { float = [0.5, 0.97] }
threshold = { float = [1.0, 1.3] }
second_threshold = { float = [0.0, 1.0] }
weight_mul = { float = [0.5, 4.0], prior = "log" }
surrogate_slope = { float = [2.0, 20.0] }
max_activity = { float = [0.1, 1.0] }
hidden_1 = { int = [12, 40] }
method = { categorical = ["dense", "sparse_layer"] }
bias = { categorical = ["true", "false"] }

[sampler]
name = "scbo"
initial = 6
candidates = 200
lag = 3

[budget]
calls = 18
"#;

fn record(place: &Place, folder: &str) -> StudyRecord {
    journal::read(&StudyFolder::new(place.path(folder)).journal()).unwrap()
}

/// What a search gives, without the times.
#[derive(Debug, PartialEq)]
struct Results {
    trials: Vec<(Vec<spikeseek::search::space::Value>, Option<Finished>, Option<Note>)>,
    network: Vec<u8>,
}

fn results(place: &Place, folder: &str) -> Results {
    let trials = record(place, folder).trials;
    Results {
        trials: trials
            .into_iter()
            .map(|t| (t.point.clone(), t.finished.clone(), Note::of(&t)))
            .collect(),
        network: std::fs::read(StudyFolder::new(place.path(folder)).best_network()).unwrap(),
    }
}

/// A place with a study file and a finished search of it, by one worker that nothing interrupted.
static UNINTERRUPTED: LazyLock<(Place, Results)> = LazyLock::new(|| {
    let place = Place::new();
    place.file("study.toml", SEARCH);
    place.success("search study.toml --save s --workers 1 --quiet");
    let results = results(&place, "s");
    (place, results)
});

#[test]
fn some_networks_learn_and_some_are_silent() {
    let (place, results) = &*UNINTERRUPTED;
    let finished: Vec<&Finished> = results.trials.iter().map(|t| t.1.as_ref().unwrap()).collect();
    let of = |outcome| finished.iter().filter(move |f| f.outcome == outcome);
    assert!(
        of(Outcome::Silent).count() >= 1 && of(Outcome::Complete).count() >= 6,
        "change SEARCH"
    );
    assert_eq!(of(Outcome::Silent).count() + of(Outcome::Complete).count(), 18);
    for trial in of(Outcome::Silent) {
        assert!(trial.value.is_none() && trial.constraints.iter().any(|&c| c > 0.0), "{trial:?}");
        // Stopped in the first epoch of 180 samples, before its end.
        assert!(trial.attributes["decided_after"].as_u64().unwrap() < 180, "{trial:?}");
    }
    for trial in of(Outcome::Complete) {
        assert!(trial.value.is_some() && trial.constraints.iter().all(|&c| c <= 0.0), "{trial:?}");
        assert_eq!(trial.constraints.len(), 2);
        assert_eq!(trial.intermediate.len(), 5);
        assert_eq!(trial.attributes["train_samples"], 900);
        assert_eq!(trial.attributes["activity"].as_array().unwrap().len(), 3);
    }
    let best = record(place, "s").best().unwrap().feasible_value().unwrap();
    assert!(best > 0.8, "the best of two classes: {best}");
    let modelled =
        results.trials.iter().filter(|t| t.2.as_ref().is_some_and(|n| n.length.is_some()));
    assert!(modelled.count() >= 8, "points of the models");
}

#[test]
fn workers_and_kills_change_nothing() {
    let (_, expected) = &*UNINTERRUPTED;
    let place = Place::new();
    place.file("study.toml", SEARCH);
    for workers in [2, 4] {
        place.success(&format!("search study.toml --save w{workers} --workers {workers} --quiet"));
        assert_eq!(&results(&place, &format!("w{workers}")), expected, "{workers} workers");
    }
    // A journal of 18 trials has about 40 kB.
    let mut hits = 0;
    for (k, bytes) in [6_000, 14_000, 24_000].into_iter().enumerate() {
        let folder = format!("k{k}");
        let line = format!("search study.toml --save {folder} --workers 2 --quiet");
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let mut child = place.program(&arguments).stdout(Stdio::null()).spawn().unwrap();
        let journal = StudyFolder::new(place.path(&folder)).journal();
        let length = || std::fs::metadata(&journal).map_or(0, |data| data.len());
        while length() < bytes && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        hits += usize::from(child.wait().unwrap().code().is_none());
        place.success(&format!("search --resume --save {folder} --workers 2 --quiet"));
        assert_eq!(&results(&place, &folder), expected, "killed at {bytes} bytes");
    }
    assert!(hits >= 2, "only {hits} kills hit a running search: make SEARCH longer");
}

#[test]
fn the_best_network_is_scored_again() {
    let (place, _) = &*UNINTERRUPTED;
    let record = record(place, "s");
    let best = record.best().unwrap();
    let again = place.json("evaluate s --part hold-out --json");
    assert_eq!(again["trial"], best.number);
    assert_eq!(again["value"].as_f64(), best.feasible_value());
    assert_eq!(again["images"], 60);
    let test = place.json("evaluate s --json");
    assert_eq!(
        (&test["images"], test["metrics"]["layers"].as_array().unwrap().len()),
        (&60.into(), 3)
    );
    assert!(place.success("evaluate s").contains("active"));
    // Other samples than those that it was compared on.
    let text = place.refusal("evaluate s --part hold-out --seed 4");
    assert!(text.contains("--seed"), "{text}");
}

#[test]
fn the_page_and_the_table_have_what_there_is() {
    let (place, _) = &*UNINTERRUPTED;
    assert!(place.success("report s").contains("learning_rate"));
    let page = std::fs::read_to_string(place.path("s/report.html")).unwrap();
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let page = roxmltree::Document::parse_with_options(&page, options).unwrap();
    let shown = page.descendants().filter(|node| !node.has_tag_name("style") && node.is_element());
    let text: Vec<&str> = shown.filter_map(|node| node.text()).collect();
    let text = text.join("\n");
    for part in [
        "learning_rate",
        "hidden_1",
        "Best hold-out accuracy",
        "readout spike_count",
        "data.hold_out",
    ] {
        assert!(text.contains(part), "{part}");
    }
    for part in ["excitatory", "image", "NaN"] {
        assert!(!text.contains(part), "{part}");
    }
    let csv = place.success("export s");
    assert_eq!(csv.lines().count(), 19);
    assert!(csv.starts_with("trial,learning_rate,decay"), "{csv}");
}

/// With several seeds, on all training samples, scored on the test samples.
#[test]
fn the_best_network_is_retrained() {
    let (place, _) = &*UNINTERRUPTED;
    let json = place.json("retrain s --seeds 3 --workers 2 --quiet --json");
    assert_eq!((&json["train_images"], &json["test_images"]), (&240.into(), &60.into()));
    let values = json["test_accuracy"]["spike_count"]["values"].as_array().unwrap();
    assert_eq!(values.len(), 3);
    let runs = json["runs"].as_array().unwrap();
    let seeds: Vec<_> = runs.iter().map(|run| run["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds, [3, 4, 5]);
    assert!(runs.iter().all(|run| run["attributes"]["train_samples"] == 1200), "{json}");
    let again = place.json("retrain s --seeds 3 --workers 1 --quiet --json");
    assert_eq!(again["test_accuracy"], json["test_accuracy"]);
    let text = place.success("retrain study.toml --seeds 2 --epochs 1 --quiet");
    assert!(
        text.contains("spike_count") && text.contains("240 training samples × 1 epochs"),
        "{text}"
    );
}

/// The fixed network of a study file trains, too.
#[test]
fn a_study_file_trains() {
    let place = Place::new();
    place.file("study.toml", SEARCH);
    let result = place.json("train study.toml --json");
    assert_eq!(result["epochs"], 5);
    assert_eq!(result["validation"]["samples"], 60);
    // The seed of the study is that of the run.
    let same = place.json("train study.toml --json --seed 3");
    assert_eq!((&result["test"], &result["validation"]), (&same["test"], &same["validation"]));
    assert_ne!(place.json("train study.toml --json --seed 4")["test"], result["test"]);
}

#[test]
fn thresholds_in_the_wrong_order_fail_with_the_reason() {
    let place = Place::new();
    let (head, _) = SEARCH.split_once("[space]").unwrap();
    let head = head.replace("[network]", "[network]\nsecond_threshold = 0.5");
    let space = "threshold = { float = [0.6, 1.3] }\nsecond_threshold = { float = [0.4, 1.0] }";
    let text =
        format!("{head}[space]\n{space}\n[sampler]\nname = \"random\"\n[budget]\ncalls = 12\n");
    place.file("study.toml", &text);
    place.success("search study.toml --save s --quiet");
    let failed = |t: &&spikeseek::study::record::Trial| {
        t.finished.as_ref().is_some_and(|f| f.outcome == Outcome::Failed)
    };
    let record = record(&place, "s");
    let count = record.trials.iter().filter(failed).count();
    assert!((1..12).contains(&count), "{count} of 12: change the seed");
    for trial in record.trials.iter().filter(failed) {
        let reason = trial.finished.as_ref().unwrap().attributes["reason"].to_string();
        assert!(reason.contains("second_threshold"), "{reason}");
    }
}

/// Variables keep their order, on which the points depend.
#[test]
fn an_option_that_says_what_the_file_says_changes_nothing() {
    let place = Place::new();
    place.file("study.toml", SEARCH);
    let seed = SEARCH.lines().find_map(|line| line.strip_prefix("seed = ")).unwrap();
    place.success("search study.toml --save a --calls 2");
    place.success(&format!("search study.toml --save b --calls 2 --seed {seed}"));
    let (a, b) = (record(&place, "a"), record(&place, "b"));
    assert_eq!(a.space, b.space);
    assert_eq!(a.trials[1].point, b.trials[1].point);
}

#[test]
fn a_run_file_is_no_study() {
    let place = Place::new();
    place.file("run.toml", "model = \"lif\"\n");
    let text = place.refusal("search run.toml --save none");
    assert!(text.contains("`study`") && text.contains("spikeseek train"), "{text}");
}

#[test]
fn what_cannot_be_searched_is_told() {
    let place = Place::new();
    for (from, to, parts) in [
        ("decay = {", "decya = {", ["space.decya", "did you mean `decay`"]),
        ("hidden_1 = {", "hidden_3 = {", ["space.hidden_3", "`hidden_2`"]),
        ("[0.5, 0.97]", "[0.5, 1.5]", ["space.decay", "0 < decay < 1"]),
        (
            "hidden_1 = { int = [12, 40] }",
            "hidden_1 = { float = [1.5, 3.5] }",
            ["space.hidden_1", "number of neurons"],
        ),
        ("layer = \"hidden_2\"", "layer = \"exc\"", ["silence.rule", "hidden_1"]),
        ("hold_out = 0.25", "hold_out = 0.0", ["data.hold_out", "compare networks"]),
        ("\"dense\", \"sparse_layer\"", "\"dense\", \"fast\"", ["space.method", "sparse_layer"]),
        ("update_interval = 40", "", ["silence", "update_interval"]),
        ("[budget]", "[bugdet]", ["bugdet", "did you mean `budget`"]),
    ] {
        assert!(SEARCH.contains(from), "{from}");
        place.file("study.toml", &SEARCH.replace(from, to));
        let text = place.refusal("search study.toml --save none");
        assert!(parts.iter().all(|part| text.contains(part)), "{to}: {text}");
    }
    place.file("study.toml", SEARCH);
    assert!(!place.path("none").exists());
}
