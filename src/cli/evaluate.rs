//! `spikeseek evaluate`: a saved network, scored again.

use super::display::LoadingBar;
use super::options::Overrides;
use super::reference_options::ReferenceOptions;
use super::run_folder::RunFolder;
use super::say;
use super::train_lif::{self, layer_text};
use crate::engine::cpu::stdp::build;
use crate::error::Error;
use crate::execute::Control;
use crate::random::Key;
use crate::study::folder::StudyFolder;
use crate::study::journal;
use crate::study::lif_study::LifStudy;
use crate::study::settings::StudySettings;
use crate::study::study_file::StudyFile;
use crate::train::lif::{Checkpoint, Samples, Settings, Trainer};
use crate::train::{Part, TrainedNetwork, evaluate};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Arguments of `evaluate`.
#[derive(Args)]
pub struct Arguments {
    /// Folder that `search` or `train --save` wrote
    folder: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
    /// Samples to score on
    #[arg(long, value_enum, default_value = "test")]
    part: PartName,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq)]
enum PartName {
    /// The hold-out (validation samples) of the study or run
    HoldOut,
    /// The test samples of the data set
    Test,
}

/// Evaluates.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let run = RunFolder::new(&arguments.folder);
    let folder = StudyFolder::new(&arguments.folder);
    let study = match run.holds_a_run() {
        true => None,
        false => Some(arguments.overrides.read_folder(&folder)?),
    };
    if arguments.part == PartName::HoldOut && arguments.overrides.change_split() {
        let text = "--data, --dataset and --seed would mix training images into the hold-out; \
                    leave them out or use --part test";
        return Err(Error::Usage(text.to_string()).into());
    }
    let Some(study) = study else { return evaluate_run(&run, arguments) };
    if !folder.best_network().exists() {
        let text = "has no network: no trial was feasible yet";
        return Err(Error::Usage(format!("{}: {text}", folder.path().display())).into());
    }
    match study {
        StudyFile::Stdp(settings) => evaluate_stdp(*settings, &folder, arguments),
        StudyFile::Lif(study) => evaluate_lif(&study, &folder, arguments),
    }
}

/// The best network of a study of LIF networks.
fn evaluate_lif(
    study: &LifStudy,
    folder: &StudyFolder,
    arguments: &Arguments,
) -> anyhow::Result<ExitCode> {
    let refuse = |text: &str| Error::Usage(format!("{}: {text}", folder.path().display()));
    let checkpoint = Checkpoint::load(&folder.best_network())?;
    let record = journal::read(&folder.journal())?;
    let best = record.best().ok_or_else(|| refuse("has no feasible trial"))?;
    let bar = LoadingBar::new(arguments.json);
    let samples = study.samples(&|what, done, all| bar.show(what, done, all))?;
    drop(bar);
    let trial = study.trial(&record.space, &best.point, &samples);
    let invalid = |(name, text): (String, String)| Error::Usage(format!("`{name}`: {text}"));
    let settings = Settings { trial: best.number, ..trial.map_err(invalid)?.settings };
    if settings.network != checkpoint.network {
        let text = "the saved network is not that of the best trial, or the data set is not the one that \
                    it was trained on";
        return Err(refuse(text).into());
    }
    let trainer = Trainer::resume(settings, &checkpoint).map_err(invalid)?;
    score(trainer, &samples, Some(best.number), arguments)
}

/// The network of a run of `train --save`, as far as it has been trained.
fn evaluate_run(run: &RunFolder, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = run.settings();
    let text = std::fs::read_to_string(&path).map_err(Error::io(&path, "read the settings"))?;
    let file = arguments.overrides.read_lif(&path, &text, &ReferenceOptions::default())?;
    let none = || run.refuse("has no network: no epoch has ended yet");
    let checkpoint = run.load()?.ok_or_else(none)?;
    let samples = train_lif::load(&file, arguments.json)?;
    let invalid = |(name, text): (String, String)| {
        Error::Usage(format!("{}: `{name}`: {text}", run.checkpoint().display()))
    };
    let trainer = Trainer::resume(file.settings(&samples)?, &checkpoint).map_err(invalid)?;
    score(trainer, &samples, None, arguments)
}

