//! Optimisers of the learned tensors.

use crate::engine::lif::{Real, Tensor};
use crate::numerics::vector::widest;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Elements that one task updates.
const CHUNK: usize = 1 << 16;

/// A rule with its constants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum OptimiserKind {
    /// w −= lr·g.
    Sgd {
        /// lr.
        learning_rate: f64,
    },
    /// Adam (Kingma & Ba 2015, end of section 2, as Keras computes it), with
    /// m ← β₁m + (1−β₁)g, q ← β₂q + (1−β₂)g²:
    /// w −= lr·√(1−β₂ᵏ)/(1−β₁ᵏ)·m/(√q + ε) in step k = 1, 2, …
    Adam {
        /// lr.
        learning_rate: f64,
        /// β₁.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// β₂.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// ε, outside the bias correction.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
}

fn beta_1() -> f64 {
    0.9
}
fn beta_2() -> f64 {
    0.999
}
fn epsilon() -> f64 {
    1e-7
}

impl OptimiserKind {
    /// Adam with the usual constants.
    pub fn adam(learning_rate: f64) -> Self {
        let (beta_1, beta_2, epsilon) = (beta_1(), beta_2(), epsilon());
        OptimiserKind::Adam { learning_rate, beta_1, beta_2, epsilon }
    }

    /// The first constant that is out of its range.
    pub fn check(&self) -> Result<(), (String, String)> {
        let wrong = |name: &str, x: f64, allowed: &str| {
            Err((format!("optimiser.{name}"), format!("{x} is not allowed; give {allowed}")))
        };
        let (OptimiserKind::Sgd { learning_rate } | OptimiserKind::Adam { learning_rate, .. }) =
            *self;
        if !((learning_rate as f32).is_finite() && learning_rate >= 0.0) {
            return wrong(
                "learning_rate",
                learning_rate,
                "a number of 0 or more that f32 can hold",
            );
        }
        if let OptimiserKind::Adam { beta_1, beta_2, epsilon, .. } = *self {
            for (name, beta) in [("beta_1", beta_1), ("beta_2", beta_2)] {
                if !(0.0..1.0).contains(&beta) {
                    return wrong(name, beta, "0 ≤ beta < 1");
                }
            }
            if !(epsilon.is_finite() && epsilon > 0.0) {
                return wrong("epsilon", epsilon, "a number above 0");
            }
        }
        Ok(())
    }
}

/// An optimiser with what it remembers of the tensors, in their order and layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimiser<T> {
    /// The rule.
    pub kind: OptimiserKind,
    /// Steps done.
    pub steps: u64,
    /// m of each tensor; empty before the first step and for rules without memory.
    pub first: Vec<Vec<T>>,
    /// q of each tensor, likewise.
    pub second: Vec<Vec<T>>,
}

impl<T: Real> Optimiser<T> {
    /// An optimiser that has seen nothing.
    pub fn new(kind: OptimiserKind) -> Self {
        Optimiser { kind, steps: 0, first: Vec::new(), second: Vec::new() }
    }

    /// Moves the values along their gradients. Elements are independent, so the threads of the
    /// current pool may share them.
    ///
    /// # Panics
    /// Where the tensors have other sizes than in the step before.
    pub fn update(&mut self, tensors: Vec<Tensor<'_, T>>) {
        self.steps += 1;
        match self.kind {
            OptimiserKind::Sgd { learning_rate } => {
                let rate = T::real(learning_rate);
                for Tensor { values, gradient } in tensors {
                    values.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK)).for_each(
                        |(values, gradient)| {
                            for (w, &g) in values.iter_mut().zip(gradient) {
                                *w = *w - rate * g;
                            }
                        },
                    );
                }
            }
            OptimiserKind::Adam { learning_rate, beta_1, beta_2, epsilon } => {
                if self.first.is_empty() {
                    let zeros =
                        || tensors.iter().map(|t| vec![T::zero(); t.values.len()]).collect();
                    (self.first, self.second) = (zeros(), zeros());
                }
                let k = self.steps as f64;
                let rate = learning_rate * (1.0 - beta_2.powf(k)).sqrt() / (1.0 - beta_1.powf(k));
                let adam = Adam {
                    rate: T::real(rate),
                    beta_1: T::real(beta_1),
                    beta_2: T::real(beta_2),
                    rest_1: T::real(1.0 - beta_1),
                    rest_2: T::real(1.0 - beta_2),
                    epsilon: T::real(epsilon),
                };
                let moments = self.first.iter_mut().zip(&mut self.second);
                for (Tensor { values, gradient }, (first, second)) in
                    tensors.into_iter().zip(moments)
                {
                    assert_eq!(values.len(), first.len(), "another tensor than in the step before");
                    values
                        .par_chunks_mut(CHUNK)
                        .zip(gradient.par_chunks(CHUNK))
                        .zip(first.par_chunks_mut(CHUNK))
                        .zip(second.par_chunks_mut(CHUNK))
                        .for_each(|(((w, g), m), q)| adam.update(w, g, m, q));
                }
            }
        }
    }
}

struct Adam<T> {
    rate: T,
    beta_1: T,
    beta_2: T,
    rest_1: T,
    rest_2: T,
    epsilon: T,
}

impl<T: Real> Adam<T> {
    fn update(&self, values: &mut [T], gradient: &[T], first: &mut [T], second: &mut [T]) {
        let Adam { rate, beta_1, beta_2, rest_1, rest_2, epsilon } = *self;
        widest(
            #[inline(always)]
            || {
                let moments = first.iter_mut().zip(second.iter_mut());
                for ((w, &g), (m, q)) in values.iter_mut().zip(gradient).zip(moments) {
                    *m = beta_1 * *m + rest_1 * g;
                    *q = beta_2 * *q + rest_2 * g * g;
                    *w = *w - rate * *m / (q.sqrt() + epsilon);
                }
            },
        );
    }
}
