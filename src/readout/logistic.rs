//! The readout `log`: logistic regression on spike counts.
//!
//! Same fit as `LogisticRegression()` of scikit-learn with its defaults, which the reference uses: L2
//! penalty with C = 1, intercept not penalised, L-BFGS from zero until no component of the gradient
//! exceeds 1e-4 or for 100 iterations; multinomial over the classes present, binomial with one
//! weight vector if there are two.
//!
//! Own solver, because these fits stop before they converge, so the result depends on the path:
//! linfa-logistic has another line search and stopping rule, and it takes dense features only, of
//! which nine tenths would be zeros here.

use super::argmax;
use super::counts::Counts;
use crate::numerics::lbfgs::{Stop, minimise};

/// Stopping rules of scikit-learn: `tol`, `max_iter`, and the two that it passes on to L-BFGS-B.
const STOP: Stop =
    Stop { gradient: 1e-4, decrease: 64.0 * f64::EPSILON, iterations: 100, trials: 50 };

/// A fitted classifier: score_c(x) = Σ_j w\[c, j\] x_j + b_c over the spike counts x.
///
/// With three or more classes present there is a score for each and the largest wins, the lowest
/// class on ties. With two there is one score and the higher class wins where it is above 0. With
/// one present (scikit-learn raises an error here) that class is always predicted.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    neurons: usize,
    classes: Vec<u16>,
    /// `[neurons + 1 × scores]`, the intercepts in the last row: the weights of a neuron lie
    /// together, as a sparse row needs them.
    weights: Vec<f64>,
}

impl Logistic {
    /// Fits to the samples of an interval; `labels` must not be empty.
    pub fn fit(counts: &Counts, labels: &[u16]) -> Self {
        let (classes, targets) = present_classes(labels);
        let neurons = counts.neurons();
        let scores = scores_of(classes.len());
        let mut weights = vec![0.0; (neurons + 1) * scores];
        if scores > 0 {
            let objective = Objective { counts, targets: &targets, scores };
            let mut logits = vec![0.0; scores];
            minimise(&mut weights, STOP, |w, g| objective.evaluate(w, g, &mut logits));
        }
        Logistic { neurons, classes, weights }
    }

    /// Puts a stored classifier together; the caller has checked that `weights` is
    /// `[neurons + 1 × scores]` and that `classes` ascend.
    pub(super) fn from_parts(neurons: usize, classes: Vec<u16>, weights: Vec<f64>) -> Self {
        Logistic { neurons, classes, weights }
    }

    /// The classes present in the interval, ascending.
    pub fn classes(&self) -> &[u16] {
        &self.classes
    }

    /// Number of scores: the classes, or 1 if there are two, or 0 if there is one.
    pub fn scores(&self) -> usize {
        scores_of(self.classes.len())
    }

    /// Weights and, in the last row, intercepts, `[neurons + 1 × scores]`.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Scores of each sample, `[samples × scores]`.
    pub fn decision(&self, counts: &Counts) -> Vec<f64> {
        let scores = self.scores();
        let mut decision = vec![0.0; counts.samples() * scores];
        if scores > 0 {
            for (k, out) in decision.chunks_exact_mut(scores).enumerate() {
                linear(&self.weights, self.neurons, counts.row(k), out);
            }
        }
        decision
    }

    /// Class of each sample.
    pub fn predict(&self, counts: &Counts) -> Vec<i32> {
        let class = |row: &[f64]| match row {
            [score] => usize::from(*score > 0.0),
            _ => argmax(row),
        };
        let class = |row: &[f64]| i32::from(self.classes[class(row)]);
        match self.scores() {
            0 => vec![class(&[]); counts.samples()],
            scores => self.decision(counts).chunks_exact(scores).map(class).collect(),
        }
    }
}

/// Number of scores for a number of classes.
pub(super) fn scores_of(classes: usize) -> usize {
    match classes {
        0 | 1 => 0,
        2 => 1,
        more => more,
    }
}

/// The distinct labels, ascending, and the position of each label among them.
pub(super) fn present_classes(labels: &[u16]) -> (Vec<u16>, Vec<usize>) {
    let mut classes = labels.to_vec();
    classes.sort_unstable();
    classes.dedup();
    let targets = labels.iter().map(|l| classes.partition_point(|c| c < l)).collect();
    (classes, targets)
}

/// out = intercepts + Σ_j x_j · weights of neuron j.
fn linear(
    weights: &[f64],
    neurons: usize,
    row: impl Iterator<Item = (usize, u32)>,
    out: &mut [f64],
) {
    let scores = out.len();
    out.copy_from_slice(&weights[neurons * scores..]);
    for (neuron, count) in row {
        let (x, weights) = (f64::from(count), &weights[neuron * scores..(neuron + 1) * scores]);
        out.iter_mut().zip(weights).for_each(|(out, w)| *out += x * w);
    }
}

