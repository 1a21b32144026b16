//! Replays of the trust region and of the flexible queue on the released evaluations.
//!
//! The lengths of the reference study are reproduced from its results alone: rows of its tables in
//! the order of arrival, the queue rule of spec hpo.md section 5.2, the settings in
//! `trust_region_replay.json` (the root of the vectors from `SPIKESEEK_GOLDEN`).
//! The tables are not part of this project: their folder is taken from `SPIKESEEK_RESULTS`, else
//! `../shared/results` beside the crate; without it these tests say so and pass.

use serde_json::Value;
use spikeseek::search::scbo::Rules;
use spikeseek::search::scbo::trust_region::{Observed, Origin, Settings, TrustRegion, Verdict};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A call of the optimiser: the results handed over, and what it made of them.
#[derive(Debug, PartialEq)]
struct Call {
    iteration: u64,
    /// First and last row.
    rows: [usize; 2],
    /// Logged with the points of the call; 1 for points of the design.
    length: f64,
    /// None while the design is not complete.
    success: Option<bool>,
}

/// The recorded calls and settings of an experiment.
struct Oracle(Value);

impl Oracle {
    fn number(&self, key: &str) -> f64 {
        self.0[key].as_f64().unwrap_or_else(|| panic!("no number {key}"))
    }

    fn count(&self, key: &str) -> usize {
        self.number(key) as usize
    }

    fn calls(&self) -> Vec<Call> {
        let call = |call: &Value| {
            let rows = [0, 1].map(|i| call["rows"][i].as_u64().unwrap() as usize);
            assert_eq!(call["n"].as_u64().unwrap() as usize, rows[1] - rows[0] + 1);
            Call {
                iteration: call["iteration"].as_u64().unwrap(),
                rows,
                length: call["length"].as_f64().unwrap(),
                success: call.get("success").map(|s| s.as_bool().unwrap()),
            }
        };
        self.0["forward_calls"].as_array().unwrap().iter().map(call).collect()
    }

    fn settings(&self, rules: Rules) -> Settings {
        Settings {
            rules,
            length_init: self.number("length_init"),
            length_min: self.number("length_min"),
            length_max: self.number("length_max"),
            success_tolerance: self.count("success_tolerance"),
            failure_tolerance: self.count("failure_tolerance"),
        }
    }
}

/// A released evaluation, with what the reference logged on its proposal.
struct Row {
    value: f64,
    constraints: Vec<f64>,
    iteration: u64,
    length: f64,
    algorithm: String,
}

struct Experiment {
    number: u32,
    oracle: Oracle,
    rows: Vec<Row>,
}

fn read_rows(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|h| h == name);
    let constraints: Vec<usize> = (0..).map_while(|k| column(&format!("constraint_{k}"))).collect();
    let row = |row: csv::Result<csv::StringRecord>| {
        let row = row.unwrap();
        let cell = |name: &str| &row[column(name).unwrap()];
        Row {
            // The reference minimises.
            value: -cell("objective").parse::<f64>().unwrap(),
            constraints: constraints.iter().map(|&c| row[c].parse().unwrap()).collect(),
            iteration: cell("iteration").parse().unwrap(),
            length: cell("length").parse().unwrap(),
            algorithm: cell("algorithm").to_string(),
        }
    };
    reader.records().map(row).collect()
}

