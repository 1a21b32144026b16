//! `spikeseek search`.

use super::display::{LoadingBar, SearchDisplay, Tally};
use super::options::{self, Mpi, Overrides};
use super::run_folder::RunFolder;
use super::{report, say, tell};
use crate::error::{Error, Result};
use crate::execute::{Executor, LocalExecutor};
use crate::search::sampler::{self, Setup};
use crate::search::space::Space;
use crate::study::folder::{StudyFolder, write_atomically};
use crate::study::journal::{self, Journal};
use crate::study::record::{Outcome, StudyRecord};
use crate::study::run::{Budget, Search, StopSwitch};
use crate::study::study_file::StudyFile;
use crate::study::toml_check::Document;
use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Arguments of `search`.
#[derive(Args)]
pub struct Arguments {
    /// Study file; with --resume the folder's own study.toml is used instead
    #[arg(required_unless_present = "resume")]
    study: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
    /// Trials of the study in all, those of earlier runs included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=i64::MAX as u64))]
    calls: Option<u64>,
    /// Study folder [default: the first free of runs/NAME, runs/NAME-2, ...]
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// Note seconds of training and evaluation with each trial
    #[arg(long, alias = "record_time")]
    record_time: bool,
    /// How workers are spread over machines; this build has `none`
    #[arg(long, value_enum, default_value = "none")]
    mpi: Mpi,
    /// Worker threads, one trial each [default: one a processor]
    #[arg(long, value_name = "N", value_parser = options::workers_parser())]
    workers: Option<u64>,
    /// Go on with the study in the --save folder; unfinished trials are repeated
    #[arg(long, requires = "save")]
    resume: bool,
    /// Show no progress
    #[arg(long)]
    quiet: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Runs a search.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.mpi.check()?;
    let workers = options::workers(arguments.workers);
    let started = Instant::now();
    let (folder, mut settings) = arguments.settings()?;
    let budget = &mut settings.frame_mut().budget;
    budget.calls = arguments.calls.or(budget.calls);
    let budget = *budget;
    let Some(space) = settings.frame().space.clone() else {
        let file = arguments.study.clone().unwrap_or_else(|| folder.settings());
        let text = "has no [space]: there is nothing to search; use `spikeseek train` or `retrain`";
        return Err(Error::Usage(format!("{}: {text}", file.display())).into());
    };
    if budget.calls.is_none() && budget.minutes.is_none() {
        let text = "the search has no end; give `calls` or `minutes` in [budget], or --calls";
        return Err(Error::Usage(text.to_string()).into());
    }
    let objective = {
        let bar = LoadingBar::new(arguments.quiet);
        let loading = |what, done, all| bar.show(what, done, all);
        settings.objective(&space, arguments.record_time, &loading)?
    };
    let stop = Arc::new(StopSwitch::default());
    let handler = Arc::clone(&stop);
    ctrlc::set_handler(move || handler.press())?;
    // Not before all was checked: a study that cannot be read leaves no folder.
    let folder = match &arguments.save {
        Some(_) => folder,
        None => StudyFolder::fresh(&settings.frame().study.name)?,
    };
    let (journal, record) = open(arguments.resume, &folder, &settings, &space)?;
    let text = settings.to_toml()?;
    write_atomically(&folder.settings(), text.as_bytes())?;

    let deadline = budget
        .minutes
        .and_then(|minutes| Duration::try_from_secs_f64(minutes * 60.0).ok())
        .and_then(|minutes| started.checked_add(minutes));
    let budget = Budget { calls: budget.calls, deadline };
    let mut executor = LocalExecutor::new(workers, objective);
    let mut display =
        SearchDisplay::new(&record, executor.workers(), budget.calls, deadline, arguments.quiet);
    let document = Document::parse(&folder.settings(), &text)?;
    let sampler = sampler::build(&Setup {
        space: &space,
        seed: settings.frame().study.seed,
        document: &document,
    })?;
    let search = Search { folder: &folder, journal, record, sampler, budget, stop: &stop };
    let record = search.run(&mut executor, &mut display);
    display.close();
    let record = record?;

