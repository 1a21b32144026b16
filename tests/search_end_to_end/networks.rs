//! Trained networks: saved, scored again, trained again, damaged.

use crate::support::*;
use serde_json::Value;
use spikeseek::study::folder::StudyFolder;
use spikeseek::train::TrainedNetwork;
use std::path::PathBuf;

/// A trained [`SOLUTION`] in a folder, and what `train --json` said.
fn trained(place: &Place) -> (PathBuf, Value) {
    let (study, folder) = (place.study(SOLUTION), place.path("t"));
    let (study, save) = (study.display(), folder.display());
    let json = success(&line(format!("train {study} --save {save} --json --quiet"))).json();
    (folder, json)
}

/// What a search would need is not used, nor kept.
#[test]
fn the_fixed_network_of_a_study_is_trained_and_has_a_page() {
    let place = Place::new();
    let text = format!(
        "{SOLUTION}\n[space]\nnorm = {{ float = [15.0, 40.0] }}\n[sampler]\nname = \"sobol\"\n\
         [budget]\ncalls = 3\n"
    );
    let (study, folder) = (place.study(&text), place.path("t"));
    let (study, save) = (study.display(), folder.display());
    let json = success(&line(format!("train {study} --save {save} --json --quiet"))).json();
    assert!(StudyFolder::new(&folder).report().exists());
    success(&line(format!("report {save}")));
    let again = success(&line(format!("evaluate {save} --part hold-out --json"))).json();
    assert_eq!(again["value"], json["value"]);
    run(&line(format!("search --resume --save {save}"))).refused(1, &["nothing to resume"]);
}

#[test]
fn evaluating_the_best_network_gives_the_accuracy_of_the_search() {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    success(&line(format!("search {study} --save {save} --quiet")));
    let record = record(&folder);
    let best = record.best().unwrap();
    let finished = best.finished.as_ref().unwrap();
    let json = success(&line(format!("evaluate {save} --part hold-out --json"))).json();
    assert_eq!((&json["trial"], &json["images"]), (&best.number.into(), &180.into()));
    assert_eq!(json["value"].as_f64(), finished.value);
    assert_eq!(json["readout_accuracy"], finished.attributes["readout_accuracy"]);
    assert_eq!(json["spikes"], finished.attributes["test_spikes"]);
    assert_eq!(json["decoder"], finished.attributes["readout"]);

    let plain = success(&line(format!("evaluate {save} --part hold-out"))).stdout;
    assert!(plain.contains("180 images"), "{plain}");
    let own = format!("{:.4}  (the network's own)", finished.value.unwrap());
    assert!(plain.contains(&own), "{own}: {plain}");
    // The digits come with 360 test images.
    let test = success(&line(format!("evaluate {save} --json"))).json();
    assert_eq!(test["images"], 360);
    assert_ne!(test["spikes"], json["spikes"]);
    assert!(test["value"].as_f64().is_some_and(|value| value > 0.1 && value < 1.0), "{test}");

    for option in ["--seed 9", "--data 100", "--dataset digits"] {
        run(&line(format!("evaluate {save} --part hold-out {option}")))
            .refused(1, &["hold-out", "--part test"]);
    }
    success(&line(format!("evaluate {save} --seed 9")));
}

#[test]
fn a_trained_network_is_saved_whole() {
    let place = Place::new();
    let (folder, json) = trained(&place);
    let save = folder.display();
    assert_eq!(json["outcome"], "COMPLETE");
    assert!(json["value"].as_f64().is_some_and(|value| value > 0.3), "it learned: {json}");
    let again = success(&line(format!("evaluate {save} --part hold-out --json"))).json();
    assert_eq!(again["value"], json["value"]);
    assert_eq!(again["readout_accuracy"], json["attributes"]["readout_accuracy"]);
    assert_eq!(again["readout_accuracy"].as_object().unwrap().len(), 5, "every readout");
    success(&line(format!("report {save}")));
    assert!(StudyFolder::new(&folder).report().exists());
}

