//! Optuna itself reads our journals, and we read what it writes.
//!
//! Needs a Python that has Optuna, named by `SPIKESEEK_PYTHON_OPTUNA`; `./test.sh` sets it.

use serde_json::{Value as Json, json};
use spikeseek::search::space::{Domain, Point, Prior, Space, Value, Variable};
use spikeseek::study::journal::{Journal, read};
use spikeseek::study::record::{Finished, Outcome};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

const VARIABLE: &str = "SPIKESEEK_PYTHON_OPTUNA";
const NAME: &str = "Studie „1“";
const CHOICES: [&str; 3] = ["vote", "2gram", "log ä"];

fn python() -> Option<OsString> {
    let python = std::env::var_os(VARIABLE);
    if python.is_none() {
        println!("skipped: {VARIABLE} is not set (./test.sh sets it)");
    }
    python
}

fn run(python: &OsStr, script: &str, arguments: &[&OsStr]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/optuna").join(script);
    let output = Command::new(python)
        .args(["-W", "error::UserWarning"])
        .arg(script)
        .args(arguments)
        .output()
        .unwrap_or_else(|e| panic!("{VARIABLE}={}: {e}", python.display()));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    print!("{}", text(&output.stdout));
}

fn space() -> Space {
    let variable = |name: &str, domain| Variable { name: name.to_string(), domain };
    Space {
        variables: vec![
            variable("gain", Domain::Float { low: -1.0, high: 1.0, prior: Prior::Uniform }),
            variable("norm", Domain::Float { low: 1e-9, high: 10.0, prior: Prior::Log }),
            variable("decay", Domain::Float { low: 0.5, high: 1.0, prior: Prior::ReversedLog }),
            variable("zero", Domain::Float { low: 0.0, high: 1.0, prior: Prior::Log }),
            variable("steps", Domain::Int { low: 1, high: 500, prior: Prior::Log }),
            variable("offset", Domain::Int { low: -3, high: 1 << 53, prior: Prior::Uniform }),
            variable("delay", Domain::Int { low: 1, high: 9, prior: Prior::ReversedLog }),
            variable(
                "readout",
                Domain::Categorical { choices: CHOICES.map(str::to_string).to_vec() },
            ),
        ],
    }
}

/// What `optuna.distributions.distribution_to_json` should give, by hand.
fn distributions() -> Json {
    let float = |low: f64, high: f64, log: bool| json!({"name": "FloatDistribution", "attributes": {"step": null, "low": low, "high": high, "log": log}});
    let int = |low: i64, high: i64, log: bool| json!({"name": "IntDistribution", "attributes": {"log": log, "step": 1, "low": low, "high": high}});
    json!({
        "gain": float(-1.0, 1.0, false),
        "norm": float(1e-9, 10.0, true),
        "decay": float(0.5, 1.0, false),
        "zero": float(0.0, 1.0, false),
        "steps": int(1, 500, true),
        "offset": int(-3, 1 << 53, false),
        "delay": int(1, 9, false),
        "readout": {"name": "CategoricalDistribution", "attributes": {"choices": CHOICES}},
    })
}

/// A point, and what Optuna should give for it.
fn point(number: u64) -> (Point, Json) {
    let x = number as f64;
    let (gain, norm, decay, zero) = (x.sin(), 10.0 / (1.0 + x), 1.0 / (1.0 + x.fract()), x / 64.0);
    let (steps, delay) = (1 + number as i64 * 7, 1 + number as i64 % 9);
    let offset = (1 << 53) - number as i64; // the largest integers that Optuna keeps exactly
    let readout = number as usize % 3;
    let point = vec![
        Value::Float(gain),
        Value::Float(norm),
        Value::Float(decay),
        Value::Float(zero),
        Value::Int(steps),
        Value::Int(offset),
        Value::Int(delay),
        Value::Category(readout),
    ];
    let params = json!({
        "gain": gain, "norm": norm, "decay": decay, "zero": zero,
        "steps": steps, "offset": offset, "delay": delay, "readout": CHOICES[readout],
    });
    (point, params)
}

/// A trial to be written, and what Optuna should have of it. None: left running.
struct Case {
    finished: Option<Finished>,
    state: &'static str,
    value: Option<f64>,
    constraints: Option<Vec<f64>>,
    intermediate: Json,
    attributes: Json,
}

