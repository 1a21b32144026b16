//! Constrained Thompson sampling: which candidates a batch takes, given draws of the posterior.
//!
//! A draw gives a value and constraints to every candidate. The best of a draw is the feasible
//! candidate of the highest value, else the one that violates the constraints least, Σ max(c, 0).
//! A batch takes one candidate a draw, each at most once ([`sequential`], the rule of the paper).
//!
//! The best of thousands of candidates is one that the draw flatters: where the optimum lies at the
//! boundary, about half of such points turn out to be infeasible. So the sampler passes over candidates
//! whose predicted probability to be feasible is low ([`best_confident`]), and asks for the more the more
//! trials end without a score ([`confidence`]).

use std::cmp::Ordering;

/// How good a draw says a candidate is; ordered from worse to better, the fields in this order.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Score {
    feasible: bool,
    value: f64,
}

impl Score {
    /// Whether all constraints are ≤ 0 in this draw.
    pub fn feasible(&self) -> bool {
        self.feasible
    }

    /// The value if feasible, else minus the violation; −∞ where the draw is not a number.
    pub fn value(&self) -> f64 {
        self.value
    }

    fn new(value: f64, constraints: impl Iterator<Item = f64> + Clone) -> Self {
        let feasible = constraints.clone().all(|c| c <= 0.0);
        // Not f64::max, which would take a constraint that is not a number for a satisfied one.
        let clipped = constraints.map(|c| if c <= 0.0 { 0.0 } else { c });
        let score = if feasible { value } else { -clipped.sum::<f64>() };
        if score.is_nan() {
            return Score { feasible: false, value: f64::NEG_INFINITY };
        }
        Score { feasible, value: score }
    }
}

/// Scores of all candidates in one draw: their values, and for each constraint theirs.
///
/// # Panics
/// If a constraint has fewer entries than there are values.
pub fn scores(values: &[f64], constraints: &[&[f64]]) -> Vec<Score> {
    let score = |(i, &v)| Score::new(v, constraints.iter().map(move |c| c[i]));
    values.iter().enumerate().map(score).collect()
}

/// The best candidate of a draw that is not taken; the first of equals. None if all are taken.
pub fn best_remaining(draw: &[Score], taken: &[usize]) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (i, score) in draw.iter().enumerate() {
        let better = best.is_none_or(|b| *score > draw[b]);
        if better && !taken.contains(&i) {
            best = Some(i);
        }
    }
    best
}

/// Candidates that are less likely to be feasible are passed over (benchmarking/SEARCH_RULES.md).
const LEAST_CONFIDENCE: f64 = 0.8;
/// Share of trials without a score at which the confidence stays as it is.
const UNSCORED: f64 = 0.02;
/// Beyond it the difference from 1 is mere rounding.
const MOST_CONFIDENCE: f64 = 1.0 - 1e-9;
/// What a trial without a score adds to the log odds, less what [`UNSCORED`] takes away.
const STEP: f64 = 2.0;

/// The confidence that the next candidate needs, where the trials that models proposed ended with a score
/// or not, in their order. An infeasible trial that has a score teaches as much as another. One that has
/// none, as a silent network, took its time for a constraint alone: each adds 2 to the log odds, and
/// every trial takes 0.04 away. Whatever the models' errors, a share near 0.02 comes
/// about (I. Gibbs, E. Candès, *Adaptive conformal inference under distribution shift*, NeurIPS 2021,
/// section 2; the log odds in place of the level are ours).
pub fn confidence(scored: impl Iterator<Item = bool>) -> f64 {
    let log_odds = |p: f64| (p / (1.0 - p)).ln();
    let (least, most) = (log_odds(LEAST_CONFIDENCE), log_odds(MOST_CONFIDENCE));
    let now = scored.fold(least, |now, scored| {
        let step = if scored { -UNSCORED } else { 1.0 - UNSCORED };
        (now + STEP * step).clamp(least, most)
    });
    1.0 / (1.0 + (-now).exp())
}

