//! The candidates: points near the centre of the trust region, among which the next batch is chosen.
//!
//! A candidate is the centre with some of its coordinates replaced by those of a scrambled Sobol
//! point in the box, and at least one is (R. G. Regis and C. A. Shoemaker, Engineering Optimization
//! 45, 2013): a point that differs in all of many coordinates is rarely better.
//!
//! * Repaired: each candidate has its own expected number of replaced coordinates, log-uniform in
//!   [1, min(20, d)]. So some move along an axis and some in all directions, whichever the objective
//!   needs; benchmarking/SEARCH_RULES.md compares both.
//! * Compat: each coordinate with probability min(20/d, 1) (spec hpo.md section 4.3), which is all of
//!   them up to 20 dimensions.

use super::Rules;
use super::trust_region::Bounds;
use crate::error::Result;
use crate::random::{Stream, below, uniform};
use crate::search::sobol::Sobol;
use std::collections::HashSet;

/// Candidates that are closer than this, in each coordinate, to a point count as that point.
pub const NEAR: f64 = 1e-6;

/// No more coordinates of a candidate are replaced, on average.
const REPLACED: f64 = 20.0;

/// How many candidates the reference draws in so many dimensions: min(5000, max(2000, 200·d)).
pub fn count(dimensions: usize) -> u32 {
    (200 * dimensions.min(100) as u32).clamp(2000, 5000)
}

/// Draws `number` candidates.
///
/// # Errors
/// [`Error::Usage`](crate::Error::Usage) for more dimensions than the Sobol sequence has.
pub fn candidates(
    centre: &[f64],
    bounds: &Bounds,
    number: u32,
    rules: Rules,
    stream: &mut Stream,
) -> Result<Vec<Vec<f64>>> {
    let sobol = Sobol::scrambled(centre.len(), stream)?;
    let draw = |index| {
        let uniforms: Vec<f64> = centre.iter().map(|_| uniform(stream)).collect();
        let dimensions = centre.len();
        let probability = match rules {
            Rules::Repaired => {
                REPLACED.min(dimensions as f64).powf(uniform(stream)) / dimensions as f64
            }
            Rules::Compat => compat_probability(dimensions),
        };
        let mask = mask(&uniforms, probability, fallback(dimensions, rules, stream));
        candidate(centre, bounds, &sobol.point(index), &mask)
    };
    Ok((0..number).map(draw).collect())
}

/// The coordinate to replace where the mask has picked none. The reference never takes the last.
fn fallback(dimensions: usize, rules: Rules, stream: &mut Stream) -> usize {
    let choices = match rules {
        Rules::Repaired => dimensions,
        Rules::Compat => dimensions.saturating_sub(1),
    };
    below(stream, choices.max(1))
}

/// Probability with which the reference replaces a coordinate: min(20/d, 1).
pub fn compat_probability(dimensions: usize) -> f64 {
    (REPLACED / dimensions as f64).min(1.0)
}

/// Which coordinates to replace: those with u < `probability`, else the one named by `fallback`.
pub fn mask(uniforms: &[f64], probability: f64, fallback: usize) -> Vec<bool> {
    let mut mask: Vec<bool> = uniforms.iter().map(|&u| u < probability).collect();
    if !mask.contains(&true)
        && let Some(replaced) = mask.get_mut(fallback)
    {
        *replaced = true;
    }
    mask
}

/// The centre with the coordinates of the mask replaced by lower + (upper − lower)·unit.
pub fn candidate(centre: &[f64], bounds: &Bounds, unit: &[f64], mask: &[bool]) -> Vec<f64> {
    let coordinate = |(j, &c): (usize, &f64)| {
        let (lower, upper) = (bounds.lower[j], bounds.upper[j]);
        if mask[j] { lower + (upper - lower) * unit[j] } else { c }
    };
    centre.iter().enumerate().map(coordinate).collect()
}

