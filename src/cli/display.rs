//! What the user sees while a search runs: bars on a terminal, plain lines elsewhere.

use super::tell;
use crate::execute::Progress;
use crate::study::record::{Outcome, StudyRecord};
use crate::study::run::{Moment, Watcher};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing_subscriber::EnvFilter;

/// The bars of the process; the log writes above them.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Time between plain lines where nothing else happens.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// Sends the log to standard error, above the bars, and panics of trials to the log.
pub fn set_up_log() {
    struct AboveBars;
    impl Write for AboveBars {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            BARS.suspend(|| std::io::stderr().write(bytes))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            std::io::stderr().flush()
        }
    }
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .without_time()
        .log_internal_errors(false)
        .with_writer(|| AboveBars)
        .init();
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
}

/// Numbers of a study that the display shows.
pub struct Tally {
    counts: BTreeMap<&'static str, u64>,
    finished: u64,
}

impl Tally {
    /// Counts the outcomes of a study.
    pub fn new(record: &StudyRecord) -> Self {
        let mut tally = Tally { counts: BTreeMap::new(), finished: 0 };
        for finished in record.trials.iter().filter_map(|trial| trial.finished.as_ref()) {
            *tally.counts.entry(finished.outcome.name()).or_default() += 1;
            tally.finished += 1;
        }
        tally
    }

    /// Finished trials.
    pub fn finished(&self) -> u64 {
        self.finished
    }

    /// Trials that ended in a way.
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.counts.get(outcome.name()).copied().unwrap_or(0)
    }
}

/// Progress of a search.
pub struct SearchDisplay {
    calls: Option<u64>,
    deadline: Option<Instant>,
    started: Instant,
    /// Trials finished before this run.
    before: u64,
    tally: Tally,
    best: String,
    output: Output,
}

enum Output {
    Quiet,
    Plain { last: Instant },
    Bars { summary: ProgressBar, workers: Vec<ProgressBar> },
}

impl SearchDisplay {
    /// A display for `workers` workers; nothing is shown if `quiet`.
    pub fn new(
        record: &StudyRecord,
        workers: usize,
        calls: Option<u64>,
        deadline: Option<Instant>,
        quiet: bool,
    ) -> Self {
        let tally = Tally::new(record);
        let output = if quiet {
            Output::Quiet
        } else if std::io::stderr().is_terminal() {
            let bar = |template: &str, length: u64| {
                // The templates are constants of this file.
                let style = ProgressStyle::with_template(template).expect("a valid template");
                BARS.add(ProgressBar::new(length)).with_style(style.progress_chars("━╸─"))
            };
            // The messages are cut at the width of the terminal: a line that wraps leaves traces.
            let summary = match calls {
                Some(calls) => bar("{bar:20.cyan/8} {pos}/{len} trials  {wide_msg}", calls),
                None => bar("{pos} trials  {wide_msg}", 0),
            };
            let line = "  {prefix:.8} {bar:20.green/8} {wide_msg:.8}";
            let workers = (0..workers).map(|_| bar(line, 0)).collect();
            Output::Bars { summary, workers }
        } else {
            Output::Plain { last: Instant::now() }
        };
        let (started, before, best) = (Instant::now(), tally.finished(), best_text(record));
        SearchDisplay { calls, deadline, started, before, tally, best, output }
    }

    /// Removes the bars.
    pub fn close(self) {
        if let Output::Bars { summary, workers } = self.output {
            workers.iter().chain([&summary]).for_each(ProgressBar::finish_and_clear);
        }
    }

    /// Trials of this run a minute.
    fn rate(&self) -> f64 {
        let minutes = self.started.elapsed().as_secs_f64() / 60.0;
        (self.tally.finished() - self.before) as f64 / minutes.max(1e-9)
    }