/// A candidate that was chosen, ordered by how good it is.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rank {
    /// Whether it is feasible in the draw and likely to be feasible.
    pub confident: bool,
    /// Its score.
    pub score: Score,
}

/// Each probability takes n² operations, in larger groups fewer seconds: so they are asked for in groups,
/// the first of this size, each twice as large as the one before, of `MOST` candidates at most.
const FIRST: usize = 4;
const MOST: usize = 128;

/// The best candidate of a draw, not taken, among those that are feasible with at least this
/// `confidence`. Where none of the 128 best feasible ones is, the one that is most likely feasible;
/// where the draw has no feasible one, the one that violates least. `probabilities` gives those of
/// candidates by their indices.
pub fn best_confident(
    draw: &[Score],
    taken: &[usize],
    confidence: f64,
    probabilities: impl Fn(&[usize]) -> Vec<f64>,
) -> Option<(usize, Rank)> {
    let best = best_remaining(draw, taken)?;
    let rank = |i: usize, confident| Some((i, Rank { confident, score: draw[i] }));
    if !draw[best].feasible() {
        return rank(best, false);
    }
    let free = |i: &usize| draw[*i].feasible() && !taken.contains(i);
    let mut order: Vec<usize> = (0..draw.len()).filter(free).collect();
    // A score is never NaN, so any two compare; of equals the first comes first.
    let better = |&a: &usize, &b: &usize| {
        draw[b].partial_cmp(&draw[a]).unwrap_or(Ordering::Equal).then(a.cmp(&b))
    };
    if order.len() > MOST {
        order.select_nth_unstable_by(MOST, better);
        order.truncate(MOST);
    }
    order.sort_unstable_by(better);
    let mut likeliest = (f64::NEG_INFINITY, best);
    let (mut rest, mut size) = (&order[..], FIRST);
    while !rest.is_empty() {
        let (some, others) = rest.split_at(size.min(rest.len()));
        (rest, size) = (others, 2 * size);
        for (&i, p) in some.iter().zip(probabilities(some)) {
            if p >= confidence {
                return rank(i, true);
            }
            if p > likeliest.0 {
                likeliest = (p, i);
            }
        }
    }
    rank(likeliest.1, false)
}

/// The best candidate of each draw that no draw before it has taken. Where a draw's feasible
/// candidates are all taken, the one that violates least; fewer picks only if all are taken.
pub fn sequential(draws: &[Vec<Score>]) -> Vec<usize> {
    let mut taken = Vec::with_capacity(draws.len());
    for draw in draws {
        taken.extend(best_remaining(draw, &taken));
    }
    taken
}

