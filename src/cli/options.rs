//! Options that several subcommands share: where the settings come from and what overrides them.

use crate::error::{Error, Result};
use crate::study::folder::StudyFolder;
use crate::study::settings::StudySettings;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Options that replace settings of the study file.
#[derive(Args, Clone, Default)]
pub struct Overrides {
    /// Number of training images to use
    #[arg(long, value_name = "N")]
    pub data: Option<usize>,
    /// Data set: digits, mnist, MNIST_rate_25, MNIST_rate_50, MNIST_rate_100 or MNIST_rate_250
    #[arg(long, value_name = "NAME")]
    pub dataset: Option<String>,
    /// Folder of the data set's files
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Seed of all randomness
    #[arg(long, value_name = "N")]
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

    /// Reads a study file and applies the options, which are checked as if they stood in it.
    pub fn read(&self, path: &Path) -> Result<StudySettings> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path, "read the study file"))?;
        if !self.any() {
            return StudySettings::parse(path, &text);
        }
        // The file itself first, so that its own faults are reported with its own lines; only a
        // missing folder may be supplied by an option.
        let mut root: toml::Table = match toml::from_str(&text) {
            Ok(root) => root,
            Err(_) => return StudySettings::parse(path, &text),
        };
        let mut set = |table: &str, key: &str, value: toml::Value| {
            let entry = root.entry(table).or_insert_with(|| toml::Table::new().into());
            if let Some(table) = entry.as_table_mut() {
                table.insert(key.to_string(), value);
            }
        };
        let integer = |option: &str, n: u64| {
            i64::try_from(n).map(toml::Value::from).map_err(|_| {
                Error::Usage(format!("--{option} {n} is too large; give at most 2^63 - 1"))
            })
        };
        if let Some(size) = self.data {
            set("data", "size", integer("data", size as u64)?);
        }
        if let Some(name) = &self.dataset {
            set("data", "set", name.as_str().into());
        }
        if let Some(dir) = &self.data_dir {
            set("data", "dir", dir.to_string_lossy().as_ref().into());
        }
        if let Some(seed) = self.seed {
            set("study", "seed", integer("seed", seed)?);
        }
        match StudySettings::parse(path, &root.to_string()) {
            Ok(settings) => Ok(settings),
            // Lines of the rewritten text mean nothing to the user.
            Err(Error::Config { file, key, message, .. }) => {
                match StudySettings::parse(path, &text) {
                    Err(own) if !matches!(&own, Error::Config { key, .. } if key == "data.dir") => {
                        Err(own)
                    }
                    _ => Err(Error::Config { file, line: None, key, message }),
                }
            }
            Err(other) => Err(other),
        }
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

/// Number of worker threads: what was asked for, else one a processor.
pub fn workers(asked: Option<usize>) -> Result<usize> {
    match asked {
        Some(n) if (1..=1_024).contains(&n) => Ok(n),
        Some(n) => Err(Error::Usage(format!("--workers {n} is not allowed; give 1 to 1024"))),
        None => Ok(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)),
    }
}

/// Settings of a study folder.
pub fn settings_of(folder: &StudyFolder) -> Result<StudySettings> {
    let path = folder.settings();
    if !path.exists() {
        let text = "is no study folder (it has no study.toml)";
        let remedy = "name the folder that `spikeseek search` or `spikeseek train --save` wrote";
        return Err(Error::Usage(format!("{}: {text}; {remedy}", folder.path().display())));
    }
    StudySettings::read(&path)
}
