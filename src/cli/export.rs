//! `spikeseek export`: the trials as CSV, with the columns of the reference study where both have
//! them (spec hpo.md section 7).

use crate::error::{Error, Result};
use crate::study::folder::StudyFolder;
use crate::study::journal;
use crate::study::record::{Outcome, StudyRecord, Trial};
use clap::Args;
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `export`.
#[derive(Args)]
pub struct Arguments {
    /// Study folder
    folder: PathBuf,
    /// File to write; standard output if left out
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes the CSV.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = StudyFolder::new(&arguments.folder);
    super::options::check_folder(&folder)?;
    let record = journal::read(&folder.journal())?;
    let bytes = csv_of(&record)?;
    match &arguments.output {
        Some(path) => crate::study::folder::write_atomically(path, &bytes)?,
        None => std::io::stdout().lock().write_all(&bytes)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Name of a column, and its value for a trial.
type Column = (&'static str, fn(&Trial) -> String);

/// Columns after the hyperparameters.
const COLUMNS: [Column; 12] = [
    ("test", |t| number(value(t))),
    ("objective", |t| number(value(t).map(|v| -v))),
    ("train", |t| number(t.finished.as_ref().and_then(|f| f.intermediate.last()).map(|i| i.1))),
    ("stopped", |t| (outcome(t) == Some(Outcome::Silent)).to_string()),
    ("train_itspikes", |t| attribute(t, &["train_spikes", "in"])),
    ("test_itspikes", |t| attribute(t, &["test_spikes", "in"])),
    ("train_outpt_otspikes", |t| attribute(t, &["train_spikes", "exc"])),
    ("test_outpt_otspikes", |t| attribute(t, &["test_spikes", "exc"])),
    ("processed_images_train", |t| attribute(t, &["train_samples"])),
    ("parameters", |t| attribute(t, &["parameters"])),
    ("trainable", |t| attribute(t, &["trainable"])),
    ("outcome", |t| outcome(t).map_or("RUNNING", Outcome::name).to_string()),
];

fn csv_of(record: &StudyRecord) -> Result<Vec<u8>> {
    let finished = |trial: &Trial| trial.finished.as_ref().map_or(0, |f| f.constraints.len());
    let constraints = record.trials.iter().map(finished).max().unwrap_or(0);
    let mut header: Vec<String> = vec!["trial".to_string()];
    header.extend(record.space.variables.iter().map(|variable| variable.name.clone()));
    header.extend(COLUMNS.iter().map(|(name, _)| (*name).to_string()));
    header.extend((0..constraints).map(|k| format!("constraint_{k}")));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |e: csv::Error| Error::Usage(format!("cannot write CSV: {e}"));
    writer.write_record(&header).map_err(failed)?;
    for trial in &record.trials {
        let mut row = vec![trial.number.to_string()];
        for (variable, &value) in record.space.variables.iter().zip(&trial.point) {
            row.push(text(&variable.json(value)));
        }
        row.extend(COLUMNS.iter().map(|(_, column)| column(trial)));
        let values = trial.finished.as_ref().map_or(&[][..], |f| &f.constraints);
        row.extend((0..constraints).map(|k| number(values.get(k).copied())));
        writer.write_record(&row).map_err(failed)?;
    }
    writer.into_inner().map_err(|e| Error::Usage(format!("cannot write CSV: {e}")))
}

fn value(trial: &Trial) -> Option<f64> {
    trial.finished.as_ref()?.value
}

fn outcome(trial: &Trial) -> Option<Outcome> {
    Some(trial.finished.as_ref()?.outcome)
}

fn attribute(trial: &Trial, path: &[&str]) -> String {
    let first = trial.finished.as_ref().and_then(|f| f.attributes.get(path[0]));
    path[1..].iter().fold(first, |value, key| value?.get(key)).map(text).unwrap_or_default()
}

fn number(value: Option<f64>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}
