//! Spaces in TOML: one entry a variable, in the order of the file.
//!
//! ```toml
//! [space]
//! use = "experiment_1"                # start from a built-in space
//! without = ["epochs"]                # leave variables of it out
//! map_size = { int = [10, 200] }      # another range in the same place
//! gain = { float = [0.1, 10.0], prior = "log" }   # one variable more, at the end
//! mode = { categorical = ["a", "b"] }
//! ```
//!
//! `prior` is `uniform` (if left out), `log` or `reversed_log`. The built-in spaces are those of
//! spec hpo.md section 3.

use super::space::{Domain, Prior, Space, Variable};
use crate::error::Result;
use crate::study::toml_check::{Document, unknown};
use serde::Deserialize;
use std::path::Path;

/// Name and text of the spaces that come with the program.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("experiment_1", include_str!("spaces/experiment_1.toml")),
    ("experiment_1_as_run", include_str!("spaces/experiment_1_as_run.toml")),
    ("experiment_2", include_str!("spaces/experiment_2.toml")),
    ("experiment_2_as_run", include_str!("spaces/experiment_2_as_run.toml")),
];

const TABLE: &str = "space";
const USE: &str = "use";
const WITHOUT: &str = "without";

/// One variable as it is written down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    float: Option<Vec<f64>>,
    int: Option<Vec<i64>>,
    categorical: Option<Vec<String>>,
    prior: Option<Prior>,
}

impl Space {
    /// Reads the table `[space]` of a document.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) with the line for anything that is not a space with at least one variable.
    pub fn from_document(document: &Document<'_>) -> Result<Space> {
        let mut space = Space::default();
        if let Some(name) = document.get::<String>(&[TABLE, USE])? {
            let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) else {
                let known = BUILT_IN.map(|(known, _)| known);
                return Err(document.error(&[TABLE, USE], &unknown("space", &name, &known)));
            };
            let file = format!("{name} (built-in space)");
            space = Space::from_document(&Document::parse(Path::new(&file), text)?)?;
        }
        leave_out(&mut space, document)?;
        for name in document.keys(&[TABLE])? {
            if name == USE || name == WITHOUT {
                continue;
            }
            let variable = Variable { domain: domain(document, &name)?, name };
            match space.variables.iter_mut().find(|v| v.name == variable.name) {
                Some(same) => *same = variable,
                None => space.variables.push(variable),
            }
        }
        if space.variables.is_empty() {
            let example = "give at least one, such as norm = { float = [78.4, 200.0] }, or a \
                           built-in space, such as use = \"experiment_1\"";
            return Err(document.error(&[TABLE], &format!("no variables; {example}")));
        }
        Ok(space)
    }
}

/// Removes the variables that `without` names.
fn leave_out(space: &mut Space, document: &Document<'_>) -> Result<()> {
    let path = [TABLE, WITHOUT];
    let given = document.keys(&[TABLE])?;
    for name in document.get::<Vec<String>>(&path)?.unwrap_or_default() {
        let Some(at) = space.variables.iter().position(|v| v.name == name) else {
            let known: Vec<&str> = space.variables.iter().map(|v| v.name.as_str()).collect();
            let problem = if known.is_empty() {
                format!("no variable \"{name}\" to leave out: only one of a built-in space can be")
            } else {
                unknown(&format!("variable \"{name}\""), &name, &known)
            };
            return Err(document.error(&path, &problem));
        };
        if given.contains(&name) {
            let problem = format!("\"{name}\" is left out here and given in `{TABLE}.{name}`");
            return Err(document.error(&path, &problem));
        }
        space.variables.remove(at);
    }
    Ok(())
}

/// Reads and checks one variable.
fn domain(document: &Document<'_>, name: &str) -> Result<Domain> {
    let entry: Entry = document.table(&[TABLE, name])?;
    let (kind, domain) = match entry {
        Entry { float: Some(bounds), int: None, categorical: None, prior } => {
            let [low, high] = two(document, &[TABLE, name, "float"], &bounds)?;
            ("float", Domain::Float { low, high, prior: prior.unwrap_or_default() })
        }
        Entry { int: Some(bounds), float: None, categorical: None, prior } => {
            let [low, high] = two(document, &[TABLE, name, "int"], &bounds)?;
            ("int", Domain::Int { low, high, prior: prior.unwrap_or_default() })
        }
        Entry { categorical: Some(choices), float: None, int: None, prior } => {
            if prior.is_some_and(|prior| prior != Prior::Uniform) {
                let problem = "choices have no order: only `uniform` is possible";
                return Err(document.error(&[TABLE, name, "prior"], problem));
            }
            ("categorical", Domain::Categorical { choices })
        }
        _ => {
            let problem = "expected exactly one of float = [low, high], int = [low, high], \
                           categorical = [\"…\", …]";
            return Err(document.error(&[TABLE, name], problem));
        }
    };
    domain.check().map_err(|problem| document.error(&[TABLE, name, kind], &problem))?;
    Ok(domain)
}

fn two<T: Copy>(document: &Document<'_>, path: &[&str], bounds: &[T]) -> Result<[T; 2]> {
    bounds.try_into().map_err(|_| {
        let problem = format!("expected the two bounds [low, high], found {}", bounds.len());
        document.error(path, &problem)
    })
}
