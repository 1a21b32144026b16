//! The table of the best trials on the page.

use super::facts::{self, percent, ranked};
use super::scale::plain;
use super::svg::escape;
use crate::study::record::StudyRecord;
use std::fmt::Write as _;

/// Rows of the table.
pub(super) const MOST_ROWS: usize = 10;

/// Writes the table of the best feasible trials; empty where there is none.
pub(super) fn ranking(study: &StudyRecord, units: &[(String, String)]) -> String {
    let best = ranked(study);
    if best.is_empty() {
        return String::new();
    }
    let readouts = facts::readouts(study);
    let mut out = String::from(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Best trials\"><table>\n<thead>",
    );
    if !readouts.is_empty() || !study.space.variables.is_empty() {
        out += "<tr class=\"groups\"><td colspan=\"2\"></td>";
        if !readouts.is_empty() {
            let _ = write!(
                out,
                "<th colspan=\"{}\" scope=\"colgroup\">Accuracy by readout (%)</th>",
                readouts.len()
            );
        }
        out += "<td colspan=\"2\"></td>";
        if !study.space.variables.is_empty() {
            let count = study.space.variables.len();
            let _ = write!(out, "<th colspan=\"{count}\" scope=\"colgroup\">Hyperparameters</th>");
        }
        out += "</tr>\n";
    }
    out += "<tr><th scope=\"col\">Trial</th><th scope=\"col\">Accuracy (%)</th>";
    let mut head = |text: &str| {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escape(text));
    };
    readouts.iter().for_each(|name| head(name));
    head("Silent samples (%)");
    head("Training (s)");
    for variable in &study.space.variables {
        match units.iter().find(|(name, _)| *name == variable.name) {
            Some((name, unit)) => head(&format!("{name} ({unit})")),
            None => head(&variable.name),
        }
    }
    out += "</tr></thead>\n<tbody>\n";
    for (trial, value) in best.into_iter().take(MOST_ROWS) {
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"main\">{}</td>",
            trial.number,
            percent(value, 2)
        );
        let mut cell = |text: Option<String>| {
            let _ = write!(out, "<td>{}</td>", escape(text.as_deref().unwrap_or("–")));
        };
        for name in &readouts {
            cell(facts::readout_accuracy(trial, name).map(|v| percent(v, 2)));
        }
        cell(facts::silent_share(trial));
        cell(facts::attribute(trial, "train_seconds").map(|s| format!("{s:.1}")));
        for (index, variable) in study.space.variables.iter().enumerate() {
            cell(Some(facts::shown(trial, index, variable, |v| plain(v, 4))));
        }
        out += "</tr>\n";
    }
    out + "</tbody></table></div>\n"
}
