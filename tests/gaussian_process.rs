//! What a Gaussian process must hold for any data: degenerate ones, bad ones, and its random draws.

use proptest::prelude::*;
use spikeseek::random::{Key, Purpose, uniform};
use spikeseek::search::gp::{Bounds, Gp, Hyper};

fn points(n: usize, d: usize, seed: u64) -> Vec<f64> {
    let mut stream = Key::new(seed).stream(Purpose::Synthetic);
    (0..n * d).map(|_| uniform(&mut stream)).collect()
}

/// A smooth function of the first two coordinates.
fn targets(x: &[f64], d: usize) -> Vec<f64> {
    x.chunks_exact(d).map(|x| 3.0 + (5.0 * x[0]).sin() + x[1] * x[1]).collect()
}

fn fit(x: &[f64], d: usize, y: &[f64]) -> Gp {
    Gp::fit(x, d, y, None, &Bounds::default()).unwrap()
}

/// Compares the mean and the covariance over m draws (m × N) with those of the posterior, to five
/// standard errors, and requires values that are nearly normal. The seeds are fixed.
fn assert_moments(draws: &[f64], m: usize, mean: &[f64], covariance: &[f64]) {
    let n = mean.len();
    let samples = m as f64;
    let centred = |i: usize| draws.iter().skip(i).step_by(n).map(move |f| f - mean[i]);
    // Mean and standard error of a product of deviations.
    let moment = |products: &mut dyn Iterator<Item = f64>| {
        let products: Vec<f64> = products.collect();
        let mean = products.iter().sum::<f64>() / samples;
        let square = products.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / samples;
        (mean, (square / samples).sqrt())
    };
    for i in 0..n {
        let (error, sigma) = moment(&mut centred(i));
        assert!(error.abs() < 5.0 * sigma, "mean {i}: off by {error}");
        for j in 0..=i {
            let (found, sigma) = moment(&mut centred(i).zip(centred(j)).map(|(a, b)| a * b));
            let expected = covariance[i * n + j];
            assert!((found - expected).abs() < 5.0 * sigma, "{i} {j}: {found} for {expected}");
        }
        // 3 for a normal variable, with a standard error of √(24/m) = 0.08.
        let kurtosis =
            moment(&mut centred(i).map(|f| f.powi(4))).0 / covariance[i * (n + 1)].powi(2);
        assert!((2.6..4.0).contains(&kurtosis), "point {i}: kurtosis {kurtosis}");
    }
}

#[test]
fn both_kinds_of_draws_have_the_moments_of_the_posterior() {
    let x = points(25, 3, 1);
    let y = targets(&x, 3);
    // Far from and near to the data; the last test point is a training point.
    let mut xs = points(11, 3, 2);
    xs.extend_from_slice(&x[..3]);
    let wiggly =
        Hyper { lengthscales: vec![0.3, 0.6, 0.4], outputscale: 1.5, noise: 0.02, mean: 3.0 };
    for (gp, seed) in [(fit(&x, 3, &y), 10), (Gp::condition(&x, &y, &wiggly).unwrap(), 20)] {
        let (mean, covariance) = gp.joint(&xs);
        let m = 4000;
        assert_moments(&gp.sample_joint(&xs, m, Key::new(seed)), m, &mean, &covariance);
        // Functions drawn together share their waves: over the waves the moments are right.
        let path = |k| gp.sample_paths(&xs, 1, Key::new(seed + 1).trial(k));
        let paths: Vec<f64> = (0..m as u64).flat_map(path).collect();
        assert_moments(&paths, m, &mean, &covariance);
    }
}

#[test]
fn paths_are_functions_of_the_key_alone() {
    let x = points(30, 2, 3);
    let gp = fit(&x, 2, &targets(&x, 2));
    let xs = points(40, 2, 4);
    let key = Key::new(5).trial(6);
    let three = gp.sample_paths(&xs, 3, key);
    // More draws do not change the first ones; a test point has its value whatever stands beside it.
    assert_eq!(gp.sample_paths(&xs, 2, key), three[..2 * 40]);
    let one = gp.sample_paths(&xs[2 * 17..2 * 18], 3, key);
    for k in 0..3 {
        assert!((one[k] - three[40 * k + 17]).abs() < 1e-9);
    }
    assert_ne!(gp.sample_paths(&xs, 1, key.trial(7)), three[..40]);
    assert_ne!(three[..40], three[40..80]);
    assert!(gp.sample_paths(&[], 3, key).is_empty() && gp.sample_paths(&xs, 0, key).is_empty());
}

