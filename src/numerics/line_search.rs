//! The line search of Moré and Thuente.
//!
//! J. J. Moré, D. J. Thuente, *Line search algorithms with guaranteed sufficient decrease*, ACM
//! Transactions on Mathematical Software 20 (1994). With φ(s) = f(x + s·d) it looks for a step s with
//!
//! ```text
//! φ(s) ≤ φ(0) + μ s φ'(0)      and      |φ'(s)| ≤ η |φ'(0)|
//! ```
//!
//! The constants are those of L-BFGS-B, so that the same steps are taken as there.

/// μ: sufficient decrease.
const DECREASE: f64 = 1e-3;
/// η: curvature.
const CURVATURE: f64 = 0.9;
/// Relative width of the interval at which the search gives up narrowing it.
const NARROW: f64 = 0.1;
/// Longest step.
const LONGEST: f64 = 1e10;

/// A step with the value and the slope there.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// Step s.
    pub step: f64,
    /// φ(s).
    pub value: f64,
    /// φ'(s).
    pub slope: f64,
}

/// State of a search: the best step so far, the other end of the interval, the bounds of the next.
#[derive(Debug)]
pub struct LineSearch {
    start: Trial,
    best: Trial,
    other: Trial,
    bracketed: bool,
    decreased: bool,
    low: f64,
    high: f64,
    width: f64,
    width_before: f64,
}

impl LineSearch {
    /// Begins at step 0 with value φ(0) and slope φ'(0) < 0; `step` is the first one to be tried.
    pub fn new(value: f64, slope: f64, step: f64) -> Self {
        let start = Trial { step: 0.0, value, slope };
        LineSearch {
            start,
            best: start,
            other: start,
            bracketed: false,
            decreased: false,
            low: 0.0,
            high: 5.0 * step,
            width: LONGEST,
            width_before: 2.0 * LONGEST,
        }
    }

    /// Takes what was found at a step: the next step to try, or `None` if this one will do.
    pub fn next(&mut self, trial: Trial) -> Option<f64> {
        let Trial { step, value, slope } = trial;
        let decrease_slope = DECREASE * self.start.slope;
        let enough = value <= self.start.value + step * decrease_slope;
        if !self.decreased && enough && slope >= 0.0 {
            self.decreased = true;
        }
        let stuck = self.bracketed
            && (step <= self.low
                || step >= self.high
                || self.high - self.low <= NARROW * self.high);
        let longest = step == LONGEST && enough && slope <= decrease_slope;
        if stuck || longest || (enough && slope.abs() <= CURVATURE * -self.start.slope) {
            return None;
        }
        let mut step = if !self.decreased && value <= self.best.value && !enough {
            // First stage: work on φ(s) − μ s φ'(0), whose minimiser decreases enough.
            let tilt = |t: Trial, sign: f64| Trial {
                value: t.value - sign * t.step * decrease_slope,
                slope: t.slope - sign * decrease_slope,
                ..t
            };
            self.best = tilt(self.best, 1.0);
            self.other = tilt(self.other, 1.0);
            let step = self.narrow(tilt(trial, 1.0));
            self.best = tilt(self.best, -1.0);
            self.other = tilt(self.other, -1.0);
            step
        } else {
            self.narrow(trial)
        };
        if self.bracketed {
            let width = (self.other.step - self.best.step).abs();
            if width >= 0.66 * self.width_before {
                step = self.best.step + 0.5 * (self.other.step - self.best.step);
            }
            self.width_before = self.width;
            self.width = width;
            self.low = self.best.step.min(self.other.step);
            self.high = self.best.step.max(self.other.step);
        } else {
            self.low = step + 1.1 * (step - self.best.step);
            self.high = step + 4.0 * (step - self.best.step);
        }
        step = step.clamp(0.0, LONGEST);
        let stuck = self.bracketed
            && (step <= self.low
                || step >= self.high
                || self.high - self.low <= NARROW * self.high);
        Some(if stuck { self.best.step } else { step })
    }

