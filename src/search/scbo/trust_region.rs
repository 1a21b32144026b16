//! The trust region: a box around the best point so far, whose size follows success and failure.
//!
//! A group of results is a success or a failure (spec hpo.md section 4.5). Its best result is the
//! feasible one of the highest value, else the one that violates the constraints least, and
//!
//! * feasible: success if value > v + 10⁻³·|v|, v the incumbent's value, or if the incumbent
//!   violates any constraint (compat: all of them);
//! * infeasible: success if its violation Σ max(c, 0) (compat: Σ c) is below the incumbent's.
//!
//! A success makes that result the incumbent. `success_tolerance` successes in a row double the
//! length, up to its maximum; `failure_tolerance` failures in a row halve it; below the minimum a
//! restart is due.
//!
//! # Results that arrive late
//! With many workers a result may come back after the box has changed. Each one carries its
//! [`Origin`]. The repaired rules:
//!
//! * Results from before a restart are ignored: the new region starts afresh.
//! * A point that was not proposed in a box (the design that starts a region) moves centre and
//!   incumbent, but counts neither as success nor as failure.
//! * A group counts as a failure only if some of it was proposed at the present length. Otherwise,
//!   with more workers than a group has results, those in flight would shrink a box that none of
//!   them was drawn from.
//! * A success at a greater length, outside of the present box, brings that length back (after the
//!   "greedy move" of spec hpo.md section 4.7). The box is taken without weights here, so that the
//!   state depends on nothing but the results: a resumed study rebuilds it by feeding them again.
//!
//! The compat rules count every result alike.
//!
//! # Results without numbers
//! A network that was stopped as silent has constraints but no value: if they are violated, they
//! count. Anything else without a finite value, or with a constraint that is not finite, is
//! infeasible and tells nothing: it is never incumbent or centre, and a group of nothing else is a
//! failure.

use super::Rules;

/// A value must beat the incumbent's by this share of it.
const IMPROVEMENT: f64 = 1e-3;

/// Sizes and tolerances of a trust region.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Which rules apply.
    pub rules: Rules,
    /// Length of the box at the start and after a restart, in units of the cube's side.
    pub length_init: f64,
    /// A length below this asks for a restart.
    pub length_min: f64,
    /// The length never exceeds this.
    pub length_max: f64,
    /// So many successes in a row double the length.
    pub success_tolerance: usize,
    /// So many failures in a row halve it.
    pub failure_tolerance: usize,
}

impl Settings {
    /// The usual ones (spec hpo.md section 4.5): lengths 0.8, 2⁻⁷ and 1.6, failure tolerance
    /// ⌈max(4, dimensions) / batch⌉, for groups of `batch` results; success tolerance 10 (spec scbo.md,
    /// section Trust region), compat 3.
    pub fn new(rules: Rules, dimensions: usize, batch: usize) -> Self {
        Settings {
            rules,
            length_init: 0.8,
            length_min: 0.5_f64.powi(7),
            length_max: 1.6,
            success_tolerance: match rules {
                Rules::Repaired => 10,
                Rules::Compat => 3,
            },
            failure_tolerance: dimensions.max(4).div_ceil(batch.max(1)),
        }
    }
}

/// Where a result was proposed; to be kept with the trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Origin {
    /// [`TrustRegion::restarts`] at the time.
    pub restart: u64,
    /// [`TrustRegion::length`] at the time; none for a point of the design.
    pub length: Option<f64>,
}

/// A finished trial as the trust region sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The point in the unit cube.
    pub point: Vec<f64>,
    /// The value, maximised; none where the trial was stopped before it had one.
    pub value: Option<f64>,
    /// The constraints, feasible iff all ≤ 0.
    pub constraints: Vec<f64>,
    /// Where it was proposed.
    pub origin: Origin,
}

/// What became of a group of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It improved on the incumbent.
    Success,
    /// It did not.
    Failure,
    /// It says nothing about the present box.
    NotCounted,
}

/// State of a trust region.
#[derive(Debug, Clone, PartialEq)]
pub struct TrustRegion {
    settings: Settings,
    length: f64,
    successes: usize,
    failures: usize,
    restarts: u64,
    restart_due: bool,
    /// What the next success is measured by. It lags behind the best by less than [`IMPROVEMENT`].
    incumbent: Option<Known>,
    centre: Option<Known>,
}

/// A result that tells something.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    point: Vec<f64>,
    /// −∞ where there is none; the constraints are violated then.
    value: f64,
    constraints: Vec<f64>,
}

