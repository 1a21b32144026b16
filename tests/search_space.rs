//! How points lie in the unit cube, and that uniform quantiles give the priors.
//!
//! Statistical tests draw through the sampler `random` with a fixed seed; each of them would fail
//! for one seed in 1000 if the implementation is right.

use proptest::prelude::*;
use spikeseek::search::sampler::{Setup, build};
use spikeseek::search::space::{Domain, MAX_INT, Prior, Space, Value, Variable};
use spikeseek::search::space_file::BUILT_IN;
use spikeseek::study::toml_check::Document;
use std::path::Path;

const DRAWS: u64 = 10_000;

fn draw(domain: &Domain) -> Vec<Value> {
    let variables = vec![Variable { name: "x".to_string(), domain: domain.clone() }];
    let space = Space { variables };
    let text = "sampler.name = \"random\"";
    let document = Document::parse(Path::new("study.toml"), text).unwrap();
    let mut sampler = build(&Setup { space: &space, seed: 20, document: &document }).unwrap();
    sampler.ask(0..DRAWS, &[]).into_iter().map(|p| p.point[0]).collect()
}

fn float(value: Value) -> f64 {
    match value {
        Value::Float(x) => x,
        other => panic!("{other:?} is not a float"),
    }
}

fn int(value: Value) -> i64 {
    match value {
        Value::Int(i) => i,
        other => panic!("{other:?} is not an integer"),
    }
}

/// Kolmogorov–Smirnov distance of a sample from a continuous distribution, times √n.
fn kolmogorov_smirnov(mut sample: Vec<f64>, cdf: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let distance = sample.iter().enumerate().map(|(i, &x)| {
        let (below, above) = (i as f64 / n, (i + 1) as f64 / n);
        (cdf(x) - below).abs().max((cdf(x) - above).abs())
    });
    distance.fold(0.0, f64::max) * n.sqrt()
}

#[test]
fn floats_follow_their_priors() {
    // Kolmogorov's distribution: P(√n·D > 1.949) = 0.001. Ranges of spec hpo.md section 3.
    const LIMIT: f64 = 1.949;
    let log_cdf = |low: f64, high: f64, x: f64| (x / low).ln() / (high / low).ln();
    let sample = |low, high, prior| -> Vec<f64> {
        draw(&Domain::Float { low, high, prior }).into_iter().map(float).collect()
    };
    let uniform = sample(-70.0, -50.0, Prior::Uniform);
    let log = sample(1e-4, 1e-2, Prior::Log);
    let reversed = sample(78.4, 784.0, Prior::ReversedLog);
    let distances = [
        kolmogorov_smirnov(uniform.clone(), |x| (x + 70.0) / 20.0),
        kolmogorov_smirnov(log.clone(), |x| log_cdf(1e-4, 1e-2, x)),
        // high − L + low ≤ x means L ≥ high + low − x.
        kolmogorov_smirnov(reversed.clone(), |x| 1.0 - log_cdf(78.4, 784.0, 862.4 - x)),
    ];
    assert!(distances.iter().all(|d| *d < LIMIT), "{distances:?}");
    // The test can tell them apart: against a wrong prior it fails by far.
    assert!(kolmogorov_smirnov(log, |x| (x - 1e-4) / (1e-2 - 1e-4)) > 10.0 * LIMIT);
    assert!(kolmogorov_smirnov(reversed, |x| log_cdf(78.4, 784.0, x)) > 10.0 * LIMIT);
}

/// Chi-square of integers low, low + 1, … against their probabilities.
fn chi_square(values: &[i64], low: i64, probabilities: &[f64]) -> f64 {
    let mut hits = vec![0_u32; probabilities.len()];
    for &i in values {
        hits[(i - low) as usize] += 1; // panics if out of bounds
    }
    let n = values.len() as f64;
    let term = |(h, p): (&u32, &f64)| (f64::from(*h) - n * p).powi(2) / (n * p);
    hits.iter().zip(probabilities).map(term).sum()
}

#[test]
fn integers_and_categories_follow_their_priors() {
    // Chi-square with 9 degrees of freedom exceeds 27.88 with probability 0.001.
    const LIMIT: f64 = 27.88;
    let sample = |low, high, prior| -> Vec<i64> {
        draw(&Domain::Int { low, high, prior }).into_iter().map(int).collect()
    };
    let even = [0.1; 10];
    let uniform = chi_square(&sample(-3, 6, Prior::Uniform), -3, &even);
    // P(⌊L⌋ = i) = ln((i + 1)/i) / ln(11) for L log-uniform over [1, 11).
    let log_p: Vec<f64> = (1..=10).map(|i| f64::ln(f64::from(i + 1) / f64::from(i))).collect();
    let log_p: Vec<f64> = log_p.iter().map(|p| p / 11_f64.ln()).collect();
    let mirrored: Vec<f64> = log_p.iter().rev().copied().collect();
    let log = chi_square(&sample(1, 10, Prior::Log), 1, &log_p);
    let reversed = chi_square(&sample(1, 10, Prior::ReversedLog), 1, &mirrored);
    let choices = (0..10).map(|i| i.to_string()).collect();
    let categories = draw(&Domain::Categorical { choices }).into_iter().map(|value| match value {
        Value::Category(c) => c as i64,
        other => panic!("{other:?}"),
    });
    let categories = chi_square(&categories.collect::<Vec<_>>(), 0, &even);
    let all = [uniform, log, reversed, categories];
    assert!(all.iter().all(|chi| *chi < LIMIT), "{all:?}");
    assert!(chi_square(&sample(1, 10, Prior::Log), 1, &even) > 10.0 * LIMIT);
}

fn prior() -> impl Strategy<Value = Prior> {
    prop_oneof![Just(Prior::Uniform), Just(Prior::Log), Just(Prior::ReversedLog)]
}