fn case(outcome: Outcome, value: Option<f64>, constraints: &[f64], state: &'static str) -> Case {
    let attributes = BTreeMap::from([
        ("spikes".to_string(), json!([0, u64::MAX])),
        ("text".to_string(), json!("Zeile\n\"zwei\" \u{1f980} NaN")),
        ("third".to_string(), json!(1.0 / 3.0)),
    ]);
    let mut expected = serde_json::to_value(&attributes).unwrap();
    expected["outcome"] = serde_json::to_value(outcome).unwrap();
    Case {
        finished: Some(Finished {
            outcome,
            value,
            constraints: constraints.to_vec(),
            intermediate: vec![(1, 0.1), (2, 0.1 + 0.2), (12, f64::MIN_POSITIVE)],
            attributes,
        }),
        state,
        value,
        constraints: (!constraints.is_empty()).then(|| constraints.to_vec()),
        intermediate: json!({"1": 0.1, "2": 0.1 + 0.2, "12": f64::MIN_POSITIVE}),
        attributes: expected,
    }
}

/// All kinds of trials; the best value is infeasible, and the best feasible one occurs twice.
fn cases() -> Vec<Case> {
    let running = || Case {
        finished: None,
        state: "RUNNING",
        value: None,
        constraints: None,
        intermediate: json!({}),
        attributes: json!({}),
    };
    let mut infinite = case(Outcome::Complete, Some(0.25), &[f64::INFINITY, f64::NAN], "COMPLETE");
    infinite.constraints = Some(vec![f64::MAX, f64::MAX]);
    let mut nan = case(Outcome::Complete, Some(f64::NAN), &[-1.0], "FAIL");
    nan.value = None;
    nan.attributes["outcome"] = json!("FAILED");
    nan.attributes["reason"] = json!("the value of a complete trial is NaN");
    vec![
        case(Outcome::Failed, None, &[], "FAIL"),
        case(Outcome::Complete, Some(0.95), &[-0.5, 1e-300], "COMPLETE"),
        case(Outcome::Silent, None, &[0.125, 0.1 + 0.2], "PRUNED"),
        case(Outcome::Complete, Some(0.7), &[-0.5, 0.0], "COMPLETE"),
        running(),
        case(Outcome::Timeout, None, &[-0.5], "PRUNED"),
        case(Outcome::Timeout, None, &[], "PRUNED"),
        infinite,
        case(Outcome::Complete, Some(0.7), &[-1.0, -1.0], "COMPLETE"),
        nan,
        case(Outcome::Complete, Some(0.1 + 0.2), &[], "COMPLETE"),
        running(),
    ]
}

fn start_time(number: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(1_772_325_296_123_456 + number)
}

fn attributes() -> BTreeMap<String, Json> {
    BTreeMap::from([
        ("version".to_string(), json!("0.1.0")),
        ("settings".to_string(), json!({"seed": u64::MAX, "ratio": 0.1 + 0.2, "ä": [null, true]})),
    ])
}

fn expectation(best: Option<u64>, cases: &[Case]) -> Json {
    let trials: Vec<Json> = cases
        .iter()
        .enumerate()
        .map(|(number, case)| {
            // start_time() and 60 s later in words; 1 772 325 296 s from Python's datetime.
            let end = format!("2026-03-01T00:35:56.{:06}+00:00", 123_456 + number);
            json!({
                "state": case.state,
                "value": case.value,
                "params": point(number as u64).1,
                "distributions": distributions(),
                "constraints": case.constraints,
                "intermediate": case.intermediate,
                "user_attrs": case.attributes,
                "start": format!("2026-03-01T00:34:56.{:06}+00:00", 123_456 + number),
                "end": case.finished.is_some().then_some(end),
            })
        })
        .collect();
    json!({"name": NAME, "user_attrs": attributes(), "best": best, "trials": trials})
}

fn start(journal: &mut Journal, number: u64) {
    journal.start_trial(number, &point(number).0, &Default::default(), start_time(number)).unwrap();
}

fn finish(journal: &mut Journal, number: u64, case: &Case) {
    if let Some(finished) = &case.finished {
        let end = start_time(number) + Duration::from_secs(60);
        journal.finish_trial(number, finished, end).unwrap();
    }
}

fn check(python: &OsStr, journal: &Path, cases: &[Case]) {
    let record = read(journal).unwrap();
    assert_eq!(record.trials.len(), cases.len());
    let best = record.best().map(|trial| trial.number);
    let expected = journal.with_extension("json");
    std::fs::write(&expected, expectation(best, cases).to_string()).unwrap();
    run(python, "check_study.py", &[journal.as_os_str(), expected.as_os_str()]);
}

