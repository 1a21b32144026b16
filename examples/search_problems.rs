//! Samplers on problems with known answers, without networks: one line of JSON a seed.
//!
//! ```text
//! cargo run --release --example search_problems -- PROBLEM SAMPLER SEEDS EVALUATIONS [MODE] [SETTING…]
//! ```
//!
//! SEEDS is a number of seeds, from 0, or FIRST..END. PROBLEM is `ackley10`, `ackley20`, `rotated10`, `pressure_vessel` or `silent18`. MODE is `ask=4` to ask for four points
//! and tell four results in turn, as it is without it, or `ask=1` to proceed as a search with many
//! workers does, point by point with the sampler's `lag`. A SETTING such as `initial=10` goes into the
//! table `[sampler]`. See benchmarking/RESULTS.md.

use spikeseek::search::sampler::scbo::Note;
use spikeseek::search::sampler::{Proposal, Sampler, Setup, build};
use spikeseek::search::space::{Domain, Prior, Space, Variable};
use spikeseek::study::record::{Finished, Outcome, Trial};
use spikeseek::study::toml_check::Document;
use std::collections::BTreeMap;
use std::f64::consts::{E, PI, TAU};
use std::path::Path;
use std::time::{Duration, Instant};

/// Value, maximised, and constraints; no value where a network would be silent.
type Evaluated = (Option<f64>, Vec<f64>);

struct Problem {
    name: &'static str,
    bounds: Vec<(f64, f64)>,
    evaluate: fn(&[f64]) -> Evaluated,
}

fn problems() -> [Problem; 5] {
    [
        Problem { name: "ackley10", bounds: vec![(-5.0, 10.0); 10], evaluate: ackley },
        Problem { name: "ackley20", bounds: vec![(-5.0, 10.0); 20], evaluate: ackley },
        Problem {
            name: "pressure_vessel",
            bounds: vec![(0.0, 10.0), (0.0, 10.0), (10.0, 50.0), (150.0, 200.0)],
            evaluate: pressure_vessel,
        },
        Problem { name: "rotated10", bounds: vec![(-5.0, 10.0); 10], evaluate: rotated },
        Problem { name: "silent18", bounds: vec![(0.0, 1.0); 18], evaluate: silent },
    ]
}

/// Ackley's function with Σ x ≤ 0 and |x| ≤ 5 (Eriksson and Poloczek 2021, section 4.1).
fn ackley(x: &[f64]) -> Evaluated {
    let n = x.len() as f64;
    let square = x.iter().map(|x| x * x).sum::<f64>();
    let cosine = x.iter().map(|x| (TAU * x).cos()).sum::<f64>() / n;
    let value = 20.0 * (-0.2 * (square / n).sqrt()).exp() + cosine.exp() - 20.0 - E;
    (Some(value), vec![x.iter().sum(), square.sqrt() - 5.0])
}

/// [`ackley`] in turned coordinates: no variable acts by itself. Two reflections, at (1, −2, 3, −4, …) and
/// at (10, 9, 8, …).
fn rotated(x: &[f64]) -> Evaluated {
    let mut turned = x.to_vec();
    let n = x.len();
    let mirrors: [Vec<f64>; 2] = [
        (0..n).map(|j| (j + 1) as f64 * [1.0, -1.0][j % 2]).collect(),
        (0..n).map(|j| (n - j) as f64).collect(),
    ];
    for mirror in mirrors {
        let square = mirror.iter().map(|v| v * v).sum::<f64>();
        let along = mirror.iter().zip(&turned).map(|(v, x)| v * x).sum::<f64>();
        turned.iter_mut().zip(&mirror).for_each(|(x, v)| *x -= 2.0 * v * along / square);
    }
    ackley(&turned)
}

/// Cost of a pressure vessel (C. A. Coello Coello, E. Mezura-Montes 2002); the two thicknesses come
/// in sixteenths of an inch, as far as the cost goes.
fn pressure_vessel(x: &[f64]) -> Evaluated {
    let sixteenths = |x: f64| (16.0 * x).round() / 16.0;
    let (a, b, r, l) = (sixteenths(x[0]), sixteenths(x[1]), x[2], x[3]);
    let cost = 0.6224 * a * r * l + 1.7781 * b * r * r + 3.1661 * a * a * l + 19.84 * a * a * r;
    let volume = PI * r * r * l + 4.0 / 3.0 * PI * r.powi(3);
    let constraints = vec![0.0193 * r - x[0], 0.00954 * r - x[1], 1_296_000.0 - volume, l - 240.0];
    (Some(-cost), constraints)
}

/// All but 5 % of the cube is silent and flat: the six first variables decide which.
fn silent(x: &[f64]) -> Evaluated {
    const CENTRE: [f64; 6] = [0.35, 0.65, 0.4, 0.6, 0.5, 0.55];
    let half = 0.5 * 0.05_f64.powf(1.0 / 6.0);
    let outside = CENTRE.iter().zip(x).map(|(a, x)| (x - a).abs() / half).fold(0.0, f64::max);
    if outside > 1.0 {
        return (None, vec![0.9]);
    }
    let best = |j: usize| match CENTRE.get(j) {
        Some(a) => a + [0.2, -0.2][j % 2],
        None => 0.1 + 0.8 * j as f64 / 17.0,
    };
    let square = x.iter().enumerate().map(|(j, x)| (x - best(j)).powi(2)).sum::<f64>();
    (Some(1.0 - (square / x.len() as f64).sqrt()), vec![-0.1 * (1.0 - outside)])
}