/// The `number` best candidates of a single draw, worst first: what the library under the
/// reference does with the last draw of a batch in place of [`sequential`] (spec scbo.md, section
/// Candidates and Thompson selection). For the compat rules.
pub fn best_of_one(draw: &[Score], number: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..draw.len()).collect();
    // A score is never NaN, so any two compare.
    order.sort_by(|&a, &b| draw[b].partial_cmp(&draw[a]).unwrap_or(Ordering::Equal));
    order.truncate(number);
    order.reverse();
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn confidence_rises_with_silence_and_settles_at_the_share_that_is_put_up_with() {
        assert!((confidence(std::iter::empty()) - LEAST_CONFIDENCE).abs() < 1e-12);
        assert!((confidence([true; 50].into_iter()) - LEAST_CONFIDENCE).abs() < 1e-12);
        assert!((confidence([false; 50].into_iter()) - MOST_CONFIDENCE).abs() < 1e-12);
        // Models that are too sure: only what they call feasible with 0.97 is.
        let mut scored = Vec::new();
        for _ in 0..2000 {
            scored.push(confidence(scored.iter().copied()) > 0.97);
        }
        let silent = scored.iter().filter(|scored| !**scored).count() as f64 / 2000.0;
        assert!((silent - UNSCORED).abs() < 0.005, "{silent}");
    }

    fn draws() -> impl Strategy<Value = Vec<Vec<Score>>> {
        let any = prop_oneof![8 => -1.0..1.0_f64, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)];
        let column = move |n| prop::collection::vec(any.clone(), n);
        (1..12_usize, 1..8_usize).prop_flat_map(move |(n, s)| {
            let draw = (column(n), column(n), column(n));
            let draw = draw.prop_map(|(y, a, b)| scores(&y, &[&a, &b]));
            prop::collection::vec(draw, s)
        })
    }

    proptest! {
        #[test]
        fn picks_are_distinct_and_the_best_that_is_left(draws in draws()) {
            let picks = sequential(&draws);
            prop_assert_eq!(picks.len(), draws.len().min(draws[0].len()));
            for (k, &pick) in picks.iter().enumerate() {
                prop_assert!(!picks[..k].contains(&pick));
                for other in (0..draws[k].len()).filter(|other| !picks[..k].contains(other)) {
                    prop_assert!(draws[k][pick] >= draws[k][other]);
                }
            }
        }

        #[test]
        fn best_of_one_are_the_best(draws in draws(), number in 0..14_usize) {
            let draw = &draws[0];
            let picks = best_of_one(draw, number);
            prop_assert_eq!(picks.len(), number.min(draw.len()));
            let chosen: Vec<Score> = picks.iter().rev().map(|&i| draw[i]).collect();
            let mut sorted = draw.clone();
            sorted.sort_by(|a, b| b.partial_cmp(a).unwrap());
            sorted.truncate(number);
            prop_assert_eq!(chosen, sorted);
            let mut distinct = picks.clone();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(distinct.len(), picks.len());
        }
    }

    proptest! {
        #[test]
        fn with_confidence_in_all_the_best_wins(draws in draws()) {
            for draw in &draws {
                let found = best_confident(draw, &[0], 0.8, |some| vec![0.9; some.len()]);
                prop_assert_eq!(found.map(|(i, _)| i), best_remaining(draw, &[0]));
            }
        }

        #[test]
        fn a_likely_candidate_beats_a_better_unlikely_one(
            draw in draws().prop_map(|draws| draws[0].clone()),
            chances in prop::collection::vec(0.0..1.0_f64, 12),
        ) {
            let of = |some: &[usize]| some.iter().map(|&i| chances[i]).collect();
            let (found, rank) = best_confident(&draw, &[], 0.8, of).unwrap();
            let feasible = || (0..draw.len()).filter(|&i| draw[i].feasible());
            let likely = feasible().filter(|&i| chances[i] >= 0.8);
            let best = likely.map(|i| draw[i].value()).fold(f64::NEG_INFINITY, f64::max);
            if best > f64::NEG_INFINITY {
                prop_assert!(rank.confident && draw[found].value() == best);
            } else if feasible().next().is_some() {
                let highest = feasible().map(|i| chances[i]).fold(0.0, f64::max);
                prop_assert!(!rank.confident && chances[found] == highest);
            } else {
                prop_assert_eq!(Some(found), best_remaining(&draw, &[]));
            }
        }
    }

    #[test]
    fn what_is_not_a_number_comes_last() {
        let nan = f64::NAN;
        // Not a number in the value; in the constraint; violated by much; feasible and low.
        let draw = scores(&[nan, 9.0, 9.0, -9.0], &[&[-1.0, nan, 1e9, 0.0]]);
        assert_eq!(sequential(&vec![draw.clone(); 4]), [3, 2, 0, 1]);
        assert_eq!(draw[1].value(), f64::NEG_INFINITY);
        assert!(draw[3].feasible() && !draw[1].feasible() && !draw[0].feasible());
    }

    #[test]
    fn without_constraints_the_highest_value_wins() {
        assert_eq!(sequential(&[scores(&[1.0, 3.0, 2.0], &[])]), [1]);
    }

    #[test]
    fn the_least_violation_is_taken_where_the_feasible_are_gone() {
        let first = scores(&[1.0, 0.0, 0.0], &[&[-1.0, 1.0, 2.0]]);
        let second = scores(&[1.0, 0.0, 5.0], &[&[-1.0, 2.0, 1.0]]);
        assert_eq!(sequential(&[first, second]), [0, 2]);
    }
}
