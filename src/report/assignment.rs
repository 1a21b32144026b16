//! Which classes the neurons of the best network speak for, and how far their thresholds adapted.

use super::BestNetwork;
use super::network_images::class_of;
use super::scale::{Axis, Scale};
use super::svg::{Svg, line, rectangle};
use std::collections::BTreeMap;

const WIDTH: f64 = 460.0;
const ROW: f64 = 22.0;
const LEFT: f64 = 44.0;
const BARS_END: f64 = 200.0;
const THETA_START: f64 = 258.0;
const TOP: f64 = 30.0;
/// Classes up to this one get a row even when no neuron has them.
const MOST_ROWS: i32 = 64;

/// Draws a row a class: a bar of its neurons, and a tick for the θ of each of them.
pub(super) fn assignment(network: &BestNetwork) -> String {
    // The montage says so where the weights do not fit the neurons; lists are taken as they come.
    let neurons = network.assignments.len().max(network.theta.len());
    let mut classes: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
    for neuron in 0..neurons {
        classes.entry(class_of(network, neuron)).or_default().push(neuron);
    }
    let last = classes.keys().next_back().copied().unwrap_or(-1).min(MOST_ROWS);
    for class in 0..=last {
        classes.entry(class).or_default();
    }
    let unassigned = classes.remove(&-1);
    let rows: Vec<(String, Vec<usize>)> = classes
        .into_iter()
        .map(|(class, neurons)| (class.to_string(), neurons))
        .chain(unassigned.map(|neurons| ("none".into(), neurons)))
        .collect();

    let theta = || network.theta.iter().map(|&t| f64::from(t)).filter(|t| t.is_finite());
    let has_theta = theta().next().is_some();
    let width = if has_theta { WIDTH } else { THETA_START };
    let bottom = TOP + ROW * rows.len() as f64;
    let mut svg = Svg::new(width, bottom + 22.0, "figure", "Neurons and thresholds of each class");

    let most = rows.iter().map(|(_, n)| n.len()).max().unwrap_or(0);
    let bars = Axis {
        scale: Scale::Linear { low: 0.0, high: most.max(1) as f64, min_step: 1.0 },
        from: LEFT,
        to: BARS_END,
    };
    svg.text("label end", LEFT - 8.0, TOP - 12.0, "Class");
    svg.text("label", LEFT, TOP - 12.0, "Neurons");
    let mut d = String::new();
    for (row, (name, neurons)) in rows.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        let x = bars.at(neurons.len() as f64).unwrap_or(LEFT);
        d += &rectangle(LEFT, y + 4.0, x - LEFT, ROW - 8.0);
        svg.text("tick end", LEFT - 8.0, y + 0.5 * ROW + 4.0, name);
        svg.text("value", x + 5.0, y + 0.5 * ROW + 4.0, &neurons.len().to_string());
    }
    svg.path("bar feasible", &d);
    svg.path("axis", &line(LEFT, TOP, LEFT, bottom));

    if has_theta {
        let (low, high) = theta().fold((0.0, 0.0), |(l, h): (f64, f64), t| (l.min(t), h.max(t)));
        let across = Axis {
            scale: Scale::Linear { low, high: high.max(low + 1e-3), min_step: 0.0 },
            from: THETA_START,
            to: WIDTH - 16.0,
        };
        svg.text("label", THETA_START, TOP - 12.0, "Threshold adaptation θ (mV)");
        for (x, label) in across.ticks(5) {
            svg.path("grid", &line(x, TOP, x, bottom));
            svg.text("tick mid", x, bottom + 16.0, &label);
        }
        let mut points = Vec::new();
        for (row, (_, neurons)) in rows.iter().enumerate() {
            let y = TOP + ROW * row as f64 + 5.0;
            let values = neurons.iter().filter_map(|&n| network.theta.get(n));
            points.extend(values.filter_map(|&t| Some((across.at(f64::from(t))?, y))));
        }
        svg.ticks("rug feasible", ROW - 10.0, &points);
    }
    svg.finish()
}
