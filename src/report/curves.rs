//! Progress of the study over its trials: accuracies with the best so far, the share of silent
//! trials, and the outcome of every trial; three panels over one axis.

use super::facts::{Kind, percent, value};
use super::scale::{Axis, Scale};
use super::svg::{Svg, coordinate, line, rectangle};
use crate::study::record::StudyRecord;
use std::collections::BTreeMap;

const LEFT: f64 = 42.0;
const RIGHT: f64 = 56.0;
/// Distance of the first and the last trial from the ends of the grid lines.
const INSET: f64 = 6.0;
/// Bars of the strip of outcomes are at least this wide.
const LEAST_BAR: f64 = 2.2;

/// Radius of a dot among `count`: thousands of dots are thin.
pub(super) fn dot_radius(count: usize) -> f64 {
    (8.0 / (count.max(1) as f64).powf(0.25)).clamp(1.0, 2.6)
}

/// The scale, in percent, on which all accuracies of a study find room.
pub(super) fn accuracy_scale(study: &StudyRecord) -> Scale {
    let values = study.trials.iter().filter_map(value).map(|v| 100.0 * v).filter(|v| v.is_finite());
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return Scale::Linear { low: 0.0, high: 100.0, min_step: 0.0 };
    }
    let pad = (0.05 * (high - low)).max(0.5);
    let inside = low >= 0.0 && high <= 100.0;
    let bound = |v: f64| if inside { v.clamp(0.0, 100.0) } else { v };
    Scale::Linear { low: bound(low - pad), high: bound(high + pad), min_step: 0.0 }
}

/// Number of finished trials that the running share of silent ones looks back on.
pub(super) fn window(finished: usize) -> usize {
    (finished / 10).clamp(10, 100).min(finished.max(1))
}

/// Draws the figure `width` units wide.
pub(super) fn progress(study: &StudyRecord, width: f64) -> String {
    let last = study.trials.iter().map(|t| t.number).max().unwrap_or(0);
    let trials = Axis {
        scale: Scale::Linear { low: -0.5, high: last as f64 + 0.5, min_step: 1.0 },
        from: LEFT + INSET,
        to: width - RIGHT - INSET,
    };
    let top = 24.0;
    let accuracy_bottom = top + (0.26 * width).clamp(180.0, 260.0);
    let share_top = accuracy_bottom + 60.0;
    let share_bottom = share_top + 64.0;
    let strip_top = share_bottom + 38.0;
    let strip_bottom = strip_top + 16.0;
    let mut svg =
        Svg::new(width, strip_bottom + 44.0, "figure", "Progress of the study over its trials");

    accuracies(&mut svg, study, &trials, top, accuracy_bottom);
    shares(&mut svg, study, &trials, share_top, share_bottom);
    outcomes(&mut svg, study, &trials, strip_top, strip_bottom, last);
    for (x, label) in trials.ticks((width / 90.0) as usize) {
        svg.path("axis", &line(x, strip_bottom + 3.0, x, strip_bottom + 7.0));
        svg.text("tick mid", x, strip_bottom + 20.0, &label);
    }
    svg.text("label mid", 0.5 * (trials.from + trials.to), strip_bottom + 38.0, "Trial");
    svg.finish()
}

/// Horizontal grid lines with their numbers.
fn grid(svg: &mut Svg, trials: &Axis, values: &Axis, most: usize) {
    for (y, label) in values.ticks(most) {
        svg.path("grid", &line(trials.from - INSET, y, trials.to + INSET, y));
        svg.text("tick end", LEFT - 6.0, y + 4.0, &label);
    }
}