#[test]
fn optuna_has_what_was_written() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.log");
    let mut journal = Journal::create(&path, NAME, &space(), &attributes()).unwrap();
    let mut cases = cases();
    for number in 0..cases.len() as u64 {
        start(&mut journal, number);
    }
    for number in (0..cases.len()).rev() {
        finish(&mut journal, number as u64, &cases[number]);
    }
    assert_eq!(read(&path).unwrap().best().map(|trial| trial.number), Some(3));
    check(&python, &path, &cases); // while the journal is held

    // Only infeasible ones complete: no best trial, here and there.
    cases.truncate(3);
    let path = folder.path().join("infeasible.log");
    let mut journal = Journal::create(&path, NAME, &space(), &attributes()).unwrap();
    for (number, case) in cases.iter().enumerate() {
        start(&mut journal, number as u64);
        finish(&mut journal, number as u64, case);
    }
    check(&python, &path, &cases);
}

/// Killed at several places of the last operations: Optuna opens the torn journals; after resuming
/// it has the trial as if nothing had happened.
#[test]
fn optuna_opens_torn_and_resumed_journals() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.log");
    let mut cases = cases();
    cases.truncate(2);
    let mut journal = Journal::create(&path, NAME, &space(), &attributes()).unwrap();
    let length = || std::fs::metadata(&path).unwrap().len() as usize;
    start(&mut journal, 0);
    finish(&mut journal, 0, &cases[0]);
    let began = length();
    start(&mut journal, 1);
    let started = length();
    finish(&mut journal, 1, &cases[1]);
    drop(journal);
    let bytes = std::fs::read(&path).unwrap();
    let whole = read(&path).unwrap();
    let expected = folder.path().join("whole.json");
    std::fs::write(&expected, expectation(None, &cases).to_string()).unwrap();

    let mut arguments: Vec<OsString> = Vec::new();
    for cut in (began + 1..bytes.len()).step_by(211).chain([started, bytes.len() - 1]) {
        let [torn, resumed] =
            ["torn", "resumed"].map(|kind| folder.path().join(format!("{kind}{cut}")));
        std::fs::write(&torn, &bytes[..cut]).unwrap();
        std::fs::copy(&torn, &resumed).unwrap();
        let mut seen = expectation(None, &cases);
        let trials = seen["trials"].as_array_mut().unwrap();
        if cut < started {
            trials.pop();
        } else {
            // Of an unfinished trial the state and the point count; attributes may be there already.
            let trial = &trials[1];
            trials[1] = json!({
                "state": "RUNNING", "value": null, "params": trial["params"],
                "distributions": trial["distributions"], "start": trial["start"], "end": null,
            });
        }
        let seen_path = folder.path().join(format!("{cut}.json"));
        std::fs::write(&seen_path, seen.to_string()).unwrap();

        let (mut journal, record) = Journal::open(&resumed).unwrap();
        assert_eq!(record.trials.len(), if cut < started { 1 } else { 2 });
        if cut < started {
            start(&mut journal, 1);
        }
        finish(&mut journal, 1, &cases[1]);
        assert_eq!(read(&resumed).unwrap(), whole);
        arguments.extend([torn, seen_path, resumed, expected.clone()].map(OsString::from));
    }
    assert!(arguments.len() > 4 * 10, "{} cuts", arguments.len() / 4);
    let arguments: Vec<&OsStr> = arguments.iter().map(OsString::as_os_str).collect();
    run(&python, "check_study.py", &arguments);
}

/// The journal stays ours after Optuna has written to it, while we write too.
#[test]
fn what_optuna_writes_is_read() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.log");
    let mut cases = cases();
    let last = cases.len() - 1;
    let mut journal = Journal::create(&path, NAME, &space(), &attributes()).unwrap();
    for number in 0..last as u64 {
        start(&mut journal, number);
        finish(&mut journal, number, &cases[number as usize]);
    }
    run(&python, "write_notes.py", &[path.as_os_str(), OsStr::new(NAME)]);

    // The copy is complete and equal, but for who wrote it.
    let copy = folder.path().join("journal.log.copy");
    let (copied, original) = (read(&copy).unwrap(), read(&path).unwrap());
    assert_eq!(copied.attributes["noted by optuna"], json!(["ä", 1.5, null]));
    assert_eq!(copied, original);

    // Optuna's trials of the other study have shifted the ids of ours.
    start(&mut journal, last as u64);
    cases[last] = case(Outcome::Complete, Some(0.71), &[0.0], "COMPLETE");
    finish(&mut journal, last as u64, &cases[last]);
    for case in cases.iter_mut().filter(|case| case.finished.is_none()) {
        case.attributes = json!({"seen by": "optuna"});
    }
    assert_eq!(read(&path).unwrap().best().map(|trial| trial.number), Some(last as u64));
    check(&python, &path, &cases);
}
