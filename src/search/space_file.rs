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

impl Space {
    /// The table `[space]` that gives this space, every variable written out in its order.
    pub fn to_toml(&self) -> String {
        let mut text = format!("[{TABLE}]\n");
        for Variable { name, domain } in &self.variables {
            let quoted = |word: &str| toml::Value::from(word).to_string();
            let number = |x: f64| toml::Value::from(x).to_string();
            let prior = |prior: Prior| match prior {
                Prior::Uniform => "",
                Prior::Log => ", prior = \"log\"",
                Prior::ReversedLog => ", prior = \"reversed_log\"",
            };
            let entry = match domain {
                Domain::Float { low, high, prior: p } => {
                    format!("float = [{}, {}]{}", number(*low), number(*high), prior(*p))
                }
                Domain::Int { low, high, prior: p } => {
                    format!("int = [{low}, {high}]{}", prior(*p))
                }
                Domain::Categorical { choices } => {
                    let choices: Vec<String> = choices.iter().map(|c| quoted(c)).collect();
                    format!("categorical = [{}]", choices.join(", "))
                }
            };
            text.push_str(&format!("{} = {{ {entry} }}\n", quoted(name)));
        }
        text
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn read(text: &str) -> Result<Space> {
        Space::from_document(&Document::parse(Path::new("study.toml"), text)?)
    }

    fn names(space: &Space) -> Vec<&str> {
        space.variables.iter().map(|v| v.name.as_str()).collect()
    }

    #[test]
    fn built_in_spaces_have_the_dimensions_of_the_table() {
        // Spec hpo.md section 3, row "dims".
        for ((name, _), dimensions) in BUILT_IN.iter().zip([18, 18, 19, 20]) {
            let space = read(&format!("space.use = \"{name}\"")).unwrap();
            assert_eq!(space.dimensions(), dimensions, "{name}");
            assert_eq!(space.variables[0].name, "decoder", "{name}");
            assert_eq!(names(&space).contains(&"epochs"), *name != "experiment_2", "{name}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for (name, _) in BUILT_IN {
            let space = read(&format!("space.use = \"{name}\"")).unwrap();
            assert_eq!(read(&space.to_toml()).unwrap(), space, "{}", space.to_toml());
        }
    }

    #[test]
    fn bounds_and_priors_of_experiment_1_spot_checked() {
        // Spec hpo.md section 3, column "exp 1 (code)".
        let space = read("space.use = \"experiment_1\"").unwrap();
        let domain = |name: &str| &space.variables.iter().find(|v| v.name == name).unwrap().domain;
        let float = |low, high, prior| Domain::Float { low, high, prior };
        assert_eq!(domain("nu_pre"), &float(1e-4, 1e-3, Prior::Log));
        assert_eq!(domain("norm"), &float(78.4, 200.0, Prior::ReversedLog));
        assert_eq!(domain("e_thresh"), &float(-70.0, -50.0, Prior::Uniform));
        let ints = Domain::Int { low: 10, high: 1000, prior: Prior::Uniform };
        assert_eq!(domain("map_size"), &ints);
        let choices = ["all", "vote", "2gram"].map(String::from).to_vec();
        assert_eq!(domain("decoder"), &Domain::Categorical { choices });
    }

    #[test]
    fn variables_keep_the_order_of_the_file() {
        let text = "[space]\nz = { int = [1, 1] }\n[space.m]\nfloat = [0, 1]\n[space.a]\n\
                    categorical = [\"x\"]\nprior = \"uniform\"\n";
        assert_eq!(names(&read(text).unwrap()), ["z", "m", "a"]);
    }

    #[test]
    fn built_in_variables_are_replaced_in_place_left_out_and_added_to() {
        let text = "[space]\nextra = { float = [1.0, 2.0] }\nuse = \"experiment_1\"\n\
                    without = [\"decoder\"]\nmap_size = { int = [5, 6], prior = \"log\" }\n";
        let space = read(text).unwrap();
        assert_eq!(space.dimensions(), 18);
        assert_eq!(names(&space)[..3], ["epochs", "map_size", "nu_pre"]);
        assert_eq!(*names(&space).last().unwrap(), "extra");
        let replaced = Domain::Int { low: 5, high: 6, prior: Prior::Log };
        assert_eq!(space.variables[1].domain, replaced);
    }

    #[test]
    fn every_complaint_has_its_line_and_key() {
        // Text after a first line `[space]`, line, key, part of the message.
        let cases: &[(&str, usize, &str, &str)] = &[
            ("", 1, "space", "no variables"),
            ("a = 3", 2, "space.a", "invalid type"),
            ("a = {}", 2, "space.a", "exactly one of float"),
            ("a = { prior = \"log\" }", 2, "space.a", "exactly one of float"),
            ("a = { float = [0, 1], int = [0, 1] }", 2, "space.a", "exactly one of float"),
            ("\na = { flaot = [0, 1] }", 3, "space.a.flaot", "did you mean `float`?"),
            ("a = { float = [1] }", 2, "space.a.float", "two bounds [low, high], found 1"),
            ("a = { float = [1, 2, 3] }", 2, "space.a.float", "two bounds [low, high], found 3"),
            ("a = { float = [2, 1] }", 2, "space.a.float", "low must be below high, found [2, 1]"),
            ("a = { float = [1, 1] }", 2, "space.a.float", "low must be below high"),
            ("a = { float = [nan, 1] }", 2, "space.a.float", "finite"),
            ("a = { float = [0, inf] }", 2, "space.a.float", "finite"),
            ("a = { float = [-1e308, 1e308] }", 2, "space.a.float", "too wide"),
            ("a = { float = [\"0\", 1] }", 2, "space.a.float", "invalid type: string"),
            ("a = { float = [0, 1], prior = \"log\" }", 2, "space.a.float", "low > 0, found 0"),
            ("a = { int = [-1, 9], prior = \"reversed_log\" }", 2, "space.a.int", "low > 0"),
            (
                "a = { int = [1, 9], prior = \"reverse_log\" }",
                2,
                "space.a.prior",
                "`reversed_log`?",
            ),
            ("a = { int = [1.5, 9] }", 2, "space.a.int", "invalid type: floating point"),
            ("a = { int = [3, 2] }", 2, "space.a.int", "low must not be above high"),
            ("a = { int = [0, 2147483649] }", 2, "space.a.int", "[-2147483648, 2147483648]"),
            ("a = { int = [0, 99999999999999999999] }", 2, "space.a.int", ""),
            ("a = { categorical = [] }", 2, "space.a.categorical", "at least one choice"),
            (
                "a = { categorical = [\"x\", \"x\"] }",
                2,
                "space.a.categorical",
                "\"x\" is given twice",
            ),
            (
                "a = { categorical = [\"x\"], prior = \"log\" }",
                2,
                "space.a.prior",
                "only `uniform`",
            ),
            ("a = { categorical = [1] }", 2, "space.a.categorical", "expected a string"),
            ("a = { int = [1, 2] }\na = { int = [1, 2] }", 3, "a", "duplicate key"),
            ("use = \"experiment_3\"", 2, "space.use", "did you mean `experiment_1`?"),
            ("use = 1", 2, "space.use", "expected a string"),
            ("without = [\"x\"]", 2, "space.without", "only one of a built-in space"),
            ("use = \"experiment_1\"\nwithout = [\"nrm\"]", 3, "space.without", "`norm`?"),
            ("use = \"experiment_1\"\nwithout = \"norm\"", 3, "space.without", "invalid type"),
            (
                "use = \"experiment_1\"\nwithout = [\"norm\"]\nnorm = { float = [1, 2] }",
                3,
                "space.without",
                "is left out here and given",
            ),
            ("[space.a]\nfloat = [3,\n 2]", 3, "space.a.float", "low must be below high"),
        ];
        let mut wrong = Vec::new();
        for (text, want_line, want_key, part) in cases {
            match read(&format!("[space]\n{text}\n")) {
                Err(Error::Config { line, key, message, .. })
                    if line == Some(*want_line) && key == *want_key && message.contains(part) => {}
                other => wrong.push(format!("{text:?}: {other:?}")),
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        for (text, line) in [("", None), ("\nspace = 3", Some(2))] {
            match read(text) {
                Err(Error::Config { line: found, key, .. }) => {
                    assert_eq!((found, key.as_str()), (line, "space"), "{text:?}");
                }
                other => panic!("{text:?}: expected an error, got {other:?}"),
            }
        }
    }
}
