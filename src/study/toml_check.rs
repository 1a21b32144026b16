//! TOML files whose every complaint names file, line and key.
//!
//! A [`Document`] remembers where each key stands. Tables are read from it with serde; what serde
//! rejects, and what the caller rejects afterwards, becomes an [`Error::Config`] with the line of
//! the key and, for a name that is not known, the nearest one that is.

use crate::error::{Error, Result};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, ValueDeserializer};

/// A TOML file that was parsed without a syntax error.
///
/// A key is addressed by its path from the root, such as `&["space", "norm", "float"]`.
#[derive(Debug)]
pub struct Document<'t> {
    file: PathBuf,
    text: &'t str,
    root: DeTable<'t>,
}

impl<'t> Document<'t> {
    /// Parses a text; `file` is only used in messages.
    ///
    /// # Errors
    /// [`Error::Config`] with the line of the first syntax error (a key given twice is one), and for an
    /// integer beyond 64 bits with a sign, which TOML does not have: it could not be written again.
    pub fn parse(file: &Path, text: &'t str) -> Result<Self> {
        let rejected = |e: toml::de::Error| Error::Config {
            file: file.to_path_buf(),
            line: e.span().map(|span| line_at(text, span.start)),
            key: e.span().map_or(String::new(), |span| excerpt(text, span)),
            message: format!("not valid TOML: {}", one_line(e.message())),
        };
        let root = DeTable::parse(text).map_err(rejected)?.into_inner();
        let document = Document { file: file.to_path_buf(), text, root };
        match document.root.values().find_map(beyond_64_bits) {
            Some(at) => Err(document.error_at(at, BEYOND_64_BITS, &[])),
            None => Ok(document),
        }
    }

    /// The value at a path, or `None` where the file does not have that key.
    ///
    /// # Errors
    /// [`Error::Config`] if the value there is not a `T`.
    pub fn get<T: Deserialize<'t>>(&self, path: &[&str]) -> Result<Option<T>> {
        let Some((_, value)) = self.find(path) else { return Ok(None) };
        let deserializer = ValueDeserializer::from(value.clone());
        T::deserialize(deserializer).map(Some).map_err(|e| self.rejected(path, &e))
    }

    /// The table at a path; an absent table is read like an empty one, so that the defaults of `T`
    /// hold and its required fields are missed.
    ///
    /// # Errors
    /// [`Error::Config`] for a field that is unknown (if `T` denies those), missing or of the wrong
    /// type, and for a value that is not a table.
    pub fn table<T: Deserialize<'t>>(&self, path: &[&str]) -> Result<T> {
        if let Some(table) = self.get(path)? {
            return Ok(table);
        }
        let empty = Spanned::new(0..0, DeValue::Table(DeTable::new()));
        let missing = |e: toml::de::Error| {
            let text = format!("there is no table [{}]: {}", path.join("."), one_line(e.message()));
            self.error(path, &text)
        };
        T::deserialize(empty.into_deserializer()).map_err(missing)
    }

    /// Keys of the table at a path, in the order of the file; none if the table is absent. The
    /// empty path is the file itself.
    ///
    /// # Errors
    /// [`Error::Config`] if the value there is not a table.
    pub fn keys(&self, path: &[&str]) -> Result<Vec<String>> {
        let table = if path.is_empty() {
            &self.root
        } else {
            match self.find(path) {
                None => return Ok(Vec::new()),
                Some((_, value)) => match value.get_ref() {
                    DeValue::Table(table) => table,
                    other => {
                        let found = other.type_str();
                        return Err(self.error(path, &format!("expected a table, found {found}")));
                    }
                },
            }
        };
        let mut keys: Vec<_> = table.keys().collect();
        keys.sort_by_key(|key| key.span().start);
        Ok(keys.into_iter().map(|key| key.get_ref().to_string()).collect())
    }

    /// Checks that the table at a path has no other keys than these.
    ///
    /// # Errors
    /// [`Error::Config`] at the first other key, in the order of the file.
    pub fn check_keys(&self, path: &[&str], allowed: &[&str]) -> Result<()> {
        for key in self.keys(path)? {
            if !allowed.contains(&key.as_str()) {
                let path: Vec<&str> = path.iter().copied().chain([key.as_str()]).collect();
                return Err(self.error(&path, &unknown("key", &key, allowed)));
            }
        }
        Ok(())
    }

    /// Line of a key, counted from 1; where the file does not have it, of the nearest table around
    /// it; `None` if it has neither.
    pub fn line_of(&self, path: &[&str]) -> Option<usize> {
        let known = (1..=path.len()).rev().find_map(|depth| self.find(&path[..depth]));
        known.map(|(key, _)| line_at(self.text, key.span().start))
    }

    /// An error about a key. The message says what is wrong, what is allowed and what to do.
    pub fn error(&self, path: &[&str], message: &str) -> Error {
        Error::Config {
            file: self.file.clone(),
            line: self.line_of(path),
            key: path.join("."),
            message: message.to_string(),
        }
    }

    /// Key and value at a path.
    fn find(&self, path: &[&str]) -> Option<(&Spanned<DeString<'t>>, &Spanned<DeValue<'t>>)> {
        let (last, tables) = path.split_last()?;
        let mut table = &self.root;
        for name in tables {
            table = table.get(*name)?.get_ref().as_table()?;
        }
        table.get_key_value(*last)
    }

    /// What serde said about the value at `path`, as an error at the very key that it is about.
    fn rejected(&self, path: &[&str], error: &toml::de::Error) -> Error {
        let message = with_suggestion(&one_line(error.message()));
        match error.span() {
            Some(span) => self.error_at(span, &message, path),
            None => self.error(path, &message),
        }
    }

    /// An error at the key that has this place of the text, or at `path` where none below it has.
    fn error_at(&self, span: Range<usize>, message: &str, path: &[&str]) -> Error {
        let mut best: Option<(usize, Vec<&str>)> = None;
        narrowest(&self.root, span.start, &mut Vec::new(), &mut best);
        match best {
            Some((_, key)) if key.starts_with(path) => Error::Config {
                file: self.file.clone(),
                line: Some(line_at(self.text, span.start)),
                key: key.join("."),
                message: message.to_string(),
            },
            _ => self.error(path, message),
        }
    }
}

