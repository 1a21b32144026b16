//! Who computes the trials.
//!
//! An executor takes points and gives outcomes in the order in which they finish. The search keeps
//! every worker busy and does not know whether workers are threads or ranks.

mod control;
mod local;

pub use control::{Control, Progress, Stop};
pub use local::{LocalExecutor, Objective};

use crate::search::space::Point;
use crate::study::record::{Finished, Outcome};
use crate::train::Network;
use std::collections::BTreeMap;
use std::time::Duration;

/// A trial to compute.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Number of the trial.
    pub number: u64,
    /// Its point.
    pub point: Point,
}

/// What came of a trial.
#[derive(Debug)]
pub struct TrialOutput {
    /// The outcome, for the journal.
    pub finished: Finished,
    /// The network, where the trial completed.
    pub network: Option<Network>,
}

impl TrialOutput {
    /// A FAILED trial with its reason.
    pub fn failed(reason: &str) -> Self {
        let finished = Finished {
            outcome: Outcome::Failed,
            value: None,
            constraints: Vec::new(),
            intermediate: Vec::new(),
            attributes: BTreeMap::from([("reason".to_string(), reason.into())]),
        };
        TrialOutput { finished, network: None }
    }
}

/// A finished job.
#[derive(Debug)]
pub struct JobReport {
    /// The job.
    pub job: Job,
    /// Index of the worker that computed it.
    pub worker: usize,
    /// None where the trial was abandoned on request: it is to be repeated later.
    pub output: Option<TrialOutput>,
}

/// Workers that compute trials. The same suite (`tests/executor_contract.rs`) runs on every kind.
pub trait Executor {
    /// Number of workers; at most so many jobs are under way.
    fn workers(&self) -> usize;

    /// Number of jobs under way.
    fn running(&self) -> usize;

    /// Hands over a job. A worker must be free.
    fn submit(&mut self, job: Job);

    /// The next finished job, in the order of finishing; None if none finished within `patience`.
    fn next(&mut self, patience: Duration) -> Option<JobReport>;

    /// What each worker is doing.
    fn progress(&self) -> Vec<Progress>;

    /// Asks the running trials to stop at the next sample; they come back without an output.
    fn abandon(&self);
}
