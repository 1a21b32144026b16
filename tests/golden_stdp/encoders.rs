//! Encoders.
//!
//! An encoder draws its own random numbers, so trains are compared in distribution. The exact
//! distribution of everything asked for follows from the probabilities of one interval: those of
//! the encoder's own tables, and, to check the vectors themselves, those of the textbook formula.
//!
//! Statistical checks bound the deviation of a mean of n samples by Bernstein's inequality at a
//! false-alarm probability of 1e-9 each, which holds for any n and any distribution of known
//! variance and range; a run makes less than 2,000 of them. The seed of our own draws is fixed.

use crate::support::{Case, Golden, Kind};
use serde_json::Value;
use spikeseek::random::{Key, Purpose, Stream};
use spikeseek::spikes::{BernoulliEncoder, PoissonEncoder, SpikeTrain};
use std::collections::BTreeMap;

/// ln(2 / 1e-9), for two-sided bounds.
const LN_ALARM: f64 = 21.42;

/// Relative error of `lam` in f32: its division, its product and the constant 1000/dt round.
const LAM_ROUNDING: f64 = 1.5 / (1_u64 << 23) as f64;

/// Largest error of one entry of the encoder's tables of distribution functions.
const TABLE_ROUNDING: f64 = 0.5 / (1_u64 << 32) as f64;

#[test]
fn encoders() {
    let golden = Golden::open();
    for case in golden.of_kind(Kind::Encoder) {
        if case.has("exact_pmf") {
            poisson(&case);
        } else {
            bernoulli(&case);
        }
        case.finish();
    }
}

// ---------------------------------------------------------------- Poisson

/// Columns of the Poisson table, as the manifest describes them.
struct Row {
    steps: usize,
    gain: f64,
    level: u8,
    datum: f64,
    lam: f64,
    mean: f64,
    variance: f64,
    p_silent: f64,
    first_step: f64,
    exact: [f64; 3],
}

impl Row {
    fn from(columns: &[f64]) -> Row {
        let &[t, gain, pixel, datum, lam, mean, variance, p_silent, first_step, m, v, p] = columns
        else {
            panic!("the table has {} columns, not 12", columns.len());
        };
        Row {
            steps: t as usize,
            gain,
            level: pixel as u8,
            datum,
            lam,
            mean,
            variance,
            p_silent,
            first_step,
            exact: [m, v, p],
        }
    }
}

