//! The optimiser: length of its trust region, predicted feasibility, and the lengthscales of its
//! last model.

use super::curves::dot_radius;
use super::facts::{Kind, percent};
use super::scale::{Axis, Scale, plain, significant};
use super::svg::{Svg, coordinate, line};
use crate::search::sampler::scbo::Note;
use crate::search::scbo::surrogate::OBJECTIVE;
use crate::search::space::Space;
use crate::study::record::StudyRecord;
use std::collections::BTreeMap;

const LEFT: f64 = 48.0;
const RIGHT: f64 = 62.0;
/// Room for the names of variables.
const NAMES: f64 = 150.0;
/// Height of the row of one variable.
const ROW: f64 = 18.0;

/// The notes of the trials that this optimiser proposed, by number.
pub(super) fn notes(study: &StudyRecord) -> Vec<(u64, Note)> {
    study.trials.iter().filter_map(|trial| Some((trial.number, Note::of(trial)?))).collect()
}

/// One paragraph about the state that the last proposal came from.
pub(super) fn state(notes: &[(u64, Note)]) -> String {
    let designed = notes.iter().filter(|(_, note)| note.length.is_none()).count();
    let restarts = notes.iter().map(|(_, note)| note.restart).max().unwrap_or(0);
    let mut text = format!(
        "{designed} points of the design, {} from the models; {restarts} {}. ",
        notes.len() - designed,
        if restarts == 1 { "restart" } else { "restarts" }
    );
    let last = notes.iter().rev().find_map(|(_, note)| Some((note, note.length?)));
    let Some((note, length)) = last else { return text };
    text += &format!(
        "Last box: length {}, {} successes and {} failures in a row. ",
        plain(length, 3),
        note.successes,
        note.failures
    );
    if let Some(hyper) = note.models.get(OBJECTIVE) {
        let at_bound = note.at_upper_bound.len() + note.at_lower_bound.len();
        text += &format!(
            "{at_bound} of {} lengthscales of the objective sit at a bound{} ",
            hyper.lengthscales.len(),
            match note.mostly_at_bounds() {
                true =>
                    ", most of them: the model may have too few or too noisy results, or the \
                         score may not depend on these variables.",
                false => ".",
            }
        );
    }
    text
}

/// Length of the box and predicted feasibility over the trials, `width` units wide.
pub(super) fn course(study: &StudyRecord, notes: &[(u64, Note)], width: f64) -> String {
    let last = study.trials.iter().map(|t| t.number).max().unwrap_or(0);
    let trials = Axis {
        scale: Scale::Linear { low: -0.5, high: last as f64 + 0.5, min_step: 1.0 },
        from: LEFT + 6.0,
        to: width - RIGHT - 6.0,
    };
    let (top, bottom) = (24.0, 134.0);
    let (share_top, share_bottom) = (bottom + 46.0, bottom + 126.0);
    let title = "Length of the trust region and predicted feasibility over the trials";
    let mut svg = Svg::new(width, share_bottom + 44.0, "figure", title);
    lengths(&mut svg, notes, &trials, (top, bottom));
    feasibility(&mut svg, study, notes, &trials, (share_top, share_bottom));
    for (x, label) in trials.ticks((width / 90.0) as usize) {
        svg.path("axis", &line(x, share_bottom + 3.0, x, share_bottom + 7.0));
        svg.text("tick mid", x, share_bottom + 20.0, &label);
    }
    svg.text("label mid", 0.5 * (trials.from + trials.to), share_bottom + 38.0, "Trial");
    svg.finish()
}

fn lengths(svg: &mut Svg, notes: &[(u64, Note)], trials: &Axis, (top, bottom): (f64, f64)) {
    // Boxes are at most 1.6 long; a journal that others wrote to may hold anything.
    let valid = |length: &f64| *length > f64::EPSILON && *length <= 2.0;
    let known = || {
        let valid = |(n, note): &(u64, Note)| Some((*n, note.restart, note.length.filter(valid)?));
        notes.iter().filter_map(valid)
    };
    let of = || known().map(|(_, _, length)| length);
    svg.text("label", 0.0, top - 12.0, "Length of the trust region (share of the range)");
    if of().next().is_none() {
        return;
    }
    let (low, high) = (of().fold(f64::INFINITY, f64::min), of().fold(0.0, f64::max));
    let scale = Scale::Log { low: 0.7 * low, high: 1.4 * high };
    let axis = Axis { scale, from: bottom, to: top };
    for (y, label) in axis.ticks(4).into_iter().filter(|(_, label)| !label.is_empty()) {
        svg.path("grid", &line(trials.from - 6.0, y, trials.to + 6.0, y));
        svg.text("tick end", LEFT - 6.0, y + 4.0, &label);
    }
    let mut path = String::new();
    let mut region = None;
    let mut end = None;
    for (number, restart, length) in known() {
        let (Some(x), Some(y)) = (trials.at(number as f64), axis.at(length)) else { continue };
        let (sx, sy) = (coordinate(x), coordinate(y));
        path += &match region == Some(restart) {
            true => format!("H{sx}V{sy}"),
            false => format!("M{sx} {sy}"),
        };
        region = Some(restart);
        end = Some((y, length));
    }
    svg.path("best", &path);
    let mut before = 0;
    for (number, note) in notes {
        if note.restart > before
            && let Some(x) = trials.at(*number as f64)
        {
            svg.path("share", &line(x, top, x, bottom));
            svg.text("note silent mid", x, top - 2.0, "restart");
        }
        before = before.max(note.restart);
    }
    if let Some((y, length)) = end {
        svg.text("value best", trials.to + 12.0, y + 4.0, &plain(length, 3));
    }
}

