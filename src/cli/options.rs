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
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=u64::from(u32::MAX)))]
    pub data: Option<u64>,
    /// Data set: digits, mnist, MNIST_rate_25, MNIST_rate_50, MNIST_rate_100 or MNIST_rate_250
    #[arg(long, value_name = "NAME")]
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
    pub fn read_folder(&self, folder: &StudyFolder) -> Result<StudySettings> {
        check_folder(folder)?;
        self.read(&folder.settings())
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
        if let Some(size) = self.data {
            set("data", "size", (size as i64).into());
        }
        if let Some(name) = &self.dataset {
            set("data", "set", name.as_str().into());
        }
        if let Some(dir) = &self.data_dir {
            set("data", "dir", dir.to_string_lossy().as_ref().into());
        }
        if let Some(seed) = self.seed {
            set("study", "seed", (seed as i64).into());
        }
        match StudySettings::parse(path, &root.to_string()) {
            Ok(settings) => Ok(settings),
            // Lines of the rewritten text mean nothing to the user.
            Err(Error::Config { file, key, message, .. }) => {
                match StudySettings::parse(path, &text) {
                    Err(own) if !matches!(&own, Error::Config { key, .. } if key == "data.dir") => {
                        Err(own)
                    }
                    _ => match OPTIONS.iter().find(|(_, of)| *of == key) {
                        Some((option, _)) => Err(Error::Usage(format!("{option}: {message}"))),
                        None => Err(Error::Config { file, line: None, key, message }),
                    },
                }
            }
            Err(other) => Err(other),
        }
    }
}

/// Options and the settings that they replace.
const OPTIONS: [(&str, &str); 4] = [
    ("--data", "data.size"),
    ("--dataset", "data.set"),
    ("--data-dir", "data.dir"),
    ("--seed", "study.seed"),
];

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

/// Settings of a study folder.
pub fn settings_of(folder: &StudyFolder) -> Result<StudySettings> {
    check_folder(folder)?;
    StudySettings::read(&folder.settings())
}

/// Refuses a folder that holds no study.
pub fn check_folder(folder: &StudyFolder) -> Result<()> {
    if !folder.settings().exists() {
        let text = "is no study folder (it has no study.toml)";
        let remedy = "name the folder that `spikeseek search` or `spikeseek train --save` wrote";
        return Err(Error::Usage(format!("{}: {text}; {remedy}", folder.path().display())));
    }
    Ok(())
}