/// Ranges within a ratio of 1.1 to 1000: outside of it the logarithm of one end is not known to
/// 1e-12 from a value near the other (condition number high / (low · ln(high / low))).
fn float_domain() -> impl Strategy<Value = Domain> {
    (-6.0..6.0_f64, 1.1..1000.0_f64, prior(), any::<bool>()).prop_map(
        |(exponent, ratio, prior, mirror)| {
            let (low, high) = (10_f64.powf(exponent), 10_f64.powf(exponent) * ratio);
            if mirror && prior == Prior::Uniform {
                return Domain::Float { low: -high, high: low, prior };
            }
            Domain::Float { low, high, prior }
        },
    )
}

fn int_domain() -> impl Strategy<Value = Domain> {
    let width = prop_oneof![0..50_i64, 0..MAX_INT];
    (prop_oneof![1..50_i64, 1..MAX_INT], width, prior(), any::<bool>()).prop_map(
        |(low, width, prior, shift)| {
            let high = (low + width).min(MAX_INT);
            if shift && prior == Prior::Uniform {
                return Domain::Int { low: low - MAX_INT, high: high - MAX_INT, prior };
            }
            Domain::Int { low, high, prior }
        },
    )
}

fn any_domain() -> impl Strategy<Value = Domain> {
    let names = |n: usize| (0..n).map(|i| i.to_string()).collect();
    let categorical = (1..9_usize).prop_map(move |n| Domain::Categorical { choices: names(n) });
    prop_oneof![float_domain(), int_domain(), categorical]
}

/// First and last value of a domain.
fn bounds(domain: &Domain) -> (Value, Value) {
    match domain {
        Domain::Float { low, high, .. } => (Value::Float(*low), Value::Float(*high)),
        Domain::Int { low, high, .. } => (Value::Int(*low), Value::Int(*high)),
        Domain::Categorical { choices } => (Value::Category(0), Value::Category(choices.len() - 1)),
    }
}

fn number(value: Value) -> f64 {
    match value {
        Value::Float(x) => x,
        Value::Int(i) => i as f64,
        Value::Category(c) => c as f64,
    }
}

proptest! {
    #[test]
    fn both_ends_are_met_exactly(domain in any_domain()) {
        prop_assert_eq!(domain.check(), Ok(()));
        let (low, high) = bounds(&domain);
        prop_assert_eq!(domain.from_unit(0.0), low);
        prop_assert_eq!(domain.from_unit(1.0), high);
        prop_assert_eq!(domain.from_unit(-0.5), low);
        prop_assert_eq!(domain.from_unit(1.5), high);
        prop_assert_eq!(domain.from_unit(f64::NAN), low);
    }

    #[test]
    fn values_stay_in_the_domain_and_rise(domain in any_domain(), u in 0.0..=1.0, v in 0.0..=1.0) {
        let (lower, upper): (f64, f64) = if u < v { (u, v) } else { (v, u) };
        let (a, b) = (domain.from_unit(lower), domain.from_unit(upper));
        prop_assert!(domain.contains(a) && domain.contains(b), "{a:?} {b:?}");
        prop_assert!(number(a) <= number(b), "{a:?} {b:?}");
        prop_assert!((0.0..=1.0).contains(&domain.to_unit(a)));
    }

    #[test]
    fn floats_round_trip(domain in float_domain(), u in 0.0..=1.0) {
        let x = domain.from_unit(u);
        prop_assert!((domain.to_unit(x) - u).abs() <= 1e-12, "{u} {x:?} {}", domain.to_unit(x));
        let (low, high) = bounds(&domain);
        let back = number(domain.from_unit(domain.to_unit(x)));
        prop_assert!((back - number(x)).abs() <= 1e-12 * (number(high) - number(low)));
    }

    #[test]
    fn integers_and_categories_come_back(domain in any_domain(), u in 0.0..=1.0) {
        let value = domain.from_unit(u);
        if !matches!(value, Value::Float(_)) {
            prop_assert_eq!(domain.from_unit(domain.to_unit(value)), value);
        }
    }
}

fn built_in(name: &str) -> Space {
    let text = format!("space.use = \"{name}\"");
    let document = Document::parse(Path::new("study.toml"), &text).unwrap();
    Space::from_document(&document).unwrap()
}

#[test]
fn corners_of_the_built_in_spaces_are_exact() {
    // `nu_post` of experiment 1 once missed its upper bound: 0.01 − 0.001 + 0.001 is not 0.01.
    for (name, _) in BUILT_IN {
        let space = built_in(name);
        let corner = |u| space.from_unit(&vec![u; space.dimensions()]);
        let (low, high) = (corner(0.0), corner(1.0));
        assert!(space.contains(&low) && space.contains(&high), "{name}");
        for (variable, (l, h)) in space.variables.iter().zip(low.iter().zip(&high)) {
            assert_eq!((*l, *h), bounds(&variable.domain), "{name}: {}", variable.name);
        }
    }
}

#[test]
fn a_point_of_the_wrong_length_or_kind_is_not_in_the_space() {
    let space = built_in("experiment_2_as_run");
    let point = space.from_unit(&[0.3; 20]);
    assert!(space.contains(&point));
    assert!(!space.contains(&point[1..]));
    // Variable 0 is the decoder, one of five; variable 3 the map size, from 20 on.
    for (variable, value) in [
        (0, Value::Category(5)),
        (0, Value::Int(0)),
        (3, Value::Int(19)),
        (3, Value::Float(20.0)),
        (4, Value::Float(f64::NAN)),
    ] {
        let mut wrong = point.clone();
        wrong[variable] = value;
        assert!(!space.contains(&wrong), "{variable}: {value:?}");
    }
}