fn poisson(case: &Case<'_>) {
    let dt = case.meta.get("dt").and_then(Value::as_f64).unwrap_or(1.0);
    let max_level: u8 = number_after(case.meta["pixel"].as_str().expect("pixel"), "uint8/") as u8;
    let configurations = configurations(case);
    let trials = case.usize("trials");
    let table = rows::<f64>(case, "table");
    let exact_pmf = rows::<f64>(case, "exact_pmf");
    let hist = rows::<i32>(case, "hist");
    assert_eq!([exact_pmf.len(), hist.len()], [table.len(); 2], "one row each");

    let mut encoders = BTreeMap::new();
    let mut worst = 0.0_f64;
    for (i, ((columns, want), hist)) in table.iter().zip(&exact_pmf).zip(&hist).enumerate() {
        let row = Row::from(columns);
        let what = format!("{} row {i} (T {}, level {})", case.name, row.steps, row.level);
        assert!(
            configurations.values().any(|&c| c == (row.steps, row.gain)),
            "{what}: no such configuration"
        );
        let encoder = encoders
            .entry((row.steps, row.gain as u64))
            .or_insert_with(|| PoissonEncoder::new(row.steps, dt, row.gain, max_level));
        let recorded: Vec<u64> = hist.iter().map(|&n| n as u64).collect();

        worst = worst.max(check_exact(&what, &row, dt, encoder, want));

        let intervals = encoder.interval_pmf(row.level);
        let pmf = count_pmf(&intervals, row.steps + 1);
        check_sample(&format!("{what}, recorded"), &recorded, trials, &pmf);
        let fired = trials as u64 - recorded[0];
        check_columns(&what, &row, &recorded);
        check_first_step(&format!("{what}, recorded"), row.first_step, fired, &intervals);

        let train = sample(encoder, row.level, trials, i as u64);
        let mut counts = vec![0; trials];
        train.add_counts(&mut counts);
        let mut ours = vec![0; row.steps + 1];
        counts.iter().for_each(|&count| ours[count as usize] += 1);
        check_sample(&format!("{what}, ours"), &ours, trials, &pmf);
        check_first_step(
            &format!("{what}, ours"),
            mean_first_step(&train),
            trials as u64 - ours[0],
            &intervals,
        );
    }
    println!(
        "{}: {} rows, count probabilities differ by at most {worst:.1e}",
        case.name,
        table.len()
    );

    for name in case.arrays().iter().filter(|name| name.starts_with("psth_")) {
        let (level, steps) = name["psth_".len()..].split_once("_T").expect("psth_<pixel>_T<T>");
        let (level, steps): (u8, usize) = (level.parse().unwrap(), steps.parse().unwrap());
        let gain = configurations
            .get(&format!("MNIST_rate_{steps}"))
            .or_else(|| configurations.values().find(|&&(t, _)| t == steps))
            .unwrap_or_else(|| panic!("{name}: no configuration of {steps} steps"))
            .1;
        let encoder = PoissonEncoder::new(steps, dt, gain, max_level);
        let exact = spike_probabilities(&encoder.interval_pmf(level));
        let recorded: Vec<f64> = case.flat::<f32>(name).into_iter().map(f64::from).collect();
        let train = sample(&encoder, level, trials, u64::MAX);
        let ours: Vec<f64> =
            (0..steps).map(|t| train.step(t).len() as f64 / trials as f64).collect();
        for (whose, psth) in [("recorded", recorded), ("ours", ours)] {
            assert_eq!(psth.len(), steps, "{name}");
            for (t, (&seen, &p)) in psth.iter().zip(&exact).enumerate() {
                let bound = deviation(p * (1.0 - p), 1.0, trials as f64) + 1e-7; // f32 of the vector
                assert!((seen - p).abs() <= bound, "{name}, {whose}, step {t}: {seen}, exact {p}");
            }
        }
    }
}

/// The encoder's distribution and the vectors' agree as closely as their arithmetic allows; returns
/// the largest difference of two count probabilities.
fn check_exact(what: &str, row: &Row, dt: f64, encoder: &PoissonEncoder, want: &[f64]) -> f64 {
    // The vectors' lam is 1000/dt divided in f64 by the f32 datum.
    let lam = encoder.lam(row.level);
    let textbook = if row.level == 0 {
        assert_eq!((row.datum, row.lam, lam), (0.0, 0.0, f32::INFINITY), "{what}: lam");
        vec![0.0; row.steps + 1]
    } else {
        let rounding = (f64::from(lam) / row.lam - 1.0).abs();
        assert!(rounding <= LAM_ROUNDING, "{what}: lam {lam}, vector {}", row.lam);
        let rounding = (f64::from(lam) * row.datum * dt / 1000.0 - 1.0).abs();
        assert!(rounding <= LAM_ROUNDING, "{what}: lam {lam}, datum {}", row.datum);
        textbook_intervals(row.lam, row.steps)
    };

    // The vectors against the textbook: both f64, so only rounding errors of sums of up to 64 · T
    // terms separate them.
    let pmf = count_pmf(&textbook, row.steps + 1);
    for (k, &p) in want.iter().enumerate() {
        let ours = pmf.get(k).copied().unwrap_or(0.0);
        assert!((ours - p).abs() < 1e-10, "{what}: P({k}) {ours}, vector {p}");
    }
    let (mean, variance) = moments(&pmf);
    for (ours, exact) in [mean, variance, pmf[0]].into_iter().zip(row.exact) {
        assert!((ours - exact).abs() < 1e-8 * (1.0 + exact), "{what}: {ours}, vector {exact}");
    }

    // The encoder against the vectors. P(count ≥ k) = P(I₁ + … + Iₖ ≤ T) is the distribution
    // function of a Poisson variable of mean µ = k·lam at T, whose derivative by ln lam is
    // µ · P(T | µ) ≤ √((T+1) / 2π); each of the k table entries adds its rounding. P(count = k) is
    // a difference of two such.
    let bound_for = |k: usize| {
        LAM_ROUNDING * ((row.steps + 1) as f64 / std::f64::consts::TAU).sqrt()
            + 2.0 * (k + 1) as f64 * TABLE_ROUNDING
    };
    let pmf = count_pmf(&encoder.interval_pmf(row.level), row.steps + 1);
    let mut worst = 0.0_f64;
    for (k, &p) in want.iter().enumerate() {
        let ours = pmf.get(k).copied().unwrap_or(0.0);
        assert!((ours - p).abs() < bound_for(k), "{what}: P({k}) {ours}, vector {p}");
        worst = worst.max((ours - p).abs());
    }
    worst
}