/// Drops all but the first of equal candidates, which rounding to integers and categories makes.
pub fn drop_repeated(candidates: &mut Vec<Vec<f64>>) {
    let mut seen = HashSet::new();
    candidates.retain(|candidate| {
        seen.insert(candidate.iter().map(|x| x.to_bits()).collect::<Vec<u64>>())
    });
}

/// Drops the candidates that lie closer than [`NEAR`], in the maximum norm, to one of the points
/// that are evaluated or pending: evaluating them again would tell nothing.
pub fn drop_near(candidates: &mut Vec<Vec<f64>>, points: &[Vec<f64>]) {
    let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(x, y)| (x - y).abs() < NEAR);
    candidates.retain(|candidate| !points.iter().any(|point| near(candidate, point)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose};
    use proptest::prelude::*;

    fn stream(seed: u64) -> Stream {
        Key::new(seed).stream(Purpose::Synthetic)
    }

    fn whole(dimensions: usize) -> Bounds {
        Bounds { lower: vec![0.0; dimensions], upper: vec![1.0; dimensions] }
    }

    /// Pearson's statistic of counts that should all be `expected`, each with this variance.
    fn chi_square(counts: &[u32], expected: f64, variance: f64) -> f64 {
        counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / variance).sum()
    }

    #[test]
    fn number_of_candidates() {
        // Spec hpo.md section 4.3: 3600 for 18 dimensions, 3400 for 17.
        assert_eq!([1, 17, 18, 25, 1000].map(count), [2000, 3400, 3600, 5000, 5000]);
    }

    #[test]
    fn each_coordinate_is_replaced_with_the_same_probability() {
        // 40 dimensions, the outermost included. 73.40 is the 99.9 % point of the chi-square
        // distribution with 40 degrees of freedom.
        let (d, n) = (40, 4000);
        for (rules, expected) in [(Rules::Repaired, None), (Rules::Compat, Some(0.5))] {
            let centre = vec![0.5; d];
            let points = candidates(&centre, &whole(d), n, rules, &mut stream(1)).unwrap();
            let replaced = |j: usize| points.iter().filter(|p| p[j] != 0.5).count() as u32;
            let counts: Vec<u32> = (0..d).map(replaced).collect();
            let n = f64::from(n);
            let share = f64::from(counts.iter().sum::<u32>()) / (n * d as f64);
            let share = expected.unwrap_or(share);
            let found = chi_square(&counts, n * share, n * share * (1.0 - share));
            assert!(found < 73.40, "{rules:?}: {counts:?}");
        }
    }

    #[test]
    fn up_to_twenty_dimensions_compat_replaces_all() {
        for d in [1, 2, 20] {
            let points =
                candidates(&vec![2.0; d], &whole(d), 50, Rules::Compat, &mut stream(2)).unwrap();
            assert!(points.iter().flatten().all(|&x| x < 1.0), "{d}");
        }
    }

    #[test]
    fn repaired_candidates_differ_in_few_and_in_many_coordinates() {
        // Their expected number is log-uniform in [1, 18]: as many below √18 as above it.
        let (d, n) = (18, 4000);
        let centre = vec![2.0; d];
        let points = candidates(&centre, &whole(d), n, Rules::Repaired, &mut stream(6)).unwrap();
        let mut numbers = vec![0_u32; d + 1];
        for point in &points {
            numbers[point.iter().filter(|x| **x < 1.0).count()] += 1;
        }
        assert_eq!(numbers[0], 0);
        assert!(numbers[1..].iter().all(|&n| n > 40), "{numbers:?}");
        let few: u32 = numbers[1..=4].iter().sum();
        assert!((0.45..0.65).contains(&(f64::from(few) / f64::from(n))), "{numbers:?}");
    }

    #[test]
    fn candidates_fill_the_box_evenly() {
        // One in each 64th of the box, as the first 64 Sobol points have in each dimension.
        let bounds = Bounds { lower: vec![0.25; 3], upper: vec![0.75; 3] };
        let points = candidates(&[0.5; 3], &bounds, 64, Rules::Compat, &mut stream(5)).unwrap();
        for j in 0..3 {
            let mut bins: Vec<u32> =
                points.iter().map(|p| ((p[j] - 0.25) * 128.0) as u32).collect();
            bins.sort_unstable();
            assert_eq!(bins, (0..64).collect::<Vec<u32>>());
        }
    }

    #[test]
    fn fallback_reaches_the_last_dimension_unless_compat() {
        let mut stream = stream(3);
        let mut counts = |rules, dimensions| {
            let mut counts = vec![0; dimensions];
            for _ in 0..10_000 {
                counts[fallback(dimensions, rules, &mut stream)] += 1;
            }
            counts
        };
        // 99.9 % points of the chi-square distribution with 9 and 8 degrees of freedom.
        let repaired = counts(Rules::Repaired, 10);
        assert!(chi_square(&repaired, 1e3, 1e3) < 27.88, "{repaired:?}");
        let compat = counts(Rules::Compat, 10);
        let share = 1e4 / 9.0;
        assert!(chi_square(&compat[..9], share, share) < 26.12, "{compat:?}");
        assert_eq!(compat[9], 0);
        assert_eq!(counts(Rules::Compat, 1), [10_000]);
    }

    #[test]
    fn an_empty_mask_takes_the_fallback() {
        let mut want = vec![false; 40];
        want[39] = true;
        assert_eq!(mask(&[0.5; 40], 0.5, 39), want);
        want[39] = false;
        want[7] = true;
        let mut uniforms = [0.9; 40];
        uniforms[7] = 0.49;
        assert_eq!(mask(&uniforms, 0.5, 39), want);
    }

    #[test]
    fn more_dimensions_than_the_sequence_has_are_refused() {
        let refused = candidates(&[0.5; 129], &whole(129), 1, Rules::Repaired, &mut stream(4));
        assert!(refused.unwrap_err().to_string().contains("at most 128 dimensions"));
    }

    proptest! {
        #[test]
        fn candidates_stay_in_the_box_and_leave_the_centre(
            corners in prop::collection::vec((0.0..0.4_f64, 0.6..1.0_f64), 1..60),
            seed in any::<u64>(),
        ) {
            let (lower, upper): (Vec<f64>, Vec<f64>) = corners.into_iter().unzip();
            let centre = vec![0.5; lower.len()];
            let bounds = Bounds { lower, upper };
            let draw = || candidates(&centre, &bounds, 16, Rules::Repaired, &mut stream(seed));
            let points = draw().unwrap();
            prop_assert_eq!(points.len(), 16);
            for point in &points {
                prop_assert!(point != &centre);
                let edges = bounds.lower.iter().zip(&bounds.upper);
                for (x, (lower, upper)) in point.iter().zip(edges) {
                    prop_assert!(lower <= x && x <= upper);
                }
            }
            prop_assert_eq!(points, draw().unwrap());
        }
    }

    #[test]
    fn equal_points_are_dropped() {
        let mut points = vec![vec![0.5, 0.1], vec![0.1, 0.5], vec![0.5, 0.1], vec![0.5, 0.2]];
        drop_repeated(&mut points);
        assert_eq!(points, [[0.5, 0.1], [0.1, 0.5], [0.5, 0.2]]);
    }

    #[test]
    fn near_points_are_dropped() {
        let taken = [vec![0.2, 0.2], vec![0.5, 0.5]];
        let far = [vec![0.5, 0.5 + 1.1e-6], vec![0.2, 0.5], vec![0.0, 0.0]];
        let mut points = vec![vec![0.5 - 0.9e-6, 0.5 + 0.9e-6], vec![0.2, 0.2]];
        points.extend(far.clone());
        drop_near(&mut points, &taken);
        assert_eq!(points, far);
        drop_near(&mut points, &[]);
        assert_eq!(points, far);
    }
}
