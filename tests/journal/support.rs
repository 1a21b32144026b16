//! Spaces, points and outcomes for the tests of the journal.

use serde_json::{Value as Json, json};
use spikeseek::search::space::{Domain, Point, Prior, Space, Value, Variable};
use spikeseek::study::journal::Journal;
use spikeseek::study::record::{Finished, Outcome};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// A folder of its own and the path of a journal in it.
pub fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.log");
    (folder, path)
}

/// One variable of each kind.
pub fn space() -> Space {
    let variable = |name: &str, domain| Variable { name: name.to_string(), domain };
    let choices = vec!["vote".to_string(), "Zwei-Gramme „ä“".to_string()];
    Space {
        variables: vec![
            variable("rate_hz", Domain::Float { low: -1.0, high: 1.0, prior: Prior::Uniform }),
            variable("norm", Domain::Float { low: 1e-9, high: 10.0, prior: Prior::Log }),
            variable("decay", Domain::Float { low: 0.5, high: 1.0, prior: Prior::ReversedLog }),
            variable("steps", Domain::Int { low: 1, high: 500, prior: Prior::Log }),
            variable("offset", Domain::Int { low: -3, high: 3, prior: Prior::Uniform }),
            variable("readout", Domain::Categorical { choices }),
        ],
    }
}

/// A point of [`space`].
pub fn point(number: u64) -> Point {
    let x = number as f64;
    vec![
        Value::Float(x.sin()),
        Value::Float(10.0 / (1.0 + x)),
        Value::Float(1.0 / (1.0 + (x / 7.0).fract())),
        Value::Int(1 + (number as i64 * 37) % 500),
        Value::Int(number as i64 % 7 - 3),
        Value::Category((number % 2) as usize),
    ]
}

/// The outcomes in turn, each with what it may have.
pub fn finished(number: u64) -> Finished {
    let outcomes = [Outcome::Complete, Outcome::Silent, Outcome::Timeout, Outcome::Failed];
    let outcome = outcomes[(number % 4) as usize];
    let x = number as f64;
    let known = outcome != Outcome::Failed;
    Finished {
        outcome,
        value: (outcome == Outcome::Complete).then(|| (x * 0.7).sin().abs()),
        constraints: if known { vec![(x / 3.0).cos(), -0.25] } else { vec![] },
        intermediate: if known { vec![(1, 0.1), (2, 0.1 + 0.2), (10, 1.0 / 3.0)] } else { vec![] },
        attributes: BTreeMap::from([
            ("train_seconds".to_string(), json!(1.5)),
            ("spikes".to_string(), json!([0, 17, u64::MAX])),
            ("note".to_string(), json!("Zeile\n\"zwei\" \u{1f980}")),
        ]),
    }
}

/// What is noted with the study.
pub fn attributes() -> BTreeMap<String, Json> {
    BTreeMap::from([
        ("version".to_string(), json!("0.1.0")),
        ("settings".to_string(), json!({"epochs": 3, "seed": 18446744073709551615_u64})),
    ])
}

/// A time that depends on the trial only.
pub fn time(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(1_772_325_296 + seconds, 123_456_000)
}

pub fn create(path: &Path) -> Journal {
    Journal::create(path, "study", &space(), &attributes()).unwrap()
}

pub fn start(journal: &mut Journal, number: u64) {
    journal.start_trial(number, &point(number), &Default::default(), time(number)).unwrap();
}

pub fn finish(journal: &mut Journal, number: u64) {
    journal.finish_trial(number, &finished(number), time(number + 60)).unwrap();
}

/// A journal of so many trials, all finished.
pub fn journal_of(path: &Path, trials: u64) {
    let mut journal = create(path);
    for number in 0..trials {
        start(&mut journal, number);
        finish(&mut journal, number);
    }
}
