//! The contract of `search::sampler`, run against every registered sampler.

use spikeseek::search::sampler::{Proposal, SAMPLERS, Sampler, Setup, build};
use spikeseek::search::space::Space;
use spikeseek::study::record::{Finished, Outcome, Trial};
use spikeseek::study::toml_check::Document;
use std::collections::BTreeMap;
use std::path::Path;

/// Every kind of domain and prior.
const SPACE: &str = r#"
[space]
kind = { categorical = ["a", "b", "c"] }
size = { int = [1, 40], prior = "log" }
steps = { int = [-3, 3] }
late = { int = [5, 100], prior = "reversed_log" }
rate = { float = [1e-4, 1e-1], prior = "log" }
norm = { float = [78.4, 200.0], prior = "reversed_log" }
rest = { float = [-70.0, -50.0] }
"#;

fn space() -> Space {
    Space::from_document(&Document::parse(Path::new("space.toml"), SPACE).unwrap()).unwrap()
}

fn sampler(name: &str, seed: u64) -> Box<dyn Sampler> {
    let text = format!("[sampler]\nname = \"{name}\"\n");
    let document = Document::parse(Path::new("study.toml"), &text).unwrap();
    build(&Setup { space: &space(), seed, document: &document }).unwrap()
}

/// What becomes of a point: a function of number and point with each outcome among its values.
fn finish(number: u64, proposal: &Proposal) -> Trial {
    let unit = space().to_unit(&proposal.point);
    let value = 1.0 - unit.iter().map(|u| (u - 0.3).abs()).sum::<f64>() / unit.len() as f64;
    let constraint = unit[1] - 0.6;
    let (outcome, value, constraints) = match number % 7 {
        5 => (Outcome::Failed, None, vec![]),
        6 => (Outcome::Timeout, None, vec![constraint]),
        _ if constraint > 0.0 => (Outcome::Silent, None, vec![constraint]),
        _ => (Outcome::Complete, Some(value), vec![constraint]),
    };
    Trial {
        number,
        point: proposal.point.clone(),
        proposal: proposal.attributes.clone(),
        finished: Some(Finished {
            outcome,
            value,
            constraints,
            intermediate: vec![],
            attributes: BTreeMap::new(),
        }),
        started: "2024-01-01T00:00:00".to_string(),
        ended: Some("2024-01-01T00:01:00".to_string()),
    }
}

/// A study with four workers: four numbers are asked for, then one for each trial that ends, and
/// the trials end in an order of their own. Returns proposals by number and trials as they ended.
fn run(sampler: &mut dyn Sampler, trials: u64) -> (Vec<Proposal>, Vec<Trial>) {
    let mut proposals = sampler.ask(0..4, &[]);
    let mut running: Vec<u64> = (0..4).collect();
    let mut ended = Vec::new();
    while (ended.len() as u64) < trials - 4 {
        let number = running.remove(ended.len() * 5 % 4);
        let trial = finish(number, &proposals[number as usize]);
        sampler.tell(&trial);
        ended.push(trial);
        let next = proposals.len() as u64;
        proposals.extend(ask(sampler, next, &pending(&running, &proposals)));
        running.push(next);
    }
    (proposals, ended)
}

fn pending(running: &[u64], proposals: &[Proposal]) -> Vec<Trial> {
    let unfinished =
        |n: u64| Trial { finished: None, ended: None, ..finish(n, &proposals[n as usize]) };
    running.iter().map(|&n| unfinished(n)).collect()
}

fn ask(sampler: &mut dyn Sampler, number: u64, pending: &[Trial]) -> Vec<Proposal> {
    sampler.ask(number..number + 1, &pending.iter().collect::<Vec<_>>())
}

#[test]
fn one_proposal_a_number_and_all_in_the_space() {
    for entry in SAMPLERS {
        let (proposals, _) = run(&mut *sampler(entry.name, 3), 60);
        assert_eq!(proposals.len(), 60, "{}", entry.name);
        for (number, proposal) in proposals.iter().enumerate() {
            assert!(space().contains(&proposal.point), "{} {number}: {proposal:?}", entry.name);
        }
        assert!(sampler(entry.name, 3).ask(0..0, &[]).is_empty(), "{}", entry.name);
    }
}

