//! `spikeseek train`.

use super::display::sample_bar;
use super::options::Overrides;
use super::reference_options::ReferenceOptions;
use super::run_folder::RunFolder;
use super::train_lif::{self, Request};
use super::{report, say};
use crate::error::{Error, Result};
use crate::execute::{Control, TrialOutput};
use crate::random::Key;
use crate::study::folder::{StudyFolder, write_atomically};
use crate::study::record::{Finished, Outcome};
use crate::study::settings::StudySettings;
use crate::study::study_file::StudyFile;
use crate::study::toml_check::read_text;
use crate::train::lif::run_file::RunFile;
use crate::train::{Task, TrialSettings, run_trial};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Arguments of `train`.
#[derive(Args)]
pub struct Arguments {
    /// Study file, whose space, sampler and budget are not used; or a file with `model = "lif"`
    study: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
    /// Folder for the trained network and its settings; of an STDP network also its page, of a LIF network
    /// the metrics of each epoch
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// Go on from the checkpoint in the --save folder (LIF networks)
    #[arg(long)]
    resume: bool,
    /// Show no progress
    #[arg(long)]
    quiet: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    // The last: its heading is that of all that follows.
    #[command(flatten)]
    reference: ReferenceOptions,
}

/// Trains one network.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = &arguments.study;
    let text = read_text(path)?;
    if RunFile::is_one(path, &text) {
        let file = arguments.overrides.read_lif(path, &text, &arguments.reference)?;
        let Arguments { save, resume, quiet, json, .. } = arguments;
        let (save, resume, quiet, json) = (save.as_deref(), *resume, *quiet, *json);
        return train_lif::run(&file, &Request { save, resume, quiet, json });
    }
    arguments.reference.refuse_any()?;
    if arguments.resume {
        let text = "--resume is for files with model = \"lif\"; an STDP network trains in one go";
        return Err(Error::Usage(text.into()).into());
    }
    let StudyFile::Stdp(settings) = arguments.overrides.read_study(path)? else {
        return Err(Error::Usage(format!("{}: changed while it was read", path.display())).into());
    };
    let task = settings.task()?;
    let mut trial = fixed_trial(&settings)?;
    trial.record_time = true;
    let folder = arguments.save.as_ref().map(StudyFolder::new);
    if let Some(folder) = &folder
        && folder.settings().exists()
    {
        let text = "holds a study already; choose another --save folder";
        return Err(Error::Usage(format!("{}: {text}", folder.path().display())).into());
    }
    if let Some(save) = &arguments.save {
        RunFolder::new(save).refuse_a_run()?;
    }
    let started = Instant::now();
    let output = with_bar(&task, &trial, Key::new(settings.frame.study.seed), arguments.quiet);
    let Some(TrialOutput { finished, network }) = output else {
        return Ok(ExitCode::from(130));
    };
    let mut page = None;
    if let (Some(folder), Some(network)) = (&folder, &network) {
        folder.create()?;
        let one_network = StudySettings { frame: settings.frame.without_search(), ..*settings };
        write_atomically(&folder.settings(), one_network.to_toml()?.as_bytes())?;
        network.save(&folder.best_network())?;
        page = Some(report::write(folder)?);
    }
    if arguments.json {
        say(&as_json(&finished, started.elapsed()).to_string())?;
    } else {
        print_result(&finished)?;
        match (&folder, page) {
            (Some(folder), Some(page)) => {
                say(&format!("report  {}", page.display()))?;
                say(&format!("network {}", folder.best_network().display()))?;
            }
            (Some(_), None) => say("there is no network to save")?,
            (None, _) => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The trial that the study file fixes.
fn fixed_trial(settings: &StudySettings) -> Result<TrialSettings> {
    settings.trial_with(&[]).map_err(|(name, text)| Error::Usage(format!("`{name}`: {text}")))
}

/// Runs a trial in this thread, with a bar that another one refreshes.
fn with_bar(task: &Task, trial: &TrialSettings, key: Key, quiet: bool) -> Option<TrialOutput> {
    let control = Control::default();
    let bar = sample_bar(quiet);
    std::thread::scope(|scope| {
        let (done, finished) = std::sync::mpsc::channel::<()>();
        scope.spawn(|| {
            let finished = finished;
            // Ends when the sender is dropped.
            while finished.recv_timeout(Duration::from_millis(100))
                == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                let progress = control.progress();
                bar.set_length(progress.planned);
                bar.set_position(progress.done);
            }
            bar.finish_and_clear();
        });
        let output = run_trial(task, trial, key, &control);
        drop(done);
        output
    })
}

fn as_json(finished: &Finished, elapsed: Duration) -> serde_json::Value {
    json!({
        "outcome": finished.outcome,
        "value": finished.value,
        "constraints": finished.constraints,
        "attributes": finished.attributes,
        "seconds": elapsed.as_secs_f64(),
    })
}

fn print_result(finished: &Finished) -> anyhow::Result<()> {
    let outcome = finished.outcome.name().to_lowercase();
    match (finished.value, finished.outcome) {
        (Some(value), _) => say(&format!("{outcome}: hold-out accuracy {value:.4}"))?,
        (None, Outcome::Silent) => say("silent: stopped by the silent-network criterion")?,
        (None, Outcome::Timeout) => say("timeout: stopped at training.time_limit_s")?,
        (None, _) => say(&outcome)?,
    }
    for (key, value) in &finished.attributes {
        say(&format!("  {key:<18} {value}"))?;
    }
    let constraints: Vec<String> = finished.constraints.iter().map(|c| format!("{c:.4}")).collect();
    if !constraints.is_empty() {
        say(&format!(
            "  {:<18} {} (feasible if none is above 0)",
            "constraints",
            constraints.join(", ")
        ))?;
    }
    Ok(())
}
