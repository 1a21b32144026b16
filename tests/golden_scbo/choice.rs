//! Candidates and the choice among them: `d_candidates` and `d_thompson`.

use crate::support::{Vectors, files};
use spikeseek::search::scbo::candidates::{candidate, compat_probability, mask};
use spikeseek::search::scbo::choice::{Score, best_of_one, best_remaining, scores, sequential};
use spikeseek::search::scbo::trust_region::Bounds;
use std::collections::BTreeSet;

/// The part of the arrays' names before the dot, without repeats.
fn scenarios(vectors: &Vectors) -> BTreeSet<String> {
    let arrays = vectors.arrays();
    arrays.iter().map(|name| name.split_once('.').expect("a dot").0.to_string()).collect()
}

#[test]
fn candidates() {
    for vectors in files("d_candidates") {
        for name in scenarios(&vectors) {
            let get = |array: &str| vectors.array::<f64>(&format!("{name}.{array}"));
            let flat = |array: &str| vectors.flat::<f64>(&format!("{name}.{array}"));
            let indices = |array: &str| vectors.flat::<i64>(&format!("{name}.{array}"));
            let bounds = Bounds { lower: flat("lb"), upper: flat("ub") };
            let center = flat("center");
            let (sobol, uniforms, want) = (get("sobol"), get("u"), get("X"));
            let (empty, fixed) = (indices("empty_rows"), indices("empty_fix"));
            for (row, want) in want.rows().into_iter().enumerate() {
                let uniforms: Vec<f64> = uniforms.rows().into_iter().nth(row).unwrap().to_vec();
                let unit: Vec<f64> = sobol.rows().into_iter().nth(row).unwrap().to_vec();
                let is_empty = empty.iter().position(|&e| e as usize == row);
                let fallback = is_empty.map(|k| fixed[k] as usize);
                // A row that is not listed as empty must not need its fallback.
                let mask = mask(
                    &uniforms,
                    compat_probability(uniforms.len()),
                    fallback.unwrap_or(usize::MAX),
                );
                assert!(mask.contains(&true), "{name}: row {row}");
                if let Some(fallback) = fallback {
                    assert_eq!(mask.iter().position(|&m| m), Some(fallback), "{name}: row {row}");
                }
                let found = candidate(&center, &bounds, &unit, &mask);
                assert_eq!(found, want.to_vec(), "{name}: row {row}");
            }
        }
        vectors.finish();
    }
}

/// The draws of a scenario, scored.
fn draws(vectors: &Vectors, name: &str) -> Vec<Vec<Score>> {
    let values = vectors.array::<f64>(&format!("{name}.Y"));
    let constraints = vectors.array::<f64>(&format!("{name}.C"));
    let (n, m) = (constraints.shape()[1], constraints.shape()[2]);
    let draw = |(s, values): (usize, ndarray::ArrayView1<'_, f64>)| {
        let column = |j| (0..n).map(|i| constraints[[s, i, j]]).collect::<Vec<f64>>();
        let columns: Vec<Vec<f64>> = (0..m).map(column).collect();
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        scores(&values.to_vec(), &columns)
    };
    values.rows().into_iter().enumerate().map(draw).collect()
}

/// The reference's score of a candidate: −∞ for an infeasible one of a draw with feasible ones.
fn reference_score(draw: &[Score], candidate: usize) -> f64 {
    if draw.iter().any(Score::feasible) && !draw[candidate].feasible() {
        return f64::NEG_INFINITY;
    }
    draw[candidate].value()
}

#[test]
fn choice() {
    for vectors in files("d_thompson") {
        let mut ties = Vec::new();
        for name in scenarios(&vectors) {
            let indices = |array: &str| -> Vec<usize> {
                let found = vectors.flat::<i64>(&format!("{name}.{array}"));
                found.into_iter().map(|i| i as usize).collect()
            };
            let draws = draws(&vectors, &name);
            let want = vectors.array::<f64>(&format!("{name}.scores"));
            for (draw, want) in draws.iter().zip(want.rows()) {
                let found: Vec<f64> = (0..draw.len()).map(|i| reference_score(draw, i)).collect();
                assert_eq!(found, want.to_vec(), "{name}: scores");
            }

            // With replacement: each draw alone.
            let alone: Vec<usize> = draws.iter().flat_map(|d| best_remaining(d, &[])).collect();
            assert_eq!(alone, indices("idx_rep"), "{name}: with replacement");

            // One by one, given the picks before. A pick that scores −∞ is arbitrary in the
            // reference (the feasible ones are taken); then ours must violate least.
            let want = indices("idx_sequential");
            let mut arbitrary = 0;
            for (k, draw) in draws.iter().enumerate() {
                let pick = best_remaining(draw, &want[..k]).unwrap();
                if reference_score(draw, want[k]) == f64::NEG_INFINITY {
                    arbitrary += 1;
                    assert!(!draw[pick].feasible(), "{name}: pick {k}");
                    let mut left = (0..draw.len()).filter(|i| !want[..k].contains(i));
                    assert!(left.all(|i| draw[i].value() <= draw[pick].value() || i == pick));
                } else {
                    assert_eq!(pick, want[k], "{name}: pick {k}");
                }
            }
            if arbitrary == 0 {
                assert_eq!(sequential(&draws), want, "{name}: sequential");
            } else {
                ties.push((name.clone(), arbitrary));
            }

            // The reference's way, but for its arbitrary picks.
            let determined: Vec<u8> = vectors.flat(&format!("{name}.norep_pick_is_feasible_score"));
            let want = indices("idx_norep");
            let found = best_of_one(draws.last().unwrap(), want.len());
            assert_eq!(found.len(), want.len(), "{name}");
            for ((found, want), determined) in found.iter().zip(&want).zip(determined) {
                assert_eq!(
                    determined == 1,
                    reference_score(draws.last().unwrap(), *want).is_finite()
                );
                if determined == 1 {
                    assert_eq!(found, want, "{name}: best of one draw");
                }
            }
        }
        println!("arbitrary picks of the reference: {ties:?}");
        vectors.finish();
    }
}
