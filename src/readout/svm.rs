//! The readout `svm`: a support vector machine on spike counts.
//!
//! Same fit as `SVC()` of scikit-learn with its defaults, which the reference uses: RBF kernel with
//! γ = 1 / (neurons · variance of all counts), C = 1, tolerance 1e-3, one machine for each pair of
//! classes and a vote.
//!
//! Own solver, because linfa-svm separates one class against all others and smartcore picks its
//! working set in another way (both give other predictions near the borders), and both take dense
//! features only.

use super::argmax;
use super::counts::Counts;
use super::logistic::present_classes;
use super::rbf::Rbf;
use super::smo::{KernelRows, separate};

/// A fitted classifier: for each pair of classes a < b
///
/// ```text
/// f_ab(x) = Σ_s coefficient_ab[s] K(x_s, x) − bias_ab      over the support vectors of a and b
/// ```
///
/// votes for a where it is above 0 and for b elsewhere; most votes win, the lowest class on ties. If
/// one class is present (scikit-learn raises an error here) that class is always predicted.
#[derive(Debug, Clone)]
pub struct Svm {
    /// Classes present, ascending.
    pub(super) classes: Vec<u16>,
    /// Number of support vectors of each.
    pub(super) support: Vec<usize>,
    /// Support vectors, those of a class together.
    pub(super) vectors: Counts,
    /// `[support vectors × classes − 1]`: a vector's coefficients against the other classes in
    /// order, its own left out.
    pub(super) coefficients: Vec<f64>,
    /// Biases of the pairs (0, 1), (0, 2), …, (1, 2), …
    pub(super) biases: Vec<f64>,
    pub(super) rbf: Rbf,
}

impl Svm {
    /// Fits to the samples of an interval; `labels` must not be empty.
    pub fn fit(counts: &Counts, labels: &[u16]) -> Self {
        let (classes, targets) = present_classes(labels);
        // Samples of a class together, in their order.
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by_key(|&k| targets[k]);
        let samples = counts.select(&order);
        let starts: Vec<usize> =
            (0..=classes.len()).map(|c| order.partition_point(|&k| targets[k] < c)).collect();
        let others = classes.len() - 1;
        let rbf = Rbf::new(gamma(&samples), &samples);
        let mut rows = KernelRows::new(&samples, &rbf);
        let mut coefficients = vec![0.0; samples.samples() * others];
        let mut biases = Vec::new();
        for (a, b) in pairs(classes.len()) {
            let (first, second) = (starts[a]..starts[a + 1], starts[b]..starts[b + 1]);
            let separation = separate(&mut rows, first.clone(), second.clone());
            let slots = first.map(|k| k * others + b - 1).chain(second.map(|k| k * others + a));
            slots.zip(separation.coefficients).for_each(|(slot, c)| coefficients[slot] = c);
            biases.push(separation.bias);
        }
        let kept: Vec<usize> = (0..samples.samples())
            .filter(|k| coefficients[k * others..(k + 1) * others].iter().any(|&c| c != 0.0))
            .collect();
        let support = starts
            .windows(2)
            .map(|w| kept.iter().filter(|k| (w[0]..w[1]).contains(k)).count())
            .collect();
        let vectors = samples.select(&kept);
        let coefficients = kept
            .iter()
            .flat_map(|k| coefficients[k * others..(k + 1) * others].iter().copied())
            .collect();
        let rbf = Rbf::new(rbf.gamma(), &vectors);
        Svm { classes, support, vectors, coefficients, biases, rbf }
    }

    /// The classes present in the interval, ascending.
    pub fn classes(&self) -> &[u16] {
        &self.classes
    }

    /// Number of support vectors of each class present.
    pub fn support(&self) -> &[usize] {
        &self.support
    }

    /// γ of the kernel.
    pub fn gamma(&self) -> f64 {
        self.rbf.gamma()
    }

    /// f of each sample and pair of classes, `[samples × pairs]`, pairs in the order (0, 1), (0, 2),
    /// …, (1, 2), … of the classes present.
    pub fn decision(&self, counts: &Counts) -> Vec<f64> {
        let mut kernel = vec![0.0; self.rbf.len()];
        let mut decision = Vec::with_capacity(counts.samples() * self.biases.len());
        for k in 0..counts.samples() {
            self.rbf.row(counts.row(k), &mut kernel);
            self.decide(&kernel, &mut decision);
        }
        decision
    }

    /// Appends f of each pair, from the kernel of one sample with all support vectors.
    fn decide(&self, kernel: &[f64], decision: &mut Vec<f64>) {
        let others = self.classes.len() - 1;
        let mut starts = vec![0; self.classes.len() + 1];
        for (c, support) in self.support.iter().enumerate() {
            starts[c + 1] = starts[c] + support;
        }
        let part = |class: usize, against: usize| -> f64 {
            (starts[class]..starts[class + 1])
                .map(|s| self.coefficients[s * others + against] * kernel[s])
                .sum()
        };
        for ((a, b), bias) in pairs(self.classes.len()).zip(&self.biases) {
            decision.push(part(a, b - 1) + part(b, a) - bias);
        }
    }

    /// Class of each sample.
    pub fn predict(&self, counts: &Counts) -> Vec<i32> {
        if self.biases.is_empty() {
            return vec![i32::from(self.classes[0]); counts.samples()];
        }
        let vote = |decision: &[f64]| {
            let mut votes = vec![0_u32; self.classes.len()];
            for ((a, b), f) in pairs(self.classes.len()).zip(decision) {
                votes[if *f > 0.0 { a } else { b }] += 1;
            }
            i32::from(self.classes[argmax(&votes)])
        };
        self.decision(counts).chunks_exact(self.biases.len()).map(vote).collect()
    }
}

/// All pairs a < b of so many classes, in order.
fn pairs(classes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..classes).flat_map(move |a| (a + 1..classes).map(move |b| (a, b)))
}

/// γ = 1 / (neurons · variance of all counts, zeros included), 1 if all counts are equal.
fn gamma(counts: &Counts) -> f64 {
    let cells = counts.samples() as f64 * counts.neurons() as f64;
    let (mut sum, mut squares) = (0.0, 0.0);
    for count in (0..counts.samples()).flat_map(|k| counts.row(k)).map(|(_, c)| f64::from(c)) {
        sum += count;
        squares += count * count;
    }
    // Sums of integers, so exact.
    let variance = (cells * squares - sum * sum) / (cells * cells);
    if variance > 0.0 { 1.0 / (counts.neurons() as f64 * variance) } else { 1.0 }
}
