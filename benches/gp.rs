//! Gaussian process regression at the sizes of a search over 18 variables: a fit, and ten functions
//! drawn at 5000 candidates.

use divan::{Bencher, black_box};
use spikeseek::random::{Key, Purpose, uniform};
use spikeseek::search::gp::{Bounds, Gp};

const DIMENSIONS: usize = 18;

fn main() {
    divan::main();
}

fn points(n: usize, seed: u64) -> Vec<f64> {
    let mut stream = Key::new(seed).stream(Purpose::Synthetic);
    (0..n * DIMENSIONS).map(|_| uniform(&mut stream)).collect()
}

/// A smooth function of six of the variables, and a little noise.
fn targets(x: &[f64]) -> Vec<f64> {
    let mut stream = Key::new(9).stream(Purpose::Synthetic);
    let smooth = |x: &[f64]| {
        (5.0 * x[0]).sin() + (3.0 * x[1] * x[2]).cos() + x[3] * x[3]
            - 2.0 * (x[4] - 0.4 * x[5]).abs()
    };
    x.chunks_exact(DIMENSIONS).map(|x| smooth(x) + 0.02 * uniform(&mut stream)).collect()
}

#[divan::bench(args = [100, 500, 1000], sample_count = 5)]
fn fit_cold(bencher: Bencher, n: usize) {
    let x = points(n, 1);
    let y = targets(&x);
    bencher.bench_local(|| black_box(Gp::fit(&x, DIMENSIONS, &y, None, &Bounds::default())));
}

/// As in a search: starts from the hyperparameters of the fit before, four points ago.
#[divan::bench(args = [100, 500, 1000], sample_count = 5)]
fn fit_warm(bencher: Bencher, n: usize) {
    let x = points(n, 1);
    let y = targets(&x);
    let before = n - 4;
    let bounds = Bounds::default();
    let gp = Gp::fit(&x[..before * DIMENSIONS], DIMENSIONS, &y[..before], None, &bounds).unwrap();
    bencher.bench_local(|| black_box(Gp::fit(&x, DIMENSIONS, &y, Some(gp.hyper()), &bounds)));
}

#[divan::bench(args = [100, 500, 1000], sample_count = 5)]
fn draw_10_functions_at_5000_points(bencher: Bencher, n: usize) {
    let x = points(n, 1);
    let gp = Gp::condition(&x, &targets(&x), &Bounds::default().middle(DIMENSIONS)).unwrap();
    let candidates = points(5000, 2);
    bencher.bench_local(|| black_box(gp.sample_paths(&candidates, 10, Key::new(3))));
}

#[divan::bench(args = [500, 1000], sample_count = 3)]
fn variance_at_5000_points(bencher: Bencher, n: usize) {
    let x = points(n, 1);
    let gp = Gp::condition(&x, &targets(&x), &Bounds::default().middle(DIMENSIONS)).unwrap();
    let candidates = points(5000, 2);
    bencher.bench_local(|| black_box(gp.predict(&candidates)));
}
