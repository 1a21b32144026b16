//! `spikeseek retrain`: the same solution with several seeds, scored on the test set.

use super::display::LoadingBar;
use super::options::{self, Overrides};
use super::{say, tell};
use crate::error::{Error, Result};
use crate::execute::{Executor, Job, LocalExecutor, Objective};
use crate::random::Key;
use crate::readout::ReadoutKind;
use crate::search::space::{Point, Space};
use crate::study::folder::StudyFolder;
use crate::study::journal;
use crate::study::lif_study::LifStudy;
use crate::study::record::Finished;
use crate::study::settings::StudySettings;
use crate::study::study_file::StudyFile;
use crate::train::lif::run_lif_trial;
use crate::train::{Part, run_trial};
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
    /// Passes over the training samples, instead of the solution's own
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

/// What is trained with each seed.
struct Plan {
    objective: Arc<Objective>,
    /// The first seed.
    seed: u64,
    epochs: usize,
    /// Training and test samples.
    sizes: (usize, usize),
}

/// Retrains.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let workers = options::workers(arguments.workers);
    let (study, point) = arguments.solution()?;
    let Plan { objective, seed, epochs, sizes } = match study {
        StudyFile::Stdp(settings) => arguments.plan_stdp(&settings, point.as_ref())?,
        StudyFile::Lif(study) => arguments.plan_lif(*study, point.as_ref())?,
    };
    let mut executor = LocalExecutor::new(workers, objective);
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
                tell(&format!("seed {}: test accuracy {accuracy:.4}", seed.wrapping_add(number)));
            }
            results.insert(number, output.finished);
        }
    }
    if arguments.json {
        say(&as_json(&results, seed, sizes, started.elapsed()).to_string())?;
    } else {
        print_table(&results, epochs, sizes)?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    /// The study, and the point whose network is retrained; None where the file fixes it.
    fn solution(&self) -> Result<(StudyFile, Option<(Space, Point)>)> {
        if !self.source.is_dir() {
            return Ok((self.overrides.read_study(&self.source)?, None));
        }
        let folder = StudyFolder::new(&self.source);
        let study = self.overrides.read_folder(&folder)?;
        if !folder.journal().exists() {
            let text = "holds one trained network, no search; retrain its study file";
            return Err(Error::Usage(format!("{}: {text}", self.source.display())));
        }
        let record = journal::read(&folder.journal())?;
        let Some(best) = record.best() else {
            let text = "has no feasible trial yet; search on, or retrain a study file";
            return Err(Error::Usage(format!("{}: {text}", self.source.display())));
        };
        let point = best.point.clone();
        Ok((study, Some((record.space, point))))
    }

    /// All training images train; nothing is stopped; the test images judge.
    fn plan_stdp(&self, settings: &StudySettings, point: Option<&(Space, Point)>) -> Result<Plan> {
        let trial = match point {
            Some((space, point)) => settings.trial(space, point),
            None => settings.trial_with(&[]),
        };
        let mut trial = trial.map_err(unfit)?;
        trial.part = Part::Test;
        trial.silence.rule = None;
        trial.silence.sequential = None;
        trial.time_limit = None;
        trial.record_time = true;
        trial.epochs = self.epochs.unwrap_or(trial.epochs);
        let task = settings.task_without_hold_out()?;
        let seed = settings.frame.study.seed;
        Ok(Plan {
            seed,
            epochs: trial.epochs as usize,
            sizes: (task.train_len(), task.len(Part::Test)),
            objective: Arc::new(move |job, control| {
                let key = Key::new(seed.wrapping_add(job.number));
                run_trial(&task, &trial, key, control)
            }),
        })
    }

    /// The same for LIF networks. The seeds are those of weights and orders; the samples stay.
    fn plan_lif(&self, mut study: LifStudy, point: Option<&(Space, Point)>) -> Result<Plan> {
        study.run.data.hold_out = 0.0;
        let bar = LoadingBar::new(self.quiet || self.json);
        let mut samples = study.run.data.load(&|what, done, all| bar.show(what, done, all))?;
        drop(bar);
        // A trial is scored on the validation part.
        samples.validation = samples.test.choose(&(0..samples.test.len()).collect::<Vec<_>>());
        let none = (Space::default(), Point::new());
        let (space, point) = point.unwrap_or(&none);
        let mut trial = study.trial(space, point, &samples).map_err(unfit)?;
        trial.silence.rule = None;
        trial.silence.sequential = None;
        trial.time_limit = None;
        trial.record_time = true;
        trial.epochs = self.epochs.map_or(trial.epochs, |epochs| epochs as usize);
        let seed = trial.settings.seed;
        Ok(Plan {
            seed,
            epochs: trial.epochs,
            sizes: (samples.train.len(), samples.test.len()),
            objective: Arc::new(move |job, control| {
                let mut trial = trial.clone();
                trial.settings.seed = seed.wrapping_add(job.number);
                run_lif_trial(&samples, &trial, control)
            }),
        })
    }
}

fn unfit((name, text): (String, String)) -> Error {
    Error::Usage(format!("`{name}`: {text}"))
}

/// Mean and sample standard deviation (0 for one value).
fn mean_std(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 })
}

/// Each readout with its test accuracies, seed by seed, and whether it is the solution's own.
fn readouts(results: &BTreeMap<u64, Finished>) -> Vec<(String, Vec<f64>, bool)> {
    let attribute = |key| results.values().find_map(|finished| finished.attributes.get(key));
    let own = attribute("readout").and_then(Value::as_str).unwrap_or("own");
    if attribute("readout_accuracy").is_none() {
        let values: Vec<f64> = results.values().filter_map(|finished| finished.value).collect();
        return if values.is_empty() { vec![] } else { vec![(own.to_string(), values, true)] };
    }
    let accuracies = |kind: ReadoutKind| {
        let of = |finished: &Finished| {
            finished.attributes.get("readout_accuracy")?.get(kind.name())?.as_f64()
        };
        let values: Vec<f64> = results.values().filter_map(of).collect();
        (!values.is_empty()).then(|| (kind.name().to_string(), values, kind.name() == own))
    };
    ReadoutKind::ALL.into_iter().filter_map(accuracies).collect()
}

fn print_table(
    results: &BTreeMap<u64, Finished>,
    epochs: usize,
    (train, test): (usize, usize),
) -> anyhow::Result<()> {
    say(&format!(
        "test accuracy of {} networks, {train} training samples × {epochs} epochs, {test} test samples",
        results.len()
    ))?;
    for (name, values, own) in readouts(results) {
        let (mean, std) = mean_std(&values);
        let own = if own { "  (the solution's own)" } else { "" };
        say(&format!("  {name:<6} {mean:.4} ± {std:.4}{own}"))?;
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
    let readouts: serde_json::Map<String, Value> = readouts(results)
        .into_iter()
        .map(|(name, values, _)| {
            let (mean, std) = mean_std(&values);
            (name, json!({ "mean": mean, "std": std, "values": values }))
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
