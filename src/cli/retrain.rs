//! `spikeseek retrain`: the same solution with several seeds, scored on the test set.

use super::options::{self, Overrides};
use super::{say, train};
use crate::error::{Error, Result};
use crate::execute::{Executor, Job, LocalExecutor};
use crate::random::Key;
use crate::readout::ReadoutKind;
use crate::study::folder::StudyFolder;
use crate::study::journal;
use crate::study::record::Finished;
use crate::study::settings::StudySettings;
use crate::train::{Part, TrialSettings, run_trial};
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Arguments of `retrain`.
#[derive(Args)]
pub struct Arguments {
    /// Study file that fixes a solution, or study folder (its best feasible trial)
    source: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
    /// Number of seeds
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: u64,
    /// Passes over the training images, instead of the solution's own
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    epochs: Option<u32>,
    /// Worker threads, one network each [default: one a processor]
    #[arg(long, value_name = "N", value_parser = options::workers_parser())]
    workers: Option<u64>,
    /// Show no progress
    #[arg(long)]
    quiet: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Retrains.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let workers = options::workers(arguments.workers);
    let (settings, mut trial) = arguments.solution()?;
    // All training images train; nothing is stopped; the test images judge.
    trial.part = Part::Test;
    trial.silence.rule = None;
    trial.silence.sequential = None;
    trial.time_limit = None;
    trial.record_time = true;
    trial.epochs = arguments.epochs.unwrap_or(trial.epochs);
    let task = Arc::new(settings.task_without_hold_out()?);
    let seed = settings.frame.study.seed;
    let shared = (Arc::clone(&task), trial.clone());
    let mut executor = LocalExecutor::new(
        workers,
        Arc::new(move |job, control| {
            let key = Key::new(seed.wrapping_add(job.number));
            run_trial(&shared.0, &shared.1, key, control)
        }),
    );
    let started = Instant::now();
    let mut results: BTreeMap<u64, Finished> = BTreeMap::new();
    let mut next = 0;
    while (results.len() as u64) < arguments.seeds {
        while next < arguments.seeds && executor.running() < executor.workers() {
            executor.submit(Job { number: next, point: Vec::new() });
            next += 1;
        }
        if let Some(report) = executor.next(Duration::from_secs(1))
            && let Some(output) = report.output
        {
            let number = report.job.number;
            if !arguments.quiet {
                let accuracy = output.finished.value.unwrap_or(f64::NAN);
                eprintln!("seed {}: test accuracy {accuracy:.4}", seed.wrapping_add(number));
            }
            results.insert(number, output.finished);
        }
    }
    let sizes = (task.train_len(), task.len(Part::Test));
    if arguments.json {
        say(&as_json(&results, seed, sizes, started.elapsed()).to_string())?;
    } else {
        print_table(&results, &trial, sizes)?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn solution(&self) -> Result<(StudySettings, TrialSettings)> {
        if !self.source.is_dir() {
            // A study file.
            let settings = self.overrides.read(&self.source)?;
            let trial = train::fixed_trial(&settings)?;
            return Ok((settings, trial));
        }
        let folder = StudyFolder::new(&self.source);
        let settings = self.overrides.read_folder(&folder)?;
        if !folder.journal().exists() {
            let text = "holds one trained network, no search; retrain its study file";
            return Err(Error::Usage(format!("{}: {text}", self.source.display())));
        }
        let record = journal::read(&folder.journal())?;
        let Some(best) = record.best() else {
            let text = "has no feasible trial yet; search on, or retrain a study file";
            return Err(Error::Usage(format!("{}: {text}", self.source.display())));
        };
        let trial = settings
            .trial(&record.space, &best.point)
            .map_err(|(name, text)| Error::Usage(format!("`{name}`: {text}")))?;
        Ok((settings, trial))
    }
}

/// Mean and sample standard deviation (0 for one value).
fn mean_std(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 })
}

/// Test accuracies of a readout, seed by seed.
fn accuracies(results: &BTreeMap<u64, Finished>, kind: ReadoutKind) -> Vec<f64> {
    let of = |finished: &Finished| {
        finished.attributes.get("readout_accuracy")?.get(kind.name())?.as_f64()
    };
    results.values().filter_map(of).collect()
}

fn print_table(
    results: &BTreeMap<u64, Finished>,
    trial: &TrialSettings,
    (train, test): (usize, usize),
) -> anyhow::Result<()> {
    let epochs = trial.epochs;
    say(&format!(
        "test accuracy of {} networks, {train} training images × {epochs} epochs, {test} test images",
        results.len()
    ))?;
    for kind in ReadoutKind::ALL {
        let values = accuracies(results, kind);
        if !values.is_empty() {
            let (mean, std) = mean_std(&values);
            let own = if kind == trial.decoder { "  (the solution's own)" } else { "" };
            say(&format!("  {:<6} {mean:.4} ± {std:.4}{own}", kind.name()))?;
        }
    }
    let failed = results.values().filter(|finished| finished.value.is_none()).count();
    if failed > 0 {
        say(&format!("  {failed} networks gave no accuracy"))?;
    }
    Ok(())
}

fn as_json(
    results: &BTreeMap<u64, Finished>,
    seed: u64,
    (train, test): (usize, usize),
    elapsed: Duration,
) -> Value {
    let readouts: serde_json::Map<String, Value> = ReadoutKind::ALL
        .iter()
        .filter_map(|&kind| {
            let values = accuracies(results, kind);
            let (mean, std) = mean_std(&values);
            (!values.is_empty()).then(|| {
                (kind.name().to_string(), json!({ "mean": mean, "std": std, "values": values }))
            })
        })
        .collect();
    let runs: Vec<Value> = results
        .iter()
        .map(|(number, finished)| {
            json!({
                "seed": seed.wrapping_add(*number),
                "outcome": finished.outcome,
                "value": finished.value,
                "attributes": finished.attributes,
            })
        })
        .collect();
    json!({
        "train_images": train,
        "test_images": test,
        "test_accuracy": readouts,
        "runs": runs,
        "seconds": elapsed.as_secs_f64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python 3: `statistics.mean` and `statistics.stdev`.
    #[test]
    fn mean_and_sample_standard_deviation() {
        assert_eq!(mean_std(&[0.75]), (0.75, 0.0));
        let (mean, std) = mean_std(&[0.5, 0.75, 1.0]);
        assert!((mean - 0.75).abs() < 1e-15 && (std - 0.25).abs() < 1e-15, "{mean} {std}");
        let (mean, std) = mean_std(&[0.8125, 0.8, 0.79, 0.85]);
        assert!((mean - 0.813125).abs() < 1e-15, "{mean}");
        assert!((std - 0.02625).abs() < 1e-15, "{std}");
    }
}
