//! What Optuna and its dashboard write into the journal. The lines are those that Optuna 5.0.0
//! wrote; their times and worker ids are shortened.

use crate::support::*;
use serde_json::json;
use spikeseek::study::journal::{Journal, read};
use spikeseek::study::record::Outcome;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

fn append(path: &Path, lines: &[&str]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

const OTHER_STUDY: &str =
    r#"{"op_code":0,"worker_id":"w","study_name":"other","directions":[1,2]}"#;
const OTHER_TRIAL: &str =
    r#"{"op_code":4,"worker_id":"w","study_id":1,"datetime_start":"2026-03-01T00:00:00+00:00"}"#;

/// The trials of other studies shift Optuna's trial ids away from our numbers, also while the
/// journal is open.
#[test]
fn other_studies_in_the_file_do_not_matter() {
    let (_folder, path) = folder();
    let mut journal = create(&path);
    start(&mut journal, 0);
    append(
        &path,
        &[
            OTHER_STUDY,
            OTHER_TRIAL,
            r#"{"op_code":5,"worker_id":"w","trial_id":1,"param_name":"norm","param_value_internal":-77.0,"distribution":"{}"}"#,
            r#"{"op_code":7,"worker_id":"w","trial_id":1,"step":0,"intermediate_value":NaN}"#,
            OTHER_TRIAL,
        ],
    );
    start(&mut journal, 1);
    append(
        &path,
        &[
            r#"{"op_code":6,"worker_id":"w","trial_id":1,"state":1,"values":[0.5,Infinity],"datetime_complete":"2026-03-01T00:00:00+00:00"}"#,
        ],
    );
    finish(&mut journal, 1);
    finish(&mut journal, 0);
    append(&path, &[r#"{"op_code":1,"worker_id":"w","study_id":1}"#, OTHER_TRIAL]);
    start(&mut journal, 2);
    finish(&mut journal, 2);
    drop(journal);
    let record = Journal::open(&path).unwrap().1;
    assert_eq!(record.trials.len(), 3);
    for trial in &record.trials {
        assert_eq!(trial.point, point(trial.number));
        assert_eq!(trial.finished, Some(finished(trial.number)));
    }
    // Ids 0 to 4 in the order of creation: ours, other, other, ours, ours.
    let text = std::fs::read_to_string(&path).unwrap();
    let last = text.lines().last().unwrap();
    assert!(last.contains(r#""op_code":6"#) && last.contains(r#""trial_id":4"#), "{last}");
}

/// Notes of the dashboard are system attributes of the study, `set_user_attr` is a user attribute.
#[test]
fn notes_are_kept() {
    let (_folder, path) = folder();
    let mut journal = create(&path);
    start(&mut journal, 0);
    append(
        &path,
        &[
            r#"{"op_code":3,"worker_id":"w","study_id":0,"system_attr":{"dashboard:note_ver":1}}"#,
            r#"{"op_code":2,"worker_id":"w","study_id":0,"user_attr":{"lab":"north"}}"#,
            r#"{"op_code":8,"worker_id":"w","trial_id":0,"user_attr":{"seen by":"me"}}"#,
            r#"{"op_code":9,"worker_id":"w","trial_id":0,"system_attr":{"dashboard:note_ver":1}}"#,
            r#"{"op_code":10,"worker_id":"w"}"#,
        ],
    );
    finish(&mut journal, 0);
    let record = read(&path).unwrap();
    assert_eq!(record.attributes["lab"], json!("north"));
    assert_eq!(record.attributes["version"], json!("0.1.0"));
    let mut expected = finished(0);
    expected.attributes.insert("seen by".to_string(), json!("me"));
    assert_eq!(record.trials[0].finished, Some(expected));
}

/// `study.tell(0, state=FAIL)` from outside: Optuna keeps the first result, so do we.
#[test]
fn a_trial_that_another_program_ended_stays_ended() {
    let (_folder, path) = folder();
    let mut journal = create(&path);
    for (number, state, outcome) in [(0, 3, Outcome::Failed), (1, 2, Outcome::Failed)] {
        start(&mut journal, number);
        let line = format!(
            r#"{{"op_code":6,"worker_id":"w","trial_id":{number},"state":{state},"values":null,"datetime_complete":"2026-03-01T00:00:00+00:00"}}"#
        );
        assert_eq!(journal.ended_elsewhere(number).unwrap(), None);
        append(&path, &[&line]);
        let ended = journal.ended_elsewhere(number).unwrap().unwrap();
        assert_eq!(ended, read(&path).unwrap().trials[number as usize]);
        finish(&mut journal, number);
        let result = read(&path).unwrap().trials[number as usize].finished.clone().unwrap();
        assert_eq!((result.outcome, result.value), (outcome, None));
    }
}

/// `optuna.copy_study` makes each trial with one line that has everything.
#[test]
fn a_study_copied_by_optuna_is_read() {
    let (_folder, path) = folder();
    journal_of(&path, 1);
    let original = std::fs::read_to_string(&path).unwrap();
    let header: Vec<String> = original
        .lines()
        .filter(|line| line.contains(r#""op_code":0"#) || line.contains(r#""op_code":2"#))
        .map(|line| line.replace(r#""worker_id":"spikeseek""#, r#""worker_id":"w""#))
        .collect();
    let copy = path.with_file_name("copy.log");
    std::fs::write(&copy, header.join("\n") + "\n").unwrap();
    append(
        &copy,
        &[
            r#"{"op_code":4,"worker_id":"w","study_id":0,"datetime_start":"2026-03-01T00:00:00+00:00","state":1,"value":0.75,"values":null,"datetime_complete":"2026-03-01T00:01:00+00:00","distributions":{},"params":{"rate_hz":0.5,"norm":1.0,"decay":0.5,"steps":3.0,"offset":-2.0,"readout":1},"user_attrs":{"outcome":"COMPLETE","k":1},"system_attrs":{"constraints":[-1.0]},"intermediate_values":{"1":0.5,"2":0.75}}"#,
        ],
    );
    let record = read(&copy).unwrap();
    let result = record.trials[0].finished.as_ref().unwrap();
    assert_eq!((result.value, result.outcome), (Some(0.75), Outcome::Complete));
    assert_eq!(result.constraints, [-1.0]);
    assert_eq!(result.intermediate, [(1, 0.5), (2, 0.75)]);
    assert_eq!(result.attributes.get("k"), Some(&json!(1)));
    assert_eq!(record.best().map(|trial| trial.number), Some(0));
}

/// A trial that another program puts into our study takes a number that the search counts on.
#[test]
fn a_foreign_trial_in_the_study_is_reported() {
    let (_folder, path) = folder();
    let mut journal = create(&path);
    append(&path, &[&OTHER_TRIAL.replace(r#""study_id":1"#, r#""study_id":0"#)]);
    let error = journal
        .start_trial(0, &point(0), &Default::default(), time(0))
        .err()
        .map(|e| e.to_string());
    assert!(error.as_ref().is_some_and(|e| e.contains("another program")), "{error:?}");
    let error = read(&path).err().map(|e| e.to_string());
    assert!(error.as_ref().is_some_and(|e| e.contains("another program")), "{error:?}");
}

/// Another program died in the middle of its line: the next write takes it away.
#[test]
fn half_a_line_of_another_program_does_not_spoil_ours() {
    let (_folder, path) = folder();
    let mut journal = create(&path);
    start(&mut journal, 0);
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"op_code\":3,").unwrap();
    finish(&mut journal, 0);
    assert_eq!(read(&path).unwrap().trials[0].finished, Some(finished(0)));
}

/// Another program shortened or emptied the file under us.
#[test]
fn a_shortened_file_is_reported() {
    let (_folder, path) = folder();
    let mut journal = create(&path);
    OpenOptions::new().write(true).open(&path).unwrap().set_len(10).unwrap();
    let error = journal
        .start_trial(0, &point(0), &Default::default(), time(0))
        .err()
        .map(|e| e.to_string());
    assert!(error.as_ref().is_some_and(|e| e.contains("shortened")), "{error:?}");
}
