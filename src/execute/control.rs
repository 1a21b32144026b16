//! What a running trial shares with the one who watches it: progress out, requests to stop in.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Why a trial must stop before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Its time limit has passed.
    Timeout,
    /// The user asked for it.
    Abandoned,
}

/// Progress of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Trial that it computes; None while it waits.
    pub trial: Option<u64>,
    /// Samples simulated.
    pub done: u64,
    /// Samples to simulate if nothing stops it.
    pub planned: u64,
    /// Samples of this epoch in which some layer was silent.
    pub silent: u64,
    /// Samples of this epoch.
    pub seen: u64,
}

/// Handle of one worker, shared between its thread and the display.
#[derive(Debug, Default)]
pub struct Control {
    /// Number of the running trial plus 1; 0 while idle.
    trial: AtomicU64,
    done: AtomicU64,
    planned: AtomicU64,
    silent: AtomicU64,
    seen: AtomicU64,
    abandoned: AtomicBool,
}

// Relaxed is enough throughout: the values are for display, and a stop request may be seen a
// sample later.
impl Control {
    /// Notes that a trial begins.
    pub fn begin(&self, trial: u64) {
        self.trial.store(trial + 1, Ordering::Relaxed);
        for counter in [&self.done, &self.planned, &self.silent, &self.seen] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// Notes that the worker waits.
    pub fn idle(&self) {
        self.trial.store(0, Ordering::Relaxed);
    }

    /// Sets the number of samples that the trial will simulate.
    pub fn plan(&self, samples: u64) {
        self.planned.store(samples, Ordering::Relaxed);
    }

    /// Notes simulated samples.
    pub fn advance(&self, samples: u64) {
        self.done.fetch_add(samples, Ordering::Relaxed);
    }

    /// Notes the silent samples among those of this epoch.
    pub fn silence(&self, silent: u64, seen: u64) {
        self.silent.store(silent, Ordering::Relaxed);
        self.seen.store(seen, Ordering::Relaxed);
    }

    /// Asks the trial to stop.
    pub fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Whether the trial has to stop now.
    pub fn stop(&self, deadline: Option<Instant>) -> Option<Stop> {
        if self.abandoned.load(Ordering::Relaxed) {
            Some(Stop::Abandoned)
        } else if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            Some(Stop::Timeout)
        } else {
            None
        }
    }

    /// A snapshot for the display.
    pub fn progress(&self) -> Progress {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Progress {
            trial: get(&self.trial).checked_sub(1),
            done: get(&self.done),
            planned: get(&self.planned),
            silent: get(&self.silent),
            seen: get(&self.seen),
        }
    }
}
