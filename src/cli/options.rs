//! Options that several subcommands share: where the settings come from and what overrides them.

use super::reference_options::ReferenceOptions;
use super::run_folder::RunFolder;
use crate::error::{Error, Result};
use crate::study::folder::StudyFolder;
use crate::study::lif_study::LifStudy;
use crate::study::study_file::StudyFile;
use crate::study::toml_check::{Document, read_text};
use crate::train::lif::run_file::RunFile;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Options that replace settings of the study file.
#[derive(Args, Clone, Default)]
pub struct Overrides {
    /// Number of training samples to use
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=u64::from(u32::MAX)))]
    pub data: Option<u64>,
    /// Data set: digits, mnist, MNIST_rate_25, MNIST_rate_50, MNIST_rate_100 or MNIST_rate_250; of LIF
    /// networks also nmnist, dvs_gesture, shd, ssc, randman, random
    #[arg(long, alias = "dataset_name", value_name = "NAME")]
    pub dataset: Option<String>,
    /// Folder of the data set's files
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Seed of all randomness
    // TOML has no larger integers.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=i64::MAX as u64))]
    pub seed: Option<u64>,
}

impl Overrides {
    /// Whether any is given.
    pub fn any(&self) -> bool {
        self.data.is_some()
            || self.dataset.is_some()
            || self.data_dir.is_some()
            || self.seed.is_some()
    }

    /// Whether the split of the training images may become another one.
    pub fn change_split(&self) -> bool {
        self.data.is_some() || self.dataset.is_some() || self.seed.is_some()
    }

    /// Reads the settings of a study folder and applies the options.
    pub fn read_folder(&self, folder: &StudyFolder) -> Result<StudyFile> {
        check_folder(folder)?;
        self.read_study(&folder.settings())
    }

    /// Reads a study file and applies the options, which are checked as if they stood in it.
    pub fn read_study(&self, path: &Path) -> Result<StudyFile> {
        let text = read_text(path)?;
        let changes = match RunFile::is_one(path, &text) {
            true => {
                let seeds = [["study", "seed"], ["training", "seed"], ["data", "seed"]];
                self.changes(&["data", "train"], &seeds)
            }
            false => self.changes(&["data", "size"], &[["study", "seed"]]),
        };
        parse_with(path, &text, &changes, StudyFile::parse)
    }

    /// Reads the run of a text with `model = "lif"` and applies the options, which are checked as if they
    /// stood in it.
    pub fn read_lif(
        &self,
        path: &Path,
        text: &str,
        reference: &ReferenceOptions,
    ) -> Result<RunFile> {
        let seeds = [["training", "seed"], ["data", "seed"]];
        let mut changes = self.changes(&["data", "train"], &seeds);
        changes.extend(reference.changes()?);
        parse_with(path, text, &changes, |path, text| {
            // A study file has a run in it; its seed is that of the run.
            match Document::parse(path, text)?.keys(&[])?.iter().any(|key| key == "study") {
                true => LifStudy::parse(path, text).map(|study| study.run),
                false => RunFile::parse(path, text),
            }
        })
    }

    /// The settings that the options replace; where number of samples and seeds stand.
    fn changes(
        &self,
        [table, size]: &[&'static str; 2],
        seeds: &[[&'static str; 2]],
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut add = |option, table, names: &[&'static str], value: toml::Value| {
            changes.push(Change { option, table, names: names.to_vec(), value });
        };
        if let Some(count) = self.data {
            add("--data", table, &[size], (count as i64).into());
        }
        if let Some(name) = &self.dataset {
            add("--dataset", "data", &["set", "dataset_name"], name.as_str().into());
        }
        if let Some(dir) = &self.data_dir {
            add("--data-dir", "data", &["dir"], dir.to_string_lossy().as_ref().into());
        }
        if let Some(seed) = self.seed {
            for [table, key] in seeds {
                add("--seed", table, &[key], (seed as i64).into());
            }
        }
        changes
    }
}

/// A setting that an option replaces.
pub struct Change {
    /// The option as it is typed.
    pub option: &'static str,
    /// Table of the setting.
    pub table: &'static str,
    /// Its name, then other names and settings that it replaces.
    pub names: Vec<&'static str>,
    /// What the option says.
    pub value: toml::Value,
}

/// Parses a text with settings replaced. A complaint names the option or the line of the text.
fn parse_with<T>(
    path: &Path,
    text: &str,
    changes: &[Change],
    parse: impl Fn(&Path, &str) -> Result<T>,
) -> Result<T> {
    if changes.is_empty() {
        return parse(path, text);
    }
    let mut root: toml::Table = match toml::from_str(text) {
        Ok(root) => root,
        Err(_) => return parse(path, text),
    };
    for Change { table, names, value, .. } in changes {
        let entry = root.entry(*table).or_insert_with(|| toml::Table::new().into());
        if let Some(table) = entry.as_table_mut() {
            names.iter().for_each(|name| drop(table.remove(*name)));
            table.insert(names[0].to_string(), value.clone());
        }
    }
    match parse(path, &root.to_string()) {
        Ok(settings) => Ok(settings),
        // Lines of the rewritten text mean nothing to the user. The file's own faults are reported with
        // its own lines; only a missing folder may be supplied by an option.
        Err(Error::Config { file, key, message, .. }) => match parse(path, text) {
            Err(own) if !matches!(&own, Error::Config { key, .. } if key == "data.dir") => Err(own),
            _ => {
                let of = |change: &&Change| format!("{}.{}", change.table, change.names[0]) == key;
                match changes.iter().find(of) {
                    Some(Change { option, .. }) => {
                        Err(Error::Usage(format!("{option}: {message}")))
                    }
                    None => Err(Error::Config { file, line: None, key, message }),
                }
            }
        },
        Err(other) => Err(other),
    }
}

/// How workers are spread over machines.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mpi {
    /// Worker threads of this process
    #[default]
    None,
    /// One batch after the other over MPI ranks
    Synchronous,
    /// Each result asks for the next point
    Asynchronous,
    /// Results are collected while the queue lasts
    Flexible,
}

impl Mpi {
    /// Refuses what this build does not have.
    pub fn check(self) -> Result<()> {
        match self {
            Mpi::None => Ok(()),
            _ => Err(Error::Usage(
                "MPI is not built in; use --mpi none, which runs one trial a worker thread \
                 (--workers)"
                    .to_string(),
            )),
        }
    }
}

/// What `--workers` takes.
pub fn workers_parser() -> impl clap::builder::TypedValueParser<Value = u64> {
    clap::value_parser!(u64).range(1..=1_024)
}

/// Number of worker threads: what was asked for, else one a processor.
pub fn workers(asked: Option<u64>) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    asked.map_or_else(processors, |n| n as usize)
}

/// The study of a folder.
pub fn study_of(folder: &StudyFolder) -> Result<StudyFile> {
    check_folder(folder)?;
    StudyFile::read(&folder.settings())
}

/// Refuses a folder that holds no study.
pub fn check_folder(folder: &StudyFolder) -> Result<()> {
    if folder.settings().exists() {
        return Ok(());
    }
    let (text, remedy) = match RunFolder::new(folder.path()).holds_a_run() {
        true => (
            "holds a run of `spikeseek train`, not a study",
            "its scores are in metrics.jsonl, and `spikeseek evaluate` scores its network",
        ),
        false => (
            "is no study folder (it has no study.toml)",
            "name the folder that `spikeseek search` or `spikeseek train --save` wrote",
        ),
    };
    Err(Error::Usage(format!("{}: {text}; {remedy}", folder.path().display())))
}
