//! The journal: one append-only file that is the truth of a study.
//!
//! The file is in Optuna's journal format (one JSON operation a line), so Optuna and its dashboard
//! open it as it is:
//! `optuna.load_study(study_name=…, storage=JournalStorage(JournalFileBackend("journal.log")))`.
//!
//! **What survives a kill.** A trial begins with one line that holds its whole point: it is in the
//! file or it is not. A trial ends with a few lines in one write and one fsync, of which the last
//! one (state and value) counts: without it the trial is unfinished and the search repeats it under
//! its number, whose [`Journal::finish_trial`] then overwrites what was there.
//! A line that was cut off is ignored by readers and removed by [`Journal::open`].
//!
//! **How outcomes map to Optuna's states.**
//!
//! | outcome | state | value | constraints |
//! |---|---|---|---|
//! | COMPLETE | COMPLETE | yes | yes |
//! | SILENT | PRUNED | none | yes |
//! | TIMEOUT | PRUNED | none | those known |
//! | FAILED | FAIL | none | those known |
//!
//! The trial attribute `outcome` has the outcome itself. Constraints are the system attribute
//! `constraints`, the list that Optuna's samplers, `best_trial` and dashboard read.
//!
//! **Numbers** are written with the fewest digits that read back as the same bits. JSON has no
//! infinities and no NaN. So a constraint of +∞ or NaN becomes `f64::MAX` (infeasible either way), one
//! of −∞ becomes `f64::MIN`; an accuracy that is not finite is left out; a COMPLETE trial without a
//! finite value becomes FAILED, with a warning and the attribute `reason`.
//!
//! **Who writes.** One process, held by a lock of the operating system on the file, which ends with
//! the process however it ends. Readers need no lock. Optuna's programs may append notes meanwhile;
//! before each write the journal takes in what others appended.

use super::clock::timestamp;
use super::distribution::{distribution, encode, space_to_json};
use super::operations::{
    CreateStudy, CreateTrial, MAXIMIZE, Object, SetStudyUserAttr, SetTrialIntermediateValue,
    SetTrialStateValues, SetTrialSystemAttr, SetTrialUserAttr, State, Unreadable, parse, push,
};
use super::record::{Finished, Outcome, StudyRecord, Trial};
use super::replay::{CONSTRAINTS_KEY, Fault, OUTCOME_KEY, PROPOSAL_KEY, Replay, SPACE_KEY};
use crate::search::space::{Point, Space};
use crate::{Error, Result};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What to do about a line that cannot be read.
const REMEDY: &str = "put back a copy of the journal, or delete this line if it does not belong";

/// A journal open for appending; holds the lock.
pub struct Journal {
    path: PathBuf,
    file: File,
    content: Content,
}

/// Reads a journal, without a lock and without a change. A search may be writing to it.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] with the line where the file is no journal of a spikeseek study.
pub fn read(path: &Path) -> Result<StudyRecord> {
    let file = File::open(path).map_err(Error::io(path, "open"))?;
    let mut content = Content::default();
    if content.read_on(path, &file)? {
        tracing::warn!("{}: the last line is incomplete and is ignored", path.display());
    }
    content.record(path)
}

impl Journal {
    /// Makes a new journal with an empty study that maximises its value.
    ///
    /// `attributes` are noted with the study; [`StudyRecord::attributes`] gives them back. The key
    /// `spikeseek_space` is taken. The file appears whole or not at all.
    ///
    /// # Errors
    /// [`Error::Usage`] where the file exists or Optuna could not hold the space, [`Error::Locked`]
    /// where another process is just making it, [`Error::Io`].
    pub fn create(
        path: &Path,
        name: &str,
        space: &Space,
        attributes: &BTreeMap<String, Json>,
    ) -> Result<Journal> {
        let space = space_to_json(space).map_err(Error::Usage)?;
        refuse_existing(path)?;
        // The file is written and locked under another name, then renamed: the lock goes with it.
        let mut draft = path.as_os_str().to_owned();
        draft.push(".new");
        let draft = PathBuf::from(draft);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&draft)
            .map_err(Error::io(&draft, "create"))?;
        lock(path, &file)?;
        // Whoever made the journal since the first look held this lock until its rename.
        refuse_existing(path)?;
        file.set_len(0).map_err(Error::io(&draft, "truncate"))?;