    let page = report::write(&folder)?;
    if arguments.json {
        say(&summary(&folder, &record, started.elapsed()).to_string())?;
    } else {
        say(&crate::report::table(&record))?;
        say(&format!("study   {}", folder.path().display()))?;
        say(&format!("report  {}", page.display()))?;
        if record.best().is_some() {
            say(&format!("network {}", folder.best_network().display()))?;
        }
    }
    if stop.pressed() {
        tell(&format!("stopped early; go on with --resume --save {}", folder.path().display()));
        return Ok(ExitCode::from(130));
    }
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    /// Where the study lives, if --save says so, and what it is: a new one, or the one to go on with.
    fn settings(&self) -> Result<(StudyFolder, StudyFile)> {
        if self.resume {
            if self.overrides.any() {
                let text = "--data, --dataset, --data-dir and --seed cannot change a study that \
                            exists; leave them out with --resume";
                return Err(Error::Usage(text.to_string()));
            }
            let folder = StudyFolder::new(self.save.clone().unwrap_or_default());
            let settings = resumed_settings(&folder)?;
            return Ok((folder, settings));
        }
        let file = self.study.clone().unwrap_or_default();
        let settings = self.overrides.read_study(&file)?;
        Ok((StudyFolder::new(self.save.clone().unwrap_or_default()), settings))
    }
}

/// Journal attribute that holds the resolved study file.
const SETTINGS_KEY: &str = "spikeseek_settings";

/// The settings of a study to go on with. They must give the trials that the search began with;
/// the budget and the place of the data may have changed.
fn resumed_settings(folder: &StudyFolder) -> Result<StudyFile> {
    let path = folder.path().display();
    if !folder.journal().exists() {
        options::check_folder(folder)?;
        let text = "holds one trained network, no search: there is nothing to resume";
        return Err(Error::Usage(format!("{path}: {text}")));
    }
    let record = journal::read(&folder.journal())?;
    let noted = record.attributes.get(SETTINGS_KEY).and_then(|text| text.as_str());
    let noted = noted.map(|text| StudyFile::parse(&folder.settings(), text)).transpose()?;
    // A kill in the first moment of a search leaves a journal without the file beside it.
    let settings = match (folder.settings().exists(), &noted) {
        (false, Some(noted)) => return Ok(noted.clone()),
        _ => options::study_of(folder)?,
    };
    if let Some(mut noted) = noted {
        noted.take_movable(&settings);
        if noted != settings {
            let text = "study.toml is not the one that the search began with, so that its trials \
                        would not belong together; put it back (only [budget] and data.dir may \
                        change) or start a new study";
            return Err(Error::Usage(format!("{path}: {text}")));
        }
    }
    Ok(settings)
}

fn open(
    resume: bool,
    folder: &StudyFolder,
    settings: &StudyFile,
    space: &Space,
) -> Result<(Journal, StudyRecord)> {
    if resume {
        folder.create()?;
        let (journal, record) = Journal::open(&folder.journal())?;
        if record.space != *space {
            let text = "the space of study.toml is not the one of journal.log; put back the \
                        study.toml that the search wrote";
            return Err(Error::Usage(format!("{}: {text}", folder.path().display())));
        }
        return Ok((journal, record));
    }
    RunFolder::new(folder.path()).refuse_a_run()?;
    if folder.settings().exists() && !folder.journal().exists() {
        let text = "holds a trained network already; choose another --save folder";
        return Err(Error::Usage(format!("{}: {text}", folder.path().display())));
    }
    folder.create()?;
    let attributes = BTreeMap::from([
        ("spikeseek_version".to_string(), json!(env!("CARGO_PKG_VERSION"))),
        ("spikeseek_seed".to_string(), json!(settings.frame().study.seed)),
        (SETTINGS_KEY.to_string(), settings.to_toml()?.into()),
    ]);
    let journal =
        Journal::create(&folder.journal(), &settings.frame().study.name, space, &attributes)?;
    let record = StudyRecord {
        name: settings.frame().study.name.clone(),
        attributes,
        space: space.clone(),
        trials: Vec::new(),
    };
    Ok((journal, record))
}

/// The result for scripts.
fn summary(folder: &StudyFolder, record: &StudyRecord, elapsed: Duration) -> serde_json::Value {
    let tally = Tally::new(record);
    let count = |outcome: Outcome| json!(tally.of(outcome));
    let best = record.best().map(|trial| {
        let variables = &record.space.variables;
        let parameters: serde_json::Map<String, serde_json::Value> = variables
            .iter()
            .zip(&trial.point)
            .map(|(variable, &value)| (variable.name.clone(), variable.json(value)))
            .collect();
        let finished = trial.finished.as_ref();
        json!({
            "number": trial.number,
            "value": trial.feasible_value(),
            "parameters": parameters,
            "constraints": finished.map(|f| &f.constraints),
            "readout_accuracy": finished.and_then(|f| f.attributes.get("readout_accuracy")),
            "network": folder.best_network(),
        })
    });
    json!({
        "study": folder.path(),
        "trials": tally.finished(),
        "outcomes": {
            "complete": count(Outcome::Complete),
            "silent": count(Outcome::Silent),
            "timeout": count(Outcome::Timeout),
            "failed": count(Outcome::Failed),
        },
        "best": best,
        "report": folder.report(),
        "seconds": elapsed.as_secs_f64(),
    })
}