    fn eta(&self) -> Option<Duration> {
        let left = self.deadline.map(|d| d.saturating_duration_since(Instant::now()));
        let by_calls = self.calls.filter(|_| self.rate() > 0.0).and_then(|calls| {
            let trials = calls.saturating_sub(self.tally.finished()) as f64;
            Duration::try_from_secs_f64(trials / self.rate() * 60.0).ok()
        });
        match (left, by_calls) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    fn summary(&self, draining: bool) -> String {
        let finished = self.tally.finished().max(1);
        let silent = 100 * self.tally.of(Outcome::Silent) / finished;
        let mut text = format!("{}  silent {silent} %  {:.1}/min", self.best, self.rate());
        for outcome in [Outcome::Timeout, Outcome::Failed] {
            let count = self.tally.of(outcome);
            if count > 0 {
                text += &format!("  {} {count}", outcome.name().to_lowercase());
            }
        }
        match self.eta() {
            _ if draining => {
                return "finishing these trials; Ctrl-C abandons them".to_string();
            }
            Some(eta) => text += &format!("  ETA {}", clock(eta)),
            None => {}
        }
        text
    }
}

impl Watcher for SearchDisplay {
    fn tick(&mut self, moment: &Moment<'_>) {
        let text = self.summary(moment.draining);
        match &mut self.output {
            Output::Quiet => {}
            Output::Plain { last } => {
                if last.elapsed() >= PLAIN_INTERVAL {
                    *last = Instant::now();
                    tell(&format!("{} trials  {text}", self.tally.finished()));
                }
            }
            Output::Bars { summary, workers } => {
                summary.set_position(self.tally.finished());
                summary.set_message(text);
                for (k, (bar, progress)) in workers.iter().zip(moment.workers).enumerate() {
                    show_worker(bar, k, progress);
                }
            }
        }
    }

