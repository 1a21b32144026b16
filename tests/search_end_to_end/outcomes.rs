//! Trials that do not complete, and a search that goes on.

use crate::support::*;
use serde_json::Value;
use spikeseek::search::sampler::scbo::Note;
use spikeseek::search::space::Value as PointValue;
use spikeseek::study::folder::StudyFolder;
use spikeseek::study::record::{Outcome, StudyRecord};

/// Runs a changed [`SEARCH`] of 6 trials; gives the record and the result as JSON.
fn search(change: impl Fn(&str) -> String) -> (StudyRecord, serde_json::Value) {
    let place = Place::new();
    let (study, folder) = (place.study(&change(SEARCH)), place.path("s"));
    let (study, save) = (study.display(), folder.display());
    let json = format!("search {study} --save {save} --calls 6 --workers 2 --quiet --json");
    let json = success(&line(json)).json();
    let record = record(&folder);
    let (begun, finished) = progress(&folder);
    assert_eq!((begun, finished), (6, 6), "the search went on to its end");
    assert!(StudyFolder::new(&folder).report().exists());
    assert_eq!(StudyFolder::new(&folder).best_network().exists(), !json["best"].is_null());
    success(&line(format!("report {save}")));
    (record, json)
}

#[test]
fn trials_past_their_time_limit_are_noted_as_such() {
    let (record, json) =
        search(|text| text.replace("[training]", "[training]\ntime_limit_s = 1e-9"));
    assert_eq!(json["outcomes"]["timeout"], 6);
    for trial in record.trials {
        let finished = trial.finished.unwrap();
        assert_eq!((finished.outcome, finished.value), (Outcome::Timeout, None));
        assert_eq!(finished.attributes["train_samples"], 0);
        assert!(finished.constraints.is_empty(), "nothing is known of a part of an epoch");
    }
}

/// Thresholds that no input reaches.
#[test]
fn silent_networks_are_stopped_early_and_not_evaluated() {
    let (record, json) = search(|text| text.replace("[-60.0, -45.0]", "[400.0, 500.0]"));
    assert_eq!((&json["outcomes"]["silent"], &json["best"]), (&6.into(), &Value::Null));
    for trial in record.trials {
        let finished = trial.finished.unwrap();
        assert_eq!((finished.outcome, finished.value), (Outcome::Silent, None));
        let number = |key: &str| finished.attributes[key].as_u64().unwrap();
        assert_eq!(number("decided_after"), number("train_samples"), "stopped at once");
        // 720 training images; the early decision needs far less than the 30 % that the rule does.
        assert!((1..=216).contains(&number("decided_after")), "{:?}", finished.attributes);
        assert_eq!(finished.attributes["decision"], "sequential");
        assert_eq!(finished.attributes["silent_share"], serde_json::json!([1.0, 1.0]));
        assert!(finished.constraints.iter().all(|&c| c > 0.0), "{:?}", finished.constraints);
        for key in ["test_spikes", "readout_accuracy"] {
            assert!(!finished.attributes.contains_key(key), "{key}: there was no evaluation");
        }
        assert!(!finished.attributes.contains_key("accuracy_so_far"), "no interval had ended");
    }
}

/// Thresholds that grow until, within the first epoch, hardly any image makes a neuron spike.
#[test]
fn what_silent_networks_scored_until_then_is_noted_and_learnt_from() {
    let (record, json) = search(|text| {
        text.replace("update_interval = 200", "update_interval = 60")
            .replace("nu_post = {", "theta_plus = { float = [0.3, 1.0] }\nnu_post = {")
            .replace("name = \"sobol\"", "name = \"scbo\"\ninitial = 3\ncandidates = 200\nlag = 1")
    });
    assert_eq!(json["outcomes"]["silent"], 6, "{record:?}");
    let (mut of_models, mut telling) = (0, Vec::new());
    for trial in record.trials {
        let finished = trial.finished.as_ref().unwrap();
        assert!(finished.value.is_none() && finished.intermediate.is_empty());
        let after = finished.attributes["decided_after"].as_u64().unwrap();
        let accuracies = finished.attributes.get("accuracy_so_far");
        assert_eq!(accuracies.is_some(), after > 2 * 60 + 2, "{after}");
        for (_, accuracy) in accuracies.iter().flat_map(|a| a.as_object().unwrap()) {
            assert!((0.0..=1.0).contains(&accuracy.as_f64().unwrap()));
        }
        telling.push(accuracies.is_some());
        let Some(note) = Note::of(&trial).filter(|note| note.length.is_some()) else { continue };
        // With a lag of 1, trial k is proposed with what the trials below k − 1 told.
        let told = telling[..trial.number as usize - 1].contains(&true);
        assert_eq!(
            note.models.contains_key("objective"),
            told,
            "none completed, and yet it learns"
        );
        of_models += usize::from(told);
    }
    assert!(of_models > 0);
}