#[test]
fn paths_towards_the_mean_keep_a_share_of_their_deviation() {
    let x = points(30, 2, 3);
    let gp = fit(&x, 2, &targets(&x, 2));
    let xs = points(40, 2, 4);
    let mean = gp.predict(&xs).0;
    let paths = |share| gp.paths(3, Key::new(5)).towards_mean(share).evaluate(&xs, 0..3);
    let whole = gp.sample_paths(&xs, 3, Key::new(5));
    for share in [0.0, 0.3, 1.0] {
        for (i, (part, whole)) in paths(share).iter().zip(&whole).enumerate() {
            let mean = mean[i % 40];
            assert!((part - mean - share * (whole - mean)).abs() < 1e-9, "{share}, {i}");
        }
    }
}

#[test]
fn joint_mean_and_variance_agree_with_single_points() {
    let x = points(50, 4, 6);
    let gp = fit(&x, 4, &targets(&x, 4));
    // More than one batch of the variance.
    let xs = points(300, 4, 7);
    let (mean, variance) = gp.predict(&xs);
    let (joint_mean, covariance) = gp.joint(&xs);
    assert_eq!(mean, joint_mean);
    let prior = gp.hyper().outputscale;
    for k in 0..300 {
        assert!((variance[k] - covariance[k * 301]).abs() < 1e-10 * prior);
        assert!(variance[k] >= 0.0);
    }
}

#[test]
fn a_fit_learns_which_dimensions_matter() {
    let d = 6;
    let x = points(120, d, 8);
    let y = targets(&x, d);
    let gp = fit(&x, d, &y);
    assert_eq!(gp.hyper().at_upper_bound(&Bounds::default()), [2, 3, 4, 5], "{:?}", gp.hyper());
    let xs = points(200, d, 9);
    let (mean, _) = gp.predict(&xs);
    let largest = mean.iter().zip(targets(&xs, d)).map(|(m, y)| (m - y).abs()).fold(0.0, f64::max);
    // The targets range over 3: a fit within 3 % of that.
    assert!(largest < 0.1, "{largest}");
}

#[test]
fn subsets_and_all_points_lead_to_the_same_optimum() {
    // 240 points: the fit passes over a quarter of them. A fit warm started at its optimum, and one
    // from far away, must both end there.
    let x = points(240, 4, 10);
    let y = targets(&x, 4);
    let cold = fit(&x, 4, &y);
    let far = Hyper { lengthscales: vec![0.02; 4], outputscale: 0.1, noise: 1e-3, mean: 1.0 };
    for start in [cold.hyper(), &far] {
        let other = Gp::fit(&x, 4, &y, Some(start), &Bounds::default()).unwrap();
        let difference = other.log_likelihood() - cold.log_likelihood();
        assert!(difference.abs() < 2e-3, "{difference}");
    }
}

#[test]
fn constant_targets_and_single_points_keep_the_start() {
    let bounds = Bounds::default();
    for (x, y) in [(points(1, 3, 1), vec![7.5]), (points(20, 3, 1), vec![0.1; 20])] {
        let gp = fit(&x, 3, &y);
        assert_eq!(gp.hyper(), &bounds.middle(3));
        let (mean, variance) = gp.predict(&points(5, 3, 2));
        assert!(mean.iter().all(|m| (m - y[0]).abs() < 1e-12), "{mean:?}");
        assert!(variance.iter().all(|v| *v > 0.0 && *v < 1.0), "{variance:?}");
        let start = Hyper { lengthscales: vec![0.5; 3], ..bounds.middle(3) };
        let gp = Gp::fit(&x, 3, &y, Some(&start), &bounds).unwrap();
        assert_eq!(gp.hyper(), &start);
        let draws = gp.sample_paths(&points(5, 3, 2), 4, Key::new(1));
        assert!(draws.iter().all(|f| (f - y[0]).abs() < 6.0), "{draws:?}");
    }
}

#[test]
fn duplicates_are_averaged() {
    // Ten places, each six times with targets that differ by ±0.01.
    let place = points(10, 2, 11);
    let x: Vec<f64> = place.iter().copied().cycle().take(6 * 20).collect();
    let smooth = targets(&x, 2);
    let y: Vec<f64> = smooth
        .iter()
        .enumerate()
        .map(|(i, y)| y + if i / 10 % 2 == 0 { 0.01 } else { -0.01 })
        .collect();
    let gp = fit(&x, 2, &y);
    let (mean, variance) = gp.predict(&place);
    for ((m, v), y) in mean.iter().zip(&variance).zip(&smooth) {
        assert!((m - y).abs() < 0.01, "{m} for {y}");
        assert!(v.is_finite());
    }
}