/// Mean of −log p(class of k | x_k) over the n samples, plus ‖w‖² / (2 C n) without the intercepts.
struct Objective<'a> {
    counts: &'a Counts,
    targets: &'a [usize],
    scores: usize,
}

impl Objective<'_> {
    /// Value and gradient; `logits` is scratch of length `scores`.
    fn evaluate(&self, weights: &[f64], gradient: &mut [f64], logits: &mut [f64]) -> f64 {
        let (neurons, scores) = (self.counts.neurons(), self.scores);
        let per_sample = 1.0 / self.targets.len() as f64;
        gradient.fill(0.0);
        let mut loss = 0.0;
        for (k, &target) in self.targets.iter().enumerate() {
            linear(weights, neurons, self.counts.row(k), logits);
            loss += residuals(logits, target);
            let intercepts = &mut gradient[neurons * scores..];
            intercepts.iter_mut().zip(&*logits).for_each(|(g, r)| *g += r);
            for (neuron, count) in self.counts.row(k) {
                let x = f64::from(count);
                let gradient = &mut gradient[neuron * scores..(neuron + 1) * scores];
                gradient.iter_mut().zip(&*logits).for_each(|(g, r)| *g += x * r);
            }
        }
        gradient.iter_mut().for_each(|g| *g *= per_sample);
        let mut square = 0.0;
        for (g, w) in gradient.iter_mut().zip(&weights[..neurons * scores]) {
            *g += per_sample * w;
            square += w * w;
        }
        per_sample * (loss + 0.5 * square)
    }
}

/// Loss of one sample from its scores, which are replaced by the derivatives of the loss: p − 1 at
/// the target and p elsewhere.
fn residuals(logits: &mut [f64], target: usize) -> f64 {
    if let [score] = logits {
        // log(1 + eˢ) − t·s and 1 / (1 + e⁻ˢ) − t, without overflow on either side.
        let (s, t) = (*score, target as f64);
        let decay = (-s.abs()).exp();
        *score = if s >= 0.0 { 1.0 } else { decay } / (1.0 + decay) - t;
        return s.max(0.0) + decay.ln_1p() - t * s;
    }
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let at_target = logits[target] - largest;
    let mut total = 0.0;
    for logit in logits.iter_mut() {
        *logit = (*logit - largest).exp();
        total += *logit;
    }
    logits.iter_mut().for_each(|p| *p /= total);
    logits[target] -= 1.0;
    total.ln() - at_target
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spikes::SpikeTrain;

    fn counts(rows: &[[u32; 3]]) -> Counts {
        let train = |row: &[u32; 3]| {
            let mut train = SpikeTrain::empty(3);
            for (id, &count) in row.iter().enumerate() {
                (0..count).for_each(|_| train.push_step(&[id as u32]));
            }
            train
        };
        Counts::new(3, &rows.iter().map(train).collect::<Vec<_>>())
    }

    #[test]
    fn gradients_are_the_slopes_of_the_value() {
        let rows = counts(&[[1, 0, 2], [0, 3, 0], [2, 1, 0], [0, 0, 0]]);
        for (scores, targets) in [(1, [0, 1, 1, 0]), (3, [2, 0, 1, 1])] {
            let objective = Objective { counts: &rows, targets: &targets, scores };
            let w: Vec<f64> = (0..4 * scores).map(|k| 0.3 * (k as f64).sin()).collect();
            let (mut gradient, mut unused) = (vec![0.0; w.len()], vec![0.0; w.len()]);
            let mut logits = vec![0.0; scores];
            objective.evaluate(&w, &mut gradient, &mut logits);
            for k in 0..w.len() {
                let mut at = |h: f64| {
                    let mut moved = w.clone();
                    moved[k] += h;
                    objective.evaluate(&moved, &mut unused, &mut logits)
                };
                // Central difference: error of order h², 1e-10 here.
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((slope - gradient[k]).abs() < 1e-8, "{k}: {slope} {}", gradient[k]);
            }
        }
    }

    #[test]
    fn extreme_scores_do_not_overflow() {
        for score in [800.0, -800.0] {
            let loss = residuals(&mut [score], 0);
            assert_eq!(loss, f64::max(score, 0.0));
            let mut logits = [score, 0.0, 0.0];
            assert!(residuals(&mut logits, 1).is_finite() && logits.iter().all(|p| p.is_finite()));
        }
    }

    #[test]
    fn one_class_is_always_predicted() {
        let fit = Logistic::fit(&counts(&[[1, 0, 0], [0, 2, 0]]), &[7, 7]);
        assert_eq!(fit.predict(&counts(&[[0, 0, 0], [5, 5, 5]])), [7, 7]);
    }
}