/// A search under way.
struct Run<'a> {
    problem: &'a Problem,
    space: &'a Space,
    sampler: Box<dyn Sampler>,
    /// In the order of asking.
    trials: Vec<Trial>,
    best: Vec<Option<f64>>,
    infeasible: Vec<bool>,
    asking: Duration,
}

impl Run<'_> {
    fn ask(&mut self, count: u64) {
        let first = self.trials.len() as u64;
        let pending: Vec<&Trial> = self.trials.iter().filter(|t| t.finished.is_none()).collect();
        let start = Instant::now();
        let proposals = self.sampler.ask(first..first + count, &pending);
        self.asking += start.elapsed();
        for (Proposal { point, attributes }, number) in proposals.into_iter().zip(first..) {
            self.trials.push(Trial {
                number,
                point,
                proposal: attributes,
                finished: None,
                started: String::new(),
                ended: None,
            });
        }
    }

    fn finish(&mut self, number: usize) {
        let unit = self.space.to_unit(&self.trials[number].point);
        let bounds = self.problem.bounds.iter();
        let x: Vec<f64> =
            unit.iter().zip(bounds).map(|(u, (low, high))| low + u * (high - low)).collect();
        let (value, constraints) = (self.problem.evaluate)(&x);
        let feasible = constraints.iter().all(|c| *c <= 0.0);
        let outcome = if value.is_some() { Outcome::Complete } else { Outcome::Silent };
        self.trials[number].finished = Some(Finished {
            outcome,
            value,
            constraints,
            intermediate: Vec::new(),
            attributes: BTreeMap::new(),
        });
        let start = Instant::now();
        self.sampler.tell(&self.trials[number]);
        self.asking += start.elapsed();
        let best = self.best.last().copied().flatten();
        let value = value.filter(|_| feasible);
        self.best.push(best.map_or(value, |b: f64| Some(b.max(value.unwrap_or(b)))));
        self.infeasible.push(!feasible);
    }

    /// Evaluates so many points: asks for `batch` of them once all but the last `lag` results before
    /// them are told.
    fn go(&mut self, evaluations: usize, batch: usize, lag: usize) {
        while self.trials.len() < evaluations {
            let asked = self.trials.len();
            (self.best.len()..asked.saturating_sub(lag)).for_each(|number| self.finish(number));
            self.ask(batch.min(evaluations - asked) as u64);
        }
        (self.best.len()..evaluations).for_each(|number| self.finish(number));
    }

    /// Share of infeasible points among those that a model proposed.
    fn infeasible_of_model(&self) -> Option<f64> {
        let by_model: Vec<bool> = self
            .trials
            .iter()
            .filter(|trial| Note::of(trial).is_some_and(|note| note.length.is_some()))
            .map(|trial| trial.feasible_value().is_none())
            .collect();
        let count = by_model.iter().filter(|infeasible| **infeasible).count();
        (!by_model.is_empty()).then(|| count as f64 / by_model.len() as f64)
    }

    fn restarts(&self) -> u64 {
        self.trials.iter().filter_map(Note::of).map(|note| note.restart).max().unwrap_or(0)
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [problem, sampler, seeds, evaluations, rest @ ..] = &arguments[..] else {
        panic!("PROBLEM SAMPLER SEEDS EVALUATIONS [MODE] [SETTING…]");
    };
    let problems = problems();
    let problem = problems.iter().find(|p| p.name == problem).expect("a problem of the list");
    let (first, end) = seeds.split_once("..").unwrap_or(("0", seeds));
    let number = |text: &str| -> u64 { text.parse().expect("seeds: a number or FIRST..END") };
    let evaluations: usize = evaluations.parse().expect("evaluations");
    let mut batch = 4;
    let mut table = format!("[sampler]\nname = \"{sampler}\"\n");
    for setting in rest {
        match setting.split_once('=').expect("NAME=VALUE") {
            ("ask", n) => batch = n.parse().expect("a number"),
            (name, value) => table.push_str(&format!("{name} = {value}\n")),
        }
    }
    let domain = Domain::Float { low: 0.0, high: 1.0, prior: Prior::Uniform };
    let variable = |j| Variable { name: format!("x{j}"), domain: domain.clone() };
    let space = Space { variables: (0..problem.bounds.len()).map(variable).collect() };
    let document = Document::parse(Path::new("[settings]"), &table).expect("settings");
    for seed in number(first)..number(end) {
        let setup = Setup { space: &space, seed, document: &document };
        let sampler_of_seed = build(&setup).unwrap_or_else(|e| panic!("{e}"));
        let mut run = Run {
            problem,
            space: &space,
            sampler: sampler_of_seed,
            trials: Vec::new(),
            best: Vec::new(),
            infeasible: Vec::new(),
            asking: Duration::ZERO,
        };
        let lag = if batch == 1 { run.sampler.lag() as usize } else { 0 };
        run.go(evaluations, batch, lag);
        println!(
            "{}",
            serde_json::json!({
                "problem": problem.name,
                "sampler": sampler,
                "seed": seed,
                "best": run.best,
                "infeasible": run.infeasible,
                "infeasible_of_model": run.infeasible_of_model(),
                "restarts": run.restarts(),
                "seconds": run.asking.as_secs_f64(),
            })
        );
    }
}