fn feasibility(
    svg: &mut Svg,
    study: &StudyRecord,
    notes: &[(u64, Note)],
    trials: &Axis,
    (top, bottom): (f64, f64),
) {
    let axis = Axis {
        scale: Scale::Linear { low: 0.0, high: 100.0, min_step: 0.0 },
        from: bottom,
        to: top,
    };
    svg.text("label", 0.0, top - 12.0, "Predicted probability that the point is feasible (%)");
    for (y, label) in axis.ticks(3) {
        svg.path("grid", &line(trials.from - 6.0, y, trials.to + 6.0, y));
        svg.text("tick end", LEFT - 6.0, y + 4.0, &label);
    }
    let kinds: BTreeMap<u64, Kind> =
        study.trials.iter().map(|trial| (trial.number, Kind::of(trial))).collect();
    let mut points: BTreeMap<Kind, Vec<(f64, f64)>> = BTreeMap::new();
    for (number, note) in notes {
        let place =
            note.feasibility.and_then(|p| Some((trials.at(*number as f64)?, axis.at(100.0 * p)?)));
        if let (Some(place), Some(kind)) = (place, kinds.get(number)) {
            points.entry(*kind).or_default().push(place);
        }
    }
    let radius = dot_radius(points.values().map(Vec::len).sum());
    for (kind, points) in points {
        svg.dots(kind.class(), radius, &points);
    }
}

/// Lengthscales of the objective in the last fit: a dot a variable, between the bounds.
pub(super) fn lengthscales(space: &Space, notes: &[(u64, Note)]) -> Option<(u64, String)> {
    let (number, note, hyper) =
        notes.iter().rev().find_map(|(n, note)| Some((*n, note, note.models.get(OBJECTIVE)?)))?;
    let width = 620.0;
    let rows = hyper.lengthscales.len().min(space.variables.len());
    let bottom = 8.0 + ROW * rows as f64;
    let positive = || hyper.lengthscales.iter().copied().filter(|l| l.is_finite() && *l > 0.0);
    let low = positive().fold(0.1, f64::min);
    let high = positive().fold(4.0, f64::max);
    let axis = Axis { scale: Scale::Log { low, high }, from: NAMES, to: width - 130.0 };
    let mut svg =
        Svg::new(width, bottom + 40.0, "figure", "Lengthscales of the objective in the last fit");
    for (x, label) in axis.ticks(6) {
        svg.path("grid", &line(x, 4.0, x, bottom));
        svg.text("tick mid", x, bottom + 16.0, &label);
    }
    svg.text(
        "label mid",
        0.5 * (axis.from + axis.to),
        bottom + 34.0,
        "Lengthscale (share of the range)",
    );
    // The most important variable first.
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by(|&a, &b| hyper.lengthscales[a].total_cmp(&hyper.lengthscales[b]));
    for (row, index) in order.into_iter().enumerate() {
        let y = 8.0 + ROW * (row as f64 + 0.5);
        let (name, length) = (&space.variables[index].name, hyper.lengthscales[index]);
        svg.text("tick end", NAMES - 10.0, y + 4.0, name);
        let Some(x) = axis.at(length) else { continue };
        let bound = match name {
            name if note.at_upper_bound.contains(name) => " at the upper bound",
            name if note.at_lower_bound.contains(name) => " at the lower bound",
            _ => "",
        };
        let class = if bound.is_empty() { "feasible" } else { "silent" };
        svg.dots(class, 3.4, &[(x, y)]);
        if !bound.is_empty() {
            svg.text("note silent", axis.to + 10.0, y + 4.0, bound.trim_start());
        } else {
            svg.text("note", axis.to + 10.0, y + 4.0, &significant(length));
        }
    }
    Some((number, svg.finish()))
}

/// Mean predicted and observed feasibility of the finished points that the models proposed.
pub(super) fn calibration(study: &StudyRecord) -> Option<String> {
    let known: Vec<(f64, bool)> = study
        .trials
        .iter()
        .filter(|trial| trial.finished.is_some())
        .filter_map(|trial| Some((Note::of(trial)?.feasibility?, Kind::of(trial))))
        .map(|(predicted, kind)| (predicted, kind == Kind::Feasible))
        .collect();
    let count = known.len() as f64;
    let predicted = known.iter().map(|(p, _)| p).sum::<f64>() / count;
    let observed = known.iter().filter(|(_, feasible)| *feasible).count() as f64 / count;
    (!known.is_empty()).then(|| {
        format!(
            "On average {} % were predicted to be feasible, {} % were.",
            percent(predicted, 0),
            percent(observed, 0)
        )
    })
}
