//! Constrained Bayesian optimisation in a trust region (SCBO); docs/optimiser.md states every rule.
//!
//! A region begins with a scrambled Sobol design. Then each proposal is the best of some thousand
//! candidates in a box around the best point, by a function drawn from the posterior of each model
//! (constrained Thompson sampling). Where the box has become too small, a new region begins.
//!
//! # Many workers
//! Pending points need no fantasies: every proposal has draws of its own, which spread over the
//! places that may be best (K. Kandasamy et al., *Parallelised Bayesian optimisation via Thompson
//! sampling*, AISTATS 2018), and no candidate nearer than [`NEAR`](candidates::NEAR) to a known or
//! pending point is taken.
//!
//! # Memory
//! Each proposal notes the region and box that it came from, and the hyperparameters, from which
//! the next fit starts. So the state is a function of the trials told and pending, which is what a
//! resumed study has.

mod note;

pub use note::{NOTE, Note};

use super::random::random_point;
use super::shown::shown;
use super::{Entry, Proposal, Sampler, Setup, TABLE};
use crate::error::Result;
use crate::random::{Key, Purpose, Stream};
use crate::search::gp::Hyper;
use crate::search::scbo::Rules;
use crate::search::scbo::candidates::{self, candidates, drop_near, drop_repeated};
use crate::search::scbo::choice::{self, Score};
use crate::search::scbo::surrogate::{self, OBJECTIVE, Objective, Row, Stage, Surrogate};
use crate::search::scbo::trust_region::{self, Bounds, Observed, TrustRegion};
use crate::search::sobol::{MAX_DIMENSIONS, Sobol};
use crate::search::space::{Domain, Point, Prior, Space};
use crate::study::record::{Outcome, Trial};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Instant;

pub(super) const ENTRY: Entry = Entry { name: "scbo", adaptive: true, build };

/// Candidates an ask: in few dimensions more than the reference has pay off (benchmarking/SEARCH_RULES.md).
const CANDIDATES: u32 = 5000;

/// The best candidate of a draw is improved in boxes about it, of these sides in units of the whole box,
/// with so many candidates each.
const ROUNDS: (&[f64], u32) = (&[0.25, 0.0625, 0.015625], 64);

/// The same in [`Stage::Near`], when the way may be long.
const NEAR_ROUNDS: (&[f64], u32) =
    (&[1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.0625, 0.015625], 200);

/// A design that remembers silence goes on while its points are more likely feasible than not.
const LIKELY: f64 = 0.5;

/// So many points are drawn in search of one that is not known, where there are few.
const TRIES: u32 = 1000;

/// The table `[sampler]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "name", default)]
    _name: String,
    /// Points of a design; d, at least 10, if absent, compat 2 d.
    initial: Option<usize>,
    /// Results that count as one success or failure of the box.
    #[serde(default = "four")]
    batch: usize,
    /// Candidates among which a point is chosen; 5000 if absent, compat min(5000, max(2000, 200 d)).
    candidates: Option<u32>,
    /// See [`Sampler::lag`].
    #[serde(default = "eight")]
    lag: u64,
    #[serde(default)]
    rules: Rules,
    #[serde(default)]
    objective: Objective,
}

fn four() -> usize {
    4
}

fn eight() -> u64 {
    8
}

struct Scbo {
    /// The space; the models see its points through `scale`.
    space: Space,
    /// The same variables with the prior by which their ranges are laid into the unit cube.
    scale: Space,
    key: Key,
    initial: usize,
    candidates: u32,
    batch: usize,
    lag: u64,
    rules: Rules,
    objective: Objective,
    region: TrustRegion,
    /// Results from boxes that are not observed yet, less than a batch.
    group: Vec<Observed>,
    told: Vec<Told>,
}

/// A trial that was told.
struct Told {
    number: u64,
    row: Row,
    note: Note,
}

/// A point that is proposed and not told.
struct Pending {
    number: u64,
    point: Vec<f64>,
    note: Note,
}