/// All three experiments, or none where the tables are missing.
fn experiments() -> Option<Vec<Experiment>> {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var_os("SPIKESEEK_RESULTS")
        .map_or_else(|| crate_root.join("../shared/results"), PathBuf::from);
    let table = |number| folder.join(format!("experiment_{number}_all_evaluations.csv"));
    if !table(1).is_file() {
        println!("skipped: no released evaluations in {} (SPIKESEEK_RESULTS)", folder.display());
        return None;
    }
    let path = std::env::var_os("SPIKESEEK_GOLDEN")
        .map_or_else(|| crate_root.join("tests/golden"), PathBuf::from)
        .join("scbo/trust_region_replay.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let oracle: Value = serde_json::from_str(&text).unwrap();
    let experiment = |number| Experiment {
        number,
        oracle: Oracle(oracle[format!("experiment_{number}")].clone()),
        rows: read_rows(&table(number)),
    };
    Some([1, 2, 4].map(experiment).into())
}

/// The run up to its first restart (where the recorded calls end) or its last row.
fn replay(experiment: &Experiment, rules: Rules) -> Vec<Call> {
    let oracle = &experiment.oracle;
    let workers = oracle.count("workers");
    let mut region = TrustRegion::new(oracle.settings(rules));
    let mut calls: Vec<Call> = Vec::new();
    // Only the number of points matters: which of those in flight comes next is in the table.
    let mut queued = oracle.count("initial_size");
    let mut in_flight = 0;
    let mut first = 0;
    for last in 0..experiment.rows.len() {
        let served = (workers - in_flight).min(queued);
        (queued, in_flight) = (queued - served, in_flight + served);
        // The result is handed over, if the queue is short, before its worker gets a new point.
        in_flight -= 1;
        if queued > oracle.count("queue_threshold") {
            continue;
        }
        let iteration = calls.len() as u64 + 1;
        let rows = [first, last];
        if last + 1 < oracle.count("initial_size") {
            calls.push(Call { iteration, rows, length: 1.0, success: None });
            queued += 1;
        } else {
            // All results as if from the present box: the rules differ, not the time of arrival.
            let origin = Origin { restart: 0, length: Some(region.length()) };
            let observed = |row: &Row| Observed {
                point: vec![0.5],
                value: Some(row.value),
                constraints: row.constraints.clone(),
                origin,
            };
            let group: Vec<Observed> = experiment.rows[first..=last].iter().map(observed).collect();
            let success = Some(region.observe(&group) == Verdict::Success);
            calls.push(Call { iteration, rows, length: region.length(), success });
            queued += oracle.count("batch");
        }
        first = last + 1;
        if region.restart_due() {
            break;
        }
    }
    calls
}

#[test]
fn compat_reproduces_every_call_and_every_logged_length() {
    let Some(experiments) = experiments() else { return };
    let mut logged = Vec::new();
    for experiment in experiments {
        let calls = replay(&experiment, Rules::Compat);
        let want = experiment.oracle.calls();
        assert_eq!(calls, want, "experiment {}", experiment.number);

        let mut points: BTreeMap<u64, Vec<(usize, &Row)>> = BTreeMap::new();
        for (row, evaluation) in experiment.rows.iter().enumerate() {
            // The design of the restart is logged under the iteration before it.
            if evaluation.algorithm != "InitSCBO" {
                points.entry(evaluation.iteration).or_default().push((row, evaluation));
            }
        }
        let mut lengths = 0;
        for call in &calls {
            // One call of experiment 2 proposed a point that no worker ever gave back.
            let Some(points) = points.get(&call.iteration) else { continue };
            lengths += 1;
            let (algorithm, most) = match call.success {
                None => ("AddInitSCBO", 1),
                Some(_) => ("SCBO", experiment.oracle.count("batch")),
            };
            assert!(points.len() <= most, "iteration {}", call.iteration);
            for (row, point) in points {
                assert_eq!(point.algorithm, algorithm, "row {row}");
                assert_eq!(point.length, call.length, "row {row}");
                assert!(*row > call.rows[1], "row {row} came before its call");
            }
        }
        logged.push(lengths);
    }
    // Spec hpo.md section 10: 113 logged lengths.
    assert_eq!(logged, [50, 21, 42]);
}

#[test]
fn repaired_rules_differ_first_at_iteration_22_of_experiment_1() {
    let Some(experiments) = experiments() else { return };
    for experiment in experiments {
        let (compat, repaired) =
            (replay(&experiment, Rules::Compat), replay(&experiment, Rules::Repaired));
        let differ = |(compat, repaired): &(&Call, &Call)| compat.length != repaired.length;
        let first = compat.iter().zip(&repaired).find(differ).map(|(call, _)| call.iteration);
        // Spec hpo.md section 4.5.
        assert_eq!(first, (experiment.number == 1).then_some(22), "{}", experiment.number);
    }
}