/// The table's empirical columns are those of the recorded histogram.
fn check_columns(what: &str, row: &Row, hist: &[u64]) {
    let n = hist.iter().sum::<u64>() as f64;
    let (mean, variance) = moments(&hist.iter().map(|&h| h as f64 / n).collect::<Vec<_>>());
    let unbiased = variance * n / (n - 1.0);
    let silent = hist[0] as f64 / n;
    for (seen, column) in [(mean, row.mean), (unbiased, row.variance), (silent, row.p_silent)] {
        assert!((seen - column).abs() < 1e-6 * (1.0 + column), "{what}: {seen}, table {column}");
    }
}

/// A histogram of `trials` counts against the exact probabilities: its mean, its variance, the
/// share of silent trials, and the whole of it by chi-square.
fn check_sample(what: &str, hist: &[u64], trials: usize, pmf: &[f64]) {
    let n = trials as f64;
    assert_eq!(hist.iter().sum::<u64>(), trials as u64, "{what}: counts beyond the histogram");
    let seen: Vec<f64> = hist.iter().map(|&h| h as f64 / n).collect();

    let (mean, variance) = moments(pmf);
    let (seen_mean, seen_variance) = moments(&seen);
    let range = range(pmf);
    let mean_bound = deviation(variance, range, n);
    assert!((seen_mean - mean).abs() <= mean_bound, "{what}: mean {seen_mean}, exact {mean}");
    // The variance is the mean of the squares (x − µ)², less the square of the mean's deviation.
    let fourth: f64 = pmf.iter().enumerate().map(|(k, p)| p * (k as f64 - mean).powi(4)).sum();
    let bound = deviation(fourth - variance * variance, range * range, n) + mean_bound.powi(2);
    assert!(
        (seen_variance - variance).abs() <= bound,
        "{what}: variance {seen_variance}, exact {variance} ± {bound}"
    );
    let bound = deviation(pmf[0] * (1.0 - pmf[0]), 1.0, n);
    assert!((seen[0] - pmf[0]).abs() <= bound, "{what}: silent {}, exact {}", seen[0], pmf[0]);

    // Bins of fewer than 20 expected trials make one bin, checked by itself where it is small too.
    let (mut chi2, mut bins, mut rest, mut rest_expected) = (0.0, 0, 0.0, 0.0);
    let mut add = |seen: f64, expected: f64| {
        chi2 += (seen - expected).powi(2) / expected;
        bins += 1;
    };
    for k in 0..hist.len().max(pmf.len()) {
        let h = hist.get(k).map_or(0.0, |&h| h as f64);
        let expected = n * pmf.get(k).copied().unwrap_or(0.0);
        if expected >= 20.0 {
            add(h, expected);
        } else {
            rest += h;
            rest_expected += expected;
        }
    }
    let p = rest_expected / n;
    let bound = n * deviation(p * (1.0 - p), 1.0, n);
    assert!((rest - rest_expected).abs() <= bound, "{what}: tails {rest}, exact {rest_expected}");
    if rest_expected >= 20.0 {
        add(rest, rest_expected);
    }
    if bins > 1 {
        // Quantile of the chi-square distribution at six standard deviations (1e-9), by Wilson
        // and Hilferty's cube, which errs to the safe side for few degrees of freedom.
        let d = 2.0 / (9.0 * (bins - 1) as f64);
        let limit = (bins - 1) as f64 * (1.0 - d + 6.0 * d.sqrt()).powi(3);
        assert!(chi2 <= limit, "{what}: chi-square {chi2:.1} of {bins} bins, limit {limit:.1}");
    }
}

