//! A small writer of SVG elements. Colours and sizes of text live in the style sheet of the page;
//! the elements carry its class names.

use std::fmt::Write as _;

/// Escapes text for the content and the quoted attributes of HTML and XML. Characters that XML
/// cannot hold at all become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            c if c.is_control() => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// A coordinate with at most one decimal.
pub(super) fn coordinate(value: f64) -> String {
    let mut text = format!("{value:.1}");
    if text.ends_with(".0") {
        text.truncate(text.len() - 2);
    }
    if text == "-0" { "0".into() } else { text }
}

/// One SVG figure under construction.
pub(super) struct Svg {
    out: String,
}

impl Svg {
    /// Opens a figure of `width` × `height` units; `title` is what a screen reader says of it.
    pub(super) fn new(width: f64, height: f64, class: &str, title: &str) -> Self {
        let title = escape(title);
        let (w, h) = (coordinate(width), coordinate(height));
        let out = format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {w} {h}\" style=\"max-width:{w}px\" role=\"img\" \
             aria-label=\"{title}\"><title>{title}</title>\n"
        );
        Svg { out }
    }

    /// Text at a point of its base line; the class sets the anchor.
    pub(super) fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let (x, y) = (coordinate(x), coordinate(y));
        let text = escape(text);
        let _ = writeln!(self.out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>");
    }

    /// A path; nothing where there is nothing to draw.
    pub(super) fn path(&mut self, class: &str, d: &str) {
        if !d.is_empty() {
            let _ = writeln!(self.out, "<path class=\"{class}\" d=\"{d}\"/>");
        }
    }

    /// A path with a stroke of its own width.
    pub(super) fn stroke(&mut self, class: &str, width: f64, d: &str) {
        if !d.is_empty() {
            let _ = writeln!(
                self.out,
                "<path class=\"{class}\" style=\"stroke-width:{width:.2}\" d=\"{d}\"/>"
            );
        }
    }

    /// Discs as one path of zero-length lines with round caps: a tenth of the bytes of circles.
    pub(super) fn dots(&mut self, class: &str, radius: f64, points: &[(f64, f64)]) {
        let d: String = points.iter().map(|&(x, y)| dot(x, y)).collect();
        self.stroke(&format!("dot {class}"), 2.0 * radius, &d);
    }

    /// Rings, as discs with smaller discs of the background on them.
    pub(super) fn rings(&mut self, class: &str, radius: f64, points: &[(f64, f64)]) {
        self.dots(class, radius, points);
        self.dots("hole", (radius - 0.9).max(0.45 * radius), points);
    }

    /// A disc that says what it is when pointed at.
    pub(super) fn marked(&mut self, class: &str, radius: f64, at: (f64, f64), title: &str) {
        let (x, y, title) = (coordinate(at.0), coordinate(at.1), escape(title));
        let _ = writeln!(
            self.out,
            "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius:.1}\"><title>{title}</title></circle>"
        );
    }

    /// Short vertical lines downwards from each point.
    pub(super) fn ticks(&mut self, class: &str, length: f64, points: &[(f64, f64)]) {
        let length = coordinate(length);
        let d: String = points.iter().map(|&(x, y)| format!("{}v{length}", start(x, y))).collect();
        self.path(class, &d);
    }

    /// A picture, given by its address, over a rectangle; its pixels stay sharp.
    pub(super) fn image(&mut self, at: (f64, f64), size: (f64, f64), address: &str) {
        let [x, y, width, height] = [at.0, at.1, size.0, size.1].map(coordinate);
        let address = escape(address);
        let _ = writeln!(
            self.out,
            "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
             preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" href=\"{address}\"/>"
        );
    }

    /// Closes the figure.
    pub(super) fn finish(mut self) -> String {
        self.out.push_str("</svg>\n");
        self.out
    }
}

fn start(x: f64, y: f64) -> String {
    format!("M{} {}", coordinate(x), coordinate(y))
}

fn dot(x: f64, y: f64) -> String {
    format!("{}h0", start(x, y))
}

/// Path data of a line.
pub(super) fn line(x1: f64, y1: f64, x2: f64, y2: f64) -> String {
    format!("{}L{} {}", start(x1, y1), coordinate(x2), coordinate(y2))
}

/// Path data of a filled rectangle.
pub(super) fn rectangle(x: f64, y: f64, width: f64, height: f64) -> String {
    // Two decimals: thousands of bars side by side would show seams with one.
    format!("M{x:.2} {y:.2}h{width:.2}v{height:.2}h{:.2}z", -width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escaping_leaves_nothing_that_could_open_a_tag_or_end_an_attribute() {
        assert_eq!(
            escape("<b a=\"1\" c='2'>&amp;\u{0}\u{1b}[31m\n"),
            "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;\u{FFFD}\u{FFFD}[31m\n"
        );
    }

    #[test]
    fn coordinates_are_short() {
        let texts = [0.04, -0.04, 1.0, 12.25, -3.96].map(coordinate);
        assert_eq!(texts, ["0", "0", "1", "12.2", "-4"]);
    }

    proptest! {
        #[test]
        fn any_text_survives_a_figure(text in any::<String>()) {
            let mut svg = Svg::new(10.0, 10.0, "c", &text);
            svg.text("t", 1.0, 2.0, &text);
            let xml = svg.finish();
            let document = roxmltree::Document::parse(&xml).unwrap();
            let found = document.descendants().find(|n| n.has_tag_name("text")).unwrap();
            let shown: String = text
                .chars()
                .map(|c| match c {
                    '\n' | '\t' => c,
                    '\u{FFFE}' | '\u{FFFF}' => '\u{FFFD}',
                    c if c.is_control() => '\u{FFFD}',
                    c => c,
                })
                .collect();
            prop_assert_eq!(found.text().unwrap_or(""), shown);
        }
    }
}
