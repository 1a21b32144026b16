//! `log` and `svm` against `LogisticRegression()` and `SVC()` with their defaults.

use ndarray::ArrayD;
use ndarray_npy::{NpzReader, ReadableElement};
use spikeseek::readout::{Counts, Logistic, Svm};
use spikeseek::spikes::SpikeTrain;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

/// Difference of weights and scores. Both solvers take the same path; what is left is rounding, which
/// up to 100 iterations amplify, and the recorded float32.
const LOG_TOLERANCE: f64 = 5e-6;
/// Difference of a pair's decision value. Both solvers stop when no pair of samples violates the
/// optimality conditions by 1e-3, so other paths would differ by that; the same path leaves rounding.
const SVM_TOLERANCE: f64 = 1e-5;

/// The recorded arrays.
struct Recorded(NpzReader<File>);

impl Recorded {
    fn open() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readout/sklearn.npz");
        Recorded(NpzReader::new(File::open(path).expect("sklearn.npz")).expect("an npz file"))
    }

    fn cases(&mut self) -> BTreeSet<String> {
        let names = self.0.names().expect("names");
        names.iter().filter_map(|n| Some(n.split_once('.')?.0.to_string())).collect()
    }

    fn array<T: ReadableElement>(&mut self, case: &str, name: &str) -> ArrayD<T> {
        let key = format!("{case}.{name}.npy");
        self.0.by_name(&key).unwrap_or_else(|e| panic!("{key}: {e}"))
    }

    fn flat<T: ReadableElement + Clone>(&mut self, case: &str, name: &str) -> Vec<T> {
        self.array::<T>(case, name).iter().cloned().collect()
    }

    /// Counts `[samples × neurons]` as spike trains: a neuron that counts c fires in the first c steps.
    fn counts(&mut self, case: &str, name: &str) -> Counts {
        let dense = self.array::<u8>(case, name);
        let neurons = dense.shape()[1];
        let train = |row: &[u8]| {
            let mut train = SpikeTrain::empty(neurons);
            for step in 0..row.iter().copied().max().unwrap_or(0) {
                let ids: Vec<u32> =
                    (0..neurons as u32).filter(|&id| row[id as usize] > step).collect();
                train.push_step(&ids);
            }
            train
        };
        let dense: Vec<u8> = dense.iter().copied().collect();
        let trains: Vec<_> = dense.chunks_exact(neurons).map(train).collect();
        Counts::new(neurons, &trains)
    }

    fn labels(&mut self, case: &str) -> Vec<u16> {
        self.flat::<i32>(case, "train.y").into_iter().map(|y| y as u16).collect()
    }
}

/// Largest difference, which must be within the tolerance.
fn close(what: &str, got: &[f64], want: &[f32], tolerance: f64) -> f64 {
    assert_eq!(got.len(), want.len(), "{what}: number of values");
    let worst = got.iter().zip(want).map(|(g, &w)| (g - f64::from(w)).abs()).fold(0.0, f64::max);
    assert!(worst <= tolerance, "{what}: differs by {worst:e}, tolerance {tolerance:e}");
    worst
}

/// Predictions must be equal but for samples whose margin is below the tolerance; returns the number
/// of these.
fn same(what: &str, got: &[i32], want: &[i32], margins: &[f64], tolerance: f64) -> usize {
    assert_eq!(got.len(), want.len(), "{what}: number of samples");
    for (k, &margin) in margins.iter().enumerate() {
        assert!(
            got[k] == want[k] || margin <= tolerance,
            "{what}: sample {k}: {} instead of {}, margin {margin}",
            got[k],
            want[k]
        );
    }
    margins.iter().filter(|&&m| m <= tolerance).count()
}

#[test]
fn log_agrees_with_scikit_learn() {
    let mut file = Recorded::open();
    let cases = file.cases();
    assert_eq!(cases.len(), 12);
    for case in &cases {
        let (train, labels) = (file.counts(case, "train.x"), file.labels(case));
        let test = file.counts(case, "test.x");
        let fit = Logistic::fit(&train, &labels);
        let scores = fit.scores();
        // Theirs is [scores × neurons], ours [neurons + 1 × scores].
        let neurons = train.neurons();
        let theirs = file.flat::<f32>(case, "log.coef");
        let transposed: Vec<f32> = (0..neurons * scores)
            .map(|at| theirs[at % scores * neurons + at / scores])
            .chain(file.flat::<f32>(case, "log.intercept"))
            .collect();
        let weights = close(case, fit.weights(), &transposed, LOG_TOLERANCE);
        let decision = file.flat::<f32>(case, "log.decision");
        let largest = decision.iter().fold(1.0_f64, |m, &d| m.max(f64::from(d.abs())));
        let tolerance = LOG_TOLERANCE * largest;
        let worst = close(case, &fit.decision(&test), &decision, tolerance);
        let margin = |row: &[f32]| {
            let mut sorted = row.to_vec();
            sorted.sort_by(|a, b| b.total_cmp(a));
            f64::from(if let [score] = row { score.abs() } else { sorted[0] - sorted[1] })
        };
        let margins: Vec<f64> = decision.chunks_exact(scores).map(margin).collect();
        let want = file.flat::<i32>(case, "log.pred");
        let ambiguous = same(case, &fit.predict(&test), &want, &margins, 2.0 * tolerance);
        let iterations = file.flat::<i32>(case, "log.iterations")[0];
        println!(
            "{case}: {iterations} iterations, weights differ by {weights:.1e}, scores by {worst:.1e}, \
             {ambiguous} of {} samples within the tolerance",
            want.len()
        );
        // Only the set without information may be undecided.
        assert!(ambiguous == 0 || case == "no_variance", "{case}: {ambiguous} samples untested");
    }
}

#[test]
fn svm_agrees_with_scikit_learn() {
    let mut file = Recorded::open();
    for case in &file.cases() {
        let (train, labels) = (file.counts(case, "train.x"), file.labels(case));
        let test = file.counts(case, "test.x");
        let fit = Svm::fit(&train, &labels);
        let gamma = file.flat::<f64>(case, "svm.gamma")[0];
        assert!((fit.gamma() / gamma - 1.0).abs() < 1e-12, "{case}: gamma {}", fit.gamma());
        let decision = file.flat::<f32>(case, "svm.decision");
        let worst = close(case, &fit.decision(&test), &decision, SVM_TOLERANCE);
        let pairs = decision.len() / test.samples();
        let margin =
            |row: &[f32]| row.iter().fold(f64::INFINITY, |m, &f| m.min(f64::from(f.abs())));
        let margins: Vec<f64> = decision.chunks_exact(pairs).map(margin).collect();
        let want = file.flat::<i32>(case, "svm.pred");
        let ambiguous = same(case, &fit.predict(&test), &want, &margins, SVM_TOLERANCE);
        let support: Vec<usize> =
            file.flat::<i32>(case, "svm.support").into_iter().map(|n| n as usize).collect();
        println!(
            "{case}: decisions differ by {worst:.1e}, {ambiguous} of {} samples within the \
             tolerance, support {:?}, scikit-learn's {support:?}",
            want.len(),
            fit.support()
        );
        assert_eq!(fit.support(), support, "{case}: support vectors of each class");
        // Samples far from all support vectors have exact ties, but most must be decided.
        let few = ambiguous * 5 <= want.len();
        assert!(few || case == "no_variance", "{case}: {ambiguous} samples untested");
    }
}