/// Mean index of the first spike's step over the `fired` trials that had one; −1 for none.
fn check_first_step(what: &str, seen: f64, fired: u64, intervals: &[f64]) {
    if fired == 0 {
        assert_eq!(seen, -1.0, "{what}: first step");
        return;
    }
    let p_fired: f64 = intervals.iter().sum();
    let steps: Vec<f64> = intervals[1..].iter().map(|p| p / p_fired).collect();
    let (mean, variance) = moments(&steps);
    let bound = deviation(variance, range(&steps), fired as f64);
    assert!((seen - mean).abs() <= bound, "{what}: first step {seen}, exact {mean} ± {bound}");
}

fn sample(encoder: &PoissonEncoder, level: u8, trials: usize, seed: u64) -> SpikeTrain {
    encoder.encode(&vec![level; trials], &mut stream(seed))
}

fn stream(seed: u64) -> Stream {
    Key::new(6).sample(seed).stream(Purpose::Synthetic)
}

fn mean_first_step(train: &SpikeTrain) -> f64 {
    let mut seen = vec![false; train.neurons()];
    let (mut sum, mut fired) = (0, 0);
    for t in 0..train.steps() {
        for &id in train.step(t) {
            if !std::mem::replace(&mut seen[id as usize], true) {
                sum += t;
                fired += 1;
            }
        }
    }
    if fired == 0 { -1.0 } else { sum as f64 / f64::from(fired) }
}

/// P(max(1, Poisson(lam)) = k) for k = 0..=steps, by the formula.
fn textbook_intervals(lam: f64, steps: usize) -> Vec<f64> {
    let mut log_factorial = 0.0;
    let mut pmf = vec![0.0; steps + 1];
    for (k, p) in pmf.iter_mut().enumerate().skip(1) {
        log_factorial += (k as f64).ln();
        *p = (k as f64 * lam.ln() - lam - log_factorial).exp();
    }
    if let Some(p) = pmf.get_mut(1) {
        *p += (-lam).exp();
    }
    pmf
}

/// P(count = k) for k < `bins` from the probabilities of an interval: P(count ≥ k) is that of k
/// intervals that together do not pass the last step.
fn count_pmf(intervals: &[f64], bins: usize) -> Vec<f64> {
    let mut sum_of_k = vec![0.0; intervals.len()];
    sum_of_k[0] = 1.0;
    let mut at_least = 1.0;
    (0..bins)
        .map(|_| {
            sum_of_k = convolve(&sum_of_k, intervals);
            let next: f64 = sum_of_k.iter().sum();
            let p = at_least - next;
            at_least = next;
            p.max(0.0)
        })
        .collect()
}

fn convolve(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; a.len()];
    for (i, &x) in a.iter().enumerate().filter(|&(_, &x)| x > 0.0) {
        for (sum, &y) in out[i..].iter_mut().zip(b) {
            *sum += x * y;
        }
    }
    out
}

/// P(spike at step t) for each step: the renewal equation.
fn spike_probabilities(intervals: &[f64]) -> Vec<f64> {
    let mut at = vec![1.0]; // a virtual spike before the first step
    for t in 1..intervals.len() {
        at.push((1..=t).map(|k| intervals[k] * at[t - k]).sum());
    }
    at.split_off(1)
}

// ---------------------------------------------------------------- Bernoulli

