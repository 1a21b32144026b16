//! Parts of SCBO, scalable constrained Bayesian optimisation (D. Eriksson and M. Poloczek,
//! AISTATS 2021).
//!
//! [`trust_region`] is the box around the best point and the rules by which it moves, grows and
//! shrinks; [`candidates`] fills it with points; [`surrogate`] models objective and constraints;
//! [`choice`] picks among the candidates by what posterior draws say. The sampler
//! `search::sampler::scbo` puts them together. All of it works in the unit cube; values are maximised, a constraint is satisfied at c ≤ 0.

pub mod candidates;
pub mod choice;
pub mod surrogate;
pub mod trust_region;

/// Which of two sets of rules applies (spec hpo.md sections 0 and 4, scbo.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rules {
    /// The rules of the paper: centre at the best feasible point, else at the one that violates
    /// least; slack in one constraint makes up for nothing; a restart starts afresh; results that
    /// arrive late are judged by where they were proposed.
    #[default]
    Repaired,
    /// The rules of the reference study, faults included, to replay it: centre at the highest value
    /// whether feasible or not, signed sums of the constraints, restarts that never succeed again,
    /// every result counted.
    Compat,
}
