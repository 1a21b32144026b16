//! The ask/tell contract between a study and what proposes its points.
//!
//! A new sampler is one file here, with its `ENTRY`, and its line in [`SAMPLERS`]; the suite
//! `tests/sampler_contract.rs` then runs against it.

mod random;
pub mod scbo;
mod shown;
mod sobol;

use super::space::{Point, Space};
use crate::error::Result;
use crate::study::record::Trial;
use crate::study::toml_check::{Document, unknown};
use std::collections::BTreeMap;
use std::ops::Range;

/// A point to evaluate.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// One value a variable of the space.
    pub point: Point,
    /// What the sampler wants to be remembered of the proposal (such as the size of its trust
    /// region). The journal keeps it from the start of the trial and gives it back in
    /// [`Trial::proposal`].
    pub attributes: BTreeMap<String, serde_json::Value>,
}

/// Proposes points and learns from what became of them.
///
/// The proposals are a function of the seed, of the numbers asked for, of the points pending and of
/// the trials told before, in the order of telling; of nothing else (no clock, no state of another
/// run).
///
/// A search tells trials in the order of their numbers. Before it asks for trial k it has told those
/// below k − [`lag`](Sampler::lag), and no others even if more have ended. So the points of a study
/// depend neither on the number of workers nor on which of them is fast, and a study resumes by
/// telling a new sampler the same trials.
pub trait Sampler: Send {
    /// Proposes one point for each trial number, in order. Numbers are given out once, rising from
    /// 0. `pending` holds every trial that was proposed and is not told yet.
    fn ask(&mut self, numbers: Range<u64>, pending: &[&Trial]) -> Vec<Proposal>;

    /// Takes note of a finished trial, whatever its outcome. Each is told once.
    fn tell(&mut self, trial: &Trial);

    /// How many trials right before it a proposal does without: as many run side by side, and one more.
    /// `u64::MAX` if it needs none.
    fn lag(&self) -> u64;
}

/// What a sampler is built from.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// The space to search; it has at least one variable.
    pub space: &'a Space,
    /// Seed of the study.
    pub seed: u64,
    /// The study file: a sampler reads its own settings from the table [`TABLE`].
    pub document: &'a Document<'a>,
}

/// The table of the study file that names the sampler and holds its settings.
pub const TABLE: &str = "sampler";

/// A sampler that can be chosen by name.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its name in the study file.
    pub name: &'static str,
    /// Whether proposals depend on the trials told. If not, the k-th point depends on the seed and
    /// on k alone.
    pub adaptive: bool,
    /// Makes one; checks the settings.
    pub build: fn(&Setup<'_>) -> Result<Box<dyn Sampler>>,
}

/// Every sampler.
pub const SAMPLERS: &[Entry] = &[random::ENTRY, sobol::ENTRY, scbo::ENTRY];

/// Name of the sampler of a study file that names none.
pub const DEFAULT: &str = scbo::ENTRY.name;

/// Builds the sampler that `sampler.name` of the study file asks for, [`DEFAULT`] if it is missing.
///
/// # Errors
/// [`Error::Config`](crate::Error::Config) for an unknown name, with the list of them, and for settings
/// that the sampler does not accept.
pub fn build(setup: &Setup<'_>) -> Result<Box<dyn Sampler>> {
    let path = [TABLE, "name"];
    let name = setup.document.get(&path)?.unwrap_or_else(|| DEFAULT.to_string());
    match SAMPLERS.iter().find(|entry| entry.name == name) {
        Some(entry) => (entry.build)(setup),
        None => {
            let names: Vec<&str> = SAMPLERS.iter().map(|entry| entry.name).collect();
            Err(setup.document.error(&path, &unknown("sampler", &name, &names)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::search::space::{Domain, Prior, Variable};
    use std::path::Path;

    fn space(dimensions: usize) -> Space {
        let domain = Domain::Float { low: 0.0, high: 1.0, prior: Prior::Uniform };
        let variables = (0..dimensions)
            .map(|i| Variable { name: format!("x{i}"), domain: domain.clone() })
            .collect();
        Space { variables }
    }

    fn refused(dimensions: usize, text: &str) -> (Option<usize>, String, String) {
        let document = Document::parse(Path::new("study.toml"), text).unwrap();
        let space = space(dimensions);
        match build(&Setup { space: &space, seed: 1, document: &document }) {
            Err(Error::Config { line, key, message, .. }) => (line, key, message),
            Err(other) => panic!("{text:?}: {other}"),
            Ok(_) => panic!("{text:?}: accepted"),
        }
    }

    #[test]
    fn a_wrong_name_lists_the_right_ones() {
        let (line, key, message) = refused(1, "\n[sampler]\nname = \"sobel\"\n");
        assert_eq!((line, key.as_str()), (Some(3), "sampler.name"));
        assert!(message.contains("did you mean `sobol`?"), "{message}");
        assert!(SAMPLERS.iter().all(|entry| message.contains(entry.name)), "{message}");
        let (line, key, message) = refused(1, "[sampler]\nname = \"\"\n");
        assert_eq!((line, key.as_str()), (Some(2), "sampler.name"));
        assert!(message.contains("`random`, `sobol`"), "{message}");
    }

    #[test]
    fn a_study_that_names_none_gets_scbo() {
        let document = Document::parse(Path::new("study.toml"), "[sampler]\nlag = 3").unwrap();
        let sampler = build(&Setup { space: &space(2), seed: 1, document: &document }).unwrap();
        assert_eq!((DEFAULT, sampler.lag()), ("scbo", 3));
    }

    #[test]
    fn unknown_settings_are_refused() {
        for name in ["random", "sobol"] {
            let (line, key, _) = refused(1, &format!("[sampler]\nname = \"{name}\"\nbatch = 3\n"));
            assert_eq!((line, key.as_str()), (Some(3), "sampler.batch"), "{name}");
        }
    }

    #[test]
    fn sobol_refuses_more_dimensions_than_it_has() {
        let (line, key, message) = refused(129, "[sampler]\nname = \"sobol\"\n");
        assert_eq!((line, key.as_str()), (Some(2), "sampler.name"));
        assert!(message.contains("at most 128 dimensions"), "{message}");
    }

    #[test]
    fn names_are_distinct() {
        for (i, entry) in SAMPLERS.iter().enumerate() {
            assert!(SAMPLERS[..i].iter().all(|other| other.name != entry.name), "{}", entry.name);
        }
    }
}