fn bernoulli(case: &Case<'_>) {
    let trials = case.usize("trials");
    let table = rows::<f64>(case, "table");
    // Rows of equal T and max_prob are one tensor.
    let mut tensors: BTreeMap<(usize, u64), Vec<[f64; 4]>> = BTreeMap::new();
    for row in &table {
        let [steps, max_prob, datum, p, mean, variance] = row[..] else {
            panic!("the table has {} columns, not 6", row.len());
        };
        let key = (steps as usize, max_prob.to_bits());
        tensors.entry(key).or_default().push([datum, p, mean, variance]);
    }
    for (&(steps, max_prob), rows) in &tensors {
        let encoder = BernoulliEncoder::new(steps, f64::from_bits(max_prob));
        let data: Vec<f32> = rows.iter().map(|row| row[0] as f32).collect();
        let mut counts = vec![[0_u32; 2]; data.len()]; // sums of counts and of their squares
        let mut stream = stream(steps as u64);
        for _ in 0..trials {
            let mut count = vec![0; data.len()];
            encoder.encode(&data, &mut stream).add_counts(&mut count);
            for ([sum, squares], count) in counts.iter_mut().zip(count) {
                *sum += count;
                *squares += count * count;
            }
        }
        for ((&[datum, p, mean, variance], ours), [sum, squares]) in
            rows.iter().zip(encoder.probabilities(&data)).zip(counts)
        {
            let what = format!("{} T {steps}, datum {datum}", case.name);
            // Two f32 roundings.
            assert!((f64::from(ours) - p).abs() <= 2e-7 * p, "{what}: p {ours}, vector {p}");
            let n = trials as f64;
            let our_mean = f64::from(sum) / n;
            let our_variance = f64::from(squares) / n - our_mean * our_mean;
            check_binomial(&format!("{what}, recorded"), mean, variance, n, steps, p);
            check_binomial(&format!("{what}, ours"), our_mean, our_variance, n, steps, p);
        }
    }
    println!("{}: {} tensors, {} rows", case.name, tensors.len(), table.len());
}

/// Mean and variance of n binomial counts.
fn check_binomial(what: &str, mean: f64, variance: f64, n: f64, steps: usize, p: f64) {
    let t = steps as f64;
    let exact = t * p * (1.0 - p);
    let mean_bound = deviation(exact, t, n) + 1e-6 * t; // f32 of the vector
    assert!((mean - t * p).abs() <= mean_bound, "{what}: mean {mean}, exact {}", t * p);
    // Central limit: six standard deviations (2e-9) from the binomial's fourth moment.
    let fourth = exact * (1.0 + 3.0 * (t - 2.0) * p * (1.0 - p));
    let bound = 6.0 * ((fourth - exact * exact) / n).sqrt() + mean_bound.powi(2) + 1e-6;
    assert!((variance - exact).abs() <= bound, "{what}: variance {variance}, exact {exact}");
}

// ---------------------------------------------------------------- inputs of the networks

/// The input spikes that whole networks were given are trains of the images beside them.
#[test]
fn inputs_of_networks() {
    let golden = Golden::open();
    for case in golden.of_kind(Kind::SharedInputs) {
        let spikes = case.array::<u8>("spikes");
        let &[samples, steps, neurons] = spikes.shape() else {
            panic!("spikes: [sample, t, input]")
        };
        let trains: Vec<SpikeTrain> = spikes
            .outer_iter()
            .map(|dense| {
                SpikeTrain::from_dense(neurons, &dense.iter().copied().collect::<Vec<_>>())
            })
            .collect();
        let total: usize = trains.iter().map(SpikeTrain::count).sum();
        assert_eq!(total, spikes.iter().filter(|&&s| s != 0).count(), "{}", case.name);
        println!("{}: {samples} trains of {steps} steps, {total} spikes", case.file.display());
        if case.has("images") {
            poisson_inputs(&case, &trains, steps, neurons);
        }
    }
}

