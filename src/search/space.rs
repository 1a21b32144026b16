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

/// Largest absolute value of an integer bound. Every integer of a smaller range has a part of the
/// unit interval that is far wider than the rounding error of a double, under each prior.
pub const MAX_INT: i64 = 1 << 31;

impl Domain {
    /// Checks that the domain has a value and that its prior exists.
    ///
    /// # Errors
    /// What is wrong and what is allowed, for the message of whoever read the domain from a file.
    pub fn check(&self) -> std::result::Result<(), String> {
        match self {
            Domain::Float { low, high, prior } => {
                if !low.is_finite() || !high.is_finite() {
                    return Err(format!("bounds must be finite numbers, found [{low}, {high}]"));
                }
                if low >= high {
                    return Err(format!("low must be below high, found [{low}, {high}]"));
                }
                if !(high - low).is_finite() {
                    return Err(format!("the range [{low}, {high}] is too wide for a double"));
                }
                check_prior(*prior, *low)?;
                if *prior != Prior::Uniform && low.ln() >= high.ln() {
                    return Err(format!(
                        "[{low}, {high}] is too narrow for a logarithmic prior; use prior = \"uniform\""
                    ));
                }
                Ok(())
            }
            Domain::Int { low, high, prior } => {
                if low > high {
                    return Err(format!("low must not be above high, found [{low}, {high}]"));
                }
                if *low < -MAX_INT || *high > MAX_INT {
                    return Err(format!(
                        "integer bounds must lie in [-{MAX_INT}, {MAX_INT}], found [{low}, {high}]; \
                         use `float` for wider ranges"
                    ));
                }
                check_prior(*prior, *low as f64)
            }
            Domain::Categorical { choices } => {
                if choices.is_empty() {
                    return Err("at least one choice is needed".to_string());
                }
                for (i, choice) in choices.iter().enumerate() {
                    if choices[..i].contains(choice) {
                        return Err(format!("the choice \"{choice}\" is given twice"));
                    }
                }
                Ok(())
            }
        }
    }

    /// Whether the value is one of the domain.
    pub fn contains(&self, value: Value) -> bool {
        match (self, value) {
            (Domain::Float { low, high, .. }, Value::Float(x)) => (*low..=*high).contains(&x),
            (Domain::Int { low, high, .. }, Value::Int(i)) => (*low..=*high).contains(&i),
            (Domain::Categorical { choices }, Value::Category(c)) => c < choices.len(),
            _ => false,
        }
    }

    /// The value at quantile `u` of the prior, so that a uniform `u` gives the prior. Never falls
    /// with `u`; 0 gives the lower bound (first choice) and 1 the upper bound (last choice)
    /// exactly; `u` outside [0, 1] is clamped, NaN counts as 0.
    ///
    /// * float, uniform: low + u·(high − low); log: L(u) = low^(1−u)·high^u; reversed log:
    ///   high − L(1 − u) + low.
    /// * int, uniform: high − low + 1 bins of equal width; log: ⌊L(u)⌋ with L log-uniform over
    ///   [low, high + 1); reversed log: high − ⌊L(1 − u)⌋ + low.
    /// * category: bins of equal width.
    ///
    /// Spec hpo.md section 3, with integers rounded right at both ends. The domain must have passed
    /// [`Domain::check`].
    pub fn from_unit(&self, u: f64) -> Value {
        let u = if u > 0.0 { u.min(1.0) } else { 0.0 };
        match self {
            // The bounds apart: rounding would miss them: 0.01 − 0.001 + 0.001 is not 0.01.
            Domain::Float { low, .. } if u == 0.0 => Value::Float(*low),
            Domain::Float { high, .. } if u == 1.0 => Value::Float(*high),
            Domain::Float { low, high, prior } => {
                let x = match prior {
                    Prior::Uniform => low + u * (high - low),
                    Prior::Log => log_uniform(*low, *high, u),
                    Prior::ReversedLog => high - log_uniform(*low, *high, 1.0 - u) + low,
                };
                Value::Float(x.clamp(*low, *high))
            }
            Domain::Int { low, high, prior } => Value::Int(match prior {
                Prior::Uniform => low + bin(u, (high - low + 1) as usize) as i64,
                Prior::Log => log_integer(*low, *high, u),
                Prior::ReversedLog => high - log_integer(*low, *high, 1.0 - u) + low,
            }),
            Domain::Categorical { choices } => Value::Category(bin(u, choices.len())),
        }
    }

