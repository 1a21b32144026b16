//! The lines of the journal: Optuna's journal operations as JSON.
//!
//! Each line is one object with an `op_code`, a `worker_id` (who wrote it) and the fields of that
//! operation. Trials are addressed by `trial_id`, their position among all trials of the file; it
//! differs from the trial number where the file holds other studies too. Facts from Optuna 5.0.0,
//! `optuna.storages.journal`; 4.0.0 reads the same lines.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The `worker_id` of every line that this program writes.
pub(super) const WORKER: &str = "spikeseek";

/// State of a trial in Optuna's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub(super) enum State {
    #[default]
    Running = 0,
    Complete = 1,
    Pruned = 2,
    Fail = 3,
    Waiting = 4,
}

impl State {
    pub(super) fn is_finished(self) -> bool {
        !matches!(self, State::Running | State::Waiting)
    }
}

impl From<State> for u8 {
    fn from(state: State) -> u8 {
        state as u8
    }
}

impl TryFrom<u8> for State {
    type Error = String;

    fn try_from(number: u8) -> Result<State, String> {
        use State::*;
        [Running, Complete, Pruned, Fail, Waiting]
            .get(usize::from(number))
            .copied()
            .ok_or_else(|| format!("trial state {number}, which is none of 0 to 4"))
    }
}

/// Optuna's number for a study whose value is maximised.
pub(super) const MAXIMIZE: u8 = 2;

pub(super) type Object = serde_json::Map<String, Value>;

