//! Scales: where a value stands on an axis, and the ticks that tell a reader so.

use crate::search::space::{Domain, Prior};

/// How values of an axis are spread over it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scale {
    /// Even in the value.
    Linear {
        /// Value at the start.
        low: f64,
        /// Value at the end.
        high: f64,
        /// Ticks stand no closer than this, such as 1 on an axis of integers; may be 0.
        min_step: f64,
    },
    /// Even in the logarithm of the value; both bounds are above 0.
    Log {
        /// Value at the start.
        low: f64,
        /// Value at the end.
        high: f64,
    },
    /// Even in the logarithm of high − value + low, as [`Prior::ReversedLog`] spreads its values.
    Mirrored {
        /// Value at the start.
        low: f64,
        /// Value at the end.
        high: f64,
    },
    /// One slot a name; value k stands in the middle of slot k.
    Category {
        /// The names.
        names: Vec<String>,
    },
}

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    /// Where.
    pub(super) value: f64,
    /// Its number or name; empty for a minor tick.
    pub(super) label: String,
}

/// A scale laid along one direction of a figure.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    /// The scale.
    pub(super) scale: Scale,
    /// Coordinate of its start; for heights this is the larger one.
    pub(super) from: f64,
    /// Coordinate of its end.
    pub(super) to: f64,
}

impl Axis {
    /// Coordinate of a value; None for what has no place.
    pub(super) fn at(&self, value: f64) -> Option<f64> {
        Some(self.from + self.scale.position(value)? * (self.to - self.from))
    }

    /// Ticks as (coordinate, label).
    pub(super) fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        let ticks = self.scale.ticks(most);
        ticks.into_iter().filter_map(|t| Some((self.at(t.value)?, t.label))).collect()
    }
}

/// Integer ranges of at most this width get a slot a value.
const DISCRETE: f64 = 12.0;

impl Scale {
    /// The scale that fits the prior of a domain. A logarithmic prior with a bound that has no
    /// logarithm, which no valid space holds, falls back to a linear scale.
    pub(super) fn of(domain: &Domain) -> Scale {
        let (low, high, prior, min_step) = match domain {
            Domain::Categorical { choices } => return Scale::Category { names: choices.clone() },
            Domain::Float { low, high, prior } => (*low, *high, *prior, 0.0),
            Domain::Int { low, high, prior } => (*low as f64, *high as f64, *prior, 1.0),
        };
        let logarithmic = low > 0.0 && high > low && high.is_finite();
        match prior {
            Prior::Log if logarithmic => Scale::Log { low, high },
            Prior::ReversedLog if logarithmic => Scale::Mirrored { low, high },
            _ if min_step == 1.0 && high - low <= DISCRETE => {
                Scale::Linear { low: low - 0.5, high: high + 0.5, min_step }
            }
            _ => Scale::Linear { low, high, min_step },
        }
    }

    /// Whether many values fall on few places, so that dots want jitter; the width of a slot in
    /// units of the value is then 1.
    pub(super) fn slotted(&self) -> bool {
        match self {
            Scale::Category { .. } => true,
            Scale::Linear { low, high, min_step } => {
                *min_step == 1.0 && high - low <= DISCRETE + 1.0
            }
            Scale::Log { .. } | Scale::Mirrored { .. } => false,
        }
    }

    /// Position of a value, 0 at the start of the axis and 1 at its end; values beyond an end stand
    /// at it. None for what has no place: not a number, or infinite.
    pub(super) fn position(&self, value: f64) -> Option<f64> {
        let position = match self {
            Scale::Linear { low, high, .. } if high > low => (value - low) / (high - low),
            Scale::Linear { .. } => 0.5 + 0.0 * value,
            Scale::Log { low, high } => {
                (value.max(*low) / low).ln() / (high / low).ln() + 0.0 * value
            }
            Scale::Mirrored { low, high } => {
                let mirrored = (high - value + low).clamp(*low, *high);
                1.0 - (mirrored / low).ln() / (high / low).ln() + 0.0 * value
            }
            Scale::Category { names } => (value + 0.5) / names.len().max(1) as f64,
        };
        position.is_finite().then(|| position.clamp(0.0, 1.0))
    }

