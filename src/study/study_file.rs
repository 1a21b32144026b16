//! A study file of any kind of network, as the search sees it.

use super::frame::Frame;
use super::lif_study::LifStudy;
use super::settings::StudySettings;
use super::toml_check::read_text;
use crate::error::Result;
use crate::execute::{Objective, TrialOutput};
use crate::random::Key;
use crate::search::space::Space;
use crate::train::lif::Loading;
use crate::train::lif::run_file::RunFile;
use crate::train::{lif::run_lif_trial, run_trial};
use std::path::Path;
use std::sync::Arc;

/// A study file, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub enum StudyFile {
    /// Diehl & Cook networks.
    Stdp(Box<StudySettings>),
    /// Stacks of LIF layers.
    Lif(Box<LifStudy>),
}

impl StudyFile {
    /// Reads a study file.
    ///
    /// # Errors
    /// What [`read_text`] gives, and [`Error::Config`](crate::error::Error::Config).
    pub fn read(path: &Path) -> Result<StudyFile> {
        Self::parse(path, &read_text(path)?)
    }

    /// Parses and checks a study file; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config).
    pub fn parse(path: &Path, text: &str) -> Result<StudyFile> {
        match RunFile::is_one(path, text) {
            true => LifStudy::parse(path, text).map(|study| StudyFile::Lif(Box::new(study))),
            false => StudySettings::parse(path, text).map(|study| StudyFile::Stdp(Box::new(study))),
        }
    }

    /// What every study file has.
    pub fn frame(&self) -> &Frame {
        match self {
            StudyFile::Stdp(study) => &study.frame,
            StudyFile::Lif(study) => &study.frame,
        }
    }

    /// The same, to be changed.
    pub fn frame_mut(&mut self) -> &mut Frame {
        match self {
            StudyFile::Stdp(study) => &mut study.frame,
            StudyFile::Lif(study) => &mut study.frame,
        }
    }

    /// Takes over what may change while a study goes on: the budget and the place of the data.
    pub fn take_movable(&mut self, other: &StudyFile) {
        self.frame_mut().budget = other.frame().budget;
        match (self, other) {
            (StudyFile::Stdp(study), StudyFile::Stdp(other)) => {
                study.data.dir.clone_from(&other.data.dir);
            }
            (StudyFile::Lif(study), StudyFile::Lif(other)) => {
                study.run.data.dir.clone_from(&other.run.data.dir);
            }
            _ => {}
        }
    }

    /// The study file that gives these settings, everything written out.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::error::Error::Usage) where a number has no place in TOML.
    pub fn to_toml(&self) -> Result<String> {
        match self {
            StudyFile::Stdp(study) => study.to_toml(),
            StudyFile::Lif(study) => study.to_toml(),
        }
    }

    /// Loads the data and gives what computes the trials. Values that are allowed one by one and do not go
    /// together make a trial fail.
    ///
    /// # Errors
    /// What loading the data gives.
    pub fn objective(
        &self,
        space: &Space,
        record_time: bool,
        loading: Loading<'_>,
    ) -> Result<Arc<Objective>> {
        let space = space.clone();
        let failed = |(name, text): (String, String)| {
            Some(TrialOutput::failed(&format!("`{name}`: {text}")))
        };
        match self.clone() {
            StudyFile::Stdp(study) => {
                let task = study.task()?;
                let key = Key::new(study.frame.study.seed);
                Ok(Arc::new(move |job, control| {
                    let mut trial = match study.trial(&space, &job.point) {
                        Ok(trial) => trial,
                        Err(wrong) => return failed(wrong),
                    };
                    trial.record_time = record_time;
                    run_trial(&task, &trial, key.trial(job.number), control)
                }))
            }
            StudyFile::Lif(study) => {
                let samples = study.samples(loading)?;
                Ok(Arc::new(move |job, control| {
                    let mut trial = match study.trial(&space, &job.point, &samples) {
                        Ok(trial) => trial,
                        Err(wrong) => return failed(wrong),
                    };
                    trial.record_time = record_time;
                    trial.settings.trial = job.number;
                    run_lif_trial(&samples, &trial, control)
                }))
            }
        }
    }
}