        let mut journal = Journal { path: draft.clone(), file, content: Content::default() };
        let mut lines = Lines::default();
        lines.push(&CreateStudy { study_name: name.to_string(), directions: vec![MAXIMIZE] });
        let attributes = attributes.iter().filter(|(key, _)| *key != SPACE_KEY);
        for (key, value) in attributes.chain([(&SPACE_KEY.to_string(), &space)]) {
            lines.push(&SetStudyUserAttr { study_id: 0, user_attr: one(key, value) });
        }
        journal.append(lines)?;
        journal.file.sync_all().map_err(Error::io(&draft, "write"))?;
        std::fs::rename(&draft, path).map_err(Error::io(path, "create"))?;
        sync_folder(path)?;
        journal.path = path.to_path_buf();
        Ok(journal)
    }

    /// Opens a journal to append to it. A last line that was cut off is removed from the file.
    ///
    /// # Errors
    /// [`Error::Locked`] where another process appends to it; else as [`read`].
    pub fn open(path: &Path) -> Result<(Journal, StudyRecord)> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(path)
            .map_err(Error::io(path, "open"))?;
        lock(path, &file)?;
        let mut content = Content::default();
        let torn = content.read_on(path, &file)?;
        // Before anything is removed: is this file a journal of ours at all?
        let record = content.record(path)?;
        let journal = Journal { path: path.to_path_buf(), file, content };
        if torn {
            journal.remove_torn_line()?;
        }
        Ok((journal, record))
    }

    /// Notes that the trial begins, with what the sampler noted of its proposal. Numbers ascend from 0 without gaps. An unfinished trial that is
    /// repeated after a kill is not started again. Not flushed to the disk: a trial whose start is
    /// lost with the machine is asked for again.
    ///
    /// # Errors
    /// [`Error::Usage`] where the number is not the next one or the point no point of the space;
    /// else as [`read`].
    pub fn start_trial(
        &mut self,
        number: u64,
        point: &Point,
        proposal: &BTreeMap<String, Json>,
        start: SystemTime,
    ) -> Result<()> {
        self.read_on()?;
        let replay = &self.content.replay;
        let next = replay.trial_count();
        if number != next {
            return Err(self.usage(format!(
                "trial {number} cannot begin, the next one is {next}; did another program add a \
                 trial to this study?"
            )));
        }
        let (Some(study_id), Some(space)) = (replay.study_id(), replay.space()) else {
            return Err(self.usage("the journal has no study".to_string()));
        };
        let variables = &space.variables;
        if point.len() != variables.len() {
            let (values, needed) = (point.len(), variables.len());
            return Err(
                self.usage(format!("trial {number}: {values} values for {needed} variables"))
            );
        }
        let mut trial = CreateTrial {
            study_id,
            datetime_start: Some(timestamp(start)),
            ..CreateTrial::default()
        };
        for (variable, &value) in variables.iter().zip(point) {
            let name = variable.name.clone();
            let Some(stored) = encode(&variable.domain, value) else {
                let domain = &variable.domain;
                return Err(
                    self.usage(format!("trial {number}: `{name}`: {value:?} is not in {domain:?}"))
                );
            };
            trial.distributions.insert(name.clone(), distribution(&variable.domain).into());
            trial.params.insert(name, stored);
        }
        if !proposal.is_empty() {
            trial.user_attrs = one(PROPOSAL_KEY, &json!(proposal));
        }
        let mut lines = Lines::default();
        lines.push(&trial);
        self.append(lines)?;
        // Another program may have slipped in a trial of its own between our look and our write.
        if !self.content.replay.has_point(number, point) {
            return Err(self.usage(format!("another program added trial {number} to this study")));
        }
        Ok(())
    }

    /// The trial as another program ended it, if one did while it ran here.
    ///
    /// # Errors
    /// As [`read`].
    pub fn ended_elsewhere(&mut self, number: u64) -> Result<Option<Trial>> {
        self.read_on()?;
        if self.content.replay.trial(number).is_none_or(|(_, done)| !done) {
            return Ok(None);
        }
        let trials = self.content.record(&self.path)?.trials;
        Ok(trials.into_iter().find(|trial| trial.number == number))
    }

    /// Notes how the trial ended: one write and one fsync. A trial that has already finished (by a
    /// command of Optuna, say) keeps its first result, with a warning.
    ///
    /// The attributes `outcome` and `proposal` are taken; an accuracy or constraint that is not finite is changed as
    /// the head of this file says.
    ///
    /// # Errors
    /// [`Error::Usage`] where the trial never began; else as [`read`].
    pub fn finish_trial(
        &mut self,
        number: u64,
        finished: &Finished,
        end: SystemTime,
    ) -> Result<()> {
        self.read_on()?;
        let Some((trial_id, done)) = self.content.replay.trial(number) else {
            return Err(self.usage(format!("trial {number} cannot end, it never began")));
        };
        if done {
            let path = self.path.display();
            tracing::warn!("{path}: trial {number} has finished before; its new result is dropped");
            return Ok(());
        }
        let mut settled = finished.clone();
        settled.settle();
        let Finished { outcome, value, intermediate, attributes, constraints } = settled;
        if outcome != finished.outcome {
            tracing::warn!("trial {number} counts as failed: its value is no finite number");
        }
        let mut lines = Lines::default();
        for &(step, accuracy) in intermediate.iter().filter(|(_, a)| a.is_finite()) {
            let intermediate_value = Some(accuracy);
            lines.push(&SetTrialIntermediateValue { trial_id, step, intermediate_value });
        }
        let own = |key: &String| key != OUTCOME_KEY && key != PROPOSAL_KEY;
        for (key, value) in attributes.iter().filter(|(key, _)| own(key)) {
            lines.push(&SetTrialUserAttr { trial_id, user_attr: one(key, value) });
        }
        lines.push(&SetTrialUserAttr {
            trial_id,
            user_attr: one(OUTCOME_KEY, &outcome.name().into()),
        });
        if !constraints.is_empty() {
            let constraints: Vec<f64> = constraints.iter().map(|&c| limited(c)).collect();
            let system_attr = one(CONSTRAINTS_KEY, &constraints.into());
            lines.push(&SetTrialSystemAttr { trial_id, system_attr });
        }
        lines.push(&SetTrialStateValues {
            trial_id,
            state: match outcome {
                Outcome::Complete => State::Complete,
                Outcome::Silent | Outcome::Timeout => State::Pruned,
                Outcome::Failed => State::Fail,
            },
            values: value.map(|value| vec![Some(value)]),
            datetime_complete: Some(timestamp(end)),
        });
        self.append(lines)?;
        self.file.sync_data().map_err(|e| self.io("write", e))
    }

    /// Appends in one write, then reads the lines back: the content is always that of the file.
    fn append(&mut self, lines: Lines) -> Result<()> {
        let bytes = lines.0.map_err(|e| self.io("encode", e.into()))?;
        if let Err(error) = (&self.file).write_all(&bytes) {
            // The disk is full, perhaps: leave no half of it. If that fails too, readers cope.
            let _ = self.file.set_len(self.content.offset);
            return Err(self.io("write", error));
        }
        self.read_on()
    }

    /// Takes in what was appended since the last reading.
    fn read_on(&mut self) -> Result<()> {
        if self.content.read_on(&self.path, &self.file)? {
            self.remove_torn_line()?;
        }
        Ok(())
    }

    fn remove_torn_line(&self) -> Result<()> {
        let path = self.path.display();
        tracing::warn!("{path}: the last line was cut off by a kill and is removed");
        self.file.set_len(self.content.offset).map_err(|e| self.io("truncate", e))
    }

    fn io(&self, action: &'static str, source: std::io::Error) -> Error {
        Error::io(&self.path, action)(source)
    }

    fn usage(&self, message: String) -> Error {
        Error::Usage(format!("{}: {message}", self.path.display()))
    }
}

