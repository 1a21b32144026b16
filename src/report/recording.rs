//! One recording of an event camera or an artificial ear: where its events are, and when.

use super::picture::{self, Palette};
use super::scale::{Axis, Scale};
use super::svg::{Svg, escape, line, rectangle};
use crate::data::inspect::Map;
use crate::spikes::Events;

const LEFT: f64 = 48.0;
const SIDE: f64 = 384.0;
const RATE_HEIGHT: f64 = 90.0;
/// Bars of the rate.
const BARS: usize = 96;

/// Draws a recording as an SVG file that stands alone: above a map of the counts (a sensor of one row is
/// shown over time), below the rate over time.
pub fn recording(events: &Events, title: &str) -> String {
    let map = Map::of(events, 128, 128);
    let height = (SIDE * map.height as f64 / map.width.max(1) as f64).clamp(96.0, SIDE);
    let mut svg = Svg::new(LEFT + SIDE + 16.0, height + RATE_HEIGHT + 92.0, "figure", title);
    svg.text("label", LEFT, 16.0, title);
    if let Some(png) = heat(&map) {
        svg.image((LEFT, 26.0), (SIDE, height), &picture::address(&png));
    }

    let (top, bottom) = (height + 50.0, height + 50.0 + RATE_HEIGHT);
    let milliseconds = events.duration_us() as f64 / 1000.0;
    let time = Axis {
        scale: Scale::Linear { low: 0.0, high: milliseconds.max(0.001), min_step: 0.0 },
        from: LEFT,
        to: LEFT + SIDE,
    };
    let bars = bars(events);
    let per_ms = |count: usize| count as f64 / (milliseconds.max(0.001) / BARS as f64);
    let highest = per_ms(bars.iter().copied().max().unwrap_or(0)).max(0.001);
    let rate = Axis {
        scale: Scale::Linear { low: 0.0, high: highest, min_step: 0.0 },
        from: bottom,
        to: top,
    };
    let width = SIDE / BARS as f64;
    let drawn: String = bars
        .iter()
        .enumerate()
        .filter_map(|(k, &count)| {
            let y = rate.at(per_ms(count))?;
            Some(rectangle(LEFT + k as f64 * width, y, width, bottom - y))
        })
        .collect();
    svg.path("bar", &drawn);
    svg.path(
        "frame",
        &format!("{}{}", line(LEFT, top, LEFT, bottom), line(LEFT, bottom, LEFT + SIDE, bottom)),
    );
    for (y, label) in rate.ticks(3) {
        svg.text("tick end", LEFT - 6.0, y + 4.0, &label);
    }
    for (x, label) in time.ticks(6) {
        svg.text("tick mid", x, bottom + 15.0, &label);
    }
    svg.text("label", LEFT, top - 8.0, "Events a millisecond");
    svg.text("label mid", LEFT + 0.5 * SIDE, bottom + 34.0, "Time in milliseconds");
    alone(&svg.finish())
}

/// The map in the colours of the weights; fields without events stay clear.
fn heat(map: &Map) -> Option<Vec<u8>> {
    let most = f64::from(map.counts.iter().copied().max()?.max(1));
    let index = |&count: &u32| match count {
        0 => picture::CLEAR,
        count => picture::index(f64::from(count) / most),
    };
    let indices: Vec<u8> = map.counts.iter().map(index).collect();
    picture::png(&indices, map.width, map.height, Palette::Map)
}

/// Events in each of [`BARS`] equal parts of the recording.
fn bars(events: &Events) -> Vec<usize> {
    let mut bars = vec![0; BARS];
    let start = events.times_us().first().copied().unwrap_or(0);
    let duration = u128::from(events.duration_us()) + 1;
    for &t in events.times_us() {
        bars[(u128::from(t - start) * BARS as u128 / duration) as usize] += 1;
    }
    bars
}

/// An SVG element as a file: with its name space and the style sheet of the page.
fn alone(svg: &str) -> String {
    let style = escape(include_str!("style.css"));
    svg.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1)
        .replacen("</title>", &format!("</title><style>{style}.bar {{ fill: var(--feasible); }} svg {{ background: var(--paper); }}</style>"), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spikes::{Event, Sensor};

    #[test]
    fn the_file_is_whole_and_shows_every_event() {
        let sensor = Sensor { width: 8, height: 8, polarities: 2 };
        let mut events = Events::new(sensor);
        for t_us in 0..50 {
            events.push(Event { t_us: t_us * 700, x: (t_us % 8) as u16, y: 3, p: 0 });
        }
        assert_eq!(bars(&events).iter().sum::<usize>(), 50);
        for events in [events, Events::new(sensor)] {
            let xml = recording(&events, "a <b> & \"c\"");
            let document = roxmltree::Document::parse(&xml).unwrap();
            let root = document.root_element();
            assert_eq!(root.tag_name().namespace(), Some("http://www.w3.org/2000/svg"));
            assert!(root.descendants().any(|n| n.text() == Some("a <b> & \"c\"")));
            let image = root.descendants().find(|n| n.has_tag_name("image")).unwrap();
            assert!(image.attribute("href").unwrap().starts_with("data:image/png;base64,"));
        }
    }
}