    /// Ticks in ascending order, all within the bounds, at most `most` of them with a label
    /// (categories: always all of them).
    pub(super) fn ticks(&self, most: usize) -> Vec<Tick> {
        let most = most.max(2);
        match self {
            Scale::Linear { low, high, min_step } => linear(*low, *high, *min_step, most),
            Scale::Log { low, high } => log(*low, *high, most),
            Scale::Mirrored { low, high } => mirrored(*low, *high, most),
            Scale::Category { names } => names
                .iter()
                .enumerate()
                .map(|(k, name)| Tick { value: k as f64, label: name.clone() })
                .collect(),
        }
    }
}

/// Ticks at multiples of 1, 2 or 5 times a power of ten.
fn linear(low: f64, high: f64, min_step: f64, most: usize) -> Vec<Tick> {
    let span = high - low;
    // A span in the rounding error of its ends has no nice numbers in it.
    if !span.is_finite() || span <= 1e-12 * low.abs().max(high.abs()) || span < 1e-290 {
        return if low.is_finite() && low == high { vec![labelled(low)] } else { Vec::new() };
    }
    let least = (span / most as f64).max(min_step);
    let mut exponent = least.log10().floor() as i32 - 1;
    let (step, exponent) = loop {
        let found = [1.0, 2.0, 5.0].map(|m| m * power(exponent)).into_iter().find(|&step| {
            step >= min_step * (1.0 - 1e-9) && first_to_last(low, high, step) < most as f64
        });
        match found {
            Some(step) => break (step, exponent),
            None => exponent += 1,
        }
    };
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    let big = low.abs().max(high.abs()) >= 1e6 || exponent < -5;
    let decimals = (-exponent).max(0) as usize;
    (0..=(last - first).max(-1.0) as i64)
        .map(|k| {
            let value = ((first + k as f64) * step).clamp(low, high) + 0.0;
            let label =
                if big { significant(value) } else { minus(&format!("{value:.decimals$}")) };
            Tick { value, label }
        })
        .collect()
}

/// Number of steps between the first and the last multiple of `step` in the bounds.
fn first_to_last(low: f64, high: f64, step: f64) -> f64 {
    (high / step + 1e-9).floor() - (low / step - 1e-9).ceil()
}

/// Ticks at 1, 2, 5 times powers of ten; labels on as many of them as fit, whole decades first.
fn log(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let within = |v: f64| v >= low * (1.0 - 1e-9) && v <= high * (1.0 + 1e-9);
    let at = |mantissas: &[f64]| -> Vec<f64> {
        let values = decades.clone().flat_map(|e| mantissas.iter().map(move |m| m * power(e)));
        values.filter(|&v| within(v)).collect()
    };
    let (all, whole) = (at(&[1.0, 2.0, 5.0]), at(&[1.0]));
    let every = whole.len().div_ceil(most).max(1);
    let major: Vec<f64> = match all.len() <= most {
        true => all.clone(),
        false => whole.iter().copied().step_by(every).collect(),
    };
    if major.len() < 2 {
        return linear(low, high, 0.0, most);
    }
    let ticks = if every == 1 { all } else { whole };
    ticks
        .into_iter()
        .map(|v| {
            let label = if major.contains(&v) { significant(v) } else { String::new() };
            Tick { value: v.clamp(low, high), label }
        })
        .collect()
}

/// Ticks at the upper bound less powers of ten (0.9, 0.99, 0.999 below 1), or less 1, 2, 5 times
/// powers of ten where that leaves too few.
fn mirrored(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let scale = Scale::Mirrored { low, high };
    let least = 0.8 / most as f64;
    let below = |mantissas: &[f64]| -> Vec<Tick> {
        let exponents = low.log10().floor() as i32..=(high - low).log10().ceil() as i32;
        let distances = exponents.flat_map(|e| mantissas.iter().map(move |m| m * power(e)));
        let mut taken = f64::INFINITY;
        let mut ticks = Vec::new();
        for distance in std::iter::once(0.0).chain(distances) {
            let value = high - distance;
            let position = if value >= low { scale.position(value) } else { None };
            if let Some(position) = position.filter(|p| taken - p >= least) {
                taken = position;
                ticks.push(labelled(value));
            }
        }
        ticks.truncate(most);
        ticks.reverse();
        ticks
    };
    let mut ticks = below(&[1.0]);
    if ticks.len() < most.min(3) {
        ticks = below(&[1.0, 2.0, 5.0]);
    }
    if ticks.len() < 2 { linear(low, high, 0.0, most) } else { ticks }
}

