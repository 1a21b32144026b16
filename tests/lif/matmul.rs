//! T7, T8, T9: products of a dense matrix and binary-sparse rows against the same product with the
//! lists written out as 0 and 1.

use crate::support::{assert_close, stream};
use proptest::prelude::*;
use spikeseek::engine::cpu::lif::matmul::{Lists, product, slot_gradient, weight_gradient};
use spikeseek::random::{Stream, below, shuffle, uniform};

struct Case {
    inputs: usize,
    neurons: usize,
    samples: usize,
    capacity: usize,
    /// `[input, neuron]`
    w: Vec<f32>,
    dy: Vec<f32>,
    /// Stale slots hold ids that no matrix has.
    ids: Vec<u32>,
    counts: Vec<u32>,
}

fn numbers(s: &mut Stream, n: usize) -> Vec<f32> {
    (0..n).map(|_| uniform(s) as f32 - 0.5).collect()
}

impl Case {
    fn new(seed: u64) -> Case {
        let s = &mut stream(seed);
        let (inputs, neurons) = (1 + below(s, 40), 1 + below(s, 600));
        let samples = 1 + below(s, 13);
        let capacity = [1, inputs, 1 + below(s, inputs)][below(s, 3)];
        let mut all: Vec<u32> = (0..inputs as u32).collect();
        let (mut ids, mut counts) = (Vec::new(), Vec::new());
        for _ in 0..samples {
            let count = [0, 1, capacity, below(s, capacity + 1)][below(s, 4)];
            shuffle(s, &mut all);
            let mut row = all[..count].to_vec();
            row.sort_unstable();
            row.resize(capacity, u32::MAX);
            ids.extend(row);
            counts.push(count as u32);
        }
        let w = numbers(s, inputs * neurons);
        let dy = numbers(s, samples * neurons);
        Case { inputs, neurons, samples, capacity, w, dy, ids, counts }
    }

    fn lists(&self) -> Lists<'_> {
        Lists { capacity: self.capacity, ids: &self.ids, counts: &self.counts }
    }

    /// The lists as 0 and 1, `[sample, input]`.
    fn dense(&self) -> Vec<f32> {
        let mut x = vec![0.0; self.samples * self.inputs];
        for b in 0..self.samples {
            for q in 0..self.counts[b] as usize {
                x[b * self.inputs + self.ids[b * self.capacity + q] as usize] = 1.0;
            }
        }
        x
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn products_agree_with_dense_ones(seed in any::<u64>()) {
        let case = Case::new(seed);
        let Case { inputs, neurons, samples, capacity, .. } = case;
        let x = case.dense();
        let mut y = vec![0.0; samples * neurons];
        product(&case.w, case.lists(), neurons, &mut y);
        let mut dw = vec![0.0; inputs * neurons];
        weight_gradient(&case.dy, case.lists(), neurons, &mut dw);
        let mut e = vec![f32::NAN; samples * capacity];
        slot_gradient(&case.w, &case.dy, case.lists(), neurons, &mut e);

        let (mut want_y, mut want_dw) = (vec![0.0_f32; y.len()], vec![0.0_f32; dw.len()]);
        let mut want_e = vec![0.0_f32; samples * inputs];
        for b in 0..samples {
            for i in 0..inputs {
                for k in 0..neurons {
                    let (w, dy) = (case.w[i * neurons + k], case.dy[b * neurons + k]);
                    want_y[b * neurons + k] += w * x[b * inputs + i];
                    want_dw[i * neurons + k] += dy * x[b * inputs + i];
                    want_e[b * inputs + i] += w * dy;
                }
            }
        }
        assert_close("y", &y, &want_y, 1e-5);
        assert_close("dw", &dw, &want_dw, 1e-5);
        for b in 0..samples {
            for q in 0..capacity {
                let got = e[b * capacity + q];
                if q < case.counts[b] as usize {
                    let want = want_e[b * inputs + case.ids[b * capacity + q] as usize];
                    prop_assert!((got - want).abs() < 1e-4, "e[{b}, {q}]: {got}, want {want}");
                } else {
                    prop_assert!(got.is_nan(), "slot {q} past the count was written");
                }
            }
        }
    }
}

/// T4a: y is linear in w: central differences of Σ u·y are exact but for rounding.
#[test]
fn differences_of_the_product() {
    let case = Case::new(7);
    let mut dw = vec![0.0; case.w.len()];
    weight_gradient(&case.dy, case.lists(), case.neurons, &mut dw);
    let value = |w: &[f32]| -> f64 {
        let mut y = vec![0.0; case.samples * case.neurons];
        product(w, case.lists(), case.neurons, &mut y);
        y.iter().zip(&case.dy).map(|(&y, &u)| f64::from(y) * f64::from(u)).sum()
    };
    let mut checked = 0;
    for k in (0..case.w.len()).step_by(97) {
        let at = |step: f32| {
            let mut w = case.w.clone();
            w[k] += step;
            value(&w)
        };
        let difference = (at(0.25) - at(-0.25)) / 0.5;
        assert!((difference - f64::from(dw[k])).abs() < 1e-3, "{k}: {difference}, {}", dw[k]);
        checked += 1;
    }
    assert!(checked > 10);
}