fn build(setup: &Setup<'_>) -> Result<Box<dyn Sampler>> {
    let refuse = |key: &str, text: &str| Err(setup.document.error(&[TABLE, key], text));
    let table: Table = setup.document.table(&[TABLE])?;
    let dimensions = setup.space.dimensions();
    if dimensions > MAX_DIMENSIONS {
        return refuse("name", &format!("`scbo` searches at most {MAX_DIMENSIONS} variables"));
    }
    if table.initial == Some(0) {
        return refuse("initial", "0 is not allowed; give a number of points above 0");
    }
    if !(1..=10_000).contains(&table.batch) {
        return refuse("batch", &format!("{} is not allowed; give 1 to 10000", table.batch));
    }
    let usual = match table.rules {
        Rules::Repaired => CANDIDATES,
        Rules::Compat => candidates::count(dimensions),
    };
    let candidates = table.candidates.unwrap_or(usual);
    if !(1..=100_000).contains(&candidates) {
        return refuse("candidates", &format!("{candidates} is not allowed; give 1 to 100000"));
    }
    let scale = match table.rules {
        Rules::Repaired => setup.space.clone(),
        Rules::Compat => linear(setup.space),
    };
    let mut settings = trust_region::Settings::new(table.rules, dimensions, table.batch);
    let design = match table.rules {
        // A search of few evaluations has no time to walk: it begins with few points and a box that is
        // nearly the whole space (benchmarking/SEARCH_RULES.md).
        Rules::Repaired => {
            settings.length_init = settings.length_max;
            dimensions
        }
        Rules::Compat => 2 * dimensions,
    };
    Ok(Box::new(Scbo {
        space: setup.space.clone(),
        scale,
        key: Key::new(setup.seed),
        initial: table.initial.unwrap_or(design.max(10)),
        candidates,
        batch: table.batch,
        lag: table.lag,
        rules: table.rules,
        objective: table.objective,
        region: TrustRegion::new(settings),
        group: Vec::new(),
        told: Vec::new(),
    }))
}

/// The space with every range laid linearly into the unit interval, as the reference has it.
fn linear(space: &Space) -> Space {
    let mut space = space.clone();
    for variable in &mut space.variables {
        match &mut variable.domain {
            Domain::Float { prior, .. } | Domain::Int { prior, .. } => *prior = Prior::Uniform,
            Domain::Categorical { .. } => {}
        }
    }
    space
}

impl Sampler for Scbo {
    fn ask(&mut self, numbers: Range<u64>, pending: &[&Trial]) -> Vec<Proposal> {
        let mut open: Vec<Pending> = pending.iter().map(|trial| self.pending(trial)).collect();
        let mut proposals = Vec::new();
        let mut numbers = numbers;
        while !numbers.is_empty() {
            let made = if self.designing(&open) {
                let number = numbers.start;
                vec![self.design_point(number, &open)]
            } else {
                self.choose(numbers.clone(), &open)
            };
            for (point, note) in made {
                let number = numbers.start;
                numbers.start += 1;
                open.push(Pending {
                    number,
                    point: self.scale.to_unit(&point),
                    note: note.clone(),
                });
                let note = serde_json::to_value(note).expect("a note is plain numbers and names");
                let attributes = BTreeMap::from([(NOTE.to_string(), note)]);
                proposals.push(Proposal { point, attributes });
            }
        }
        proposals
    }

    fn tell(&mut self, trial: &Trial) {
        let Some(finished) = &trial.finished else { return };
        let note = Note::of(trial).unwrap_or_default();
        let mut row = Row {
            point: self.scale.to_unit(&trial.point),
            value: finished.value.filter(|_| finished.outcome == Outcome::Complete),
            constraints: finished.constraints.clone(),
            failed: matches!(finished.outcome, Outcome::Failed | Outcome::Timeout),
            ..Row::default()
        };
        if self.rules == Rules::Repaired {
            let shown = shown(&self.space, trial);
            let unit = |point: Point| self.scale.to_unit(&point);
            row.estimates = shown.values.into_iter().map(|(p, value)| (unit(p), value)).collect();
            row.trainings = shown.constraints.into_iter().map(|(p, c)| (unit(p), c)).collect();
        }
        let observed = Observed {
            point: row.point.clone(),
            value: row.value,
            constraints: row.constraints.clone(),
            origin: note.origin(),
        };
        self.told.push(Told { number: trial.number, row, note });
        // A design moves the centre at once. A box is judged by groups of results.
        if self.rules == Rules::Repaired && observed.origin.length.is_none() {
            self.region.observe(&[observed]);
            return;
        }
        self.group.push(observed);
        if self.group.len() >= self.batch {
            self.region.observe(&std::mem::take(&mut self.group));
        }
        if self.region.restart_due() {
            self.region.restart();
            self.group.clear();
        }
    }

    fn lag(&self) -> u64 {
        self.lag
    }
}

impl Scbo {
    fn pending(&self, trial: &Trial) -> Pending {
        Pending {
            number: trial.number,
            point: self.scale.to_unit(&trial.point),
            note: Note::of(trial).unwrap_or_default(),
        }
    }