#[derive(Serialize, Deserialize)]
pub(super) struct CreateStudy {
    pub study_name: String,
    pub directions: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct DeleteStudy {
    pub study_id: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SetStudyUserAttr {
    pub study_id: u64,
    pub user_attr: Object,
}

/// Optuna allows every field of a trial here, for trials that are copied. Here it carries the
/// parameters, so that a trial begins with one line: it is in the file whole, or not at all.
#[derive(Serialize, Deserialize, Default)]
pub(super) struct CreateTrial {
    pub study_id: u64,
    #[serde(deserialize_with = "null_but_there")]
    pub datetime_start: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datetime_complete: Option<String>,
    #[serde(default)]
    pub state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Option<f64>>>,
    /// JSON text of the distribution of each parameter; not read back, the study holds its space.
    #[serde(skip_deserializing)]
    pub distributions: Object,
    #[serde(default)]
    pub params: Object,
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub user_attrs: Object,
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub system_attrs: Object,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub intermediate_values: BTreeMap<u64, Option<f64>>,
}

/// Written by Optuna only; this program sets parameters in [`CreateTrial`].
#[derive(Deserialize)]
pub(super) struct SetTrialParam {
    pub trial_id: u64,
    pub param_name: String,
    pub param_value_internal: Value,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SetTrialStateValues {
    pub trial_id: u64,
    pub state: State,
    #[serde(deserialize_with = "null_but_there")]
    pub values: Option<Vec<Option<f64>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datetime_complete: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SetTrialIntermediateValue {
    pub trial_id: u64,
    pub step: u64,
    #[serde(deserialize_with = "null_but_there")]
    pub intermediate_value: Option<f64>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SetTrialUserAttr {
    pub trial_id: u64,
    pub user_attr: Object,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SetTrialSystemAttr {
    pub trial_id: u64,
    pub system_attr: Object,
}

/// Lets a field be null but not be missing: Optuna fails on a journal in which it is.
fn null_but_there<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    field: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(field)
}

/// One operation as read.
pub(super) enum Operation {
    CreateStudy(CreateStudy),
    DeleteStudy(DeleteStudy),
    SetStudyUserAttr(SetStudyUserAttr),
    CreateTrial(Box<CreateTrial>),
    SetTrialParam(SetTrialParam),
    SetTrialStateValues(SetTrialStateValues),
    SetTrialIntermediateValue(SetTrialIntermediateValue),
    SetTrialUserAttr(SetTrialUserAttr),
    SetTrialSystemAttr(SetTrialSystemAttr),
    /// Operations that change nothing that is read here: system attributes of studies (such as
    /// notes of the dashboard) and "discard trials", which Optuna itself skips.
    Other,
}

/// Operations that this program writes, with their codes.
pub(super) trait Written: Serialize {
    /// Optuna's `op_code`.
    const CODE: u8;
}

impl Written for CreateStudy {
    const CODE: u8 = 0;
}
impl Written for SetStudyUserAttr {
    const CODE: u8 = 2;
}
impl Written for CreateTrial {
    const CODE: u8 = 4;
}
impl Written for SetTrialStateValues {
    const CODE: u8 = 6;
}
impl Written for SetTrialIntermediateValue {
    const CODE: u8 = 7;
}
impl Written for SetTrialUserAttr {
    const CODE: u8 = 8;
}
impl Written for SetTrialSystemAttr {
    const CODE: u8 = 9;
}

/// Why a line could not be read.
pub(super) enum Unreadable {
    /// It is no JSON: garbage, or cut off.
    NotJson(serde_json::Error),
    /// It is JSON, but no operation that is known here.
    NotAnOperation(String),
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Unreadable {
        if error.is_data() {
            Unreadable::NotAnOperation(error.to_string())
        } else {
            Unreadable::NotJson(error)
        }
    }
}

/// Appends one line to a buffer.
pub(super) fn push<T: Written>(lines: &mut Vec<u8>, operation: &T) -> serde_json::Result<()> {
    #[derive(Serialize)]
    struct Line<'a, T> {
        op_code: u8,
        worker_id: &'a str,
        #[serde(flatten)]
        fields: &'a T,
    }
    let line = Line { op_code: T::CODE, worker_id: WORKER, fields: operation };
    serde_json::to_writer(&mut *lines, &line)?;
    lines.push(b'\n');
    Ok(())
}

/// Reads one line; gives whether this program wrote it, and the operation.
pub(super) fn parse(line: &[u8]) -> Result<(bool, Operation), Unreadable> {
    match parse_json(line) {
        Err(Unreadable::NotJson(error)) => match without_python_numbers(line) {
            Some(json) => parse_json(&json),
            None => Err(Unreadable::NotJson(error)),
        },
        result => result,
    }
}

fn parse_json(line: &[u8]) -> Result<(bool, Operation), Unreadable> {
    #[derive(Deserialize)]
    struct Head {
        op_code: u64,
        worker_id: String,
    }
    let head: Head = serde_json::from_slice(line)?;
    // Serde reads a struct from an array of its fields too.
    if !line.trim_ascii_start().starts_with(b"{") {
        return Err(Unreadable::NotAnOperation("an array".to_string()));
    }
    let operation = match head.op_code {
        0 => Operation::CreateStudy(serde_json::from_slice(line)?),
        1 => Operation::DeleteStudy(serde_json::from_slice(line)?),
        2 => Operation::SetStudyUserAttr(serde_json::from_slice(line)?),
        4 => Operation::CreateTrial(serde_json::from_slice(line)?),
        5 => Operation::SetTrialParam(serde_json::from_slice(line)?),
        6 => Operation::SetTrialStateValues(serde_json::from_slice(line)?),
        7 => Operation::SetTrialIntermediateValue(serde_json::from_slice(line)?),
        8 => Operation::SetTrialUserAttr(serde_json::from_slice(line)?),
        9 => Operation::SetTrialSystemAttr(serde_json::from_slice(line)?),
        3 | 10 => Operation::Other,
        unknown => {
            return Err(Unreadable::NotAnOperation(format!("the unknown op_code {unknown}")));
        }
    };
    Ok((head.worker_id == WORKER, operation))
}

/// The line with `null` for `NaN`, `Infinity` and `-Infinity`, which Python writes for such numbers
/// though JSON has none; None where there are none. This program never writes them.
fn without_python_numbers(line: &[u8]) -> Option<Vec<u8>> {
    const TOKENS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    let mut json = Vec::with_capacity(line.len());
    let (mut inside_string, mut escaped, mut replaced) = (false, false, false);
    let mut rest = line;
    while let [byte, tail @ ..] = rest {
        let token = TOKENS.iter().find(|token| !inside_string && rest.starts_with(token));
        if let Some(token) = token {
            json.extend_from_slice(b"null");
            rest = &rest[token.len()..];
            replaced = true;
            continue;
        }
        inside_string ^= *byte == b'"' && !escaped;
        escaped = inside_string && *byte == b'\\' && !escaped;
        json.push(*byte);
        rest = tail;
    }
    replaced.then_some(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `json.dumps({"op_code": 7, "worker_id": "w\"NaN", "trial_id": 3, "step": 1,
    /// "intermediate_value": float("nan")}, separators=(",", ":"))` of Python 3.11.
    #[test]
    fn numbers_that_only_python_writes_are_read_as_missing() {
        let line =
            br#"{"op_code":7,"worker_id":"w\"NaN","trial_id":3,"step":1,"intermediate_value":NaN}"#;
        let Ok((false, Operation::SetTrialIntermediateValue(operation))) = parse(line) else {
            panic!("not read")
        };
        assert_eq!((operation.trial_id, operation.step), (3, 1));
        assert_eq!(operation.intermediate_value, None);
        let all = br#"["NaN\\",NaN,-Infinity,Infinity,"\"Infinity"]"#;
        let replaced = without_python_numbers(all).map(String::from_utf8);
        let expected = r#"["NaN\\",null,null,null,"\"Infinity"]"#;
        assert_eq!(replaced, Some(Ok(expected.to_string())));
        assert_eq!(without_python_numbers(br#"{"a":"NaN"}"#), None);
    }
}
