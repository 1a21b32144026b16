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
    /// The usual ones (spec hpo.md section 4.5): lengths 0.8, 2⁻⁷ and 1.6, success tolerance 3,
    /// failure tolerance ⌈max(4, dimensions) / batch⌉, for groups of `batch` results.
    pub fn new(rules: Rules, dimensions: usize, batch: usize) -> Self {
        Settings {
            rules,
            length_init: 0.8,
            length_min: 0.5_f64.powi(7),
            length_max: 1.6,
            success_tolerance: 3,
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

    /// Takes note of a group of results, of a batch for example, as one success or failure.
    pub fn observe(&mut self, results: &[Observed]) -> Verdict {
        let counted: Vec<&Observed> = match self.settings.rules {
            Rules::Repaired => {
                results.iter().filter(|r| r.origin.restart == self.restarts).collect()
            }
            Rules::Compat => results.iter().collect(),
        };
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
}

/// Weights of the box's sides: the lengthscales (positive and finite) over their geometric mean, so
/// that weights change the shape of the box and not its volume.
pub fn weights(lengthscales: &[f64]) -> Vec<f64> {
    // By logarithms: a product of many small numbers would underflow.
    let mean_log = lengthscales.iter().map(|l| l.ln()).sum::<f64>() / lengthscales.len() as f64;
    lengthscales.iter().map(|l| l / mean_log.exp()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn settings(rules: Rules) -> Settings {
        // Failure tolerance 2.
        Settings::new(rules, 6, 4)
    }

    /// A result of the present box.
    fn result(region: &TrustRegion, x: f64, value: f64, constraints: &[f64]) -> Observed {
        Observed {
            point: vec![x, 0.5],
            value: Some(value),
            constraints: constraints.to_vec(),
            origin: Origin { restart: region.restarts(), length: Some(region.length()) },
        }
    }

    fn fail_until(region: &mut TrustRegion, length: f64) {
        while region.length() > length {
            let worse = result(region, 0.5, -1e9, &[1e9]);
            region.observe(&[worse]);
        }
    }

    #[test]
    fn tolerances_of_the_experiments() {
        // Spec hpo.md section 4.5: 2 for 18 or 17 dimensions and batches of 16, 1 for batches of 32.
        let tolerance = |d, q| Settings::new(Rules::Repaired, d, q).failure_tolerance;
        assert_eq!([tolerance(18, 16), tolerance(17, 16), tolerance(20, 32)], [2, 2, 1]);
        assert_eq!([tolerance(2, 1), tolerance(10, 4), tolerance(5, 0)], [4, 3, 5]);
    }

    #[test]
    fn centre_is_the_best_feasible_point_or_in_compat_the_highest() {
        for (rules, want) in [(Rules::Repaired, [0.1, 0.2, 0.4]), (Rules::Compat, [0.1, 0.1, 0.1])]
        {
            let mut region = TrustRegion::new(settings(rules));
            assert_eq!(region.centre(), None);
            let groups = [(0.1, 9.0, [3.0, -9.0]), (0.2, 1.0, [1.0, 1.0]), (0.4, 0.0, [0.0, 0.0])];
            for ((x, value, c), want) in groups.into_iter().zip(want) {
                let result = result(&region, x, value, &c);
                region.observe(&[result]);
                assert_eq!(region.centre(), Some([want, 0.5].as_slice()), "{rules:?}");
            }
        }
    }

    #[test]
    fn centre_follows_an_improvement_too_small_for_a_success() {
        let mut region = TrustRegion::new(settings(Rules::Repaired));
        let first = result(&region, 0.1, 1.0, &[-1.0]);
        assert_eq!(region.observe(&[first]), Verdict::Success);
        let second = result(&region, 0.2, 1.0005, &[-1.0]);
        assert_eq!(region.observe(&[second]), Verdict::Failure);
        assert_eq!(region.centre(), Some([0.2, 0.5].as_slice()));
        assert_eq!(region.incumbent(), Some((1.0, [-1.0].as_slice())));
    }

    #[test]
    fn late_results_of_an_old_region_are_ignored_unless_compat() {
        for rules in [Rules::Repaired, Rules::Compat] {
            let mut region = TrustRegion::new(settings(rules));
            let late = result(&region, 0.1, 5.0, &[-1.0]);
            fail_until(&mut region, 0.0078125 / 2.0);
            assert!(region.restart_due());
            region.restart();
            let before = region.clone();
            let verdict = region.observe(&[late]);
            assert_eq!(verdict == Verdict::NotCounted, rules == Rules::Repaired);
            assert_eq!(region == before, rules == Rules::Repaired);
        }
    }

    #[test]
    fn the_design_moves_the_centre_and_counts_nothing() {
        let mut region = TrustRegion::new(settings(Rules::Repaired));
        let mut better = 0.0;
        let mut design = |region: &TrustRegion, step: f64| {
            better += step;
            let origin = Origin { restart: 0, length: None };
            Observed { origin, ..result(region, better / 10.0, better, &[-1.0]) }
        };
        for step in [1.0, 1.0, 1.0, 1.0, -3.0, -0.1, -0.1] {
            let group = [design(&region, step)];
            assert_eq!(region.observe(&group), Verdict::NotCounted);
        }
        assert_eq!((region.length(), region.successes(), region.failures()), (0.8, 0, 0));
        assert_eq!(region.centre(), Some([0.4, 0.5].as_slice()));
        assert_eq!(region.incumbent(), Some((4.0, [-1.0].as_slice())));
    }

    #[test]
    fn results_in_flight_do_not_shrink_a_box_that_none_was_drawn_from() {
        let mut region = TrustRegion::new(settings(Rules::Repaired));
        let best = result(&region, 0.5, 1.0, &[-1.0]);
        region.observe(std::slice::from_ref(&best));
        let worse = Observed { value: Some(0.0), ..best };
        let mut verdicts = Vec::new();
        for _ in 0..4 {
            verdicts.push(region.observe(std::slice::from_ref(&worse)));
        }
        use Verdict::{Failure, NotCounted};
        assert_eq!(verdicts, [Failure, Failure, NotCounted, NotCounted]);
        assert_eq!((region.length(), region.failures()), (0.4, 0));
        let mixed = [worse.clone(), result(&region, 0.5, 0.0, &[-1.0])];
        assert_eq!(region.observe(&mixed), Failure);
    }

    #[test]
    fn a_success_outside_the_box_brings_its_length_back() {
        // The box has shrunk to 0.1 around 0.5, that is 0.45 to 0.55.
        for (x, at, want) in [(0.9, 0.8, 0.8), (0.52, 0.8, 0.1), (0.9, 0.05, 0.1), (0.9, 9.0, 1.6)]
        {
            let mut region = TrustRegion::new(settings(Rules::Repaired));
            let best = result(&region, 0.5, 1.0, &[-1.0]);
            region.observe(&[best]);
            fail_until(&mut region, 0.1);
            let origin = Origin { restart: 0, length: Some(at) };
            let late = Observed { origin, ..result(&region, x, 2.0, &[-1.0]) };
            assert_eq!(region.observe(&[late]), Verdict::Success);
            assert_eq!(region.length(), want, "{x} proposed at {at}");
            assert_eq!(region.centre(), Some([x, 0.5].as_slice()));
        }
    }

    #[test]
    fn a_stopped_network_tells_by_how_much_it_is_infeasible() {
        let mut region = TrustRegion::new(settings(Rules::Repaired));
        let silent =
            |region: &TrustRegion, x, c| Observed { value: None, ..result(region, x, 0.0, &[c]) };
        for (x, c, verdict) in [
            (0.1, 0.7, Verdict::Success),
            (0.2, 0.8, Verdict::Failure),
            (0.3, 0.5, Verdict::Success),
            // No value although nothing is violated: tells nothing.
            (0.4, -0.1, Verdict::Failure),
        ] {
            let group = [silent(&region, x, c)];
            assert_eq!(region.observe(&group), verdict);
        }
        assert_eq!(region.centre(), Some([0.3, 0.5].as_slice()));
        assert_eq!(region.incumbent(), Some((f64::NEG_INFINITY, [0.5].as_slice())));
        let worked = result(&region, 0.6, -7.0, &[0.0]);
        assert_eq!(region.observe(&[worked]), Verdict::Success);
    }

    #[test]
    fn without_constraints_every_value_is_feasible() {
        for rules in [Rules::Repaired, Rules::Compat] {
            let mut region = TrustRegion::new(settings(rules));
            for (value, verdict) in
                [(1.0, Verdict::Success), (1.0, Verdict::Failure), (2.0, Verdict::Success)]
            {
                let group = [result(&region, 0.5, value, &[])];
                assert_eq!(region.observe(&group), verdict, "{rules:?}");
            }
        }
    }

    #[test]
    fn nothing_observed_counts_nothing() {
        for rules in [Rules::Repaired, Rules::Compat] {
            let mut region = TrustRegion::new(settings(rules));
            assert_eq!(region.observe(&[]), Verdict::NotCounted);
            assert_eq!(region, TrustRegion::new(settings(rules)));
        }
    }

    #[test]
    fn weights_by_hand() {
        // Geometric mean of 1, 2 and 4 is 2.
        for (weight, want) in weights(&[1.0, 2.0, 4.0]).into_iter().zip([0.5, 1.0, 2.0]) {
            assert!((weight - want).abs() < 1e-15, "{weight} {want}");
        }
    }

    const RULES: [Rules; 2] = [Rules::Repaired, Rules::Compat];

    fn number() -> impl Strategy<Value = f64> + Clone {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 0.0];
        prop_oneof![9 => -1.0..1.0_f64, 1 => prop::sample::select(odd.to_vec())]
    }

    /// Groups of results; the origin is filled in when they are fed: how many restarts ago, and
    /// none for the design, else how often the length was doubled since (in halves or doubles).
    type Script = Vec<Vec<(Observed, u64, i32)>>;

    fn script() -> impl Strategy<Value = Script> {
        let constraints = prop::collection::vec(number(), 2);
        let value = prop::option::weighted(0.9, number());
        let point = prop::collection::vec(0.0..1.0_f64, 2);
        let result = (point, value, constraints, 0..2_u64, -3..3_i32);
        let result = result.prop_map(|(point, value, constraints, age, factor)| {
            let origin = Origin { restart: 0, length: None };
            (Observed { point, value, constraints, origin }, age, factor)
        });
        prop::collection::vec(prop::collection::vec(result, 0..4), 0..60)
    }

    /// Feeds a script, restarting when due, and gives what was fed and each state with its verdict.
    fn feed(
        region: &mut TrustRegion,
        script: &Script,
    ) -> Vec<(Vec<Observed>, TrustRegion, Verdict)> {
        let group = |group: &Vec<(Observed, u64, i32)>| {
            let place = |(result, age, factor): &(Observed, u64, i32)| {
                let length = (*factor > -3).then(|| region.length() * 2_f64.powi(*factor));
                let restart = region.restarts().saturating_sub(*age);
                Observed { origin: Origin { restart, length }, ..result.clone() }
            };
            let fed: Vec<Observed> = group.iter().map(place).collect();
            let verdict = region.observe(&fed);
            let after = region.clone();
            if region.restart_due() {
                region.restart();
            }
            (fed, after, verdict)
        };
        script.iter().map(group).collect()
    }

    proptest! {
        #[test]
        fn lengths_and_counters_follow_the_verdicts(script in script(), compat in any::<bool>()) {
            let settings = settings(RULES[usize::from(compat)]);
            let mut region = TrustRegion::new(settings.clone());
            let (mut length, mut successes, mut failures) = (0.8, 0, 0);
            for (fed, after, verdict) in feed(&mut region, &script) {
                match verdict {
                    Verdict::Success => {
                        (successes, failures) = (successes + 1, 0);
                        // A late success may have brought back the length that it was proposed at.
                        let returned = [1.0, 2.0].contains(&(after.length() / length));
                        let proposed = |r: &Observed| {
                            let at = r.origin.length.unwrap_or(0.0).min(1.6);
                            at == after.length() || (2.0 * at).min(1.6) == after.length()
                        };
                        prop_assert!(returned || fed.iter().any(proposed));
                        if successes == 3 {
                            successes = 0;
                            prop_assert_eq!(after.length(), (2.0 * length).min(1.6).max(after.length()));
                        }
                        length = after.length();
                    }
                    Verdict::Failure => {
                        (successes, failures) = (0, failures + 1);
                        if failures == 2 {
                            (length, failures) = (length / 2.0, 0);
                        }
                    }
                    Verdict::NotCounted => {}
                }
                prop_assert_eq!(after.length(), length);
                prop_assert_eq!((after.successes(), after.failures()), (successes, failures));
                prop_assert_eq!(after.restart_due(), length < settings.length_min);
                prop_assert!(length <= settings.length_max && length >= settings.length_min / 2.0);
                if after.restart_due() {
                    (length, successes, failures) = (0.8, 0, 0);
                }
            }
            prop_assert!((settings.length_min..=settings.length_max).contains(&region.length()));
        }

        #[test]
        fn only_numbers_get_into_the_state(script in script(), compat in any::<bool>()) {
            let mut region = TrustRegion::new(settings(RULES[usize::from(compat)]));
            for (fed, after, verdict) in feed(&mut region, &script) {
                if let (Some((value, constraints)), Verdict::Success) = (after.incumbent(), verdict) {
                    prop_assert!(constraints.iter().all(|c| c.is_finite()));
                    let violated = constraints.iter().any(|&c| c > 0.0);
                    prop_assert!(value.is_finite() || (violated && value == f64::NEG_INFINITY));
                }
                let centre = after.centre.as_ref().map(|c| &c.constraints);
                prop_assert!(centre.is_none_or(|c| c.iter().all(|c| c.is_finite())));
                // A group without information never counts as a success.
                if fed.iter().all(|r| r.constraints.iter().any(|c| !c.is_finite())) {
                    prop_assert!(verdict != Verdict::Success);
                }
            }
        }

        #[test]
        fn the_same_results_rebuild_the_state(script in script(), compat in any::<bool>()) {
            let settings = settings(RULES[usize::from(compat)]);
            let mut region = TrustRegion::new(settings.clone());
            let history = feed(&mut region, &script);
            let mut rebuilt = TrustRegion::new(settings);
            for (fed, _, _) in &history {
                if rebuilt.restart_due() {
                    rebuilt.restart();
                }
                rebuilt.observe(fed);
            }
            if rebuilt.restart_due() {
                rebuilt.restart();
            }
            // As text: after a restart, the compat state holds what is not equal to itself.
            prop_assert_eq!(format!("{region:?}"), format!("{rebuilt:?}"));
        }

        #[test]
        fn only_the_repaired_rules_succeed_after_a_restart(
            best in (-1.0..1.0_f64, -1.0..=0.0_f64),
            later in prop::collection::vec((-1.0..1.0_f64, -1.0..1.0_f64), 1..20),
        ) {
            for rules in RULES {
                let mut region = TrustRegion::new(settings(rules));
                let group = [result(&region, 0.5, best.0, &[best.1])];
                region.observe(&group);
                fail_until(&mut region, 0.0078125 / 2.0);
                region.restart();
                let mut incumbent: Option<(f64, f64)> = None;
                for &(value, c) in &later {
                    let group = [result(&region, 0.5, value, &[c])];
                    let success = region.observe(&group) == Verdict::Success;
                    let better = match incumbent {
                        None => true,
                        Some((v, w)) if c <= 0.0 => w > 0.0 || value > v + 1e-3 * v.abs(),
                        Some((_, w)) => c < w.max(0.0),
                    };
                    prop_assert_eq!(success, better && rules == Rules::Repaired);
                    if success {
                        incumbent = Some((value, c));
                    }
                }
            }
        }

        #[test]
        fn the_box_holds_its_centre_and_the_weights_keep_its_volume(
            dimensions in prop::collection::vec((0.0..=1.0_f64, 0.005..4.0_f64), 1..128),
            length in 0.0078125..1.6_f64,
        ) {
            let (centre, lengthscales): (Vec<f64>, Vec<f64>) = dimensions.into_iter().unzip();
            let weights = weights(&lengthscales);
            let log_product: f64 = weights.iter().map(|w| w.ln()).sum();
            prop_assert!(log_product.abs() < 1e-9, "{log_product}");
            let bounds = Bounds::around(&centre, &weights, length);
            for (j, &c) in centre.iter().enumerate() {
                let (lower, upper) = (bounds.lower[j], bounds.upper[j]);
                prop_assert!(0.0 <= lower && lower <= c && c <= upper && upper <= 1.0);
                let inside = lower > 0.0 && upper < 1.0;
                prop_assert!(!inside || ((upper - lower) - weights[j] * length).abs() < 1e-12);
            }
        }
    }
}