/// Mean and standard deviation by their definitions, from the numbers of the single runs.
fn check_retraining(json: &Value, seeds: u64, first: u64) {
    let runs = json["runs"].as_array().unwrap();
    assert_eq!(runs.len() as u64, seeds);
    for (k, run) in runs.iter().enumerate() {
        assert_eq!(run["seed"], first + k as u64);
        assert_eq!(run["outcome"], "COMPLETE");
    }
    for (name, shown) in json["test_accuracy"].as_object().unwrap() {
        let values: Vec<f64> = runs
            .iter()
            .map(|run| run["attributes"]["readout_accuracy"][name].as_f64().unwrap())
            .collect();
        assert_eq!(shown["values"], serde_json::json!(values), "{name}");
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance =
            values.iter().map(|x| x * x).sum::<f64>() / (n - 1.0) - mean * mean * n / (n - 1.0);
        let close = |key: &str, x: f64| (shown[key].as_f64().unwrap() - x).abs() < 1e-7;
        assert!(close("mean", mean) && close("std", variance.max(0.0).sqrt()), "{name}: {shown}");
    }
}

/// Without what the clock gives.
fn without_seconds(mut json: Value) -> Value {
    for run in json["runs"].as_array_mut().unwrap() {
        let attributes = run["attributes"].as_object_mut().unwrap();
        for key in ["train_seconds", "test_seconds", "eval_time"] {
            assert!(attributes.remove(key).is_some(), "{key}");
        }
    }
    assert!(json.as_object_mut().unwrap().remove("seconds").is_some());
    json
}

#[test]
fn retraining_a_file_uses_all_training_images_and_several_seeds() {
    let place = Place::new();
    let study = place.study(SOLUTION);
    let study = study.display();
    let retrain =
        |options: &str| success(&line(format!("retrain {study} --json --quiet {options}"))).json();
    let json = retrain("--seeds 3 --workers 2");
    assert_eq!((&json["train_images"], &json["test_images"]), (&400.into(), &360.into()));
    check_retraining(&json, 3, 5);
    assert_eq!(json["test_accuracy"].as_object().unwrap().len(), 5, "every readout");
    let values = json["test_accuracy"]["vote"]["values"].as_array().unwrap();
    assert!(values.iter().any(|value| *value != values[0]), "seeds differ: {values:?}");
    for (run, value) in json["runs"].as_array().unwrap().iter().zip(values) {
        assert_eq!(run["value"], *value, "the value is that of the decoder");
        assert_eq!(run["attributes"]["train_samples"], 800, "2 epochs of 400");
    }
    assert_eq!(without_seconds(retrain("--seeds 3 --workers 1")), without_seconds(json.clone()));
    let other = retrain("--seeds 2 --seed 6 --epochs 2");
    assert_eq!(other["runs"][0]["value"], json["runs"][1]["value"], "seed 6 is seed 6");
    let one = retrain("--seeds 1 --epochs 1 --data 100");
    assert_eq!(one["runs"][0]["attributes"]["train_samples"], 100);
    assert_eq!(one["test_accuracy"]["all"]["std"], 0.0);

    let plain = success(&line(format!("retrain {study} --seeds 3")));
    let mean = json["test_accuracy"]["vote"]["mean"].as_f64().unwrap();
    let std = json["test_accuracy"]["vote"]["std"].as_f64().unwrap();
    let own = format!("vote   {mean:.4} ± {std:.4}  (the solution's own)");
    assert!(plain.stdout.contains(&own), "{own}: {}", plain.stdout);
    assert_eq!(plain.stderr.lines().count(), 3, "{}", plain.stderr);
    run(&line(format!("retrain {study} --seeds 0"))).refused(2, &["--seeds", "1..=10000"]);
}