    fn finished(&mut self, record: &StudyRecord, number: u64) {
        self.tally = Tally::new(record);
        self.best = best_text(record);
        if let Output::Plain { last } = &mut self.output {
            *last = Instant::now();
            let line = trial_line(record, number);
            let calls = self.calls.map_or(String::new(), |calls| format!("/{calls}"));
            tell(&format!("{}{calls}  {line}  | {}", self.tally.finished(), self.best));
        }
    }
}

/// One line on a finished trial.
fn trial_line(record: &StudyRecord, number: u64) -> String {
    let finished = record.trials.get(number as usize).and_then(|trial| trial.finished.as_ref());
    let Some(finished) = finished else { return format!("trial {number}") };
    let what = match (finished.outcome, finished.value) {
        (Outcome::Complete, Some(value)) => {
            let feasible = finished.constraints.iter().all(|&c| c <= 0.0);
            format!("accuracy {value:.4}{}", if feasible { "" } else { " (infeasible)" })
        }
        (Outcome::Silent, _) => {
            let after = finished.attributes.get("decided_after").and_then(|v| v.as_u64());
            format!("silent after {} samples", after.unwrap_or(0))
        }
        (Outcome::Failed, _) => {
            let reason = finished.attributes.get("reason").and_then(|v| v.as_str());
            format!("failed: {}", reason.unwrap_or("no reason known"))
        }
        (outcome, _) => outcome.name().to_lowercase(),
    };
    format!("trial {number}: {what}")
}

fn best_text(record: &StudyRecord) -> String {
    match record.best().and_then(|trial| Some((trial.number, trial.feasible_value()?))) {
        Some((number, value)) => format!("best {value:.4} (trial {number})"),
        None => "no feasible network yet".to_string(),
    }
}

fn show_worker(bar: &ProgressBar, k: usize, progress: &Progress) {
    match progress.trial {
        None => {
            bar.set_prefix(format!("worker {k}"));
            bar.set_message("idle");
        }
        Some(trial) => {
            bar.set_length(progress.planned);
            bar.set_position(progress.done);
            bar.set_prefix(format!("worker {k}"));
            let silent = 100 * progress.silent / progress.seen.max(1);
            let (done, planned) = (progress.done, progress.planned);
            bar.set_message(format!("trial {trial}: {done}/{planned} samples, silent {silent} %"));
        }
    }
}

/// Hours, minutes and seconds.
fn clock(duration: Duration) -> String {
    let s = duration.as_secs();
    match (s / 3600, s / 60 % 60, s % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

/// Shows how data are loaded: one bar after the other, each for what is being done.
pub struct LoadingBar {
    quiet: bool,
    current: Mutex<Option<(&'static str, ProgressBar)>>,
}

impl LoadingBar {
    /// Hidden if `quiet` or not on a terminal.
    pub fn new(quiet: bool) -> Self {
        LoadingBar { quiet, current: Mutex::new(None) }
    }

    /// So much of something is done.
    pub fn show(&self, what: &'static str, done: usize, all: usize) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_none_or(|(shown, _)| *shown != what) {
            if let Some((_, before)) = current.take() {
                before.finish_and_clear();
            }
            *current = Some((what, piece_bar(self.quiet, what)));
        }
        if let Some((_, bar)) = current.as_ref() {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        }
    }
}

impl Drop for LoadingBar {
    fn drop(&mut self) {
        if let Ok(Some((_, bar))) = self.current.get_mut() {
            bar.finish_and_clear();
        }
    }
}

/// A bar for the samples of one training run; hidden if `quiet` or not on a terminal.
pub fn sample_bar(quiet: bool) -> ProgressBar {
    piece_bar(quiet, "samples")
}

/// A bar for pieces of any kind, named by `what`; hidden if `quiet` or not on a terminal.
pub fn piece_bar(quiet: bool, what: &str) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let template =
        format!("{{prefix}} {{bar:30.cyan/8}} {{pos}}/{{len}} {what}  {{per_sec}}  ETA {{eta}}");
    let style = ProgressStyle::with_template(&template).expect("a valid template");
    BARS.add(ProgressBar::new(0)).with_style(style.progress_chars("━╸─"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::record::{Finished, Trial};
    use serde_json::json;

    fn finished(outcome: Outcome, value: Option<f64>, constraint: f64) -> Option<Finished> {
        let attributes =
            BTreeMap::from([("decided_after".into(), json!(33)), ("reason".into(), json!("why"))]);
        let constraints = vec![constraint];
        Some(Finished { outcome, value, constraints, intermediate: vec![], attributes })
    }

    fn study() -> StudyRecord {
        let results = [
            finished(Outcome::Silent, None, 0.5),
            finished(Outcome::Complete, Some(0.875), 0.25),
            None,
            finished(Outcome::Complete, Some(0.75), -0.25),
            finished(Outcome::Failed, None, 0.0),
            finished(Outcome::Timeout, None, 0.0),
        ];
        let trials = (0..)
            .zip(results)
            .map(|(number, finished)| Trial {
                number,
                point: vec![],
                proposal: Default::default(),
                finished,
                started: String::new(),
                ended: None,
            })
            .collect();
        StudyRecord { trials, ..StudyRecord::default() }
    }

    #[test]
    fn a_tally_counts_what_has_finished() {
        let tally = Tally::new(&study());
        assert_eq!(tally.finished(), 5);
        assert_eq!((tally.of(Outcome::Complete), tally.of(Outcome::Silent)), (2, 1));
        assert_eq!((tally.of(Outcome::Timeout), tally.of(Outcome::Failed)), (1, 1));
        let nothing = Tally::new(&StudyRecord::default());
        assert_eq!((nothing.finished(), nothing.of(Outcome::Complete)), (0, 0));
    }

    #[test]
    fn every_outcome_has_its_line() {
        let study = study();
        let expected = [
            "trial 0: silent after 33 samples",
            "trial 1: accuracy 0.8750 (infeasible)",
            "trial 2",
            "trial 3: accuracy 0.7500",
            "trial 4: failed: why",
            "trial 5: timeout",
            "trial 6",
        ];
        for (number, line) in (0..).zip(expected) {
            assert_eq!(trial_line(&study, number), line);
        }
        assert_eq!(best_text(&study), "best 0.7500 (trial 3)");
        assert_eq!(best_text(&StudyRecord::default()), "no feasible network yet");
    }

    #[test]
    fn durations_are_written_as_people_say_them() {
        let cases = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min 00 s"),
            (3_599, "59 min 59 s"),
            (3_600, "1 h 00 min"),
            (90_061, "25 h 01 min"),
        ];
        for (seconds, text) in cases {
            assert_eq!(clock(Duration::from_secs(seconds)), text);
        }
    }
}