impl Known {
    fn new(result: &Observed) -> Option<Self> {
        let value = result.value.filter(|v| v.is_finite());
        let finite = result.constraints.iter().all(|c| c.is_finite());
        let violated = result.constraints.iter().any(|&c| c > 0.0);
        (finite && (value.is_some() || violated)).then(|| Known {
            point: result.point.clone(),
            value: value.unwrap_or(f64::NEG_INFINITY),
            constraints: result.constraints.clone(),
        })
    }

    fn feasible(&self) -> bool {
        self.constraints.iter().all(|&c| c <= 0.0)
    }

    fn violation(&self, rules: Rules) -> f64 {
        match rules {
            Rules::Repaired => self.constraints.iter().map(|c| c.max(0.0)).sum(),
            Rules::Compat => self.constraints.iter().sum(),
        }
    }

    /// Feasible before infeasible, then by value, or by violation.
    fn better(&self, other: &Known, rules: Rules) -> bool {
        match (self.feasible(), other.feasible()) {
            (true, true) => self.value > other.value,
            (false, false) => self.violation(rules) < other.violation(rules),
            (feasible, _) => feasible,
        }
    }
}

impl TrustRegion {
    /// A region that has seen nothing yet.
    pub fn new(settings: Settings) -> Self {
        TrustRegion {
            length: settings.length_init,
            settings,
            successes: 0,
            failures: 0,
            restarts: 0,
            restart_due: false,
            incumbent: None,
            centre: None,
        }
    }

    /// Length of the box's sides, before weights and clipping, in units of the cube's side.
    pub fn length(&self) -> f64 {
        self.length
    }

    /// Successes since the last failure or doubling.
    pub fn successes(&self) -> usize {
        self.successes
    }

    /// Failures since the last success or halving.
    pub fn failures(&self) -> usize {
        self.failures
    }

    /// How often it was restarted.
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Whether the length has fallen below its minimum: time for [`restart`](Self::restart) and a
    /// new design. Once set, only a restart clears it.
    pub fn restart_due(&self) -> bool {
        self.restart_due
    }

    /// Value and constraints that the next success is measured by; the value is −∞ for a trial
    /// that had none.
    pub fn incumbent(&self) -> Option<(f64, &[f64])> {
        self.incumbent.as_ref().map(|i| (i.value, i.constraints.as_slice()))
    }

    /// Centre of the box: the best feasible point of this region, else the one with the least
    /// clipped violation; the earliest of equals. (Compat: the point of the highest value, feasible
    /// or not, of all regions.) None before the first result that tells something.
    pub fn centre(&self) -> Option<&[f64]> {
        self.centre.as_ref().map(|c| c.point.as_slice())
    }

    /// The centre as it will be once these results are observed, which need not be a whole group yet.
    pub fn centre_after(&self, results: &[Observed]) -> Option<Vec<f64>> {
        let mut after = self.clone();
        for result in results.iter().filter(|r| self.counts(r)) {
            if let Some(known) = Known::new(result) {
                after.recentre(known);
            }
        }
        after.centre.map(|c| c.point)
    }

    /// Whether a result belongs to this region.
    fn counts(&self, result: &Observed) -> bool {
        self.settings.rules == Rules::Compat || result.origin.restart == self.restarts
    }

    /// Takes note of a group of results, of a batch for example, as one success or failure.
    pub fn observe(&mut self, results: &[Observed]) -> Verdict {
        let counted: Vec<&Observed> = results.iter().filter(|r| self.counts(r)).collect();
        let known = |r: &&Observed| Some((r.origin.length, Known::new(r)?));
        let informative: Vec<(Option<f64>, Known)> = counted.iter().filter_map(known).collect();
        let verdict = self.judge(&counted, &informative);
        // After the judgement, which looks at the box that the results came into.
        for (_, result) in informative {
            self.recentre(result);
        }
        match verdict {
            Verdict::Success => {
                self.failures = 0;
                self.successes += 1;
                if self.successes >= self.settings.success_tolerance {
                    self.successes = 0;
                    self.length = (2.0 * self.length).min(self.settings.length_max);
                }
            }
            Verdict::Failure => {
                self.successes = 0;
                self.failures += 1;
                if self.failures >= self.settings.failure_tolerance {
                    self.failures = 0;
                    self.length /= 2.0;
                }
            }
            Verdict::NotCounted => {}
        }
        self.restart_due |= self.length < self.settings.length_min;
        verdict
    }