    /// The note of a point of the design.
    fn note(&self) -> Note {
        Note { restart: self.region.restarts(), ..Note::default() }
    }

    /// Whether the design of this region goes on: until it has its number of points and half of them
    /// are known, and for as long as the results do not differ, which gives no direction to go in. One that
    /// is likely silent whatever it takes would teach little, and ends where something is known.
    fn designing(&self, open: &[Pending]) -> bool {
        let restart = self.region.restarts();
        let here = || self.told.iter().filter(|told| told.note.restart == restart);
        let notes = self.told.iter().map(|told| &told.note).chain(open.iter().map(|p| &p.note));
        let design: Vec<&Note> =
            notes.filter(|note| note.restart == restart && note.length.is_none()).collect();
        if self.region.centre_after(&self.group).is_none() {
            return true;
        }
        if design.iter().any(|note| note.feasibility.is_some_and(|p| p < LIKELY)) {
            return false;
        }
        if design.len() < self.initial || 2 * here().count() < self.initial {
            return true;
        }
        let mut informative = here()
            .map(|told| &told.row)
            .filter(|row| !row.constraints.is_empty() || row.value.is_some());
        let first = informative.next();
        first.is_some_and(|first| {
            first.value.is_none()
                && informative
                    .all(|row| row.value.is_none() && row.constraints == first.constraints)
        })
    }

    /// The next point of the region's design.
    fn design_point(&self, number: u64, open: &[Pending]) -> (Point, Note) {
        let note = self.note();
        if self.rules == Rules::Compat {
            return (random_point(&self.space, self.key.trial(number)), note);
        }
        let of_design = |other: &&Note| other.restart == note.restart && other.length.is_none();
        let notes = self.told.iter().map(|told| &told.note).chain(open.iter().map(|p| &p.note));
        let index = notes.filter(of_design).count();
        // A number that no trial has: the streams of single trials stay free for others.
        let key = self.key.trial(u64::MAX).epoch(note.restart);
        let sequence = Sobol::scrambled(self.space.dimensions(), &mut key.stream(Purpose::Sampler))
            .expect("the number of dimensions was checked");
        // The sequence repeats after 2³² points, more than any study has.
        let from_here = (0..TRIES).map(|k| self.space.from_unit(&sequence.point(index as u32 + k)));
        let taken = self.taken(open);
        if note.restart == 0 || !self.remembers() {
            return (self.first_new(from_here, &taken), note);
        }
        let mut candidates: Vec<Vec<f64>> = from_here.map(|p| self.scale.to_unit(&p)).collect();
        drop_repeated(&mut candidates);
        drop_near(&mut candidates, &taken);
        let surrogate = self.fit(self.rows(), &BTreeMap::new(), number);
        let feasibility = surrogate.feasibility(&candidates);
        let confidence = choice::confidence(scored(&self.told));
        let likely = feasibility.iter().position(|&p| p >= confidence);
        let likeliest = || {
            let ranked = feasibility.iter().enumerate();
            ranked.max_by(|a, b| a.1.total_cmp(b.1)).map(|(i, _)| i)
        };
        match likely.or_else(likeliest) {
            Some(i) => {
                let note = Note { feasibility: Some(feasibility[i]), ..note };
                (self.scale.from_unit(&candidates[i]), note)
            }
            None => (random_point(&self.space, self.key.trial(number)), note),
        }
    }

    /// Points that are known or pending.
    fn taken(&self, open: &[Pending]) -> Vec<Vec<f64>> {
        let told = self.told.iter().map(|told| told.row.point.clone());
        told.chain(open.iter().map(|pending| pending.point.clone())).collect()
    }

    /// The first point that is not taken; the last where all are, in a space of few points.
    fn first_new(&self, points: impl Iterator<Item = Point>, taken: &[Vec<f64>]) -> Point {
        let mut last = None;
        for point in points {
            let mut unit = vec![self.scale.to_unit(&point)];
            drop_near(&mut unit, taken);
            last = Some(point);
            if !unit.is_empty() {
                break;
            }
        }
        last.expect("there are TRIES points")
    }

    /// Whether a new region keeps what is known of silence: where silent networks took their time and gave no
    /// score. Else all starts afresh, as in the paper.
    fn remembers(&self) -> bool {
        self.rules == Rules::Repaired && self.told.iter().any(|told| told.row.unscored())
    }