/// 10ᵉ, correctly rounded: `powi` gives 9.999999999999999e-5 for some exponents.
fn power(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(f64::NAN)
}

fn labelled(value: f64) -> Tick {
    Tick { value, label: significant(value) }
}

/// At most four significant digits, with a power of ten where zeros would hide the size:
/// 0.00012, 25, 1.5×10⁶.
pub(super) fn significant(value: f64) -> String {
    let text = plain(value, 4);
    match text.split_once('e') {
        None => minus(&text),
        Some((mantissa, exponent)) => {
            let raised: String = exponent.chars().map(superscript).collect();
            match mantissa {
                "1" => format!("10{raised}"),
                _ => format!("{}×10{raised}", minus(mantissa)),
            }
        }
    }
}

/// The same in ASCII with any number of digits, as a terminal shows and a reader copies it: 0.00012,
/// 25, 1.5e6.
pub(super) fn plain(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".into();
    }
    if !value.is_finite() {
        return value.to_string();
    }
    let after = digits.max(1) - 1;
    let scientific = format!("{value:.after$e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_string();
    match exponent {
        -4..=5 if exponent < digits as i32 => {
            let text = format!("{value:.*}", (after as i32 - exponent) as usize);
            if text.contains('.') { trimmed(&text) } else { text }
        }
        // Fewer digits would round an integer such as a number of samples.
        -4..=5 => format!("{value:.0}"),
        _ => format!("{}e{exponent}", trimmed(mantissa)),
    }
}

fn minus(text: &str) -> String {
    text.replace('-', "−")
}

