"""Makes sklearn.npz: what scikit-learn's LogisticRegression() and SVC(), both with their defaults,
predict on sparse spike counts.  Run with scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1:

    python make_sklearn.py

Arrays of a case: train.x, test.x (counts, uint8), train.y (int32), and
log.coef, log.intercept, log.iterations, log.decision (test), log.pred (test),
svm.support (number of support vectors of each class), svm.gamma, svm.decision (test, one-vs-one), svm.pred.
"""

import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

warnings.simplefilter("ignore", ConvergenceWarning)  # 100 iterations are part of the defaults


def counts(rng, y, neurons, active, overlap, classes):
    """Poisson counts: each class has preferred neurons; about `active` of them fire in a sample."""
    rates = rng.gamma(0.3, 1.0, (classes, neurons)) + overlap * rng.gamma(0.3, 1.0, neurons)
    rates *= active / rates.sum(1, keepdims=True)
    return rng.poisson(rates[y]).astype(np.uint8)


def data_set(seed, samples, tests, neurons, labels, active=30.0, overlap=1.0, shares=None):
    rng = np.random.default_rng(seed)
    labels = np.asarray(labels, np.int32)
    y = rng.choice(len(labels), samples + tests, p=shares)
    y[: len(labels)] = np.arange(len(labels))  # every class occurs
    x = counts(rng, y, neurons, active, overlap, len(labels))
    return x[:samples], labels[y[:samples]], x[samples:]


def cases():
    yield "ten_classes", data_set(1, 300, 60, 100, range(10))
    yield "two_classes", data_set(2, 120, 60, 60, [3, 7], overlap=3.0)
    yield "three_unbalanced", data_set(3, 200, 60, 50, [0, 4, 5], shares=[0.9, 0.07, 0.03], overlap=2.0)
    yield "eleven_tiny", data_set(4, 11, 40, 80, range(8))
    yield "one_each", data_set(5, 3, 40, 30, [1, 2, 9])
    yield "two_samples", data_set(6, 2, 30, 20, [0, 1])
    # Strong counts and little data per neuron: the logistic fit meets the limit of iterations.
    yield "large_counts", data_set(7, 240, 60, 40, range(5), active=1500.0, overlap=4.0)
    # Noise: labels say nothing about the counts.
    x, y, t = data_set(8, 150, 60, 40, range(4))
    yield "random_labels", (x, np.random.default_rng(80).permutation(y), t)
    # Ties: every sample occurs several times, also with contradicting labels.
    x, y, t = data_set(9, 30, 30, 25, range(3), active=6.0)
    yield "repeated_samples", (np.tile(x, (4, 1)), np.concatenate([y, y, y, (y + 1) % 3]).astype(np.int32), np.vstack([t, x]))
    # Neurons that always fire equally often, and neurons that never fire.
    x, y, t = data_set(10, 100, 40, 30, range(4))
    x[:, :5] = t[:, :5] = 2
    x[:, 5:12] = t[:, 5:12] = 0
    yield "constant_neurons", (x, y, t)
    # All counts equal: the variance is 0.
    yield "no_variance", (np.ones((12, 6), np.uint8), np.arange(12, dtype=np.int32) % 3, np.vstack([np.ones((1, 6), np.uint8), np.eye(6, dtype=np.uint8)]))
    # The size of an interval of experiment 1, less the neurons.
    yield "interval", data_set(11, 1201, 100, 120, range(10), overlap=2.0)


arrays = {}
for name, (x, y, t) in cases():
    log = LogisticRegression().fit(x.astype(np.float64), y)
    svm = SVC(decision_function_shape="ovo").fit(x.astype(np.float64), y)
    test = t.astype(np.float64)
    decision = log.decision_function(test)
    votes = svm.decision_function(test)
    if len(np.unique(y)) == 2:
        votes = -votes.reshape(-1, 1)  # scikit-learn turns the sign for two classes; libsvm's is kept here
    arrays |= {
        f"{name}.train.x": x,
        f"{name}.train.y": y,
        f"{name}.test.x": t,
        f"{name}.log.coef": log.coef_.astype(np.float32),
        f"{name}.log.intercept": log.intercept_.astype(np.float32),
        f"{name}.log.iterations": log.n_iter_.astype(np.int32),
        f"{name}.log.decision": decision.reshape(len(t), -1).astype(np.float32),
        f"{name}.log.pred": log.predict(test).astype(np.int32),
        f"{name}.svm.support": svm.n_support_.astype(np.int32),
        f"{name}.svm.gamma": np.array([svm._gamma]),
        f"{name}.svm.decision": votes.astype(np.float32),
        f"{name}.svm.pred": svm.predict(test).astype(np.int32),
    }
    print(name, x.shape, "iterations", log.n_iter_, "support", svm.n_support_)
path = Path(__file__).with_name("sklearn.npz")
np.savez_compressed(path, **arrays)
print(path.name, path.stat().st_size, "bytes")
