//! The folder of a LIF run that `train --save` writes.
//!
//! ```text
//! run.toml                 settings as resolved
//! checkpoint.safetensors   the network and the optimiser after the last whole epoch
//! metrics.jsonl            one JSON object an epoch
//! ```

use crate::error::{Error, Result};
use crate::study::folder::{StudyFolder, write_atomically};
use crate::train::lif::Checkpoint;
use crate::train::lif::run_file::RunFile;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What a run may change when it goes on: nothing that an epoch already trained depends on.
const FREE: [(&str, &str); 5] = [
    ("data", "dir"),
    ("training", "epochs"),
    ("training", "threads"),
    ("training", "time_limit_s"),
    ("training", "checkpoint_steps"),
];

/// Paths below the folder of a run.
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// The folder at a path, which need not exist.
    pub fn new(path: &Path) -> Self {
        RunFolder(path.to_path_buf())
    }

    /// Settings as resolved.
    pub fn settings(&self) -> PathBuf {
        self.0.join("run.toml")
    }

    /// The network after the last whole epoch.
    pub fn checkpoint(&self) -> PathBuf {
        self.0.join("checkpoint.safetensors")
    }

    fn metrics(&self) -> PathBuf {
        self.0.join("metrics.jsonl")
    }

    /// Refuses a folder that a run was begun in, for what is no LIF run.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub fn refuse_a_run(&self) -> Result<()> {
        match self.settings().exists() {
            true => Err(self.refuse("holds a run of a LIF network; choose another --save folder")),
            false => Ok(()),
        }
    }

    /// Whether a run was begun here, and no study.
    pub fn holds_a_run(&self) -> bool {
        self.settings().exists() && !self.holds_a_study()
    }

    fn holds_a_study(&self) -> bool {
        StudyFolder::new(&self.0).settings().exists()
    }

    /// Begins a run.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is something already; [`Error::Io`].
    pub fn begin(&self, file: &RunFile) -> Result<()> {
        if self.holds_a_study() {
            return Err(self.refuse("holds a study already; choose another --save folder"));
        }
        if self.settings().exists() {
            let text = "holds a run already; add --resume or choose another --save folder";
            return Err(self.refuse(text));
        }
        std::fs::create_dir_all(&self.0).map_err(Error::io(&self.0, "create the folder"))?;
        write_atomically(&self.settings(), file.to_toml()?.as_bytes())
    }

    /// The state that the run goes on from; None if it was stopped in its first epoch.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is no run, or one with other settings; as [`Checkpoint::load`].
    pub fn go_on(&self, file: &RunFile) -> Result<Option<Checkpoint>> {
        if !self.settings().exists() {
            return Err(self.refuse("holds no run to go on with; leave out --resume"));
        }
        self.compare(file)?;
        let checkpoint = self.load()?;
        let epochs = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.epochs);
        let noted = self.noted()?;
        // The line of an epoch is written before its checkpoint, so one more may be there.
        if noted.iter().any(|(epoch, _)| *epoch > epochs as u64 + 1) {
            let text = "metrics.jsonl has epochs that checkpoint.safetensors does not know; put back the \
                        checkpoint that belongs to it, or begin another run in another --save folder";
            return Err(self.refuse(text));
        }
        self.cut_metrics(&noted, epochs)?;
        write_atomically(&self.settings(), file.to_toml()?.as_bytes())?;
        Ok(checkpoint)
    }

    /// The checkpoint, if an epoch has ended.
    ///
    /// # Errors
    /// As [`Checkpoint::load`].
    pub fn load(&self) -> Result<Option<Checkpoint>> {
        self.checkpoint().exists().then(|| Checkpoint::load(&self.checkpoint())).transpose()
    }

    /// Notes what an epoch gave. To be called before its checkpoint is written: of an epoch that is trained
    /// again after a kill between the two, [`RunFolder::go_on`] takes the first line away.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn note(&self, epoch: &serde_json::Value) -> Result<()> {
        let path = &self.metrics();
        let open = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let mut file = open.map_err(Error::io(path, "create"))?;
        let written = file.write_all(format!("{epoch}\n").as_bytes());
        written.and_then(|()| file.sync_data()).map_err(Error::io(path, "write"))
    }

    /// An error about the folder.
    pub fn refuse(&self, text: &str) -> Error {
        Error::Usage(format!("{}: {text}", self.0.display()))
    }

    fn compare(&self, file: &RunFile) -> Result<()> {
        let path = self.settings();
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path, "read the settings"))?;
        let (then, now) = (entries(&RunFile::parse(&path, &text)?)?, entries(file)?);
        let all = then.iter().chain(&now);
        for (table, key, _) in all.filter(|(table, key, _)| !FREE.contains(&(table, key))) {
            let value = |of: &[Entry]| {
                let entry = of.iter().find(|entry| (&entry.0, &entry.1) == (table, key));
                entry.map_or("not set".to_string(), |entry| entry.2.clone())
            };
            let (then, now) = (value(&then), value(&now));
            if then != now {
                let text = format!(
                    "{table}.{key} was {then} when this run began and is {now} now; go on with the \
                     settings that it began with, or begin another run in another --save folder"
                );
                return Err(Error::Usage(format!("{}: {text}", path.display())));
            }
        }
        Ok(())
    }

    /// The epochs of the metrics with their lines; half a line that a kill left is none.
    fn noted(&self) -> Result<Vec<(u64, String)>> {
        let path = self.metrics();
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            text => text.map_err(Error::io(&path, "read"))?,
        };
        let known = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).ok()?;
            Some((value.get("epoch")?.as_u64()?, format!("{line}\n")))
        };
        Ok(text.lines().filter_map(known).collect())
    }

    /// Leaves the lines of so many epochs.
    fn cut_metrics(&self, noted: &[(u64, String)], epochs: usize) -> Result<()> {
        let kept = noted.iter().filter(|(epoch, _)| *epoch <= epochs as u64);
        let kept: String = kept.map(|(_, line)| line.as_str()).collect();
        write_atomically(&self.metrics(), kept.as_bytes())
    }
}

/// Table, key and value of a setting.
type Entry = (String, String, String);

fn entries(file: &RunFile) -> Result<Vec<Entry>> {
    let tables = file.to_table().map_err(|e| Error::Usage(format!("settings as TOML: {e}")))?;
    let tables = tables.into_iter().filter_map(|(name, value)| match value {
        toml::Value::Table(table) => Some((name, table)),
        _ => None,
    });
    let of_table = |(name, table): (String, toml::Table)| {
        let entries = table.into_iter();
        entries.map(move |(key, value)| (name.clone(), key, value.to_string()))
    };
    Ok(tables.flat_map(of_table).collect())
}