    /// Starts again with the initial length. What is observed from now on must come from a new
    /// design, or from a box of the new region, to count.
    pub fn restart(&mut self) {
        self.restarts += 1;
        self.restart_due = false;
        self.length = self.settings.length_init;
        self.successes = 0;
        self.failures = 0;
        match (self.settings.rules, &mut self.incumbent) {
            (Rules::Repaired, _) => {
                self.incumbent = None;
                self.centre = None;
            }
            // The reference multiplies by infinity: −∞ for a satisfied constraint (NaN for 0) can
            // be undercut by nothing (spec hpo.md section 0, point 3).
            (Rules::Compat, Some(incumbent)) => {
                incumbent.value = f64::NEG_INFINITY;
                incumbent.constraints.iter_mut().for_each(|c| *c *= f64::INFINITY);
            }
            (Rules::Compat, None) => {}
        }
    }

    /// The verdict on a group; a success becomes incumbent.
    fn judge(&mut self, counted: &[&Observed], known: &[(Option<f64>, Known)]) -> Verdict {
        let rules = self.settings.rules;
        let mut best: Option<&(Option<f64>, Known)> = None;
        for candidate in known {
            if best.is_none_or(|b| candidate.1.better(&b.1, rules)) {
                best = Some(candidate);
            }
        }
        if let Some((length, best)) = best
            && self.improves(best)
        {
            let greater = length.filter(|&l| l > self.length && !self.inside(&best.point));
            self.incumbent = Some(best.clone());
            return match (rules, length) {
                (Rules::Repaired, None) => Verdict::NotCounted,
                (Rules::Repaired, Some(_)) => {
                    self.length = greater.unwrap_or(self.length).min(self.settings.length_max);
                    Verdict::Success
                }
                (Rules::Compat, _) => Verdict::Success,
            };
        }
        let evidence = match rules {
            Rules::Repaired => counted.iter().any(|r| r.origin.length == Some(self.length)),
            Rules::Compat => !counted.is_empty(),
        };
        if evidence { Verdict::Failure } else { Verdict::NotCounted }
    }

    fn improves(&self, result: &Known) -> bool {
        let Some(incumbent) = &self.incumbent else { return true };
        let rules = self.settings.rules;
        if !result.feasible() {
            return result.violation(rules) < incumbent.violation(rules);
        }
        let mut violated = incumbent.constraints.iter().map(|&c| c > 0.0);
        let infeasible = match rules {
            Rules::Repaired => violated.any(|v| v),
            Rules::Compat => !incumbent.constraints.is_empty() && violated.all(|v| v),
        };
        // Not a number, so false, for an incumbent without a value.
        let threshold = incumbent.value + IMPROVEMENT * incumbent.value.abs();
        infeasible || result.value > threshold
    }

    fn inside(&self, point: &[f64]) -> bool {
        let half = self.length / 2.0;
        self.centre().is_none_or(|c| c.iter().zip(point).all(|(c, x)| (x - c).abs() <= half))
    }

    fn recentre(&mut self, result: Known) {
        let rules = self.settings.rules;
        let better = |centre: &Known| match rules {
            Rules::Repaired => result.better(centre, rules),
            Rules::Compat => result.value > centre.value,
        };
        if self.centre.as_ref().is_none_or(better) {
            self.centre = Some(result);
        }
    }
}

/// A box in the unit cube.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    /// Lower corner.
    pub lower: Vec<f64>,
    /// Upper corner.
    pub upper: Vec<f64>,
}

impl Bounds {
    /// centre ± weight·length/2, clipped to the cube.
    pub fn around(centre: &[f64], weights: &[f64], length: f64) -> Self {
        let corner = |side: f64| {
            let coordinate = |(c, w): (&f64, &f64)| (c + side * w * length / 2.0).clamp(0.0, 1.0);
            centre.iter().zip(weights).map(coordinate).collect()
        };
        Bounds { lower: corner(-1.0), upper: corner(1.0) }
    }

    /// A box about a point with sides that are this share of ours, cut off at our own.
    pub fn shrunk(&self, centre: &[f64], share: f64) -> Self {
        let corner = |side: f64| {
            let sides = self.lower.iter().zip(&self.upper);
            let coordinate = |(c, (low, high)): (&f64, (&f64, &f64))| {
                (c + side * share * (high - low) / 2.0).max(*low).min(*high)
            };
            centre.iter().zip(sides).map(coordinate).collect()
        };
        Bounds { lower: corner(-1.0), upper: corner(1.0) }
    }
}

/// Weights of the box's sides: the lengthscales (positive and finite) over their geometric mean, so
/// that weights change the shape of the box and not its volume.
pub fn weights(lengthscales: &[f64]) -> Vec<f64> {
    // By logarithms: a product of many small numbers would underflow.
    let mean_log = lengthscales.iter().map(|l| l.ln()).sum::<f64>() / lengthscales.len() as f64;
    lengthscales.iter().map(|l| l / mean_log.exp()).collect()
}

#[cfg(test)]
mod tests;