#[test]
fn retraining_a_study_takes_its_best_trial() {
    let place = Place::new();
    let (study, folder) = (place.study(SEARCH), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    success(&line(format!("search {study} --save {save} --quiet")));
    let best = record(&folder);
    let best = best.best().unwrap().finished.as_ref().unwrap();
    let json = success(&line(format!("retrain {save} --seeds 2 --json --quiet"))).json();
    check_retraining(&json, 2, 3);
    assert_eq!((&json["train_images"], &json["test_images"]), (&900.into(), &360.into()));
    for run in json["runs"].as_array().unwrap() {
        for key in ["parameters", "trainable", "nodes", "readout"] {
            assert_eq!(run["attributes"][key], best.attributes[key], "{key}");
        }
    }
    // Before any trial was feasible there is nothing to take.
    let none = place.path("none");
    place.study(&SEARCH.replace("[-60.0, -45.0]", "[400.0, 500.0]"));
    success(&line(format!("search {study} --save {} --quiet --calls 1", none.display())));
    run(&line(format!("retrain {}", none.display()))).refused(1, &["none", "no feasible trial"]);
    run(&line(format!("evaluate {}", none.display()))).refused(1, &["none", "has no network"]);
}

#[test]
fn a_damaged_network_is_an_error_with_its_name() {
    let place = Place::new();
    let (folder, _) = trained(&place);
    let path = StudyFolder::new(&folder).best_network();
    let sound = std::fs::read(&path).unwrap();
    let header = 8 + u64::from_le_bytes(sound[..8].try_into().unwrap()) as usize;
    let text = String::from_utf8(sound[8..header].to_vec()).unwrap();
    // The same length, so that only the meaning changes.
    let replaced = |from: &str, to: &str| {
        assert!(from.len() == to.len() && text.contains(from), "{from} in {text}");
        [&sound[..8], text.replace(from, to).as_bytes(), &sound[header..]].concat()
    };
    let not_finite = |at: usize| {
        let mut bytes = sound.clone();
        bytes[header + at..header + at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
        bytes
    };
    let damaged: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("garbage", b"this is no network, but long enough to be one".to_vec()),
        ("zeros", vec![0; 4_096]),
        ("a header longer than memory", [&u64::MAX.to_le_bytes()[..], b"{}"].concat()),
        ("without the header's end", sound[..header - 1].to_vec()),
        ("without values", sound[..header].to_vec()),
        ("without the last value", sound[..sound.len() - 1].to_vec()),
        ("a value too many", [&sound[..], &[0]].concat()),
        ("other dimensions of w", replaced("[64,30]", "[30,64]")),
        (
            "another type of theta",
            replaced("\"theta\":{\"dtype\":\"F32\"", "\"theta\":{\"dtype\":\"I32\""),
        ),
        ("w under another name", replaced("\"w\":{", "\"v\":{")),
        ("no metadata", replaced("\"spikeseek\":", "\"spikesook\":")),
        ("another map", replaced("\\\"map_size\\\":30", "\\\"map_size\\\":31")),
        (
            "a huge map",
            replaced("\\\"map_size\\\":30,\\\"dt\\\":1.0", "\\\"map_size\\\":6553,\\\"dt\\\":1"),
        ),
        (
            "no readout of that name",
            replaced("\\\"decoder\\\":\\\"vote\\\"", "\\\"decoder\\\":\\\"veto\\\""),
        ),
        ("no classes", replaced("\\\"classes\\\":10", "\\\"classes\\\": 0")),
        ("more classes", replaced("\\\"classes\\\":10", "\\\"classes\\\":99")),
        ("a time step of 0", replaced("\\\"dt\\\":1.0", "\\\"dt\\\":0.0")),
        ("a weight that is no number", not_finite(sound.len() - header - 4)),
    ];
    let save = folder.display();
    for (what, bytes) in damaged {
        std::fs::write(&path, &bytes).unwrap();
        if what == "a weight that is no number" {
            // Which tensor lies last is up to the format; some refuse, none may panic.
            let _ = run(&line(format!("evaluate {save}")));
            continue;
        }
        let ended = run(&line(format!("evaluate {save}")));
        assert_eq!(ended.code, Some(1), "{what}: {ended:?}");
        ended.refused(1, &["best.safetensors", "expected"]);
        // The page is still written, with a word on what is missing.
        success(&line(format!("report {save}")));
        let page = std::fs::read_to_string(StudyFolder::new(&folder).report()).unwrap();
        assert!(page.contains("The best network is not shown"), "{what}");
    }
    std::fs::write(&path, &sound).unwrap();
    success(&line(format!("evaluate {save}")));
}

/// Any byte of the header may be wrong.
#[test]
fn no_byte_of_a_network_file_makes_it_panic() {
    let place = Place::new();
    let (folder, _) = trained(&place);
    let path = StudyFolder::new(&folder).best_network();
    let sound = std::fs::read(&path).unwrap();
    TrainedNetwork::load(&path).unwrap();
    let header = 8 + u64::from_le_bytes(sound[..8].try_into().unwrap()) as usize;
    let mut refused = 0;
    for at in 0..header {
        for change in [0x01, 0x10, 0x80] {
            let mut bytes = sound.clone();
            bytes[at] ^= change;
            std::fs::write(&path, &bytes).unwrap();
            if let Err(error) = TrainedNetwork::load(&path) {
                assert!(error.to_string().contains("best.safetensors"), "{at}: {error}");
                refused += 1;
            }
        }
    }
    assert!(refused > header, "most changes are noticed: {refused} of {}", 3 * header);
}