fn poisson_inputs(case: &Case<'_>, trains: &[SpikeTrain], steps: usize, neurons: usize) {
    let text = case.meta["encoder"].as_str().expect("encoder");
    assert!(text.contains("PoissonEncoder"), "{text}");
    assert_eq!(number_after(text, "time=") as usize, steps, "{text}");
    let encoder =
        PoissonEncoder::new(steps, number_after(text, "dt="), number_after(text, "image*"), 255);
    let images = case.flat::<f32>("images");
    let (mut seen, mut mean, mut variance, mut widest) = (0.0, 0.0, 0.0, 0.0_f64);
    for (train, image) in trains.iter().zip(images.chunks_exact(neurons)) {
        let mut counts = vec![0; neurons];
        train.add_counts(&mut counts);
        for (&intensity, count) in image.iter().zip(counts) {
            let level = (intensity * 255.0).round();
            assert!((intensity * 255.0 - level).abs() < 1e-3, "{intensity} is no level of 255");
            if level == 0.0 {
                assert_eq!(count, 0, "a black pixel fired");
                continue;
            }
            let pmf = count_pmf(&encoder.interval_pmf(level as u8), steps + 1);
            let (m, v) = moments(&pmf);
            widest = widest.max(range(&pmf));
            seen += f64::from(count);
            mean += m;
            variance += v;
        }
    }
    // Bernstein's inequality for a sum of independent counts: n = 1, the variances added up.
    let bound = deviation(variance, widest, 1.0);
    println!("{}: {seen} spikes, expected {mean:.1} ± {bound:.0}", case.name);
    assert!((seen - mean).abs() <= bound, "{seen} spikes, expected {mean} ± {bound}");
}

// ---------------------------------------------------------------- common

/// Bernstein's bound on |mean of n samples − expectation| at a false-alarm probability of 1e-9, for
/// samples of this variance that lie within `range` of their expectation.
fn deviation(variance: f64, range: f64, n: f64) -> f64 {
    let linear = range * LN_ALARM / (3.0 * n);
    linear + (linear * linear + 2.0 * variance.max(0.0) * LN_ALARM / n).sqrt()
}

/// Width of the values of a distribution on 0, 1, …, leaving out tails of 1e-14 in all.
fn range(pmf: &[f64]) -> f64 {
    let negligible = 1e-14 / pmf.len() as f64;
    let first = pmf.iter().position(|&p| p > negligible).unwrap_or(0);
    let last = pmf.iter().rposition(|&p| p > negligible).unwrap_or(0);
    (last - first) as f64
}

/// Mean and variance of a distribution on 0, 1, ….
fn moments(pmf: &[f64]) -> (f64, f64) {
    let mean: f64 = pmf.iter().enumerate().map(|(k, p)| k as f64 * p).sum();
    (mean, pmf.iter().enumerate().map(|(k, p)| p * (k as f64 - mean).powi(2)).sum())
}

/// The rows of a two-dimensional array.
fn rows<T: ndarray_npy::ReadableElement + Clone>(case: &Case<'_>, name: &str) -> Vec<Vec<T>> {
    let array = case.array::<T>(name);
    assert_eq!(array.ndim(), 2, "{name}: rows and columns");
    array.outer_iter().map(|row| row.iter().cloned().collect()).collect()
}

/// (T, gain) of every configuration, from texts such as `T=25, datum=pixel*512`.
fn configurations(case: &Case<'_>) -> BTreeMap<String, (usize, f64)> {
    let entries = case.meta["configurations"].as_object().expect("configurations");
    entries
        .iter()
        .map(|(name, text)| {
            let text = text.as_str().expect("a text");
            (name.clone(), (number_after(text, "T=") as usize, number_after(text, "pixel*")))
        })
        .collect()
}

/// The number that follows `key` in `text`.
fn number_after(text: &str, key: &str) -> f64 {
    let (_, rest) = text.split_once(key).unwrap_or_else(|| panic!("no `{key}` in `{text}`"));
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    rest[..end].parse().unwrap_or_else(|e| panic!("`{key}` in `{text}`: {e}"))
}