const BEYOND_64_BITS: &str =
    "too large for an integer; give one from -9223372036854775808 to 9223372036854775807";

/// Where the value has an integer beyond 64 bits with a sign, which the parser lets pass.
fn beyond_64_bits(value: &Spanned<DeValue<'_>>) -> Option<Range<usize>> {
    match value.get_ref() {
        DeValue::Integer(integer) => {
            let read = i64::from_str_radix(integer.as_str(), integer.radix());
            read.is_err().then(|| value.span())
        }
        DeValue::Array(values) => values.iter().find_map(beyond_64_bits),
        DeValue::Table(table) => table.values().find_map(beyond_64_bits),
        _ => None,
    }
}

/// The path to the key or value with the shortest span around a byte offset, kept in `best` with
/// the length of that span. The depth is bounded by the parser's own limit.
fn narrowest<'a>(
    table: &'a DeTable<'_>,
    offset: usize,
    path: &mut Vec<&'a str>,
    best: &mut Option<(usize, Vec<&'a str>)>,
) {
    for (key, value) in table {
        path.push(key.get_ref());
        for span in [key.span(), value.span()] {
            if span.contains(&offset) && best.as_ref().is_none_or(|(len, _)| span.len() <= *len) {
                *best = Some((span.len(), path.clone()));
            }
        }
        if let DeValue::Table(inner) = value.get_ref() {
            narrowest(inner, offset, path, best);
        }
        path.pop();
    }
}

/// The text of a study file.
///
/// # Errors
/// [`Error::Io`]; [`Error::Usage`] that names the study files of the folder where there is no such file.
pub fn read_text(path: &Path) -> Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::Usage(no_file(path))),
        text => text.map_err(Error::io(path, "read the study file")),
    }
}

/// Message for a study file that does not exist: the nearest of the folder, and the list.
fn no_file(path: &Path) -> String {
    let folder = path.parent().unwrap_or(Path::new(""));
    let listed = if folder == Path::new("") { Path::new(".") } else { folder };
    let entries = std::fs::read_dir(listed).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".toml")).collect();
    names.sort();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = path.file_name().unwrap_or_default().to_string_lossy();
    let near = nearest(&found, &names)
        .map_or(String::new(), |near| format!("did you mean {}? ", folder.join(near).display()));
    let list = match names.is_empty() {
        true => format!("{} has no TOML file; give the path of a study file", listed.display()),
        false => format!("{} has {}", listed.display(), names.join(", ")),
    };
    format!("{}: no such file; {near}{list}", path.display())
}

/// Message for a name that is not among the allowed ones: the nearest, and the list.
pub fn unknown(what: &str, found: &str, allowed: &[&str]) -> String {
    let near = nearest(found, allowed).map_or(String::new(), |n| format!("did you mean `{n}`? "));
    let list: Vec<String> = allowed.iter().map(|name| format!("`{name}`")).collect();
    format!("unknown {what}; {near}allowed: {}", list.join(", "))
}