    /// Section 4 of the paper: a safeguarded step from the interpolants of the best step and the
    /// trial, then the new interval.
    fn narrow(&mut self, trial: Trial) -> f64 {
        let (x, p) = (self.best, trial);
        let opposite = p.slope * x.slope.signum() < 0.0;
        let secant = p.step + p.slope / (p.slope - x.slope) * (x.step - p.step);
        let next = if p.value > x.value {
            // Case 1: higher. The minimum lies between.
            let cubic = x.step + cubic_fraction(x, p, false) * (p.step - x.step);
            let chord = (x.value - p.value) / (p.step - x.step) + x.slope;
            let quadratic = x.step + 0.5 * (x.slope / chord) * (p.step - x.step);
            self.bracketed = true;
            if (cubic - x.step).abs() < (quadratic - x.step).abs() {
                cubic
            } else {
                cubic + 0.5 * (quadratic - cubic)
            }
        } else if opposite {
            // Case 2: lower, slopes of opposite sign. The minimum lies between.
            let cubic = p.step + cubic_fraction(p, x, false) * (x.step - p.step);
            self.bracketed = true;
            if (cubic - p.step).abs() > (secant - p.step).abs() { cubic } else { secant }
        } else if p.slope.abs() < x.slope.abs() {
            // Case 3: lower, same sign, flatter. The cubic may have no minimum beyond the trial.
            let fraction = cubic_fraction(p, x, true);
            let cubic = if fraction < 0.0 {
                p.step + fraction * (x.step - p.step)
            } else if p.step > x.step {
                self.high
            } else {
                self.low
            };
            let cubic_is_closer = (cubic - p.step).abs() < (secant - p.step).abs();
            if self.bracketed {
                let next = if cubic_is_closer { cubic } else { secant };
                let limit = p.step + 0.66 * (self.other.step - p.step);
                if p.step > x.step { next.min(limit) } else { next.max(limit) }
            } else {
                let next = if cubic_is_closer { secant } else { cubic };
                next.min(self.high).max(self.low)
            }
        } else if self.bracketed {
            // Case 4: lower, same sign, not flatter.
            let y = self.other;
            p.step + cubic_fraction(p, y, false) * (y.step - p.step)
        } else if p.step > x.step {
            self.high
        } else {
            self.low
        };
        if p.value > x.value {
            self.other = p;
        } else {
            if opposite {
                self.other = x;
            }
            self.best = p;
        }
        next
    }
}

/// Where between `a` (0) and `b` (1) the cubic through both values and slopes has its minimum.
/// `bounded` treats a cubic without one as if it had an inflection point there, and gives 0 then.
fn cubic_fraction(a: Trial, b: Trial, bounded: bool) -> f64 {
    let theta = 3.0 * (a.value - b.value) / (b.step - a.step) + a.slope + b.slope;
    let scale = theta.abs().max(a.slope.abs()).max(b.slope.abs());
    let radicand = (theta / scale).powi(2) - (a.slope / scale) * (b.slope / scale);
    let root = scale * if bounded { radicand.max(0.0) } else { radicand }.sqrt();
    if bounded && root == 0.0 {
        return 0.0;
    }
    let root = if b.step < a.step { -root } else { root };
    ((root - a.slope) + theta) / (((root - a.slope) + root) + b.slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a search on φ and gives the accepted step and the number of trials.
    fn search(phi: impl Fn(f64) -> (f64, f64), first: f64) -> (Trial, usize) {
        let at = |step: f64| {
            let (value, slope) = phi(step);
            Trial { step, value, slope }
        };
        let start = at(0.0);
        let mut search = LineSearch::new(start.value, start.slope, first);
        let mut trial = at(first);
        for count in 1..100 {
            match search.next(trial) {
                Some(step) => trial = at(step),
                None => return (trial, count),
            }
        }
        panic!("no step after 100 trials");
    }

    const FIRST_STEPS: [f64; 4] = [1e-3, 1e-1, 1e1, 1e3];

    #[test]
    fn steps_satisfy_both_conditions() {
        // Function 1 of section 5 of the paper (beta 2) and its first steps.
        let phi = |a: f64| {
            let d = a * a + 2.0;
            (-a / d, (a * a - 2.0) / (d * d))
        };
        for first in FIRST_STEPS {
            let ((value, slope), (accepted, trials)) = (phi(0.0), search(phi, first));
            assert!(accepted.value <= value + DECREASE * accepted.step * slope);
            assert!(accepted.slope.abs() <= CURVATURE * slope.abs(), "{accepted:?}");
            assert!(trials <= 12, "{trials} trials from {first}");
        }
    }

    #[test]
    fn a_narrow_minimum_is_enclosed() {
        // Function 2 (beta 0.004): its slope at 0 is so flat (5e-7) that the curvature condition is
        // out of reach and the search ends with a narrow interval around the minimum at 1.596.
        let phi = |a: f64| {
            let s = a + 0.004;
            (s.powi(5) - 2.0 * s.powi(4), 5.0 * s.powi(4) - 8.0 * s.powi(3))
        };
        for first in FIRST_STEPS {
            let (accepted, trials) = search(phi, first);
            assert!((accepted.step - 1.596).abs() <= NARROW * 2.0, "{accepted:?}");
            assert!(trials <= 12, "{trials} trials from {first}");
        }
    }
}