    /// The quantile of a value under the prior; the middle of its bin for integers and categories.
    /// The inverse of [`Domain::from_unit`]. Values out of range give the nearest bound.
    ///
    /// # Panics
    /// If the value is of another kind than the domain; see [`Domain::contains`].
    pub fn to_unit(&self, value: Value) -> f64 {
        let u = match (self, value) {
            (Domain::Float { low, high, prior }, Value::Float(x)) => match prior {
                Prior::Uniform => (x - low) / (high - low),
                Prior::Log => log_quantile(*low, *high, x),
                Prior::ReversedLog => 1.0 - log_quantile(*low, *high, high - x + low),
            },
            (Domain::Int { low, high, prior }, Value::Int(i)) => {
                let (first, end) = (*low as f64, (high + 1) as f64);
                let log_middle = |i: i64| {
                    let edges = [i, i + 1].map(|edge| log_quantile(first, end, edge as f64));
                    0.5 * (edges[0] + edges[1])
                };
                let i = i.clamp(*low, *high);
                match prior {
                    Prior::Uniform => ((i - low) as f64 + 0.5) / (end - first),
                    Prior::Log => log_middle(i),
                    Prior::ReversedLog => 1.0 - log_middle(high - i + low),
                }
            }
            (Domain::Categorical { choices }, Value::Category(c)) => {
                (c as f64 + 0.5) / choices.len() as f64
            }
            (domain, value) => panic!("{value:?} is not a value of {domain:?}"),
        };
        u.clamp(0.0, 1.0)
    }
}

impl Variable {
    /// A value of this variable as JSON: a number, or the name of the choice.
    pub fn json(&self, value: Value) -> serde_json::Value {
        match (value, &self.domain) {
            (Value::Float(x), _) => x.into(),
            (Value::Int(x), _) => x.into(),
            (Value::Category(k), Domain::Categorical { choices }) => choices.get(k).cloned().into(),
            (Value::Category(k), _) => k.into(),
        }
    }
}

impl Space {
    /// Number of variables.
    pub fn dimensions(&self) -> usize {
        self.variables.len()
    }

    /// Whether the point has one value of each variable's domain.
    pub fn contains(&self, point: &[Value]) -> bool {
        point.len() == self.dimensions()
            && self.variables.iter().zip(point).all(|(v, value)| v.domain.contains(*value))
    }

    /// The point at these quantiles, one a variable; see [`Domain::from_unit`].
    ///
    /// # Panics
    /// If there are more or fewer quantiles than variables.
    pub fn from_unit(&self, unit: &[f64]) -> Point {
        assert_eq!(unit.len(), self.dimensions(), "one coordinate a variable");
        self.variables.iter().zip(unit).map(|(v, u)| v.domain.from_unit(*u)).collect()
    }

    /// The quantiles of a point, one a variable; see [`Domain::to_unit`].
    ///
    /// # Panics
    /// If the point is not of this space's kinds and length.
    pub fn to_unit(&self, point: &[Value]) -> Vec<f64> {
        assert_eq!(point.len(), self.dimensions(), "one value a variable");
        self.variables.iter().zip(point).map(|(v, value)| v.domain.to_unit(*value)).collect()
    }
}

fn check_prior(prior: Prior, low: f64) -> std::result::Result<(), String> {
    if prior != Prior::Uniform && low <= 0.0 {
        return Err(format!(
            "a logarithmic prior needs low > 0, found {low}; raise it or use prior = \"uniform\""
        ));
    }
    Ok(())
}

/// Number of the bin, of `n` of equal width, that `u` in [0, 1] lies in.
fn bin(u: f64, n: usize) -> usize {
    ((u * n as f64) as usize).min(n - 1)
}

/// Quantile `u` of the log-uniform distribution over [low, high].
fn log_uniform(low: f64, high: f64, u: f64) -> f64 {
    // Logarithms are subtracted, not the bounds divided: their quotient may overflow.
    (low.ln() + u * (high.ln() - low.ln())).exp()
}

/// Inverse of [`log_uniform`].
fn log_quantile(low: f64, high: f64, x: f64) -> f64 {
    (x.ln() - low.ln()) / (high.ln() - low.ln())
}

/// ⌊L⌋ with L at quantile `u` of the log-uniform distribution over [low, high + 1).
fn log_integer(low: i64, high: i64, u: f64) -> i64 {
    (log_uniform(low as f64, (high + 1) as f64, u) as i64).clamp(low, high)
}