/// The allowed name that is at most a third of its length (or one letter) away, the first of equals.
fn nearest<'a>(found: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let found: Vec<char> = found.chars().take(100).collect();
    let distances = allowed.iter().map(|name| (edit_distance(&found, name), *name));
    distances
        .filter(|(distance, name)| *distance <= (name.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Edit distance: insertions, deletions and replacements of one character and exchanges of two
/// neighbours cost 1 each (optimal string alignment).
fn edit_distance(from: &[char], to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut cost = vec![vec![0; from.len() + 1]; to.len() + 1];
    for i in 0..=to.len() {
        for j in 0..=from.len() {
            cost[i][j] = match (i, j) {
                (0, _) => j,
                (_, 0) => i,
                _ => {
                    let replaced = cost[i - 1][j - 1] + usize::from(to[i - 1] != from[j - 1]);
                    replaced.min(cost[i - 1][j] + 1).min(cost[i][j - 1] + 1)
                }
            };
            if i > 1 && j > 1 && to[i - 1] == from[j - 2] && to[i - 2] == from[j - 1] {
                cost[i][j] = cost[i][j].min(cost[i - 2][j - 2] + 1);
            }
        }
    }
    cost[to.len()][from.len()]
}

/// Rewords serde's "unknown field `x`, expected one of `a`, `b`" with the nearest name; leaves
/// other messages as they are.
fn with_suggestion(message: &str) -> String {
    let what = match message.strip_prefix("unknown ").and_then(|rest| rest.split(' ').next()) {
        Some("field") => "key",
        Some("variant") => "name",
        _ => return message.to_string(),
    };
    let mut names = message.split('`').skip(1).step_by(2);
    match names.next() {
        Some(found) => unknown(what, found, &names.collect::<Vec<_>>()),
        None => message.to_string(),
    }
}

/// Line of a byte offset, counted from 1.
fn line_at(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    1 + before.iter().filter(|&&byte| byte == b'\n').count()
}

/// The first line of a span, at most 40 characters of it.
fn excerpt(text: &str, span: Range<usize>) -> String {
    let span = text.get(span).unwrap_or_default();
    span.lines().next().unwrap_or_default().chars().take(40).collect()
}

fn one_line(message: &str) -> String {
    message.trim_end().replace('\n', "; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Budget {
        trials: u32,
        #[serde(default)]
        mode: Mode,
        limits: Option<Limits>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Limits {
        minutes: f64,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        #[default]
        Serial,
        Parallel,
    }

    fn read(text: &str) -> Result<Budget> {
        Document::parse(Path::new("study.toml"), text)?.table(&["budget"])
    }

    /// Text, line, key, part of the message.
    type Case = (&'static str, Option<usize>, &'static str, &'static str);

    #[test]
    fn every_complaint_has_its_line_and_key() {
        let cases: &[Case] = &[
            ("[budget]\ntrials = \n", Some(2), "", "not valid TOML"),
            ("[budget]\ntrials = 1\ntrials = 2\n", Some(3), "trials", "duplicate key"),
            ("[budget\n", Some(1), "", "not valid TOML"),
            (
                "\n[budget]\ntrials = 1\ntrails = 2\n",
                Some(4),
                "budget.trails",
                "did you mean `trials`?",
            ),
            (
                "[budget]\ntrials = 1\nzebra = 2\n",
                Some(3),
                "budget.zebra",
                "allowed: `trials`, `mode`, `limits`",
            ),
            ("[budget]\n\ntrials = \"many\"\n", Some(3), "budget.trials", "expected u32"),
            ("[budget]\ntrials = -1\n", Some(2), "budget.trials", "expected u32"),
            (
                "[budget]\ntrials = 1\nlimits = { minutes = 9223372036854775808 }\n",
                Some(3),
                "budget.limits.minutes",
                "to 9223372036854775807",
            ),
            (
                "x = [\n1, -9223372036854775809]\n[budget]\ntrials = 1\n",
                Some(2),
                "x",
                "from -9223372036854775808",
            ),
            ("[budget]\ntrials = 99999999999\n", Some(2), "budget.trials", "expected u32"),
            (
                "[budget]\ntrials = 1\nmode = \"paralel\"\n",
                Some(3),
                "budget.mode",
                "did you mean `parallel`?",
            ),
            (
                "# nothing\n[budget]\nmode = \"serial\"\n",
                Some(2),
                "budget",
                "missing field `trials`",
            ),
            ("x = 1\n", None, "budget", "no table [budget]: missing field `trials`"),
            ("x = 1\nbudget = 7\n", Some(2), "budget", "invalid type: integer `7`"),
            (
                "[budget]\ntrials = 1\n[budget.limits]\nminutes = 1\nminute = 2\n",
                Some(5),
                "budget.limits.minute",
                "did you mean `minutes`?",
            ),
            (
                "[budget]\ntrials = 1\nlimits = { minutes = true }\n",
                Some(3),
                "budget.limits.minutes",
                "invalid type: boolean `true`",
            ),
        ];
        for (text, want_line, want_key, part) in cases {
            match read(text) {
                Err(Error::Config { file, line, key, message }) => {
                    assert_eq!(file, Path::new("study.toml"));
                    assert_eq!(line, *want_line, "{text:?}: {key}: {message}");
                    if !want_key.is_empty() {
                        assert_eq!(key, *want_key, "{text:?}: {message}");
                    }
                    assert!(message.contains(part), "{text:?}: {message:?} lacks {part:?}");
                    assert!(!message.contains('\n'), "{message:?}");
                }
                other => panic!("{text:?}: expected an error, got {other:?}"),
            }
        }
    }

    #[test]
    fn good_tables_are_read() {
        let budget = read("[budget]\ntrials = 3\nlimits = { minutes = 2 }\n").unwrap();
        let limits = Some(Limits { minutes: 2.0 });
        assert_eq!(budget, Budget { trials: 3, mode: Mode::Serial, limits });
    }

    #[test]
    fn keys_come_in_the_order_of_the_file() {
        let text = "z = 1\n[m.b]\nx = 1\n[a]\n[m.a]\n";
        let document = Document::parse(Path::new("f"), text).unwrap();
        assert_eq!(document.keys(&[]).unwrap(), ["z", "m", "a"]);
        assert_eq!(document.keys(&["m"]).unwrap(), ["b", "a"]);
        assert_eq!(document.keys(&["none"]).unwrap(), [""; 0]);
        assert!(matches!(document.keys(&["z"]), Err(Error::Config { line: Some(1), .. })));
        assert!(document.check_keys(&[], &["a", "m", "z"]).is_ok());
        let error = document.check_keys(&[], &["a", "z"]).unwrap_err().to_string();
        assert!(error.starts_with("f:2: `m`: unknown key;"), "{error}");
    }

    #[test]
    fn a_line_is_found_for_a_key_or_the_table_around_it() {
        let document = Document::parse(Path::new("f"), "\n[a]\n\nb = { c = 1 }\n").unwrap();
        assert_eq!(document.line_of(&["a"]), Some(2));
        assert_eq!(document.line_of(&["a", "b", "c"]), Some(4));
        assert_eq!(document.line_of(&["a", "b", "none"]), Some(4));
        assert_eq!(document.line_of(&["a", "none"]), Some(2));
        assert_eq!(document.line_of(&["none"]), None);
    }

    #[test]
    fn a_file_that_is_not_there_is_answered_with_those_that_are() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let said = |name: &str| read_text(&at(name)).unwrap_err().to_string();
        let shown = |name: &str| at(name).display().to_string();
        let none = format!("{}: no such file; ", shown("digit.toml"));
        let empty = format!("{} has no TOML file; give", folder.path().display());
        assert!(
            said("digit.toml").starts_with(&format!("{none}{empty}")),
            "{}",
            said("digit.toml")
        );
        for name in ["shd.toml", "digits.toml", "notes.txt"] {
            std::fs::write(at(name), "x = 1").unwrap();
        }
        let near = format!("did you mean {}? ", shown("digits.toml"));
        let list = format!("{} has digits.toml, shd.toml", folder.path().display());
        assert_eq!(said("digit.toml"), format!("{none}{near}{list}"));
        assert_eq!(said("zebra.toml"), format!("{}: no such file; {list}", shown("zebra.toml")));
        assert!(said("none/digits.toml").contains("none has no TOML file"));
        assert_eq!(read_text(&at("digits.toml")).unwrap(), "x = 1");
    }

    #[test]
    fn distances_by_hand() {
        // kitten → sitting: two replacements and one insertion, the textbook example.
        let letters = |s: &str| s.chars().collect::<Vec<_>>();
        assert_eq!(edit_distance(&letters("kitten"), "sitting"), 3);
        assert_eq!(edit_distance(&[], "abc"), 3);
        assert_eq!(edit_distance(&letters("norm"), "norm"), 0);
        assert_eq!(edit_distance(&letters("nrom"), "norm"), 1);
        assert_eq!(nearest("nomr", &["epochs", "norm"]), Some("norm"));
        assert_eq!(nearest("moor", &["norm", "epochs"]), None); // two replacements of four letters
        assert_eq!(nearest("nrm", &["epochs", "norm"]), Some("norm"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]a-c.='\"{}, \n0-9#]{0,60}") {
            if let Ok(document) = Document::parse(Path::new("f"), &text) {
                for key in document.keys(&[]).unwrap() {
                    proptest::prop_assert!(document.line_of(&[&key]).is_some());
                }
                let _ = document.table::<Budget>(&["a"]);
            }
        }
    }
}
