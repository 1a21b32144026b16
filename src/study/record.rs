//! What is known of a trial and of a study.

use crate::search::space::{Point, Space};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Instant;

/// How a trial ended. None of these is an error of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// Trained and evaluated.
    Complete,
    /// Stopped by the silent-network criterion; has constraints, no value.
    Silent,
    /// Ran past its time limit; has the constraints known so far.
    Timeout,
    /// Panicked or gave a value that is not a number.
    Failed,
}

impl Outcome {
    /// Its name in journals, tables and messages.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Complete => "COMPLETE",
            Outcome::Silent => "SILENT",
            Outcome::Timeout => "TIMEOUT",
            Outcome::Failed => "FAILED",
        }
    }
}

/// Attribute: the name of the readout that scores the trial.
pub const READOUT: &str = "readout";
/// Attribute of a complete trial: accuracy of each readout on the hold-out part, by its name.
pub const READOUT_ACCURACY: &str = "readout_accuracy";
/// Attribute of a silent trial: prequential accuracy of each readout in the last half of the
/// intervals that ended in its last epoch, by its name; absent where only one had, before which readouts
/// know nothing.
pub const ACCURACY_SO_FAR: &str = "accuracy_so_far";
/// Attribute of a trial of several epochs: constraint values of each epoch that ended or that was stopped as
/// silent.
pub const EPOCH_CONSTRAINTS: &str = "epoch_constraints";

/// Attribute: why a trial failed.
pub const REASON: &str = "reason";

/// A finished trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// How it ended.
    pub outcome: Outcome,
    /// Hold-out accuracy of the trial's own readout, where it completed. Maximised.
    pub value: Option<f64>,
    /// Constraint values, feasible iff all ≤ 0; empty where nothing is known.
    pub constraints: Vec<f64>,
    /// Accuracy after each epoch (epoch, prequential training accuracy), by ascending epoch.
    pub intermediate: Vec<(u64, f64)>,
    /// Everything else: times, spike counts, accuracy of each readout, reason of a failure.
    pub attributes: BTreeMap<String, serde_json::Value>,
}

impl Finished {
    /// A complete trial without a finite value counts as failed.
    pub(crate) fn settle(&mut self) {
        if self.outcome == Outcome::Complete && !self.value.is_some_and(f64::is_finite) {
            let value = self.value.map_or("missing".to_string(), |value| value.to_string());
            let reason = format!("the value of a complete trial is {value}");
            self.attributes.insert(REASON.into(), reason.into());
            self.outcome = Outcome::Failed;
        }
        if self.outcome != Outcome::Complete {
            self.value = None;
        }
    }

    /// Notes how long training and evaluation took, which ends now.
    pub(crate) fn note_seconds(&mut self, started: Instant, trained: Instant) {
        let now = Instant::now();
        let mut note = |name: &str, from: Instant, to: Instant| {
            self.attributes.insert(name.into(), to.duration_since(from).as_secs_f64().into());
        };
        note("train_seconds", started, trained);
        note("test_seconds", trained, now);
        note("eval_time", started, now);
    }
}

/// A trial as the journal holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Number, from 0, in the order of asking.
    pub number: u64,
    /// The point, in the order of the study's space.
    pub point: Point,
    /// What the sampler noted with its proposal, such as the size of its trust region.
    pub proposal: BTreeMap<String, serde_json::Value>,
    /// None while it runs, or where a kill cut it off.
    pub finished: Option<Finished>,
    /// When it first started, ISO 8601 in UTC with microseconds.
    pub started: String,
    /// When it ended, in the same form.
    pub ended: Option<String>,
}

impl Trial {
    /// The accuracy of a trial that completed with every constraint satisfied.
    pub fn feasible_value(&self) -> Option<f64> {
        let finished = self.finished.as_ref()?;
        let feasible = finished.constraints.iter().all(|&c| c <= 0.0);
        finished
            .value
            .filter(|v| v.is_finite() && finished.outcome == Outcome::Complete && feasible)
    }
}
/// A study as read from its journal.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StudyRecord {
    /// Name of the study.
    pub name: String,
    /// What was noted when the study was made (version, resolved settings), and since then by others.
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// The space that its trials are points of.
    pub space: Space,
    /// The trials by number.
    pub trials: Vec<Trial>,
}

impl StudyRecord {
    /// The feasible trial with the best value; the earliest of equals.
    pub fn best(&self) -> Option<&Trial> {
        let mut best: Option<(&Trial, f64)> = None;
        for trial in &self.trials {
            if let Some(value) = trial.feasible_value()
                && best.is_none_or(|(_, v)| value > v)
            {
                best = Some((trial, value));
            }
        }
        best.map(|(trial, _)| trial)
    }
}
