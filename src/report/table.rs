//! The closing table of the terminal.

use super::facts::{self, Kind, counts, percent, ranked};
use super::scale::plain;
use crate::study::record::{StudyRecord, Trial};

/// Columns of a terminal that the table may use.
const WIDTH: usize = 100;
/// Rows of the table.
const MOST_ROWS: usize = 10;
/// Longest text of a cell.
const MOST_CELL: usize = 24;
const SEPARATOR: &str = "  ";

/// Writes the best feasible trials as an aligned table of at most 100 columns: number, accuracy,
/// accuracy of each readout, share of silent samples, then as many hyperparameters as fit. Ends
/// with a line that counts the trials by outcome.
pub fn table(study: &StudyRecord) -> String {
    let best: Vec<&Trial> = ranked(study).into_iter().take(MOST_ROWS).map(|(t, _)| t).collect();
    let mut out = String::new();
    if !best.is_empty() {
        let (columns, hidden) = fitting(columns(study, &best));
        for row in 0..=best.len() {
            let cells: Vec<String> = columns
                .iter()
                .map(|cells| {
                    let width = width(cells);
                    format!("{:>width$}", cells[row])
                })
                .collect();
            out += cells.join(SEPARATOR).trim_end();
            out.push('\n');
            if row == 0 {
                let rule: Vec<String> =
                    columns.iter().map(|cells| "─".repeat(width(cells))).collect();
                out += &rule.join(SEPARATOR);
                out.push('\n');
            }
        }
        if hidden > 0 {
            let s = if hidden == 1 { "" } else { "s" };
            out += &format!("({hidden} more column{s} on the report page)\n");
        }
    }
    out + &summary(study)
}

/// The columns in their order, each with its heading and then a cell a trial.
fn columns(study: &StudyRecord, best: &[&Trial]) -> Vec<Vec<String>> {
    let column = |name: &str, cell: &dyn Fn(&Trial) -> Option<String>| -> Vec<String> {
        let cells = best.iter().map(|t| clean(&cell(t).unwrap_or_else(|| "–".into())));
        std::iter::once(clean(name)).chain(cells).collect()
    };
    let mut columns = vec![
        column("trial", &|t| Some(t.number.to_string())),
        column("accuracy %", &|t| facts::value(t).map(|v| percent(v, 2))),
    ];
    for name in facts::readouts(study) {
        columns.push(column(&name, &|t| facts::readout_accuracy(t, &name).map(|v| percent(v, 2))));
    }
    if best.iter().any(|t| facts::silent_share(t).is_some()) {
        columns.push(column("silent %", &facts::silent_share));
    }
    for (index, variable) in study.space.variables.iter().enumerate() {
        columns.push(column(&variable.name, &|t| {
            Some(facts::shown(t, index, variable, |v| plain(v, 3)))
        }));
    }
    columns
}

/// Columns in their order while they fit the terminal, and the number of those that do not.
fn fitting(mut columns: Vec<Vec<String>>) -> (Vec<Vec<String>>, usize) {
    let mut used = 0;
    let fit = columns
        .iter()
        .take_while(|cells| {
            used += width(cells) + if used == 0 { 0 } else { SEPARATOR.len() };
            used <= WIDTH
        })
        .count();
    let hidden = columns.len() - fit;
    columns.truncate(fit);
    (columns, hidden)
}

fn width(cells: &[String]) -> usize {
    cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0)
}

/// One short line without characters that a terminal would obey.
fn clean(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
    match text.chars().count() {
        0..=MOST_CELL => text,
        _ => text.chars().take(MOST_CELL - 1).chain(std::iter::once('…')).collect(),
    }
}

fn summary(study: &StudyRecord) -> String {
    let total = study.trials.len();
    let parts: Vec<String> = Kind::ALL
        .into_iter()
        .zip(counts(study))
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {}", kind.name()))
        .collect();
    let s = if total == 1 { "" } else { "s" };
    let mut line = format!("{total} trial{s}");
    if !parts.is_empty() {
        line += &format!(": {}", parts.join(" · "));
    }
    if total > 0 && ranked(study).is_empty() {
        line += "\nNo trial completed with every constraint satisfied.";
    }
    line + "\n"
}