    /// What the models learn from.
    fn rows(&self) -> Vec<Row> {
        let restart = self.region.restarts();
        let keep = self.rules == Rules::Compat || self.remembers();
        let row = |told: &Told| Row {
            earlier: self.rules == Rules::Repaired && told.note.restart != restart,
            ..told.row.clone()
        };
        self.told.iter().map(row).filter(|row| keep || !row.earlier).collect()
    }

    fn fit(&self, rows: Vec<Row>, warm: &BTreeMap<String, Hyper>, turn: u64) -> Surrogate {
        let (dimensions, categories) = (self.space.dimensions(), self.categories());
        let categories: Vec<usize> = categories.collect();
        Surrogate::fit(&rows, dimensions, &categories, self.objective, self.rules, warm, turn)
            .expect("every point is in the cube")
    }

    /// Points for these trials from the models.
    fn choose(&self, numbers: Range<u64>, open: &[Pending]) -> Vec<(Point, Note)> {
        let key = self.key.trial(numbers.start);
        let count = (numbers.end - numbers.start) as usize;
        let before = self.latest_fit(open);
        let start = Instant::now();
        let warm = before.map(|note| note.models.clone()).unwrap_or_default();
        let surrogate = self.fit(self.rows(), &warm, numbers.start / count as u64);
        let fitted = Instant::now();
        let centre = self.region.centre_after(&self.group).expect("some result told something");
        let weights = match (self.rules, surrogate.lengthscales()) {
            (Rules::Compat, Some(lengthscales)) => trust_region::weights(&lengthscales),
            _ => vec![1.0; self.space.dimensions()],
        };
        let mut bounds = Bounds::around(&centre, &weights, self.region.length());
        if self.rules == Rules::Repaired {
            self.open_categories(&mut bounds);
        }
        let mut taken = self.taken(open);
        let mut stream = key.stream(Purpose::Sampler);
        let candidates = self.near(&centre, &bounds, self.candidates, &taken, &mut stream);
        let proposed = Instant::now();
        let draws = surrogate.draw(count, key);
        let scores = draws.scores(&candidates);
        let drawn = Instant::now();
        let points = match self.rules {
            Rules::Compat => {
                let picks = choice::best_of_one(&scores[count - 1], count);
                picks.iter().map(|&i| candidates[i].clone()).collect()
            }
            Rules::Repaired => {
                let (sides, number) = match surrogate.stage() {
                    Stage::Near => NEAR_ROUNDS,
                    Stage::Far | Stage::Improving => ROUNDS,
                };
                let confidence = choice::confidence(scored(&self.told));
                let (mut picks, mut points) = (Vec::new(), Vec::new());
                for (k, scores) in scores.iter().enumerate() {
                    let confident = |candidates: &[Vec<f64>], scores: &[Score], picks: &[usize]| {
                        choice::best_confident(scores, picks, confidence, |some| {
                            let some = some.iter().map(|&i| candidates[i].clone());
                            surrogate.feasibility(&some.collect::<Vec<_>>())
                        })
                    };
                    let Some((pick, mut best)) = confident(&candidates, scores, &picks) else {
                        break;
                    };
                    picks.push(pick);
                    let mut point = candidates[pick].clone();
                    for &side in sides {
                        let finer = bounds.shrunk(&point, side);
                        let others = self.near(&point, &finer, number, &taken, &mut stream);
                        let scores = draws.scores_of(k, &others);
                        if let Some((i, rank)) = confident(&others, &scores, &[])
                            && rank > best
                        {
                            (point, best) = (others[i].clone(), rank);
                        }
                    }
                    taken.push(point.clone());
                    points.push(point);
                }
                points
            }
        };
        let note = self.note_of_fit(numbers.start, &surrogate, before);
        let mut made = Vec::new();
        for (point, feasibility) in points.iter().zip(surrogate.feasibility(&points)) {
            let note = Note { feasibility: Some(feasibility), ..note.clone() };
            made.push((self.scale.from_unit(point), note));
        }
        tracing::debug!(
            fit = (fitted - start).as_secs_f64(),
            candidates = (proposed - fitted).as_secs_f64(),
            draw = (drawn - proposed).as_secs_f64(),
            choose = drawn.elapsed().as_secs_f64(),
            "seconds of an ask"
        );
        // Where all candidates are known, in a space of few points.
        for number in numbers.skip(made.len()) {
            let key = self.key.trial(number);
            let random = (0..TRIES).map(|k| random_point(&self.space, key.epoch(u64::from(k))));
            let point = self.first_new(random, &taken);
            taken.push(self.scale.to_unit(&point));
            made.push((point, note.clone()));
        }
        made
    }

