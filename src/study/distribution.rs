//! Domains and values in the forms of the journal.
//!
//! A domain is written twice: with each trial as the distribution that Optuna knows (a reversed
//! logarithm is none of them and becomes uniform), and once with the study in a form that holds
//! everything ([`space_to_json`]).

use crate::search::space::{Domain, Prior, Space, Value, Variable};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A variable as the study's attribute holds it.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum VariableForm {
    Float { name: String, low: f64, high: f64, prior: Prior },
    Int { name: String, low: i64, high: i64, prior: Prior },
    Categorical { name: String, choices: Vec<String> },
}

/// The space as a list of variables; the inverse of [`space_from_json`]. The error says why a space
/// cannot be held (see [`check`]).
pub(super) fn space_to_json(space: &Space) -> Result<serde_json::Value, String> {
    check(space)?;
    let forms: Vec<VariableForm> = space
        .variables
        .iter()
        .map(|variable| {
            let name = variable.name.clone();
            match variable.domain.clone() {
                Domain::Float { low, high, prior } => {
                    VariableForm::Float { name, low, high, prior }
                }
                Domain::Int { low, high, prior } => VariableForm::Int { name, low, high, prior },
                Domain::Categorical { choices } => VariableForm::Categorical { name, choices },
            }
        })
        .collect();
    serde_json::to_value(forms).map_err(|e| e.to_string())
}

/// Reads what [`space_to_json`] wrote; the error says what is wrong.
pub(super) fn space_from_json(json: &serde_json::Value) -> Result<Space, String> {
    let forms = Vec::<VariableForm>::deserialize(json).map_err(|e| e.to_string())?;
    let variables = forms
        .into_iter()
        .map(|form| match form {
            VariableForm::Float { name, low, high, prior } => {
                Variable { name, domain: Domain::Float { low, high, prior } }
            }
            VariableForm::Int { name, low, high, prior } => {
                Variable { name, domain: Domain::Int { low, high, prior } }
            }
            VariableForm::Categorical { name, choices } => {
                Variable { name, domain: Domain::Categorical { choices } }
            }
        })
        .collect();
    let space = Space { variables };
    check(&space)?;
    Ok(space)
}

/// Refuses a space that Optuna could not hold: names must differ, bounds be finite and in order,
/// choices exist.
fn check(space: &Space) -> Result<(), String> {
    for (index, variable) in space.variables.iter().enumerate() {
        let name = &variable.name;
        if space.variables[..index].iter().any(|other| other.name == *name) {
            return Err(format!("two variables are named `{name}`"));
        }
        let ordered = match &variable.domain {
            Domain::Float { low, high, .. } => low.is_finite() && high.is_finite() && low <= high,
            Domain::Int { low, high, .. } => low <= high,
            Domain::Categorical { choices } => !choices.is_empty(),
        };
        if !ordered {
            return Err(format!("variable `{name}` has an empty domain: {:?}", variable.domain));
        }
    }
    Ok(())
}

/// The domain as JSON text of the Optuna distribution nearest to it.
///
/// Optuna raises an error on a logarithmic range that reaches zero (below 1 for integers), so such
/// a range is written as uniform.
pub(super) fn distribution(domain: &Domain) -> String {
    let (name, attributes) = match domain {
        Domain::Float { low, high, prior } => (
            "FloatDistribution",
            json!({"step": null, "low": low, "high": high, "log": *prior == Prior::Log && *low > 0.0}),
        ),
        Domain::Int { low, high, prior } => (
            "IntDistribution",
            json!({"log": *prior == Prior::Log && *low >= 1, "step": 1, "low": low, "high": high}),
        ),
        Domain::Categorical { choices } => ("CategoricalDistribution", json!({"choices": choices})),
    };
    json!({"name": name, "attributes": attributes}).to_string()
}

/// The number that Optuna stores for a value: the value itself, or the index of a category. None
/// where the value does not lie in the domain.
pub(super) fn encode(domain: &Domain, value: Value) -> Option<serde_json::Value> {
    match value {
        Value::Float(x) if contains(domain, value) => Some(json!(x)),
        Value::Int(x) if contains(domain, value) => Some(json!(x)),
        Value::Category(x) if contains(domain, value) => Some(json!(x)),
        _ => None,
    }
}