#[test]
fn the_seed_decides() {
    for entry in SAMPLERS {
        let of_seed = |seed| run(&mut *sampler(entry.name, seed), 40).0;
        assert_eq!(of_seed(1), of_seed(1), "{}", entry.name);
        let pairs: Vec<_> = of_seed(1).into_iter().zip(of_seed(2)).collect();
        let equal = pairs.iter().filter(|(one, two)| one.point == two.point).count();
        assert_eq!(equal, 0, "{}: points shared by two seeds", entry.name);
    }
}

#[test]
fn no_point_comes_twice() {
    for entry in SAMPLERS {
        let (proposals, _) = run(&mut *sampler(entry.name, 5), 60);
        for (i, proposal) in proposals.iter().enumerate() {
            assert!(
                proposals[..i].iter().all(|other| other.point != proposal.point),
                "{}: point {i} was proposed before",
                entry.name
            );
        }
    }
}

#[test]
fn a_resumed_study_proposes_what_an_uninterrupted_one_does() {
    const TRIALS: u64 = 40;
    for entry in SAMPLERS {
        let (whole, ended) = run(&mut *sampler(entry.name, 9), TRIALS);
        // Cut after every number of told trials: the next ask is for number told + 3.
        for told in 1..ended.len() {
            let mut resumed = sampler(entry.name, 9);
            ended[..told].iter().for_each(|trial| resumed.tell(trial));
            let next = told as u64 + 3;
            let is_running = |n: &u64| ended[..told].iter().all(|trial| trial.number != *n);
            let running: Vec<u64> = (0..next).filter(is_running).collect();
            let proposal = ask(&mut *resumed, next, &pending(&running, &whole));
            assert_eq!(proposal[0], whole[next as usize], "{} after {told}", entry.name);
        }
    }
}

#[test]
fn without_adaptation_a_point_depends_on_seed_and_number_alone() {
    let fixed = SAMPLERS.iter().filter(|entry| !entry.adaptive);
    let mut checked = 0;
    for entry in fixed {
        let five = sampler(entry.name, 4).ask(0..5, &[]);
        let mut apart = sampler(entry.name, 4);
        let mut three_and_two = apart.ask(0..3, &[]);
        let waiting = pending(&[0, 1, 2], &three_and_two);
        three_and_two.extend(apart.ask(3..5, &waiting.iter().collect::<Vec<_>>()));
        assert_eq!(five, three_and_two, "{}: ask(3) + ask(2) is not ask(5)", entry.name);
        assert_eq!(sampler(entry.name, 4).ask(4..5, &[]), five[4..], "{}", entry.name);

        let trials: Vec<Trial> = five.iter().zip(0..).map(|(p, n)| finish(n, p)).collect();
        let after = |order: [usize; 5]| {
            let mut told = sampler(entry.name, 4);
            order.iter().for_each(|&i| told.tell(&trials[i]));
            told.ask(5..9, &[])
        };
        let untold = sampler(entry.name, 4).ask(5..9, &[]);
        assert_eq!(after([0, 1, 2, 3, 4]), untold, "{}: told", entry.name);
        assert_eq!(after([3, 1, 4, 0, 2]), untold, "{}: order of telling", entry.name);
        checked += 1;
    }
    assert!(checked >= 2, "random and sobol are not adaptive");
}

/// As a search proceeds: before it asks for trial k it tells those below k − lag, in order.
#[test]
fn with_sixteen_workers_no_two_points_are_near() {
    for entry in SAMPLERS {
        let mut sampler = sampler(entry.name, 6);
        let mut proposals: Vec<Proposal> = Vec::new();
        for number in 0..80_u64 {
            if let Some(told) = number.checked_sub(17) {
                sampler.tell(&finish(told, &proposals[told as usize]));
            }
            let running: Vec<u64> = (number.saturating_sub(16)..number).collect();
            proposals.extend(ask(&mut *sampler, number, &pending(&running, &proposals)));
        }
        let units: Vec<Vec<f64>> = proposals.iter().map(|p| space().to_unit(&p.point)).collect();
        for (i, unit) in units.iter().enumerate() {
            let near = |other: &Vec<f64>| other.iter().zip(unit).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(!units[..i].iter().any(near), "{}: point {i}", entry.name);
        }
    }
}

#[test]
fn attributes_are_plain_json() {
    // The journal writes them as they are: a number that is not finite would become null.
    for entry in SAMPLERS {
        let (proposals, _) = run(&mut *sampler(entry.name, 2), 40);
        for proposal in proposals {
            let text = serde_json::to_string(&proposal.attributes).unwrap();
            let back: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
            assert_eq!(back, proposal.attributes, "{}", entry.name);
        }
    }
}