#[test]
fn nearly_singular_data_are_fitted() {
    // A cluster 10⁻⁹ wide under a straight line, and 60 times one point with two different targets.
    let cluster: Vec<f64> = points(60, 2, 12).iter().map(|x| 0.5 + 1e-9 * x).collect();
    let line: Vec<f64> = cluster.chunks_exact(2).map(|x| x[0] + x[1]).collect();
    let same = vec![0.25; 120];
    let two: Vec<f64> = (0..60).map(|k| f64::from(k % 2)).collect();
    for (x, y) in [(cluster, line), (same, two)] {
        let gp = fit(&x, 2, &y);
        assert!(gp.log_likelihood().is_finite());
        let (mean, variance) = gp.predict(&points(20, 2, 13));
        assert!(mean.iter().chain(&variance).all(|v| v.is_finite()), "{mean:?} {variance:?}");
        let draws = gp.sample_paths(&points(20, 2, 13), 2, Key::new(2));
        assert!(draws.iter().all(|f| f.is_finite()));
    }
}

#[test]
fn bad_input_is_named() {
    let bounds = Bounds::default();
    let error =
        |x: &[f64], d: usize, y: &[f64]| Gp::fit(x, d, y, None, &bounds).unwrap_err().to_string();
    assert!(error(&[0.5, 0.5, 0.1], 2, &[1.0]).contains("3 coordinates for 1 targets"));
    assert!(error(&[], 1, &[]).contains("at least one point"));
    assert!(error(&[], 0, &[1.0]).contains("0 dimensions"));
    assert!(error(&[0.5, 0.5, 0.1, 1.5], 2, &[1.0, 2.0]).contains("point 1, coordinate 1"));
    assert!(error(&[f64::NAN], 1, &[1.0]).contains("found NaN"));
    assert!(error(&[0.5, 0.6], 1, &[1.0, f64::NEG_INFINITY]).contains("target 1"));
    let start = bounds.middle(3);
    let found = Gp::fit(&[0.5, 0.6], 1, &[1.0, 2.0], Some(&start), &bounds);
    assert!(found.unwrap_err().to_string().contains("3 dimensions"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_data_give_finite_predictions(
        seed in 0..1000_u64,
        n in 1..40_usize,
        d in 1..5_usize,
        grid in 1..6_u32,
        scale in -12..12_i32,
    ) {
        // A coarse grid makes duplicates; targets are any numbers of any size.
        let cells = f64::from(grid);
        let x: Vec<f64> = points(n, d, seed).iter().map(|x| (x * cells).round() / cells).collect();
        let y: Vec<f64> = points(n, 1, seed + 1).iter().map(|y| (y - 0.5) * 10_f64.powi(scale)).collect();
        let gp = fit(&x, d, &y);
        prop_assert!(gp.log_likelihood().is_finite());
        let xs = points(9, d, seed + 2);
        let (mean, variance) = gp.predict(&xs);
        prop_assert!(mean.iter().all(|m| m.is_finite()));
        prop_assert!(variance.iter().all(|v| v.is_finite() && *v >= 0.0));
        prop_assert!(gp.sample_paths(&xs, 2, Key::new(seed)).iter().all(|f| f.is_finite()));
    }

    #[test]
    fn shifting_and_scaling_the_targets_shifts_and_scales_the_posterior(
        seed in 0..1000_u64,
        shift in -100.0..100.0_f64,
        factor in 0.01..100.0_f64,
    ) {
        let x = points(20, 2, seed);
        let y = targets(&x, 2);
        let moved: Vec<f64> = y.iter().map(|y| factor * y + shift).collect();
        let xs = points(5, 2, seed + 1);
        let ((mean, variance), (moved_mean, moved_variance)) =
            (fit(&x, 2, &y).predict(&xs), fit(&x, 2, &moved).predict(&xs));
        for k in 0..5 {
            let expected = factor * mean[k] + shift;
            // The fits stop within 1e-4 of the optimum, each on its own way there.
            let sd = variance[k].sqrt();
            prop_assert!((moved_mean[k] - expected).abs() < factor * (0.05 * sd + 1e-6));
            let ratio = moved_variance[k].sqrt() / (factor * sd);
            prop_assert!((ratio - 1.0).abs() < 0.05);
        }
    }
}
