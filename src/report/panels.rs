//! Accuracy against each hyperparameter: small panels, one a variable, with one scale of accuracy.

use super::curves::{accuracy_scale, dot_radius};
use super::facts::{self, Kind, value};
use super::scale::{Axis, Scale};
use super::svg::{Svg, line};
use crate::search::space::Variable;
use crate::study::record::{StudyRecord, Trial};
use std::collections::BTreeMap;

const WIDTH: f64 = 250.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 34.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 26.0;
/// Lower end of the accuracies; the rug of trials without one stands below.
const FLOOR: f64 = 142.0;
const BOTTOM: f64 = 158.0;
/// About the width of a letter or digit of a label.
const LETTER: f64 = 6.8;
/// Half the width over which the dots of one slot are spread.
const JITTER: f64 = 0.3;

/// Draws one panel a variable of the space.
pub(super) fn panels(study: &StudyRecord, units: &[(String, String)]) -> Vec<String> {
    let best = facts::ranked(study).first().map(|(trial, _)| *trial);
    let variables = study.space.variables.iter().enumerate();
    variables.map(|(index, variable)| panel(study, index, variable, units, best)).collect()
}

fn panel(
    study: &StudyRecord,
    index: usize,
    variable: &Variable,
    units: &[(String, String)],
    best: Option<&Trial>,
) -> String {
    let title = match units.iter().find(|(name, _)| *name == variable.name) {
        Some((name, unit)) => format!("{name} ({unit})"),
        None => variable.name.clone(),
    };
    let mut svg = Svg::new(WIDTH, HEIGHT, "panel", &format!("Hold-out accuracy against {title}"));
    svg.text("title", LEFT - 6.0, 14.0, &shortened(&title, 34));

    let across =
        Axis { scale: Scale::of(&variable.domain), from: LEFT + 5.0, to: WIDTH - RIGHT - 5.0 };
    let up = Axis { scale: accuracy_scale(study), from: FLOOR, to: TOP };
    for (y, label) in up.ticks(4) {
        svg.path("grid", &line(LEFT, y, WIDTH - RIGHT, y));
        svg.text("tick end", LEFT - 5.0, y + 4.0, &label);
    }
    svg.path("axis", &line(LEFT, BOTTOM, WIDTH - RIGHT, BOTTOM));
    ticks(&mut svg, &across);

    let place = |trial: &Trial| -> Option<(f64, f64)> {
        let mut at = facts::number(trial, index)?;
        if across.scale.slotted() {
            at += JITTER * spread(trial.number);
        }
        let y = value(trial).and_then(|v| up.at(100.0 * v)).unwrap_or(FLOOR + 7.0);
        Some((across.at(at)?, y))
    };
    let mut points: BTreeMap<Kind, Vec<(f64, f64)>> = BTreeMap::new();
    for trial in &study.trials {
        if let Some(point) = place(trial) {
            points.entry(Kind::of(trial)).or_default().push(point);
        }
    }
    let of = |kind| points.get(&kind).map(Vec::as_slice).unwrap_or_default();
    let radius = 0.9 * dot_radius(of(Kind::Feasible).len() + of(Kind::Infeasible).len());
    svg.rings("infeasible", radius + 0.4, of(Kind::Infeasible));
    svg.dots("feasible", radius, of(Kind::Feasible));
    for kind in [Kind::Silent, Kind::Timeout, Kind::Failed] {
        svg.ticks(&format!("rug {}", kind.class()), 6.0, of(kind));
    }
    if let Some((trial, point)) = best.and_then(|trial| Some((trial, place(trial)?))) {
        let text = facts::shown(trial, index, variable, super::scale::significant);
        svg.marked("record", radius + 1.4, point, &format!("best, trial {}: {text}", trial.number));
    }
    svg.finish()
}

fn ticks(svg: &mut Svg, across: &Axis) {
    // As many labels as stand side by side without touching.
    let most = (2..=6).rev().find(|&most| apart(&across.ticks(most))).unwrap_or(2);
    let ticks = across.ticks(most);
    // Many or long names of categories are shortened to the room that each has.
    let room = (WIDTH - LEFT - RIGHT) / ticks.len().max(1) as f64;
    let named = matches!(across.scale, Scale::Category { .. });
    for (x, label) in ticks {
        svg.path("axis", &line(x, BOTTOM, x, BOTTOM + if label.is_empty() { 2.5 } else { 5.0 }));
        let label = if named { shortened(&label, (room / LETTER) as usize) } else { label };
        if !label.is_empty() {
            svg.text("tick mid", x, BOTTOM + 19.0, &label);
        }
    }
}

fn apart(ticks: &[(f64, String)]) -> bool {
    let labels: Vec<(f64, f64)> = ticks
        .iter()
        .filter(|(_, label)| !label.is_empty())
        .map(|(x, label)| (*x, 0.5 * LETTER * label.chars().count() as f64))
        .collect();
    labels.windows(2).all(|pair| pair[1].0 - pair[1].1 - pair[0].0 - pair[0].1 >= LETTER)
}

/// A number in [−1, 1) that differs much between neighbours: multiples of the golden ratio are
/// spread as evenly as points can be, and the same trial always gets the same.
fn spread(number: u64) -> f64 {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15; // 2⁶⁴ / 1.618…
    number.wrapping_mul(GOLDEN) as f64 / 2_f64.powi(63) - 1.0
}

/// The first characters of a text, with an ellipsis where some are missing.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_string();
    }
    text.chars().take(most.saturating_sub(1)).chain(std::iter::once('…')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_fills_its_slot_and_repeats() {
        let mut values: Vec<f64> = (0..100).map(spread).collect();
        assert_eq!(values, (0..100).map(spread).collect::<Vec<_>>());
        assert!(values.iter().all(|v| (-1.0..1.0).contains(v)));
        values.sort_by(f64::total_cmp);
        // Three-distance theorem: no gap among 100 golden multiples is wider than 3/100 of the range.
        assert!(values.windows(2).all(|p| p[1] - p[0] < 0.06));
    }

    #[test]
    fn shortening_counts_characters() {
        assert_eq!(shortened("θθθθ", 4), "θθθθ");
        assert_eq!(shortened("θθθθθ", 4), "θθθ…");
        assert_eq!(shortened("abc", 0), "…");
    }
}
