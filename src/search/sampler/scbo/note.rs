//! What a proposal of the sampler notes of itself.

use crate::search::gp::Hyper;
use crate::search::scbo::surrogate::OBJECTIVE;
use crate::search::scbo::trust_region::Origin;
use crate::study::record::Trial;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Trial attribute that holds the [`Note`].
pub const NOTE: &str = "scbo";

/// What a proposal notes of itself; the journal keeps it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// Number of the region, from 0.
    pub restart: u64,
    /// Length of the box; none for a point of the design.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub length: Option<f64>,
    /// Successes in a row at the time.
    #[serde(default)]
    pub successes: usize,
    /// Failures in a row at the time.
    #[serde(default)]
    pub failures: usize,
    /// Predicted probability that the point satisfies every constraint.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub feasibility: Option<f64>,
    /// Hyperparameters of each model by its name; empty for a point of the design.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub models: BTreeMap<String, Hyper>,
    /// Variables whose lengthscale sits at its upper bound in the objective's model: it hardly
    /// depends on them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub at_upper_bound: Vec<String>,
    /// Variables whose lengthscale sits at its lower bound there.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub at_lower_bound: Vec<String>,
}

impl Note {
    /// The note of a trial; None where another sampler proposed it.
    pub fn of(trial: &Trial) -> Option<Note> {
        trial.proposal.get(NOTE).and_then(|note| Note::deserialize(note).ok())
    }

    /// Whether most lengthscales of the objective sit at a bound.
    pub fn mostly_at_bounds(&self) -> bool {
        let dimensions = self.models.get(OBJECTIVE).map_or(0, |hyper| hyper.lengthscales.len());
        2 * (self.at_upper_bound.len() + self.at_lower_bound.len()) > dimensions
    }

    pub(super) fn origin(&self) -> Origin {
        Origin { restart: self.restart, length: self.length }
    }
}
