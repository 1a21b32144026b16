//! `spikeseek train` of a LIF network: a TOML file with `model = "lif"`.

use super::display::{LoadingBar, sample_bar};
use super::run_folder::RunFolder;
use super::{say, tell};
use crate::error::{Error, Result};
use crate::train::lif::run_file::RunFile;
use crate::train::lif::{DIVERGED, LayerMetrics, Metrics, Samples, Trainer};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What the command line says.
pub struct Request<'a> {
    /// Folder for settings, checkpoint and metrics.
    pub save: Option<&'a Path>,
    /// Go on from the folder's checkpoint.
    pub resume: bool,
    /// Show no progress.
    pub quiet: bool,
    /// Print the result as JSON.
    pub json: bool,
}

/// Loads the samples of a run, with a bar.
pub fn load(file: &RunFile, quiet: bool) -> Result<Samples> {
    let bar = LoadingBar::new(quiet);
    file.data.load(&|what, done, all| bar.show(what, done, all))
}

/// Trains as a file says.
pub fn run(file: &RunFile, request: &Request<'_>) -> anyhow::Result<ExitCode> {
    let folder = request.save.map(RunFolder::new);
    let samples = load(file, request.quiet || request.json)?;
    let settings = file.settings(&samples)?;
    if !request.quiet && !request.json {
        say(&data_line(file, &samples))?;
    }
    let invalid = |(name, text): (String, String)| Error::Usage(format!("{name}: {text}"));
    let before = match &folder {
        None if request.resume => {
            return Err(Error::Usage("--resume needs --save FOLDER".into()).into());
        }
        Some(folder) if request.resume => folder.go_on(file)?,
        _ => None,
    };
    let mut trainer = match before {
        Some(checkpoint) => Trainer::resume(settings, &checkpoint),
        None => Trainer::new(settings),
    }
    .map_err(invalid)?;
    if let Some(folder) = folder.as_ref().filter(|_| !request.resume) {
        folder.begin(file)?;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&stop);
    ctrlc::set_handler(move || heard.store(true, Ordering::Relaxed))?;
    let started = Instant::now();
    let deadline = file.training.time_limit().and_then(|limit| started.checked_add(limit));
    while trainer.epochs() < file.training.epochs {
        let bar = sample_bar(request.quiet);
        bar.set_length(samples.train.len() as u64);
        let epoch_started = Instant::now();
        let metrics = trainer.epoch(&samples.train, &mut |done, _| {
            bar.set_position(done as u64);
            !stop.load(Ordering::Relaxed) && deadline.is_none_or(|end| Instant::now() < end)
        });
        bar.finish_and_clear();
        if trainer.diverged() {
            // The checkpoint of the epoch before stays.
            let epoch = trainer.epochs() + usize::from(metrics.is_none());
            return Err(Error::Usage(format!("epoch {epoch}: {DIVERGED}")).into());
        }
        let of_training = match metrics {
            Some(metrics) => metrics,
            None if stop.load(Ordering::Relaxed) => return Ok(ExitCode::from(130)),
            None => {
                let epoch = trainer.epochs() + 1;
                tell(&format!("stopped in epoch {epoch} at training.time_limit_s"));
                break;
            }
        };
        let seconds = epoch_started.elapsed().as_secs_f64();
        let scores = Scores::of(&mut trainer, of_training, &samples);
        if let Some(folder) = &folder {
            folder.note(&scores.json(trainer.epochs(), seconds))?;
            trainer.checkpoint().save(&folder.checkpoint())?;
        }
        if !request.quiet && !request.json {
            say(&scores.line(trainer.epochs(), seconds))?;
        }
    }
    let result = trainer.evaluate(&samples.test);
    let validation = validate(&mut trainer, &samples);
    if request.json {
        let seconds = started.elapsed().as_secs_f64();
        let epochs = trainer.epochs();
        say(&json!({ "epochs": epochs, "validation": validation, "test": result, "seconds": seconds })
            .to_string())?;
    } else {
        let validation = validation.map_or(String::new(), |m| {
            format!("validation accuracy {:.4}, loss {:.4}; ", m.accuracy, m.loss)
        });
        say(&format!("{validation}test accuracy {:.4}, loss {:.4}", result.accuracy, result.loss))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What there is to learn from, in a line.
fn data_line(file: &RunFile, samples: &Samples) -> String {
    let Samples { train, validation, test } = samples;
    format!(
        "{}: {} training, {} validation and {} test samples; {} inputs, {} classes, {} steps",
        file.data.set,
        train.len(),
        validation.len(),
        test.len(),
        train.neurons(),
        train.classes(),
        train.steps()
    )
}

/// The validation part's metrics, where there is one.
fn validate(trainer: &mut Trainer, samples: &Samples) -> Option<Metrics> {
    (!samples.validation.is_empty()).then(|| trainer.evaluate(&samples.validation))
}

/// What an epoch gave.
struct Scores {
    training: Metrics,
    validation: Option<Metrics>,
    test: Metrics,
}

impl Scores {
    fn of(trainer: &mut Trainer, training: Metrics, samples: &Samples) -> Scores {
        let validation = validate(trainer, samples);
        Scores { training, validation, test: trainer.evaluate(&samples.test) }
    }

    fn json(&self, epoch: usize, seconds: f64) -> serde_json::Value {
        let Scores { training, validation, test } = self;
        json!({
            "epoch": epoch, "seconds": seconds, "training": training, "validation": validation,
            "test": test,
        })
    }

    /// For the reader: loss, accuracies, and for each layer the share of active neurons and, where there is
    /// any, of lists that overflowed and of spikes that they had no room for.
    fn line(&self, epoch: usize, seconds: f64) -> String {
        let layers: Vec<_> = self.training.layers.iter().map(layer_text).collect();
        let validation = self
            .validation
            .as_ref()
            .map_or(String::new(), |m| format!("  valid {:.4}", m.accuracy));
        format!(
            "epoch {epoch:3}  loss {:.4}  train {:.4}{validation}  test {:.4}  active {}  {seconds:.2} s",
            self.training.loss,
            self.training.accuracy,
            self.test.accuracy,
            layers.join(", "),
        )
    }
}

/// Share of active neurons of a layer, and where there are any, of lists that overflowed and of spikes that
/// they had no room for.
pub fn layer_text(layer: &LayerMetrics) -> String {
    let overflow = match layer.overflowed {
        0.0 => String::new(),
        lists => {
            format!(" ({:.1} % overflow, {:.1} % dropped)", 100.0 * lists, 100.0 * layer.dropped)
        }
    };
    format!("{:.2} %{overflow}", 100.0 * layer.rate)
}