/// The value that a stored number stands for; None where it is no value of the domain. Optuna
/// itself writes integers and indices as `3.0`, which reads as 3.
pub(super) fn decode(domain: &Domain, stored: &serde_json::Value) -> Option<Value> {
    /// Below this every integer has its own f64.
    const EXACT: f64 = (1_u64 << 53) as f64;
    let integer = || {
        stored.as_i64().or_else(|| {
            let x = stored.as_f64().filter(|x| x.fract() == 0.0 && x.abs() <= EXACT)?;
            Some(x as i64)
        })
    };
    let value = match domain {
        Domain::Float { .. } => Value::Float(stored.as_f64()?),
        Domain::Int { .. } => Value::Int(integer()?),
        Domain::Categorical { .. } => Value::Category(usize::try_from(integer()?).ok()?),
    };
    contains(domain, value).then_some(value)
}

fn contains(domain: &Domain, value: Value) -> bool {
    match (domain, value) {
        (Domain::Float { low, high, .. }, Value::Float(x)) => (*low..=*high).contains(&x),
        (Domain::Int { low, high, .. }, Value::Int(x)) => (*low..=*high).contains(&x),
        (Domain::Categorical { choices }, Value::Category(x)) => x < choices.len(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts are those of `optuna.distributions.distribution_to_json` of Optuna 5.0.0 without
    /// its spaces.
    #[test]
    fn distributions_are_those_of_optuna() {
        let float = |low, high, prior| distribution(&Domain::Float { low, high, prior });
        let int = |low, high, prior| distribution(&Domain::Int { low, high, prior });
        let uniform = r#"{"name":"FloatDistribution","attributes":{"step":null,"low":0.5,"high":2.0,"log":false}}"#;
        assert_eq!(float(0.5, 2.0, Prior::Uniform), uniform);
        assert_eq!(float(0.5, 2.0, Prior::ReversedLog), uniform);
        assert_eq!(float(0.5, 2.0, Prior::Log), uniform.replace("false", "true"));
        let uniform =
            r#"{"name":"IntDistribution","attributes":{"log":false,"step":1,"low":1,"high":9}}"#;
        assert_eq!(int(1, 9, Prior::Uniform), uniform);
        assert_eq!(int(1, 9, Prior::ReversedLog), uniform);
        assert_eq!(int(1, 9, Prior::Log), uniform.replace("false", "true"));
        assert_eq!(
            distribution(&Domain::Categorical { choices: vec!["a".into(), "b".into()] }),
            r#"{"name":"CategoricalDistribution","attributes":{"choices":["a","b"]}}"#
        );
    }

    /// `FloatDistribution(0.0, 1.0, log=True)` and `IntDistribution(0, 9, log=True)` raise
    /// ValueError in Optuna and would make the whole journal unreadable.
    #[test]
    fn a_logarithm_of_zero_is_written_as_uniform() {
        let float = distribution(&Domain::Float { low: 0.0, high: 1.0, prior: Prior::Log });
        let int = distribution(&Domain::Int { low: 0, high: 9, prior: Prior::Log });
        assert!(float.contains(r#""log":false"#) && int.contains(r#""log":false"#));
    }

    #[test]
    fn numbers_as_optuna_writes_them_are_read() {
        let int = Domain::Int { low: -5, high: 5, prior: Prior::Uniform };
        let category = Domain::Categorical { choices: vec!["a".into(), "b".into()] };
        let float = Domain::Float { low: 0.0, high: 5.0, prior: Prior::Uniform };
        assert_eq!(decode(&int, &json!(-3.0)), Some(Value::Int(-3)));
        assert_eq!(decode(&category, &json!(1.0)), Some(Value::Category(1)));
        assert_eq!(decode(&float, &json!(3)), Some(Value::Float(3.0)));
        for (domain, outside) in [
            (&int, json!(6)),
            (&int, json!(2.5)),
            (&int, json!(1e300)),
            (&category, json!(2)),
            (&category, json!(-1)),
            (&float, json!(-0.1)),
            (&float, json!("1")),
            (&float, json!(null)),
        ] {
            assert_eq!(decode(domain, &outside), None, "{domain:?} {outside}");
        }
    }

    #[test]
    fn spaces_that_cannot_be_held_are_refused() {
        let one = |domain| Space { variables: vec![Variable { name: "x".into(), domain }] };
        let prior = Prior::Uniform;
        for domain in [
            Domain::Float { low: f64::NAN, high: 1.0, prior },
            Domain::Float { low: 0.0, high: f64::INFINITY, prior },
            Domain::Float { low: 2.0, high: 1.0, prior },
            Domain::Int { low: 2, high: 1, prior },
            Domain::Categorical { choices: vec![] },
        ] {
            let message = space_to_json(&one(domain)).unwrap_err();
            assert!(message.contains("`x`"), "{message}");
        }
        let mut twice = one(Domain::Int { low: 0, high: 1, prior });
        twice.variables.extend(twice.variables.clone());
        assert!(space_to_json(&twice).unwrap_err().contains("two variables"));
    }
}
