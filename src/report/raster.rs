//! Spikes of one sample: input, excitatory and inhibitory layer over the same time steps.

use super::SampleRaster;
use super::picture::{self, Palette};
use super::scale::{Axis, Scale};
use super::svg::{Svg, line};
use crate::spikes::SpikeTrain;

const LEFT: f64 = 48.0;
const RIGHT: f64 = 12.0;
/// At most this many spikes of a layer are drawn.
const MOST_SPIKES: usize = 8_000;

/// Draws the three rasters `width` units wide. `assignments` are the classes of the excitatory neurons: spikes of
/// those with the class of the sample stand out.
pub(super) fn raster(sample: &SampleRaster, assignments: &[i32], width: f64) -> String {
    let layers = [
        ("Input", sample.input, 190.0),
        ("Excitatory", sample.exc, 110.0),
        ("Inhibitory", sample.inh, 110.0),
    ];
    let steps = layers.iter().map(|(_, train, _)| train.steps()).max().unwrap_or(0);
    let time = Axis {
        scale: Scale::Linear { low: 0.0, high: steps.max(1) as f64, min_step: 1.0 },
        from: LEFT,
        to: width - RIGHT,
    };
    let height: f64 = layers.iter().map(|(_, _, height)| height + 30.0).sum();
    let mut svg = Svg::new(width, height + 40.0, "figure", "Spikes of one sample over time");
    let mut top = 0.0;
    for (name, train, height) in layers {
        top += 22.0;
        let of_class =
            |id: u32| name == "Excitatory" && assignments.get(id as usize) == Some(&sample.label);
        layer(&mut svg, &time, name, train, (top, top + height), of_class);
        top += height + 8.0;
    }
    for (x, label) in time.ticks((width / 80.0) as usize) {
        svg.path("axis", &line(x, top - 4.0, x, top));
        svg.text("tick mid", x, top + 13.0, &label);
    }
    svg.text("label mid", 0.5 * (time.from + time.to), top + 32.0, "Time step");
    svg.finish()
}

fn layer(
    svg: &mut Svg,
    time: &Axis,
    name: &str,
    train: &SpikeTrain,
    (top, bottom): (f64, f64),
    of_class: impl Fn(u32) -> bool,
) {
    let neurons = train.neurons();
    let count = train.count();
    let every = count.div_ceil(MOST_SPIKES).max(1);
    let thinned = if every > 1 { format!(" (one in {every} drawn)") } else { String::new() };
    let plural = if count == 1 { "" } else { "s" };
    svg.text("label", LEFT, top - 7.0, &format!("{name} neuron · {count} spike{plural}{thinned}"));
    svg.path(
        "frame",
        &format!("{}{}", line(LEFT, top, LEFT, bottom), line(LEFT, bottom, time.to, bottom)),
    );

    let index = Axis {
        scale: Scale::Linear { low: 0.0, high: neurons.max(1) as f64, min_step: 1.0 },
        from: top + 2.0,
        to: bottom - 2.0,
    };
    for (y, label) in index.ticks(4) {
        svg.text("tick end", LEFT - 6.0, y + 4.0, &label);
    }
    // Few spikes get marks that are easy to see, many get marks that leave each other room.
    let (length, density) = match count {
        0..=400 => (5.0, " few"),
        401..=2_000 => (2.4, " some"),
        _ => (1.4, ""),
    };
    let mut marks = [Vec::new(), Vec::new()];
    let mut spike = 0;
    for step in 0..train.steps() {
        for &id in train.step(step) {
            if spike % every == 0
                && let (Some(x), Some(y)) =
                    (time.at(step as f64 + 0.5), index.at(f64::from(id) + 0.5))
            {
                marks[usize::from(of_class(id))].push((x, y - 0.5 * length));
            }
            spike += 1;
        }
    }
    svg.ticks(&format!("spike{density}"), length, &marks[0]);
    svg.ticks(&format!("spike own{density}"), length, &marks[1]);
}

/// The input image as the `data:` address of a grey PNG; None where its size does not fit.
pub(super) fn image(sample: &SampleRaster) -> Option<String> {
    let white = f64::from(sample.max_level.max(1));
    let levels: Vec<u8> = sample
        .image
        .iter()
        .map(|&level| (255.0 * (f64::from(level) / white).min(1.0)).round() as u8)
        .collect();
    picture::png(&levels, sample.width, sample.height, Palette::Grey)
        .map(|png| picture::address(&png))
}
