//! What every executor promises, whoever computes the trials. A new kind is one line in [`KINDS`].
//!
//! The trials are given by a plain function of the job, so that workers in other processes can run
//! the same suite. Nothing here looks at a clock: what must happen is waited for, up to a generous
//! number of polls, so that a broken executor fails instead of hanging.

use spikeseek::execute::{Control, Executor, Job, JobReport, LocalExecutor, Progress, TrialOutput};
use spikeseek::search::space::Value;
use spikeseek::study::record::{Finished, Outcome};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// Name and maker, by number of workers.
type Kind = (&'static str, fn(usize) -> Box<dyn Executor>);

const KINDS: &[Kind] =
    &[("local", |workers| Box::new(LocalExecutor::new(workers, Arc::new(trial))))];

const WORKERS: [usize; 3] = [1, 2, 5];

/// A bound on waiting, not a measurement: 60 s.
const POLLS: usize = 6_000;
const POLL: Duration = Duration::from_millis(10);

/// What a test trial does; the first value of its point.
#[derive(Clone, Copy)]
enum Act {
    /// Gives a value that only this job has.
    Value,
    PanicWithText,
    PanicWithFormattedText,
    PanicWithoutText,
    /// Shows progress and runs until it is abandoned.
    Wait,
}

fn job(number: u64, act: Act) -> Job {
    Job { number, point: vec![Value::Int(act as i64), Value::Float(number as f64 / 7.0)] }
}

/// The value of the job: no two jobs have the same.
fn value_of(job: &Job) -> f64 {
    match job.point[1] {
        Value::Float(x) => job.number as f64 + x,
        _ => unreachable!("the jobs of this file have a float there"),
    }
}

fn trial(job: &Job, control: &Control) -> Option<TrialOutput> {
    let Value::Int(act) = job.point[0] else { unreachable!("the jobs of this file begin so") };
    match act {
        a if a == Act::PanicWithText as i64 => panic!("as planned"),
        a if a == Act::PanicWithFormattedText as i64 => panic!("as planned for {}", job.number),
        a if a == Act::PanicWithoutText as i64 => std::panic::panic_any(job.number),
        a if a == Act::Wait as i64 => {
            control.plan(100 + job.number);
            control.advance(3);
            control.advance(4);
            control.silence(2, 5);
            while control.stop(None).is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            return None;
        }
        _ => {}
    }
    let finished = Finished {
        outcome: Outcome::Complete,
        value: Some(value_of(job)),
        constraints: vec![-value_of(job)],
        intermediate: vec![(1, value_of(job) / 2.0)],
        attributes: BTreeMap::from([("number".to_string(), job.number.into())]),
    };
    Some(TrialOutput { finished, network: None })
}

/// Runs a check on every kind with every number of workers.
fn on_each(check: impl Fn(&str, &mut dyn Executor)) {
    for (name, make) in KINDS {
        for workers in WORKERS {
            let mut executor = make(workers);
            assert_eq!(executor.workers(), workers, "{name}");
            check(&format!("{name} with {workers} workers"), executor.as_mut());
        }
    }
}

fn next(what: &str, executor: &mut dyn Executor) -> JobReport {
    (0..POLLS)
        .find_map(|_| executor.next(POLL))
        .unwrap_or_else(|| panic!("{what}: a job did not come back"))
}

/// Keeps the workers busy with the jobs and gives the reports in the order of finishing.
fn run_all(what: &str, executor: &mut dyn Executor, jobs: &[Job]) -> Vec<JobReport> {
    let mut reports = Vec::new();
    let mut waiting = jobs.iter();
    loop {
        while executor.running() < executor.workers()
            && let Some(job) = waiting.next()
        {
            let before = executor.running();
            executor.submit(job.clone());
            assert_eq!(executor.running(), before + 1, "{what}");
        }
        if executor.running() == 0 {
            return reports;
        }
        let before = executor.running();
        reports.push(next(what, executor));
        assert_eq!(executor.running(), before - 1, "{what}");
    }
}

/// Waits until the display of the workers is as wanted.
fn progress_until(
    what: &str,
    executor: &dyn Executor,
    wanted: impl Fn(&[Progress]) -> bool,
) -> Vec<Progress> {
    for _ in 0..POLLS {
        let progress = executor.progress();
        if wanted(&progress) {
            return progress;
        }
        std::thread::sleep(POLL);
    }
    panic!("{what}: the progress stays {:?}", executor.progress())
}

/// Fills every worker with a trial that ends only if it is abandoned.
fn fill(executor: &mut dyn Executor) -> Vec<Job> {
    let jobs: Vec<Job> =
        (0..executor.workers() as u64).map(|k| job(10 * k + 3, Act::Wait)).collect();
    jobs.iter().for_each(|job| executor.submit(job.clone()));
    jobs
}

#[test]
fn every_job_comes_back_once_with_its_own_output() {
    on_each(|what, executor| {
        let jobs: Vec<Job> = (0..200).map(|k| job(k * k + 5, Act::Value)).collect();
        let mut reports = run_all(what, executor, &jobs);
        assert!(executor.next(Duration::ZERO).is_none(), "{what}: one report too many");
        reports.sort_by_key(|report| report.job.number);
        assert_eq!(reports.len(), jobs.len(), "{what}");
        for (report, job) in reports.into_iter().zip(&jobs) {
            assert_eq!(report.job, *job, "{what}");
            assert!(report.worker < executor.workers(), "{what}");
            let own = trial(job, &Control::default()).unwrap();
            assert_eq!(report.output.unwrap().finished, own.finished, "{what}");
        }
    });
}

#[test]
fn one_worker_finishes_in_the_order_of_submission() {
    for (name, make) in KINDS {
        let mut executor = make(1);
        let jobs: Vec<Job> = [5, 3, 8, 1].map(|number| job(number, Act::Value)).to_vec();
        let reports = run_all(name, executor.as_mut(), &jobs);
        let numbers: Vec<u64> = reports.iter().map(|report| report.job.number).collect();
        assert_eq!(numbers, [5, 3, 8, 1], "{name}");
    }
}

#[test]
fn a_panic_is_a_failed_trial_with_its_reason_and_the_worker_lives_on() {
    let panics = [
        (Act::PanicWithText, "as planned"),
        (Act::PanicWithFormattedText, "as planned for "),
        (Act::PanicWithoutText, "no message"),
    ];
    on_each(|what, executor| {
        // Each worker panics several times; were one lost, the last jobs would not come back.
        let jobs: Vec<Job> = (0..30_u64)
            .map(|k| job(k, if k % 2 == 0 { panics[(k / 2) as usize % 3].0 } else { Act::Value }))
            .chain((30..30 + executor.workers() as u64).map(|k| job(k, Act::Value)))
            .collect();
        for report in run_all(what, executor, &jobs) {
            let number = report.job.number;
            let finished = report.output.unwrap().finished;
            if number >= 30 || number % 2 == 1 {
                assert_eq!(finished.value, Some(value_of(&report.job)), "{what}: {number}");
                continue;
            }
            assert_eq!((finished.outcome, finished.value), (Outcome::Failed, None), "{what}");
            let reason = finished.attributes["reason"].as_str().unwrap().to_string();
            let (_, text) = panics[(number / 2) as usize % 3];
            assert!(reason.contains(text), "{what}: {number}: {reason}");
        }
    });
}

#[test]
fn progress_shows_each_trial_while_it_runs_and_nothing_after() {
    on_each(|what, executor| {
        assert!(executor.progress().iter().all(|p| *p == Progress::default()), "{what}");
        let jobs = fill(executor);
        let shown = progress_until(what, executor, |p| p.iter().all(|p| p.seen == 5));
        let mut trials: Vec<u64> = shown.iter().filter_map(|p| p.trial).collect();
        trials.sort_unstable();
        let submitted: Vec<u64> = jobs.iter().map(|job| job.number).collect();
        assert_eq!(trials, submitted, "{what}: each worker has one trial");
        for progress in shown {
            assert_eq!((progress.done, progress.silent), (7, 2), "{what}");
            assert_eq!(Some(progress.planned - 100), progress.trial, "{what}");
        }
        executor.abandon();
        jobs.iter().for_each(|_| drop(next(what, executor)));
        assert!(executor.progress().iter().all(|p| p.trial.is_none()), "{what}: idle again");
    });
}

#[test]
fn abandoned_jobs_come_back_without_an_output() {
    on_each(|what, executor| {
        let mut jobs = fill(executor);
        assert!(executor.next(Duration::ZERO).is_none(), "{what}: nothing has ended yet");
        assert_eq!(executor.running(), executor.workers(), "{what}");
        executor.abandon();
        executor.abandon();
        let mut reports: Vec<JobReport> = jobs.iter().map(|_| next(what, executor)).collect();
        reports.sort_by_key(|report| report.job.number);
        jobs.sort_by_key(|job| job.number);
        for (report, job) in reports.iter().zip(&jobs) {
            assert_eq!(report.job, *job, "{what}");
            assert!(report.output.is_none(), "{what}");
        }
        assert_eq!(executor.running(), 0, "{what}");
    });
}

/// Ends only if dropping stops the trials.
#[test]
fn dropping_ends_the_running_trials() {
    for (name, make) in KINDS {
        for workers in WORKERS {
            let mut executor = make(workers);
            fill(executor.as_mut());
            progress_until(name, executor.as_ref(), |p| p.iter().all(|p| p.trial.is_some()));
            drop(executor);
            drop(make(workers)); // Idle workers end, too.
        }
    }
}

#[test]
fn a_job_too_many_is_refused() {
    on_each(|what, executor| {
        fill(executor);
        let extra = catch_unwind(AssertUnwindSafe(|| executor.submit(job(999, Act::Value))));
        assert!(extra.is_err(), "{what}: no worker was free");
        assert_eq!(executor.running(), executor.workers(), "{what}");
    });
}