/// The part of the file that has been read: whole lines only.
#[derive(Default)]
struct Content {
    replay: Replay,
    /// Where the next line begins, in bytes.
    offset: u64,
    /// Lines so far.
    lines: u64,
}

impl Content {
    /// Reads from the offset to the end. True where the last line is not whole: it has no line end
    /// or is no JSON. That line is not counted.
    fn read_on(&mut self, path: &Path, mut file: &File) -> Result<bool> {
        let length = file.metadata().map_err(Error::io(path, "read"))?.len();
        if length < self.offset {
            let expected = format!("at least {} bytes", self.offset);
            let found = format!("{length}; another program has shortened the journal");
            return Err(Error::format(path, "end of file", expected, found));
        }
        file.seek(SeekFrom::Start(self.offset)).map_err(Error::io(path, "read"))?;
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line).map_err(Error::io(path, "read"))?;
            if line.last() != Some(&b'\n') {
                return Ok(length > 0);
            }
            let number = self.lines + 1;
            let wrong = |expected: String, found: String| {
                Error::format(path, format!("line {number}"), expected, found)
            };
            let (own, operation) = match parse(&line) {
                Ok(parsed) => parsed,
                Err(Unreadable::NotJson(error)) => {
                    if reader.fill_buf().map_err(Error::io(path, "read"))?.is_empty() {
                        return Ok(true);
                    }
                    let found = format!("{} ({error}); {REMEDY}", excerpt(&line));
                    return Err(wrong("a journal operation as JSON".to_string(), found));
                }
                Err(Unreadable::NotAnOperation(what)) => {
                    let found = format!("{what} in {}; {REMEDY}", excerpt(&line));
                    return Err(wrong("an operation of Optuna's journal".to_string(), found));
                }
            };
            self.replay
                .apply(number, own, operation)
                .map_err(|Fault { expected, found }| wrong(expected, found))?;
            self.offset += length as u64;
            self.lines = number;
        }
    }

    fn record(&self, path: &Path) -> Result<StudyRecord> {
        self.replay.record().map_err(|(line, Fault { expected, found })| {
            let place = line.map_or("whole file".to_string(), |line| format!("line {line}"));
            Error::format(path, place, expected, found)
        })
    }
}