fn superscript(c: char) -> char {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    match c.to_digit(10) {
        Some(digit) => DIGITS[digit as usize],
        None if c == '-' => '⁻',
        None => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(scale: Scale, most: usize) -> Vec<String> {
        scale.ticks(most).into_iter().map(|t| t.label).filter(|l| !l.is_empty()).collect()
    }

    fn assert_mantissa(value: f64) {
        let mantissa = value / 10_f64.powf(value.log10().floor());
        assert!([1.0, 2.0, 5.0, 10.0].iter().any(|m| (mantissa - m).abs() < 1e-6), "{value}");
    }

    proptest! {
        #[test]
        fn linear_ticks_ascend_inside_with_one_nice_step(
            low in -1e6_f64..1e6, span in prop_oneof![1e-3_f64..1.0, 1.0_f64..1e7], most in 2_usize..9
        ) {
            let high = low + span;
            let ticks = Scale::Linear { low, high, min_step: 0.0 }.ticks(most);
            prop_assert!(ticks.len() <= most);
            prop_assert!(ticks.iter().all(|t| (low..=high).contains(&t.value)));
            for pair in ticks.windows(2) {
                prop_assert!(pair[1].value > pair[0].value);
                prop_assert_ne!(&pair[0].label, &pair[1].label);
            }
            // At least two steps would fit where five ticks are allowed.
            if most >= 5 { prop_assert!(ticks.len() >= 2, "{:?}", ticks); }
            if ticks.len() > 2 {
                let step = (ticks[ticks.len() - 1].value - ticks[0].value) / (ticks.len() - 1) as f64;
                // Relative rounding error of the ends against the step.
                if step / high.abs().max(low.abs()) > 1e-8 { assert_mantissa(step); }
            }
        }

        #[test]
        fn log_ticks_ascend_inside_at_one_two_five(
            exponent in -12_f64..6.0, decades in 1.5_f64..15.0, most in 2_usize..9
        ) {
            let low = 10_f64.powf(exponent);
            let high = low * 10_f64.powf(decades);
            let ticks = Scale::Log { low, high }.ticks(most);
            let named = ticks.iter().filter(|t| !t.label.is_empty()).count();
            prop_assert!(named <= most && named >= 1, "{:?}", ticks);
            prop_assert!(ticks.iter().all(|t| (low..=high).contains(&t.value)));
            prop_assert!(ticks.windows(2).all(|p| p[0].value < p[1].value));
            if named >= 2 && decades >= 2.0 { ticks.iter().for_each(|t| assert_mantissa(t.value)); }
        }

        #[test]
        fn positions_follow_the_values(
            low in 1e-6_f64..10.0, ratio in 1.01_f64..1e6, a in 0.0_f64..1.0, b in 0.0_f64..1.0
        ) {
            let high = low * ratio;
            for scale in [
                Scale::Linear { low, high, min_step: 0.0 },
                Scale::Log { low, high },
                Scale::Mirrored { low, high },
            ] {
                let at = |u: f64| scale.position(low + u * (high - low)).unwrap();
                prop_assert!((0.0..=1.0).contains(&at(a)));
                prop_assert!(a > b || at(a) <= at(b) + 1e-9);
                prop_assert!(scale.position(low).unwrap() < 1e-9);
                prop_assert!(scale.position(high).unwrap() > 1.0 - 1e-9);
                prop_assert_eq!(scale.position(f64::NAN), None);
                prop_assert_eq!(scale.position(f64::INFINITY), None);
                let ticks = scale.ticks(5);
                prop_assert!(ticks.windows(2).all(|p| p[0].value < p[1].value), "{:?}", ticks);
                prop_assert!(ticks.iter().all(|t| (low..=high).contains(&t.value)));
            }
        }

        #[test]
        fn any_bounds_give_an_end(low in any::<f64>(), high in any::<f64>(), prior in 0_usize..3, most in 0_usize..12) {
            let prior = [Prior::Uniform, Prior::Log, Prior::ReversedLog][prior];
            let scale = Scale::of(&Domain::Float { low, high, prior });
            prop_assert!(scale.ticks(most).len() < 3_000);
        }

        #[test]
        fn any_integer_bounds_give_an_end(low in any::<i64>(), high in any::<i64>()) {
            let scale = Scale::of(&Domain::Int { low, high, prior: Prior::Uniform });
            prop_assert!(scale.ticks(6).len() <= 6);
        }
    }

    #[test]
    fn known_axes() {
        assert_eq!(
            labels(Scale::Linear { low: 0.0, high: 1.0, min_step: 0.0 }, 6),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(labels(Scale::Linear { low: -0.5, high: 0.5, min_step: 1.0 }, 6), ["0"]);
        assert_eq!(
            labels(Scale::Log { low: 1e-5, high: 1e-2 }, 4),
            ["10⁻⁵", "0.0001", "0.001", "0.01"]
        );
        assert_eq!(labels(Scale::Log { low: 0.1, high: 2.0 }, 5), ["0.1", "0.2", "0.5", "1", "2"]);
        assert_eq!(labels(Scale::Mirrored { low: 1e6, high: 1e7 }, 4), ["5×10⁶", "9×10⁶", "10⁷"]);
        assert_eq!(labels(Scale::Mirrored { low: 1e-3, high: 1.0 }, 4), ["0.9", "0.99", "1"]);
    }

    #[test]
    fn numbers_read_as_a_person_writes_them() {
        let texts =
            [0.00012, 25.0, 1.5e6, -2e-7, 60000.0, 0.123_456, 1e-5, 2.0 / 3.0].map(significant);
        assert_eq!(
            texts,
            ["0.00012", "25", "1.5×10⁶", "−2×10⁻⁷", "60000", "0.1235", "10⁻⁵", "0.6667"]
        );
        assert_eq!(plain(f64::NAN, 4), "NaN");
        assert_eq!(plain(1.5e-6, 3), "1.5e-6");
        assert_eq!(plain(1234.5, 3), "1234");
        assert_eq!(plain(100.0, 3), "100");
        assert_eq!(plain(0.012345, 3), "0.0123");
    }
}
