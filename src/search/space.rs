//! The space of hyperparameters: variables, their domains and the points in it.

use serde::{Deserialize, Serialize};

/// How random values of a variable are spread over its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prior {
    /// Uniform in the value.
    #[default]
    Uniform,
    /// Uniform in the logarithm of the value.
    Log,
    /// Mirror image of [`Prior::Log`]: high − L + low with L log-uniform.
    ReversedLog,
}

/// The values that a variable may take; both bounds belong to the range.
#[derive(Debug, Clone, PartialEq)]
pub enum Domain {
    /// Real numbers.
    Float {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
        /// Spread of random values.
        prior: Prior,
    },
    /// Integers.
    Int {
        /// Lower bound.
        low: i64,
        /// Upper bound.
        high: i64,
        /// Spread of random values.
        prior: Prior,
    },
    /// One of several names.
    Categorical {
        /// The names.
        choices: Vec<String>,
    },
}

/// A named variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Name, the same as the network parameter or trial setting that it sets.
    pub name: String,
    /// Values that it may take.
    pub domain: Domain,
}

/// An ordered list of variables with distinct names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Space {
    /// The variables in their order.
    pub variables: Vec<Variable>,
}

/// The value of one variable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// Of a [`Domain::Float`].
    Float(f64),
    /// Of a [`Domain::Int`].
    Int(i64),
    /// Of a [`Domain::Categorical`]: index into its choices.
    Category(usize),
}

/// One value a variable, in the order of the space.
pub type Point = Vec<Value>;
