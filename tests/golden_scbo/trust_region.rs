//! Boxes, weights and state sequences: `c_trust_region` and `c_state_updates`.

use crate::support::{Vectors, files};
use spikeseek::search::scbo::Rules;
use spikeseek::search::scbo::trust_region::{
    Bounds, Observed, Origin, Settings, TrustRegion, weights,
};
use std::collections::BTreeSet;

/// What stands before the last separator, without repeats.
fn scenarios(vectors: &Vectors, separator: char, last: &str) -> BTreeSet<String> {
    let of = |name: &String| {
        let (scenario, array) = name.rsplit_once(separator)?;
        (array == last).then(|| scenario.to_string())
    };
    vectors.arrays().iter().filter_map(of).collect()
}

fn close(found: &[f64], want: &[f64], what: &str) {
    assert_eq!(found.len(), want.len(), "{what}");
    for (found, want) in found.iter().zip(want) {
        // Both follow the same formula; only the order of the operations differs.
        assert!((found - want).abs() <= 1e-12, "{what}: {found} {want}");
    }
}

#[test]
fn boxes_and_weights() {
    for vectors in files("c_trust_region") {
        // Names: d6_L0.8_lb.
        let names = scenarios(&vectors, '_', "lb");
        assert!(!names.is_empty());
        for name in names {
            let get = |array: &str| vectors.flat::<f64>(&format!("{name}_{array}"));
            let length: f64 = name.rsplit_once('L').unwrap().1.parse().unwrap();
            let weights = weights(&get("lengthscale"));
            close(&weights, &get("weights"), &name);
            let bounds = Bounds::around(&get("center"), &weights, length);
            close(&bounds.lower, &get("lb"), &name);
            close(&bounds.upper, &get("ub"), &name);
        }
        vectors.finish();
    }
}

/// Batches of a scenario as results of the present box: values, and constraints of each.
struct Batches {
    values: Vec<f64>,
    constraints: Vec<f64>,
    batch: usize,
    number: usize,
}

impl Batches {
    fn read(vectors: &Vectors, scenario: &str) -> Self {
        let values = vectors.array::<f64>(&format!("{scenario}.Y"));
        let constraints = vectors.flat::<f64>(&format!("{scenario}.C"));
        Batches {
            batch: values.shape()[1],
            number: constraints.len() / values.len(),
            values: values.iter().copied().collect(),
            constraints,
        }
    }

    fn observed(&self, step: usize, region: &TrustRegion) -> Vec<Observed> {
        let origin = Origin { restart: region.restarts(), length: Some(region.length()) };
        let result = |row: usize| Observed {
            point: vec![(row % self.batch) as f64 / self.batch as f64],
            value: Some(self.values[row]),
            constraints: self.constraints[row * self.number..][..self.number].to_vec(),
            origin,
        };
        (step * self.batch..(step + 1) * self.batch).map(result).collect()
    }
}

/// A row of the state arrays; the incumbent of a new region is −∞ with constraints +∞.
fn row(region: &TrustRegion, constraints: usize) -> Vec<f64> {
    let due = f64::from(u8::from(region.restart_due()));
    let mut row = vec![region.length(), region.successes() as f64, region.failures() as f64, due];
    match region.incumbent() {
        Some((value, constraints)) => {
            row.push(value);
            row.extend(constraints);
        }
        None => {
            row.push(f64::NEG_INFINITY);
            row.extend(vec![f64::INFINITY; constraints]);
        }
    }
    row
}

#[test]
fn state_sequences_and_best_of_a_batch() {
    for vectors in files("c_state_updates") {
        let mut steps = 0;
        let names = scenarios(&vectors, '.', "dim_batch");
        for name in &names {
            let batches = Batches::read(&vectors, name);
            let sizes: Vec<i64> = vectors.flat(&format!("{name}.dim_batch"));
            let tolerance: Vec<i64> = vectors.flat(&format!("{name}.failure_tolerance"));
            for (rules, array) in [(Rules::Repaired, "tut_state"), (Rules::Compat, "zel_state")] {
                let settings = Settings::new(rules, sizes[0] as usize, sizes[1] as usize);
                assert_eq!(settings.failure_tolerance as i64, tolerance[0], "{name}");
                let mut region = TrustRegion::new(settings);
                let want = vectors.array::<f64>(&format!("{name}.{array}"));
                for (step, want) in want.rows().into_iter().enumerate() {
                    if let Some(step) = step.checked_sub(1) {
                        region.observe(&batches.observed(step, &region));
                    }
                    let found = row(&region, batches.number);
                    assert_eq!(found, want.to_vec(), "{name}: {rules:?}, step {step}");
                    steps += 1;
                }
            }
        }
        // Each step is a batch of its own; a new region takes its best as centre and incumbent.
        let name = "best_index";
        let batches = Batches::read(&vectors, name);
        for (step, best) in vectors.flat::<i64>(&format!("{name}.idx")).into_iter().enumerate() {
            let mut region = TrustRegion::new(Settings::new(Rules::Repaired, 1, batches.batch));
            let group = batches.observed(step, &region);
            region.observe(&group);
            let best = &group[best as usize];
            assert_eq!(region.centre(), Some(best.point.as_slice()), "{name}: {step}");
            let incumbent = Some((best.value.unwrap(), best.constraints.as_slice()));
            assert_eq!(region.incumbent(), incumbent, "{name}: {step}");
        }
        println!("{} scenarios, {steps} states", names.len());
        assert!(steps > 0);
        vectors.finish();
    }
}
