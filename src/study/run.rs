//! The search: asks the sampler, keeps the workers busy, writes the journal.

use super::folder::StudyFolder;
use super::journal::Journal;
use super::record::{StudyRecord, Trial};
use crate::error::Result;
use crate::execute::{Executor, Job, JobReport, Progress};
use crate::search::sampler::Sampler;
use crate::search::space::Point;
use crate::train::Network;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// How often the display is refreshed and a request to stop is looked for.
const TICK: Duration = Duration::from_millis(100);

/// A request to stop, set by a signal handler: the first lets the running trials finish, the
/// second abandons them (`--resume` repeats them).
#[derive(Debug, Default)]
pub struct StopSwitch(AtomicU8);

impl StopSwitch {
    /// Asks to stop, more urgently each time.
    pub fn press(&self) {
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_add(1));
    }

    /// Whether a stop was asked for.
    pub fn pressed(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= 1
    }

    fn abandoning(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= 2
    }
}

/// When to stop asking for points.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Trials of the study, those of earlier runs included.
    pub calls: Option<u64>,
    /// End of this run.
    pub deadline: Option<Instant>,
}

/// What a display is told.
pub trait Watcher {
    /// A moment of the search.
    fn tick(&mut self, moment: &Moment<'_>);
    /// A trial has ended; the record holds it.
    fn finished(&mut self, record: &StudyRecord, number: u64);
}

/// A snapshot of a running search.
pub struct Moment<'a> {
    /// The study so far.
    pub record: &'a StudyRecord,
    /// What each worker does.
    pub workers: &'a [Progress],
    /// Whether the search only waits for running trials.
    pub draining: bool,
}

/// A search under way.
pub struct Search<'a> {
    /// Where the study lives.
    pub folder: &'a StudyFolder,
    /// Its journal, open for appending.
    pub journal: Journal,
    /// What the journal holds.
    pub record: StudyRecord,
    /// Proposes points.
    pub sampler: Box<dyn Sampler>,
    /// When to end.
    pub budget: Budget,
    /// Request to end.
    pub stop: &'a StopSwitch,
}

impl Search<'_> {
    /// Runs until the budget is spent or a stop is asked for; gives the record.
    ///
    /// Trials that an earlier run left unfinished are repeated first, under their numbers.
    ///
    /// # Errors
    /// What writing the journal or the best network gives; the journal keeps all that was written.
    pub fn run(
        mut self,
        executor: &mut dyn Executor,
        watcher: &mut dyn Watcher,
    ) -> Result<StudyRecord> {
        let unfinished = self.record.trials.iter().filter(|trial| trial.finished.is_none());
        let mut repeat: VecDeque<u64> = unfinished.map(|trial| trial.number).collect();
        // How many trials, from the first on, the sampler was told.
        let mut told = 0;
        let workers = executor.workers() as u64;
        if workers > self.sampler.lag().saturating_add(1) {
            tracing::warn!(
                "{workers} workers, but a proposal needs the results of all trials more than {} \
                 before it: raise sampler.lag to keep them all busy",
                self.sampler.lag()
            );
        }
        loop {
            let draining = self.stop.pressed();
            while executor.running() < executor.workers() && !draining {
                let number = match repeat.pop_front() {
                    Some(number) => number,
                    None if self.exhausted() => break,
                    None => match self.propose(&mut told)? {
                        Some(number) => number,
                        None => break,
                    },
                };
                executor.submit(Job { number, point: self.point(number) });
            }
            if executor.running() == 0 {
                return Ok(self.record);
            }
            if self.stop.abandoning() {
                executor.abandon();
            }
            if let Some(report) = executor.next(TICK) {
                let number = report.job.number;
                if self.note(report)? {
                    watcher.finished(&self.record, number);
                }
            }
            let workers = executor.progress();
            watcher.tick(&Moment { record: &self.record, workers: &workers, draining });
        }
    }

    fn exhausted(&self) -> bool {
        self.budget.calls.is_some_and(|calls| self.record.trials.len() as u64 >= calls)
            || self.budget.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn point(&self, number: u64) -> Point {
        self.record.trials[number as usize].point.clone()
    }

    /// Asks for the next point and notes in the journal that its trial begins; None where a result
    /// that the sampler must know first is still missing.
    fn propose(&mut self, told: &mut usize) -> Result<Option<u64>> {
        let number = self.record.trials.len() as u64;
        let known = number.saturating_sub(self.sampler.lag()) as usize;
        while *told < known {
            let trial = &self.record.trials[*told];
            if trial.finished.is_none() {
                return Ok(None);
            }
            self.sampler.tell(trial);
            *told += 1;
        }
        // Also what has ended since then: a point must not depend on who was fast.
        let pending: Vec<&Trial> = self.record.trials[*told..].iter().collect();
        let mut proposals = self.sampler.ask(number..number + 1, &pending);
        let proposal = proposals.pop().expect("a sampler gives a point for each number");
        let now = SystemTime::now();
        self.journal.start_trial(number, &proposal.point, &proposal.attributes, now)?;
        self.record.trials.push(Trial {
            number,
            point: proposal.point,
            proposal: proposal.attributes,
            finished: None,
            started: super::clock::timestamp(now),
            ended: None,
        });
        Ok(Some(number))
    }

    /// Takes a finished trial into the record and the journal; false where it was abandoned.
    fn note(&mut self, report: JobReport) -> Result<bool> {
        let Some(output) = report.output else { return Ok(false) };
        let number = report.job.number;
        // What the journal says counts, now and after a kill.
        if let Some(trial) = self.journal.ended_elsewhere(number)? {
            tracing::warn!(
                "trial {number} was ended by another program while it ran; its own result is dropped"
            );
            self.record.trials[number as usize] = trial;
            self.keep_if_best(number, output.network)?;
            return Ok(true);
        }
        let mut finished = output.finished;
        finished.settle();
        let now = SystemTime::now();
        let trial = &mut self.record.trials[number as usize];
        trial.finished = Some(finished.clone());
        trial.ended = Some(super::clock::timestamp(now));
        // The network first: a kill between the two costs nothing, since the trial is repeated and
        // gives the same network. The other way round the best network could be missing.
        self.keep_if_best(number, output.network)?;
        self.journal.finish_trial(number, &finished, now)?;
        Ok(true)
    }

    fn keep_if_best(&self, number: u64, network: Option<Network>) -> Result<()> {
        match network {
            Some(network) if self.record.best().is_some_and(|best| best.number == number) => {
                network.save(&self.folder.best_network())
            }
            _ => Ok(()),
        }
    }
}
