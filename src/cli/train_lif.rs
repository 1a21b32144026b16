//! `spikeseek train` of a LIF network: a TOML file with `model = "lif"`.

use super::display::sample_bar;
use super::say;
use crate::error::{Error, Result};
use crate::study::folder::write_atomically;
use crate::train::lif::run_file::RunFile;
use crate::train::lif::{Checkpoint, Metrics, Trainer};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
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

/// Files of a run.
struct Folder(PathBuf);

impl Folder {
    fn settings(&self) -> PathBuf {
        self.0.join("run.toml")
    }
    fn checkpoint(&self) -> PathBuf {
        self.0.join("checkpoint.safetensors")
    }
    /// One JSON object an epoch.
    fn metrics(&self) -> PathBuf {
        self.0.join("metrics.jsonl")
    }
}

/// Trains as a file says.
pub fn run(path: &Path, text: &str, request: &Request<'_>) -> anyhow::Result<ExitCode> {
    let file = RunFile::parse(path, text)?;
    let folder = request.save.map(|path| Folder(path.to_path_buf()));
    let (train, test) = file.samples()?;
    let invalid = |(name, text): (String, String)| Error::Usage(format!("{name}: {text}"));
    let mut trainer = match &folder {
        None if request.resume => {
            return Err(Error::Usage("--resume needs --save FOLDER".into()).into());
        }
        Some(folder) if request.resume => {
            let checkpoint = Checkpoint::load(&folder.checkpoint())?;
            Trainer::resume(file.settings.clone(), &checkpoint).map_err(invalid)?
        }
        Some(folder) if folder.settings().exists() => {
            let text = "holds a run already; add --resume or choose another --save folder";
            return Err(Error::Usage(format!("{}: {text}", folder.0.display())).into());
        }
        _ => Trainer::new(file.settings.clone()).map_err(invalid)?,
    };
    if let Some(folder) = &folder {
        std::fs::create_dir_all(&folder.0).map_err(Error::io(&folder.0, "create the folder"))?;
        write_atomically(&folder.settings(), file.to_toml()?.as_bytes())?;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&stop);
    ctrlc::set_handler(move || heard.store(true, Ordering::Relaxed))?;
    let started = Instant::now();
    while trainer.epochs() < file.training.epochs {
        let bar = sample_bar(request.quiet);
        bar.set_length(train.len() as u64);
        let epoch_started = Instant::now();
        let metrics = trainer.epoch(&train, &mut |done| {
            bar.set_position(done as u64);
            !stop.load(Ordering::Relaxed)
        });
        bar.finish_and_clear();
        let Some(of_training) = metrics else { return Ok(ExitCode::from(130)) };
        let seconds = epoch_started.elapsed().as_secs_f64();
        let of_test = trainer.evaluate(&test);
        if let Some(folder) = &folder {
            trainer.checkpoint().save(&folder.checkpoint())?;
            append(&folder.metrics(), &epoch_json(&trainer, seconds, &of_training, &of_test))?;
        }
        if !request.quiet && !request.json {
            say(&line(trainer.epochs(), seconds, &of_training, &of_test))?;
        }
    }
    let result = trainer.evaluate(&test);
    if request.json {
        let seconds = started.elapsed().as_secs_f64();
        say(&json!({ "epochs": trainer.epochs(), "test": result, "seconds": seconds }).to_string())?;
    } else {
        say(&format!("test accuracy {:.4}, loss {:.4}", result.accuracy, result.loss))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn epoch_json(
    trainer: &Trainer,
    seconds: f64,
    training: &Metrics,
    test: &Metrics,
) -> serde_json::Value {
    json!({ "epoch": trainer.epochs(), "seconds": seconds, "training": training, "test": test })
}

/// Appends a line to a file.
fn append(path: &Path, line: &serde_json::Value) -> Result<()> {
    let open = std::fs::OpenOptions::new().create(true).append(true).open(path);
    let mut file = open.map_err(Error::io(path, "create"))?;
    writeln!(file, "{line}").map_err(Error::io(path, "write"))
}

/// One epoch for the reader: accuracy, and for each layer rate and, where there is any, overflow.
fn line(epoch: usize, seconds: f64, training: &Metrics, test: &Metrics) -> String {
    let layers = training.layers.iter().map(|layer| {
        let dropped = match layer.dropped {
            0.0 => String::new(),
            dropped => format!(" ({:.1} % dropped)", 100.0 * dropped),
        };
        format!("{:.2} %{dropped}", 100.0 * layer.rate)
    });
    format!(
        "epoch {epoch:3}  loss {:.4}  train {:.4}  test {:.4}  active {}  {seconds:.2} s",
        training.loss,
        training.accuracy,
        test.accuracy,
        layers.collect::<Vec<_>>().join(", "),
    )
}