    /// The note of points that these models propose. Warns where most lengthscales have come to sit at a
    /// bound since the fit `before`.
    fn note_of_fit(&self, number: u64, surrogate: &Surrogate, before: Option<&Note>) -> Note {
        let mut note = Note {
            length: Some(self.region.length()),
            successes: self.region.successes(),
            failures: self.region.failures(),
            models: surrogate.hypers(),
            ..self.note()
        };
        if let Some(hyper) = note.models.get(OBJECTIVE) {
            let names = |indices: Vec<usize>| {
                indices.iter().map(|&j| self.space.variables[j].name.clone()).collect()
            };
            note.at_upper_bound = names(hyper.at_upper_bound(&surrogate::bounds(self.rules)));
            note.at_lower_bound = names(hyper.at_lower_bound(&surrogate::bounds(self.rules)));
        }
        if note.mostly_at_bounds() && !before.is_some_and(Note::mostly_at_bounds) {
            tracing::warn!(
                "trial {}: most lengthscales of the objective sit at a bound (upper: {}; lower: \
                 {}); the model may have too few or too noisy results, or the score may not depend \
                 on these variables",
                number,
                list(&note.at_upper_bound),
                list(&note.at_lower_bound)
            );
        }
        note
    }

    /// Categories have no distances: any of them may be near. In a small box they would stay for ever
    /// what they are.
    fn open_categories(&self, bounds: &mut Bounds) {
        for j in self.categories() {
            (bounds.lower[j], bounds.upper[j]) = (0.0, 1.0);
        }
    }

    fn categories(&self) -> impl Iterator<Item = usize> {
        let variables = self.space.variables.iter().enumerate();
        variables.filter_map(|(j, variable)| {
            matches!(variable.domain, Domain::Categorical { .. }).then_some(j)
        })
    }

    /// Candidates about a centre in a box, as they will be evaluated: integers and categories rounded.
    /// None is near to a point that is taken.
    fn near(
        &self,
        centre: &[f64],
        bounds: &Bounds,
        number: u32,
        taken: &[Vec<f64>],
        stream: &mut Stream,
    ) -> Vec<Vec<f64>> {
        let drawn = candidates(centre, bounds, number, self.rules, stream)
            .expect("the number of dimensions was checked");
        let rounded = drawn.iter().map(|u| self.scale.to_unit(&self.scale.from_unit(u)));
        let mut candidates: Vec<Vec<f64>> = rounded.collect();
        drop_repeated(&mut candidates);
        drop_near(&mut candidates, taken);
        candidates
    }

    /// The note of the latest proposal of this region that has hyperparameters.
    fn latest_fit<'a>(&'a self, open: &'a [Pending]) -> Option<&'a Note> {
        let told = self.told.iter().map(|told| (told.number, &told.note));
        let open = open.iter().map(|pending| (pending.number, &pending.note));
        let fitted = |(_, note): &(u64, &Note)| {
            note.restart == self.region.restarts() && !note.models.is_empty()
        };
        told.chain(open).filter(fitted).max_by_key(|(number, _)| *number).map(|(_, note)| note)
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_string() } else { names.join(", ") }
}

/// Whether the trials that models proposed after the first feasible one was known have a score; failures,
/// which may be of the machine, left out.
fn scored(told: &[Told]) -> impl Iterator<Item = bool> {
    let after = told.iter().skip_while(|told| !told.row.feasible()).skip(1);
    let of_models = after.filter(|told| told.note.feasibility.is_some() && !told.row.failed);
    of_models.map(|told| told.row.value.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_confidence_counts_proposals_of_models_after_the_first_feasible_one() {
        let told = |value: Option<f64>, of_model: bool, failed: bool| Told {
            number: 0,
            row: Row { value, constraints: vec![-0.1], failed, ..Row::default() },
            note: Note { feasibility: of_model.then_some(0.9), ..Note::default() },
        };
        let complete = |of_model| told(Some(0.5), of_model, false);
        let silent = |of_model| told(None, of_model, false);
        let failed = || told(None, true, true);
        let scored = |all: &[Told]| scored(all).collect::<Vec<_>>();
        assert!(scored(&[silent(true), failed()]).is_empty(), "none is feasible");
        assert!(scored(&[silent(true), complete(true)]).is_empty(), "none came after it");
        let all = [silent(true), complete(false), silent(false), complete(true), silent(true)];
        assert_eq!(scored(&all), [true, false], "those of a design are left out");
        assert_eq!(scored(&[complete(true), failed(), complete(true), failed()]), [true]);
    }
}