/// Lines to be appended together; keeps the first error.
struct Lines(serde_json::Result<Vec<u8>>);

impl Default for Lines {
    fn default() -> Lines {
        Lines(Ok(Vec::new()))
    }
}

impl Lines {
    fn push(&mut self, operation: &impl super::operations::Written) {
        if let Ok(bytes) = &mut self.0
            && let Err(error) = push(bytes, operation)
        {
            self.0 = Err(error);
        }
    }
}

/// The nearest number that JSON has; what is not a number counts as infeasible.
fn limited(constraint: f64) -> f64 {
    if constraint.is_nan() { f64::MAX } else { constraint.clamp(f64::MIN, f64::MAX) }
}

fn one(key: &str, value: &Json) -> Object {
    Object::from_iter([(key.to_string(), value.clone())])
}

/// The first characters of a line, for a message.
fn excerpt(line: &[u8]) -> String {
    const LIMIT: usize = 60;
    let text = String::from_utf8_lossy(&line[..line.len().min(LIMIT)]);
    let dots = if line.len() > LIMIT { "…" } else { "" };
    format!("{:?}{dots}", text.trim_end())
}

fn refuse_existing(path: &Path) -> Result<()> {
    if path.try_exists().map_err(Error::io(path, "read"))? {
        return Err(Error::Usage(format!(
            "{}: there is a study already; continue it with --resume, or choose another --save folder",
            path.display()
        )));
    }
    Ok(())
}

fn lock(path: &Path, file: &File) -> Result<()> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => Error::Locked { path: path.to_path_buf() },
        TryLockError::Error(source) => Error::io(path, "lock")(source),
    })
}

/// Makes the new name of the file survive a loss of power.
fn sync_folder(path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder).and_then(|f| f.sync_all()).map_err(Error::io(folder, "write"))
}