/// Thresholds that grow more slowly: some networks fall silent in a later epoch than the first.
#[test]
fn the_constraints_of_each_epoch_are_noted() {
    let (record, _) = search(|text| {
        text.replace("[1, 3]", "[2, 3]")
            .replace("nu_post = {", "theta_plus = { float = [0.05, 0.3] }\nnu_post = {")
    });
    let mut later = 0;
    for trial in record.trials {
        let named = match trial.point[1] {
            PointValue::Int(epochs) => epochs as usize,
            _ => panic!("{:?}", trial.point),
        };
        let finished = trial.finished.unwrap();
        let epochs: Vec<Vec<f64>> =
            serde_json::from_value(finished.attributes["epoch_constraints"].clone()).unwrap();
        let satisfied = |constraints: &Vec<f64>| constraints.iter().all(|&c| c <= 0.0);
        let (last, others) = epochs.split_last().unwrap();
        assert_eq!(*last, finished.constraints);
        assert!(others.iter().all(satisfied), "{epochs:?}");
        let silent = finished.outcome == Outcome::Silent;
        assert_eq!(satisfied(last), !silent);
        assert!(if silent { epochs.len() <= named } else { epochs.len() == named });
        later += usize::from(silent && epochs.len() > 1);
    }
    assert!(later > 0);
}

/// Each bound is allowed beside the other's default; a drawn pair may still be in the wrong order.
#[test]
fn points_that_make_no_network_fail_with_the_reason() {
    let (record, json) = search(|text| {
        text.replace(
            "nu_post = {",
            "wmin = { float = [0.0, 0.9] }\nwmax = { float = [0.1, 1.0] }\nnu_post = {",
        )
    });
    let failed: Vec<_> = record
        .trials
        .iter()
        .filter_map(|trial| trial.finished.as_ref())
        .filter(|finished| finished.outcome == Outcome::Failed)
        .collect();
    assert!((1..6).contains(&failed.len()), "{failed:?}");
    assert_eq!(json["outcomes"]["failed"], failed.len());
    for finished in failed {
        let reason = finished.attributes["reason"].as_str().unwrap();
        assert!(reason.starts_with("`wmin`: ") && reason.contains("is not below wmax"), "{reason}");
    }
}

/// A threshold that grows past the largest number (3.4e38 in single precision).
#[test]
fn networks_that_leave_the_numbers_fail_with_the_reason() {
    let (record, json) = search(|text| {
        let (head, tail) = text.split_once("[silence.rule]").unwrap();
        let (_, tail) = tail.split_once("[silence.sequential]").unwrap();
        let theta_plus = "theta_plus = { float = [1e39, 2e39] }";
        format!("{head}{tail}").replace("nu_post = {", &format!("{theta_plus}\nnu_post = {{"))
    });
    assert_eq!(json["outcomes"]["failed"], 6, "{record:?}");
    for trial in record.trials {
        let finished = trial.finished.unwrap();
        let reason = finished.attributes["reason"].as_str().unwrap();
        assert!(reason.contains("not finite"), "{reason}");
    }
}

/// Nothing that ends here counts where the journal says that it ended otherwise.
#[test]
fn a_trial_that_another_program_ends_meanwhile_is_not_ours() {
    let long =
        SEARCH.replace("epochs = { int = [1, 3] }", "").replace("[silence.rule]", "[unused]");
    let (head, tail) =
        (long.split_once("[unused]").unwrap().0, long.split_once("[space]").unwrap().1);
    let text = format!("{}\n[space]{tail}", head.replace("[training]", "[training]\nepochs = 30"));
    for (state, values, value) in [(3, "null", None), (1, "[0.75]", Some(0.75))] {
        let place = Place::new();
        let (study, folder) = (place.study(&text), place.path("s"));
        let (study, save) = (study.display(), folder.display());
        let options = "--calls 1 --workers 1 --quiet --json";
        let mut search = Running::start(format!("search {study} --save {save} {options}"));
        search.wait_for(|| progress(&folder).0 == 1);
        let line = format!(
            "{{\"op_code\":6,\"worker_id\":\"w\",\"trial_id\":0,\"state\":{state},\"values\":{values},\
             \"datetime_complete\":\"2026-03-01T00:00:00+00:00\"}}\n"
        );
        let journal = StudyFolder::new(&folder).journal();
        let mut file = std::fs::OpenOptions::new().append(true).open(journal).unwrap();
        std::io::Write::write_all(&mut file, line.as_bytes()).unwrap();
        let json = search.end().json();
        assert_eq!(json["best"]["value"].as_f64(), value, "{json}");
        assert_eq!(record(&folder).trials[0].finished.as_ref().unwrap().value, value);
        // The network that was trained meanwhile is that of the trial.
        assert_eq!(StudyFolder::new(&folder).best_network().exists(), value.is_some());
    }
}
