//! What the figures and tables want to know of a trial and of a study.
//!
//! Attributes are written by other rooms and by other versions, so each may be missing or of another
//! type; what cannot be read counts as missing.

use crate::search::space::{Domain, Value, Variable};
use crate::study::record::{Finished, Outcome, StudyRecord, Trial};
use serde_json::Value as Json;

/// How the figures tell trials apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Complete with a finite value and every constraint satisfied.
    Feasible,
    /// Complete with a finite value, but with a violated constraint.
    Infeasible,
    /// Stopped by the silent-network criterion.
    Silent,
    /// Ran past its time limit.
    Timeout,
    /// Failed, or complete without a finite value.
    Failed,
    /// Running, or cut off.
    Open,
}

impl Kind {
    /// All kinds, in the order of legends.
    pub(super) const ALL: [Kind; 6] =
        [Kind::Feasible, Kind::Infeasible, Kind::Silent, Kind::Timeout, Kind::Failed, Kind::Open];

    /// The kind of a trial.
    pub(super) fn of(trial: &Trial) -> Kind {
        let Some(finished) = &trial.finished else { return Kind::Open };
        match finished.outcome {
            Outcome::Complete if !finished.value.is_some_and(f64::is_finite) => Kind::Failed,
            Outcome::Complete if trial.feasible_value().is_some() => Kind::Feasible,
            Outcome::Complete => Kind::Infeasible,
            Outcome::Silent => Kind::Silent,
            Outcome::Timeout => Kind::Timeout,
            Outcome::Failed => Kind::Failed,
        }
    }

    /// Class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Kind::Feasible => "feasible",
            Kind::Infeasible => "infeasible",
            Kind::Silent => "silent",
            Kind::Timeout => "timeout",
            Kind::Failed => "failed",
            Kind::Open => "open",
        }
    }

    /// Name in legends and counts.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Feasible => "complete",
            Kind::Infeasible => "infeasible",
            Kind::Silent => "silent",
            Kind::Timeout => "timed out",
            Kind::Failed => "failed",
            Kind::Open => "unfinished",
        }
    }
}

/// Number of trials of each kind, in the order of [`Kind::ALL`].
pub(super) fn counts(study: &StudyRecord) -> [usize; 6] {
    Kind::ALL.map(|kind| study.trials.iter().filter(|t| Kind::of(t) == kind).count())
}

/// The finite value of a complete trial.
pub(super) fn value(trial: &Trial) -> Option<f64> {
    match Kind::of(trial) {
        Kind::Feasible | Kind::Infeasible => trial.finished.as_ref()?.value,
        _ => None,
    }
}

/// Feasible trials, best first; the earlier of equals first.
pub(super) fn ranked(study: &StudyRecord) -> Vec<(&Trial, f64)> {
    let mut trials: Vec<(&Trial, f64)> = study
        .trials
        .iter()
        .filter(|t| Kind::of(t) == Kind::Feasible)
        .filter_map(|t| Some((t, value(t)?)))
        .collect();
    trials.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.number.cmp(&b.0.number)));
    trials
}

/// Value of a variable as a number: categories give their index.
pub(super) fn number(trial: &Trial, variable: usize) -> Option<f64> {
    match *trial.point.get(variable)? {
        Value::Float(value) => Some(value),
        Value::Int(value) => Some(value as f64),
        Value::Category(index) => Some(index as f64),
    }
}

/// Value of a variable as text; `digits` writes the real numbers.
pub(super) fn shown(
    trial: &Trial,
    index: usize,
    variable: &Variable,
    digits: fn(f64) -> String,
) -> String {
    match (trial.point.get(index), &variable.domain) {
        (Some(Value::Category(k)), Domain::Categorical { choices }) => {
            choices.get(*k).cloned().unwrap_or_else(|| format!("choice {k}"))
        }
        (Some(Value::Category(k)), _) => format!("choice {k}"),
        (Some(Value::Int(value)), _) => value.to_string(),
        (Some(Value::Float(value)), _) => digits(*value),
        (None, _) => "–".into(),
    }
}

fn finished(trial: &Trial, key: &str) -> Option<Json> {
    trial.finished.as_ref()?.attributes.get(key).cloned()
}

/// A finite number among the attributes.
pub(super) fn attribute(trial: &Trial, key: &str) -> Option<f64> {
    finished(trial, key)?.as_f64().filter(|v| v.is_finite())
}