fn accuracies(svg: &mut Svg, study: &StudyRecord, trials: &Axis, top: f64, bottom: f64) {
    let accuracy = Axis { scale: accuracy_scale(study), from: bottom, to: top };
    svg.text("label", 0.0, top - 12.0, "Hold-out accuracy (%)");
    grid(svg, trials, &accuracy, 6);

    let mut points: BTreeMap<Kind, Vec<(f64, f64)>> = BTreeMap::new();
    let mut steps = String::new();
    let mut records = Vec::new();
    let mut best = f64::NEG_INFINITY;
    for trial in &study.trials {
        let kind = Kind::of(trial);
        let Some(x) = trials.at(trial.number as f64) else { continue };
        let y = value(trial).and_then(|v| accuracy.at(100.0 * v));
        points.entry(kind).or_default().push((x, y.unwrap_or(bottom + 9.0)));
        if let (Kind::Feasible, Some(v), Some(y)) = (kind, value(trial), y)
            && v > best
        {
            let (x, y) = (coordinate(x), coordinate(y));
            steps += &if best.is_finite() { format!("H{x}V{y}") } else { format!("M{x} {y}") };
            records.push((trial.number, v));
            best = v;
        }
    }
    let of = |kind| points.get(&kind).map(Vec::as_slice).unwrap_or_default();
    let drawn = of(Kind::Feasible).len() + of(Kind::Infeasible).len();
    svg.rings("infeasible", dot_radius(drawn) + 0.4, of(Kind::Infeasible));
    svg.dots("feasible", dot_radius(drawn), of(Kind::Feasible));
    svg.ticks("rug silent", 7.0, of(Kind::Silent));
    if !of(Kind::Silent).is_empty() {
        svg.text("note silent", trials.to + INSET + 6.0, bottom + 17.0, "silent");
    }
    let end = trials.to + INSET;
    if let Some(y) = accuracy.at(100.0 * best) {
        svg.path("best", &format!("{steps}H{}", coordinate(end)));
        for (number, v) in records {
            if let (Some(x), Some(y)) = (trials.at(number as f64), accuracy.at(100.0 * v)) {
                let title = format!("trial {number}: {} %", percent(v, 2));
                svg.marked("record", dot_radius(drawn) + 0.9, (x, y), &title);
            }
        }
        svg.text("value best", end + 6.0, y + 4.0, &format!("{} %", percent(best, 1)));
    }
}

fn shares(svg: &mut Svg, study: &StudyRecord, trials: &Axis, top: f64, bottom: f64) {
    let share = Axis {
        scale: Scale::Linear { low: 0.0, high: 100.0, min_step: 0.0 },
        from: bottom,
        to: top,
    };
    let finished: Vec<(u64, bool)> = study
        .trials
        .iter()
        .filter(|t| t.finished.is_some())
        .map(|t| (t.number, Kind::of(t) == Kind::Silent))
        .collect();
    let window = window(finished.len());
    let title = match finished.len() > window {
        true => format!("Silent among the last {window} finished trials (%)"),
        false => "Silent among the finished trials (%)".into(),
    };
    svg.text("label", 0.0, top - 12.0, &title);
    grid(svg, trials, &share, 2);

    let mut d = String::new();
    let mut silent = 0;
    let mut latest = None;
    for (k, &(number, is_silent)) in finished.iter().enumerate() {
        silent += usize::from(is_silent);
        if k >= window {
            silent -= usize::from(finished[k - window].1);
        }
        // The first few trials would only make the line jump between 0 and 100.
        if 2 * (k + 1) < window {
            continue;
        }
        let percentage = 100.0 * silent as f64 / (k + 1).min(window) as f64;
        if let (Some(x), Some(y)) = (trials.at(number as f64), share.at(percentage)) {
            d.push(if latest.is_none() { 'M' } else { 'L' });
            d += &format!("{} {}", coordinate(x), coordinate(y));
            latest = Some((y, percentage));
        }
    }
    svg.path("share", &d);
    if let Some((y, percentage)) = latest {
        let x = trials.to + INSET + 6.0;
        svg.text("value silent", x, y + 4.0, &format!("{percentage:.0} %"));
    }
}

/// A bar for each trial, or for each few neighbours; parts of a bar are shares of outcomes.
fn outcomes(svg: &mut Svg, study: &StudyRecord, trials: &Axis, top: f64, bottom: f64, last: u64) {
    svg.text("label", 0.0, top - 9.0, "Outcome of each trial");
    let per_bar = last / ((trials.to - trials.from) / LEAST_BAR) as u64 + 1;
    let mut bars: BTreeMap<u64, [usize; 6]> = BTreeMap::new();
    for trial in &study.trials {
        bars.entry(trial.number / per_bar).or_default()[Kind::of(trial) as usize] += 1;
    }
    let mut paths = [const { String::new() }; 6];
    for (bar, counts) in bars {
        let first = (bar * per_bar) as f64;
        let (Some(left), Some(right)) =
            (trials.at(first - 0.5), trials.at(first + per_bar as f64 - 0.5))
        else {
            continue;
        };
        // A bar of few trials gets a seam, so that single trials can be told apart.
        let seam = if right - left > 5.0 { 1.0 } else { 0.0 };
        let total: usize = counts.iter().sum();
        let mut y = top;
        for (path, count) in paths.iter_mut().zip(counts) {
            let height = (bottom - top) * count as f64 / total as f64;
            if count > 0 {
                *path += &rectangle(left, y, right - left - seam, height);
            }
            y += height;
        }
    }
    for (kind, path) in Kind::ALL.into_iter().zip(paths) {
        svg.path(&format!("bar {}", kind.class()), &path);
    }
}
