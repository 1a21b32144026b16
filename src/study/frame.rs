//! What every study file has, whatever its networks are: name and seed, space, sampler, budget.

use super::toml_check::Document;
use crate::error::{Error, Result};
use crate::search::sampler::{self, DEFAULT};
use crate::search::space::Value::Category as Choice;
use crate::search::space::{Domain, Point, Space};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// Name and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyTable {
    /// Name of the study.
    pub name: String,
    /// Seed of all its randomness.
    #[serde(default = "one")]
    pub seed: u64,
}

fn one() -> u64 {
    1
}

/// When a search ends: after so many trials, so many minutes, or whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetTable {
    /// Trials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// Wall-clock minutes of one run of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
}

/// A name and the value that it takes in a trial.
pub type Setting = (String, Value);

/// The tables `[study]`, `[space]`, `[sampler]` and `[budget]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// `[study]`.
    pub study: StudyTable,
    /// `[space]`; None in a file that fixes everything.
    pub space: Option<Space>,
    /// `[sampler]` as it is written.
    pub sampler: toml::Table,
    /// `[budget]`.
    pub budget: BudgetTable,
}

impl Frame {
    /// Names of the tables.
    pub const TABLES: [&str; 4] = ["study", "space", "sampler", "budget"];

    /// Reads and checks the tables.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn from_document(document: &Document<'_>) -> Result<Frame> {
        let space = match document.keys(&["space"])?.is_empty() {
            true => None,
            false => Some(Space::from_document(document)?),
        };
        let mut sampler: toml::Table = document.table(&["sampler"])?;
        // Written out, so that a study folder says which one it was.
        sampler.entry("name").or_insert(DEFAULT.into());
        let frame = Frame {
            study: document.table(&["study"])?,
            space,
            sampler,
            budget: document.table(&["budget"])?,
        };
        let outside = |path: &[&str], found: &dyn std::fmt::Display, allowed: &str| {
            Err(document.error(path, &format!("{found} is not allowed; give {allowed}")))
        };
        let name = &frame.study.name;
        let sound = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(sound) {
            let allowed = "letters, digits, '-', '_' and '.', not starting with '.'";
            return outside(&["study", "name"], &format!("\"{name}\""), allowed);
        }
        if let Some(minutes) = frame.budget.minutes
            && (Duration::try_from_secs_f64(minutes * 60.0).is_err() || minutes <= 0.0)
        {
            return outside(&["budget", "minutes"], &minutes, "a number above 0");
        }
        if frame.budget.calls == Some(0) {
            return outside(&["budget", "calls"], &0, "a number above 0");
        }
        Ok(frame)
    }

    /// Checks that every variable sets something and both ends of its range are accepted, and that the
    /// sampler can be built. `accept` gives name and text of what is wrong with a setting.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check_space(
        &self,
        document: &Document<'_>,
        accept: impl Fn(Setting) -> std::result::Result<(), (String, String)>,
    ) -> Result<()> {
        let Some(space) = &self.space else { return Ok(()) };
        for variable in &space.variables {
            let values = match &variable.domain {
                Domain::Categorical { choices } => (0..choices.len()).map(Choice).collect(),
                domain => vec![domain.from_unit(0.0), domain.from_unit(1.0)],
            };
            for value in values {
                let setting = (variable.name.clone(), variable.json(value));
                if let Err((name, message)) = accept(setting) {
                    return Err(document.error(&["space", &name], &message));
                }
            }
        }
        let setup = sampler::Setup { space, seed: self.study.seed, document };
        sampler::build(&setup).map(drop)
    }

    /// The frame of one network: no space, and nothing that a search needs.
    pub fn without_search(&self) -> Frame {
        let study = self.study.clone();
        let sampler = toml::Table::from_iter([("name".to_string(), DEFAULT.into())]);
        Frame { study, space: None, sampler, budget: BudgetTable::default() }
    }

    /// The settings of a point.
    pub fn settings_of(space: &Space, point: &Point) -> Vec<Setting> {
        let variables = space.variables.iter().zip(point);
        variables.map(|(variable, &value)| (variable.name.clone(), variable.json(value))).collect()
    }

    /// The study file of these tables and those of the model, everything written out.
    ///
    /// # Errors
    /// [`Error::Usage`] where a number has no place in TOML.
    pub fn to_toml(&self, model: toml::Table) -> Result<String> {
        let failed = |e: toml::ser::Error| Error::Usage(format!("cannot write the settings: {e}"));
        let mut root = model;
        let mut insert = |name: &str, value: toml::Value| root.insert(name.to_string(), value);
        insert("study", toml::Value::try_from(&self.study).map_err(failed)?);
        insert("sampler", self.sampler.clone().into());
        insert("budget", toml::Value::try_from(self.budget).map_err(failed)?);
        let mut text = toml::to_string(&root).map_err(failed)?;
        if let Some(space) = &self.space {
            text.push('\n');
            text.push_str(&space.to_toml());
        }
        Ok(text)
    }
}