/// Scores a LIF network and says what came of it.
fn score(
    mut trainer: Trainer,
    samples: &Samples,
    trial: Option<u64>,
    arguments: &Arguments,
) -> anyhow::Result<ExitCode> {
    let part = match arguments.part {
        PartName::HoldOut => &samples.validation,
        PartName::Test => &samples.test,
    };
    if part.is_empty() {
        let text = "there is nothing to score on: the run keeps no validation samples \
                    (data.hold_out); use --part test";
        return Err(Error::Usage(text.to_string()).into());
    }
    let started = Instant::now();
    let metrics = trainer.evaluate(part);
    let seconds = started.elapsed().as_secs_f64();
    if arguments.json {
        let result = json!({
            "trial": trial, "images": metrics.samples, "value": metrics.accuracy,
            "metrics": metrics, "seconds": seconds,
        });
        say(&result.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    let rate = metrics.samples as f64 / seconds.max(1e-9);
    say(&format!("{} samples in {seconds:.2} s ({rate:.0} samples/s)", metrics.samples))?;
    let layers: Vec<String> = metrics.layers.iter().map(layer_text).collect();
    say(&format!("  accuracy {:.4}, loss {:.4}", metrics.accuracy, metrics.loss))?;
    say(&format!("  active   {}", layers.join(", ")))?;
    Ok(ExitCode::SUCCESS)
}

/// The saved network of a study of Diehl & Cook networks.
fn evaluate_stdp(
    mut settings: StudySettings,
    folder: &StudyFolder,
    arguments: &Arguments,
) -> anyhow::Result<ExitCode> {
    let network = TrainedNetwork::load(&folder.best_network())?;
    // The encoder's time step is that of the network.
    settings.network = network.network.clone();
    let task = settings.task()?;
    if task.inputs() != network.weights.inputs {
        let (needs, has) = (network.weights.inputs, task.inputs());
        let text = format!("the network has {needs} inputs, the images have {has} pixels");
        return Err(
            Error::Usage(format!("{text}; choose the data set that it was trained on")).into()
        );
    }
    let part = match arguments.part {
        PartName::HoldOut => Part::HoldOut,
        PartName::Test => Part::Test,
    };
    let key = Key::new(settings.frame.study.seed).trial(network.trial);
    let mut engine = build(&network.network, &network.weights, 1);
    let started = Instant::now();
    let evaluation =
        evaluate(&task, part, engine.as_mut(), &network.readouts, key, &Control::default(), None);
    let Ok(evaluation) = evaluation else { return Ok(ExitCode::FAILURE) };
    let (images, seconds) = (task.len(part), started.elapsed().as_secs_f64());
    if arguments.json {
        let accuracy: serde_json::Map<String, serde_json::Value> = evaluation
            .accuracy
            .iter()
            .map(|(kind, accuracy)| (kind.name().to_string(), json!(accuracy)))
            .collect();
        let [input, exc, inh] = evaluation.spikes;
        let result = json!({
            "trial": network.trial,
            "images": images,
            "decoder": network.decoder,
            "value": evaluation.of(network.decoder),
            "readout_accuracy": accuracy,
            "spikes": { "in": input, "exc": exc, "inh": inh },
            "seconds": seconds,
        });
        say(&result.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    let rate = images as f64 / seconds.max(1e-9);
    say(&format!("{images} images in {seconds:.2} s ({rate:.0} images/s)"))?;
    for (kind, accuracy) in &evaluation.accuracy {
        let own = if *kind == network.decoder { "  (the network's own)" } else { "" };
        say(&format!("  {:<6} {accuracy:.4}{own}", kind.name()))?;
    }
    Ok(ExitCode::SUCCESS)
}
