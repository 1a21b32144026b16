//! Worker threads on this machine, one trial each.

use super::{Control, Executor, Job, JobReport, Progress, TrialOutput};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Computes a trial; None where the trial was abandoned.
pub type Objective = dyn Fn(&Job, &Control) -> Option<TrialOutput> + Send + Sync;

/// A fixed number of threads that take jobs from one queue.
pub struct LocalExecutor {
    jobs: Option<Sender<Job>>,
    reports: Receiver<JobReport>,
    controls: Vec<Arc<Control>>,
    threads: Vec<JoinHandle<()>>,
    running: usize,
}

impl LocalExecutor {
    /// Starts `workers` threads (at least one).
    pub fn new(workers: usize, objective: Arc<Objective>) -> Self {
        let (jobs, queue) = channel();
        let (sender, reports) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let controls: Vec<_> = (0..workers.max(1)).map(|_| Arc::new(Control::default())).collect();
        let threads = controls
            .iter()
            .enumerate()
            .map(|(index, control)| {
                let worker = Worker {
                    index,
                    queue: Arc::clone(&queue),
                    sender: sender.clone(),
                    control: Arc::clone(control),
                    objective: Arc::clone(&objective),
                };
                std::thread::spawn(move || worker.run())
            })
            .collect();
        LocalExecutor { jobs: Some(jobs), reports, controls, threads, running: 0 }
    }
}

struct Worker {
    index: usize,
    queue: Arc<Mutex<Receiver<Job>>>,
    sender: Sender<JobReport>,
    control: Arc<Control>,
    objective: Arc<Objective>,
}

impl Worker {
    fn run(self) {
        loop {
            // The lock is held while waiting: the others wait for it instead of for the queue. A
            // worker cannot panic while it holds it, so a poisoned lock is still sound.
            let job = match self.queue.lock() {
                Ok(queue) => queue.recv(),
                Err(poisoned) => poisoned.into_inner().recv(),
            };
            let Ok(job) = job else { return };
            self.control.begin(job.number);
            let output = catch_unwind(AssertUnwindSafe(|| (self.objective)(&job, &self.control)))
                .unwrap_or_else(|panic| Some(TrialOutput::failed(&panic_text(panic.as_ref()))));
            self.control.idle();
            // A closed channel means that nobody waits for reports any more.
            if self.sender.send(JobReport { job, worker: self.index, output }).is_err() {
                return;
            }
        }
    }
}

/// The text of a panic.
fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_string())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the trial panicked: {}", text.as_deref().unwrap_or("no message"))
}

impl Executor for LocalExecutor {
    fn workers(&self) -> usize {
        self.controls.len()
    }

    fn running(&self) -> usize {
        self.running
    }

    fn submit(&mut self, job: Job) {
        assert!(self.running < self.workers(), "no worker is free");
        let jobs = self.jobs.as_ref().expect("the queue is open until the executor is dropped");
        jobs.send(job).expect("workers outlive the queue");
        self.running += 1;
    }

    fn next(&mut self, patience: Duration) -> Option<JobReport> {
        let report = self.reports.recv_timeout(patience).ok()?;
        self.running -= 1;
        Some(report)
    }

    fn progress(&self) -> Vec<Progress> {
        self.controls.iter().map(|control| control.progress()).collect()
    }

    fn abandon(&self) {
        self.controls.iter().for_each(|control| control.abandon());
    }
}

impl Drop for LocalExecutor {
    fn drop(&mut self) {
        self.abandon();
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // Trials catch their panics; a worker that still panicked has nothing left to give.
            let _ = thread.join();
        }
    }
}