/// Names of the readouts that any trial reports: the known ones first, in their usual order.
pub(super) fn readouts(study: &StudyRecord) -> Vec<String> {
    const KNOWN: [&str; 5] = ["all", "vote", "2gram", "log", "svm"];
    let mut names: Vec<String> = Vec::new();
    let finished = study.trials.iter().filter_map(|t| t.finished.as_ref());
    for accuracies in finished.filter_map(accuracies) {
        for name in accuracies.keys() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    names.sort_by_key(|name| {
        (KNOWN.iter().position(|k| k == name).unwrap_or(KNOWN.len()), name.clone())
    });
    names
}

fn accuracies(finished: &Finished) -> Option<&serde_json::Map<String, Json>> {
    finished.attributes.get("readout_accuracy")?.as_object()
}

/// Accuracy of one readout on a trial.
pub(super) fn readout_accuracy(trial: &Trial, name: &str) -> Option<f64> {
    accuracies(trial.finished.as_ref()?)?.get(name)?.as_f64().filter(|v| v.is_finite())
}

/// Share of samples on which each layer was silent, as text in percent, layers separated by " / ".
pub(super) fn silent_share(trial: &Trial) -> Option<String> {
    let shares = match finished(trial, "silent_share")? {
        Json::Array(shares) => shares,
        share => vec![share],
    };
    let texts: Vec<String> =
        shares.iter().filter_map(Json::as_f64).map(|share| percent(share, 1)).collect();
    (!texts.is_empty()).then(|| texts.join(" / "))
}

/// Why a trial has no value.
pub(super) fn reason(trial: &Trial) -> String {
    match finished(trial, "reason") {
        Some(Json::String(reason)) if !reason.trim().is_empty() => reason,
        _ => match trial.finished.as_ref().map(|f| f.outcome) {
            Some(Outcome::Timeout) => "time limit".into(),
            Some(Outcome::Complete) => "completed without a finite accuracy".into(),
            _ => "no reason recorded".into(),
        },
    }
}

/// A share in percent, without the sign.
pub(super) fn percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$}", 100.0 * share)
}

/// Median of finite numbers.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.retain(|v| v.is_finite());
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[half]),
        _ => Some(0.5 * (values[half - 1] + values[half])),
    }
}

/// Seconds in which at least one trial ran: the union of the trials' intervals, so that a pause
/// between two runs of a study does not count. None where no trial has both times.
pub(super) fn busy_seconds(study: &StudyRecord) -> Option<f64> {
    let mut intervals: Vec<(f64, f64)> = study
        .trials
        .iter()
        .filter_map(|t| Some((seconds(&t.started)?, seconds(t.ended.as_deref()?)?)))
        .filter(|(start, end)| end >= start)
        .collect();
    intervals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut total = 0.0;
    let mut reached = f64::NEG_INFINITY;
    for &(start, end) in &intervals {
        total += (end - start.max(reached)).max(0.0);
        reached = reached.max(end);
    }
    (!intervals.is_empty()).then_some(total)
}

/// Seconds since an arbitrary day of an ISO 8601 time `YYYY-MM-DDThh:mm:ss[.fraction]`; an offset
/// behind it is ignored, as all times of a study come from one clock.
fn seconds(text: &str) -> Option<f64> {
    let field = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok().map(f64::from);
    let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
    let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
    let fraction: String =
        text.get(19..)?.chars().take_while(|c| *c == '.' || c.is_ascii_digit()).collect();
    // Days of the Gregorian calendar with the year starting in March, so that leap days come last.
    let (year, month) = if month <= 2.0 { (year - 1.0, month + 9.0) } else { (year, month - 3.0) };
    let leaps = (year / 4.0).floor() - (year / 100.0).floor() + (year / 400.0).floor();
    let days = 365.0 * year + leaps + ((153.0 * month + 2.0) / 5.0).floor() + day;
    let fraction = format!("0{fraction}").parse().unwrap_or(0.0);
    Some(days * 86_400.0 + hour * 3_600.0 + minute * 60.0 + second + fraction)
}

/// A length of time as a person says it: 45 s, 12 min 5 s, 3 h 20 min, 2 d 4 h.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    match whole {
        0..=9 => format!("{seconds:.1} s"),
        10..=59 => format!("{whole} s"),
        60..=3_599 => format!("{} min {} s", whole / 60, whole % 60),
        3_600..=86_399 => format!("{} h {} min", whole / 3_600, whole % 3_600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_across_months_and_leap_days() {
        let between = |a: &str, b: &str| seconds(b).unwrap() - seconds(a).unwrap();
        assert_eq!(between("2024-02-28T23:59:59", "2024-03-01T00:00:00"), 86_401.0);
        assert_eq!(between("2023-02-28T23:59:59", "2023-03-01T00:00:00"), 1.0);
        assert_eq!(between("2025-12-31T23:59:59.5", "2026-01-01T00:00:00.250000"), 0.75);
        assert_eq!(between("2025-01-01 00:00:00+01:00", "2025-01-01T00:01:00Z"), 60.0);
        for bad in ["", "2025", "2025-01-01", "2025-01-01Taa:00:00", "äöüäöüäöüäöüäöü"]
        {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_take_two_units() {
        let texts = [3.26, 59.0, 725.0, 12_000.0, 187_300.0].map(duration);
        assert_eq!(texts, ["3.3 s", "59 s", "12 min 5 s", "3 h 20 min", "2 d 4 h"]);
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, f64::NAN, 1.0]), Some(2.0));
        assert_eq!(median(vec![3.0, 9.0, 1.0]), Some(3.0));
    }
}
