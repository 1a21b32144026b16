//! The optimiser on results of every kind: silent, failed, without numbers, flat, few points.

use spikeseek::random::{Key, Purpose, uniform};
use spikeseek::search::sampler::scbo::Note;
use spikeseek::search::sampler::{Proposal, Sampler, Setup, build};
use spikeseek::search::scbo::Rules;
use spikeseek::search::scbo::surrogate::{FAILURE, OBJECTIVE, Objective, Row, Stage, Surrogate};
use spikeseek::search::space::Space;
use spikeseek::study::record::{Finished, Outcome, Trial};
use spikeseek::study::toml_check::Document;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn points(number: usize, dimensions: usize) -> Vec<Vec<f64>> {
    let mut stream = Key::new(4).stream(Purpose::Synthetic);
    (0..number).map(|_| (0..dimensions).map(|_| uniform(&mut stream)).collect()).collect()
}

/// Silent where x₀ > ½; the value falls off from 1 at x₁ = 0.
fn rows(number: usize) -> Vec<Row> {
    let row = |point: Vec<f64>| {
        let constraint = point[0] - 0.5;
        let value = (constraint <= 0.0).then(|| 1.0 - point[1]);
        Row { point, value, constraints: vec![constraint], ..Row::default() }
    };
    points(number, 3).into_iter().map(row).collect()
}

/// The same where each trial has a score, so that its constraint was measured to the end.
fn scored(number: usize) -> Vec<Row> {
    let mut rows = rows(number);
    rows.iter_mut().for_each(|row| row.value = Some(1.0 - row.point[1]));
    rows
}

fn fit(rows: &[Row]) -> Surrogate {
    Surrogate::fit(rows, 3, &[], Objective::Standardise, Rules::Repaired, &BTreeMap::new(), 0)
        .unwrap()
}

fn feasibility(surrogate: &Surrogate, x0: f64) -> f64 {
    surrogate.feasibility(&[vec![x0, 0.5, 0.5]])[0]
}

#[test]
fn silent_rows_teach_the_constraint() {
    let all = fit(&rows(40));
    assert!(feasibility(&all, 0.1) > 0.99 && feasibility(&all, 0.9) < 0.01);
    let names: Vec<String> = all.hypers().into_keys().collect();
    assert_eq!(names, ["constraint 0", OBJECTIVE]);
    // Without those that have no value the constraint is unknown where it is violated.
    let complete: Vec<Row> = rows(40).into_iter().filter(|row| row.value.is_some()).collect();
    assert!(feasibility(&fit(&complete), 0.9) > 0.01);
}

#[test]
fn failures_are_a_constraint_of_their_own() {
    let mut rows = rows(40);
    for row in &mut rows {
        row.constraints = vec![-0.2];
        row.failed = row.point[2] > 0.6;
        row.value = row.value.filter(|_| !row.failed);
    }
    let surrogate = fit(&rows);
    assert!(surrogate.hypers().contains_key(FAILURE));
    let at = |x2| surrogate.feasibility(&[vec![0.5, 0.5, x2]])[0];
    assert!(at(0.1) > 0.9 && at(0.95) < 0.1, "{} {}", at(0.1), at(0.95));
}

#[test]
fn numbers_that_are_none_teach_nothing() {
    let clean = rows(30);
    let mut spoilt = clean.clone();
    for (k, bad) in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].into_iter().enumerate() {
        let point = vec![0.2, 0.1 * k as f64, 0.7];
        spoilt.push(Row { point, value: Some(bad), constraints: vec![bad], ..Row::default() });
    }
    assert_eq!(fit(&spoilt).hypers(), fit(&clean).hypers());
    // Nothing but such rows: no models, anything goes.
    let nothing = fit(&spoilt[30..]);
    assert!(nothing.hypers().is_empty() && feasibility(&nothing, 0.9) == 1.0);
}

#[test]
fn a_constraint_that_never_differs_is_expected_everywhere() {
    for (value, expected) in [(-0.3, 1.0), (0.3, 0.0)] {
        let mut rows = rows(20);
        rows.iter_mut().for_each(|row| row.constraints = vec![value]);
        let surrogate = fit(&rows);
        assert!(!surrogate.hypers().contains_key("constraint 0"));
        assert_eq!(feasibility(&surrogate, 0.4), expected);
        let scores = surrogate.draw(1, Key::new(1)).scores(&points(5, 3));
        assert!(scores[0].iter().all(|score| score.feasible() == (expected == 1.0)));
    }
}

#[test]
fn the_unit_of_a_constraint_does_not_matter() {
    let one = fit(&rows(40));
    let mut scaled = rows(40);
    scaled.iter_mut().flat_map(|row| &mut row.constraints).for_each(|c| *c *= 1024.0);
    assert_eq!(fit(&scaled).hypers(), one.hypers());
}

#[test]
fn a_foreign_earlier_fit_is_ignored() {
    let rows = rows(30);
    let mut bad = fit(&rows).hypers();
    bad.get_mut(OBJECTIVE).unwrap().lengthscales.pop();
    bad.get_mut("constraint 0").unwrap().noise = f64::NAN;
    let found =
        Surrogate::fit(&rows, 3, &[], Objective::Standardise, Rules::Repaired, &bad, 0).unwrap();
    assert_eq!(found.hypers(), fit(&rows).hypers());
}

#[test]
fn compat_constraints_have_the_kernel_of_the_objective() {
    let rules = Rules::Compat;
    let found =
        Surrogate::fit(&rows(30), 3, &[], Objective::Standardise, rules, &BTreeMap::new(), 0)
            .unwrap();
    let hypers = found.hypers();
    assert_eq!(hypers["constraint 0"].lengthscales, hypers[OBJECTIVE].lengthscales);
    assert_ne!(
        fit(&rows(30)).hypers()["constraint 0"].lengthscales,
        hypers[OBJECTIVE].lengthscales
    );
}

#[test]
fn constraints_may_learn_that_a_category_does_not_matter() {
    let rows = scored(30);
    let longest = |categories: &[usize]| {
        let (objective, none) = (Objective::Standardise, BTreeMap::new());
        let found =
            Surrogate::fit(&rows, 3, categories, objective, Rules::Repaired, &none, 0).unwrap();
        found.hypers()["constraint 0"].lengthscales.clone()
    };
    assert!(longest(&[]).iter().all(|l| *l <= 1.0 + 1e-9), "{:?}", longest(&[]));
    let some = (0..3).find(|&k| longest(&[k])[k] > 1.5).expect("a variable that matters little");
    let others = longest(&[some]).into_iter().enumerate().filter(|(k, _)| *k != some);
    assert!(others.into_iter().all(|(_, l)| l <= 1.0 + 1e-9));
}

#[test]
fn projected_constraints_are_noisy_the_more_the_fewer_are_feasible() {
    let noise = |rows: &[Row]| fit(rows).hypers()["constraint 0"].noise;
    assert!(noise(&scored(60)) < 1e-3, "an exact function, measured: {}", noise(&scored(60)));
    for number in [12, 30, 60] {
        let rows = rows(number);
        let feasible = rows.iter().filter(|row| row.feasible()).count() as f64;
        let least = (10.0 / feasible.powi(2)).min(0.1);
        let noise = noise(&rows);
        assert!((least * 0.999..=0.2001).contains(&noise), "{number}: {noise}, not from {least}");
    }
    // Failures alone have no constraint and leave the others as they are.
    let mut failed = scored(60);
    failed.push(Row { point: vec![0.5; 3], failed: true, ..Row::default() });
    assert_eq!(fit(&failed).hypers()["constraint 0"], fit(&scored(60)).hypers()["constraint 0"]);
}

#[test]
fn what_silent_trials_show_teaches_the_objective() {
    let mut rows = rows(30);
    rows.iter_mut().for_each(|row| row.value = None);
    assert!(fit(&rows).lengthscales().is_none());
    // A value at each point, and at another.
    for row in &mut rows {
        let other = vec![1.0 - row.point[0], row.point[1], row.point[2]];
        row.estimates = [row.point.clone(), other].map(|p| (p.clone(), 1.0 - p[1])).to_vec();
    }
    let taught = fit(&rows);
    assert_eq!(taught.stage(), Stage::Far, "no point is feasible by that");
    let lengthscales = taught.lengthscales().unwrap();
    assert!(lengthscales[1] < lengthscales[0].min(lengthscales[2]), "{lengthscales:?}");
}

#[test]
fn an_earlier_region_teaches_the_constraints_alone() {
    let mut rows = rows(40);
    rows.iter_mut().for_each(|row| row.estimates = vec![(row.point.clone(), 0.5)]);
    let here = fit(&rows);
    rows.iter_mut().for_each(|row| row.earlier = true);
    let after = fit(&rows);
    assert_eq!(after.hypers().keys().collect::<Vec<_>>(), ["constraint 0"]);
    assert_eq!((here.stage(), after.stage()), (Stage::Improving, Stage::Far), "none is known here");
    assert!(feasibility(&after, 0.1) > 0.99 && feasibility(&after, 0.9) < 0.01);
}

#[test]
fn what_a_trial_shows_of_shorter_trainings_teaches_the_constraints() {
    // x₂ is the number of epochs. Each trial names the largest, is silent there, and is not with the smallest.
    let mut rows = rows(40);
    for row in &mut rows {
        let with = |x2: f64| vec![row.point[0], row.point[1], x2];
        row.trainings = vec![(with(0.1), vec![-0.2])];
        (row.point, row.value, row.constraints) = (with(0.9), None, vec![0.2]);
    }
    let taught = fit(&rows);
    let feasibility = taught.feasibility(&[vec![0.5, 0.5, 0.1], vec![0.5, 0.5, 0.9]]);
    assert!(feasibility[0] > 0.9 && feasibility[1] < 0.1, "{feasibility:?}");
}

#[test]
fn without_a_feasible_point_near_and_far_are_sought_in_turn() {
    // A trend along x₀, everywhere violated.
    let silent: Vec<Row> = points(30, 3)
        .into_iter()
        .map(|point| {
            let constraints = vec![0.5 + point[0]];
            Row { point, constraints, ..Row::default() }
        })
        .collect();
    let fitted = |rows: &[Row], rules, turn| {
        let none = BTreeMap::new();
        Surrogate::fit(rows, 3, &[], Objective::Standardise, rules, &none, turn).unwrap()
    };
    let stages = |rows: &[Row], rules| [0, 1, 2, 3].map(|turn| fitted(rows, rules, turn).stage());
    let sought = [Stage::Far, Stage::Near, Stage::Far, Stage::Near];
    assert_eq!(stages(&silent, Rules::Repaired), sought);
    assert_eq!(stages(&silent, Rules::Compat), [Stage::Improving; 4]);
    assert_eq!(stages(&rows(30), Rules::Repaired), [Stage::Improving; 4]);

    let (far, near) = (fitted(&silent, Rules::Repaired, 0), fitted(&silent, Rules::Repaired, 1));
    let longest = |surrogate: &Surrogate| {
        surrogate.hypers()["constraint 0"].lengthscales.iter().copied().fold(0.0, f64::max)
    };
    assert!(longest(&near) <= 4.0 + 1e-9 && longest(&far) > 4.5, "{}", longest(&far));
}

#[test]
fn the_copula_sees_the_order_alone() {
    let warm = BTreeMap::new();
    let of = |rows: &[Row]| {
        Surrogate::fit(rows, 3, &[], Objective::Copula, Rules::Repaired, &warm, 0).unwrap().hypers()
    };
    let mut bent = rows(30);
    bent.iter_mut().flat_map(|row| &mut row.value).for_each(|v| *v = v.powi(3) + 7.0);
    assert_eq!(of(&bent), of(&rows(30)));
}

#[test]
fn a_draw_is_the_same_function_alone_and_among_others() {
    let surrogate = fit(&rows(40));
    let candidates = points(50, 3);
    let draws = surrogate.draw(5, Key::new(2));
    for (k, scores) in draws.scores(&candidates).iter().enumerate() {
        for (a, b) in scores.iter().zip(draws.scores_of(k, &candidates)) {
            assert!((a.value() - b.value()).abs() < 1e-9 && a.feasible() == b.feasible());
        }
    }
}

/// A search whose proposals are evaluated at once, `batch` at a time.
struct Search {
    space: Space,
    sampler: Box<dyn Sampler>,
    trials: Vec<Trial>,
}

const UNIT: &str = "[space]\na = { float = [0.0, 1.0] }\nb = { float = [0.0, 1.0] }\n";

impl Search {
    fn new(space: &str, settings: &str) -> Self {
        let text = format!("{space}\n[sampler]\nname = \"scbo\"\n{settings}\n");
        let document = Document::parse(Path::new("study.toml"), &text).unwrap();
        let space = Space::from_document(&document).unwrap();
        let sampler = build(&Setup { space: &space, seed: 8, document: &document }).unwrap();
        Search { space, sampler, trials: Vec::new() }
    }

    /// Asks for so many and tells what became of them.
    fn go(&mut self, batch: u64, finish: impl Fn(&[f64]) -> (Outcome, Option<f64>, Vec<f64>)) {
        let first = self.trials.len() as u64;
        let proposals = self.sampler.ask(first..first + batch, &[]);
        assert_eq!(proposals.len() as u64, batch);
        for (Proposal { point, attributes }, number) in proposals.into_iter().zip(first..) {
            assert!(self.space.contains(&point), "{point:?}");
            let (outcome, value, constraints) = finish(&self.space.to_unit(&point));
            let finished = Finished {
                outcome,
                value,
                constraints,
                intermediate: vec![],
                attributes: BTreeMap::new(),
            };
            let trial = Trial {
                number,
                point,
                proposal: attributes,
                finished: Some(finished),
                started: String::new(),
                ended: None,
            };
            self.sampler.tell(&trial);
            self.trials.push(trial);
        }
    }

    fn notes(&self) -> Vec<Note> {
        self.trials.iter().map(|trial| Note::of(trial).unwrap()).collect()
    }
}

#[test]
fn every_point_of_a_small_space_is_tried_before_any_comes_again() {
    let mut search = Search::new(
        "[space]\nn = { int = [1, 4] }\nk = { categorical = [\"x\", \"y\", \"z\"] }",
        "initial = 4",
    );
    for _ in 0..10 {
        search.go(2, |u| (Outcome::Complete, Some(u[0] - u[1]), vec![]));
    }
    let names: Vec<String> =
        search.trials.iter().map(|trial| format!("{:?}", trial.point)).collect();
    assert_eq!(names[..12].iter().collect::<BTreeSet<_>>().len(), 12, "{names:?}");
}

#[test]
fn a_region_without_success_shrinks_and_a_new_one_starts_afresh() {
    let mut search = Search::new(UNIT, "initial = 10\nbatch = 1\ncandidates = 200");
    // The best is met in the design; nothing beats it.
    let first_best = |u: &[f64]| (Outcome::Complete, Some(-(u[0] - 0.5).powi(2)), vec![]);
    search.go(10, |_| (Outcome::Complete, Some(1.0), vec![]));
    for _ in 0..60 {
        search.go(1, first_best);
    }
    let notes = search.notes();
    let lengths: Vec<f64> =
        notes.iter().filter(|note| note.restart == 0).filter_map(|note| note.length).collect();
    assert_eq!(lengths[0], 1.6);
    assert!(lengths.windows(2).all(|pair| pair[1] <= pair[0]), "{lengths:?}");
    let restart = notes.iter().position(|note| note.restart == 1).expect("a restart");
    let after = &notes[restart..];
    assert!(after[..10].iter().all(|note| note.length.is_none()), "a design of its own");
    // Any value is a success in the new region, though the old one had a better one.
    let modelled = after.iter().find(|note| note.length.is_some()).expect("it goes on");
    assert_eq!((modelled.length, modelled.restart), (Some(1.6), 1));
    let points: BTreeSet<String> =
        search.trials.iter().map(|trial| format!("{:?}", trial.point)).collect();
    assert_eq!(points.len(), search.trials.len(), "the second design is another");
}

#[test]
fn a_new_region_remembers_what_is_silent_and_no_other_constraint() {
    // Violated where a > 0.4; the best is met in the first design.
    let designs = |scored: bool| {
        let mut search = Search::new(UNIT, "initial = 10\nbatch = 1\ncandidates = 200");
        for trial in 0..70 {
            search.go(1, |u| {
                let value = if trial < 10 { 1.0 } else { -(u[0] - 0.2).powi(2) };
                let constraints = vec![u[0] - 0.4];
                match scored || u[0] <= 0.4 {
                    true => (Outcome::Complete, Some(value), constraints),
                    false => (Outcome::Silent, None, constraints),
                }
            });
        }
        let second = |note: &Note| note.restart == 1 && note.length.is_none();
        let designs = search.trials.iter().map(|trial| (Note::of(trial).unwrap(), trial));
        let designs = designs.filter(|(note, _)| second(note));
        designs
            .map(|(note, trial)| (note.feasibility, search.space.to_unit(&trial.point)[0] > 0.4))
            .collect::<Vec<_>>()
    };
    let remembered = designs(false);
    assert_eq!(remembered.len(), 10);
    for (feasibility, silent) in remembered {
        assert!(feasibility.is_some_and(|p| p >= 0.8) && !silent, "{feasibility:?} {silent}");
    }
    let afresh = designs(true);
    assert_eq!(afresh.len(), 10);
    assert!(afresh.iter().all(|(feasibility, _)| feasibility.is_none()));
    assert!(afresh.iter().any(|(_, violated)| *violated), "{afresh:?}");
}

/// Feasible where all coordinates are near 0.5: no point of a design is likely to be.
#[test]
fn a_new_region_whose_design_is_likely_silent_begins_with_its_models() {
    let space: String = (0..10).map(|k| format!("x{k} = {{ float = [0.0, 1.0] }}\n")).collect();
    let space = format!("[space]\n{space}");
    let mut search = Search::new(&space, "initial = 10\nbatch = 1\ncandidates = 200");
    let farthest = |u: &[f64]| u.iter().map(|u| (u - 0.5).abs()).fold(0.0, f64::max);
    let restarted = |search: &Search| search.notes().iter().any(|note| note.restart == 1);
    for trial in 0.. {
        assert!(trial < 400, "no restart");
        // All feasible points are as good as the first.
        search.go(1, |u| match farthest(u) - 0.2 {
            c if c <= 0.0 => (Outcome::Complete, Some(1.0), vec![c]),
            c => (Outcome::Silent, None, vec![c]),
        });
        if restarted(&search) {
            break;
        }
    }
    search.go(3, |u| (Outcome::Silent, None, vec![farthest(u) - 0.2]));
    let notes = search.notes();
    let second: Vec<&Note> = notes.iter().filter(|note| note.restart == 1).collect();
    assert!(second[0].length.is_none() && second[0].feasibility.is_some_and(|p| p < 0.5));
    let modelled = second.iter().position(|note| note.length.is_some());
    assert_eq!(modelled, Some(1), "{:?}", second[0].feasibility);
}

#[test]
fn a_small_box_still_has_every_category() {
    let mut search = Search::new(
        "[space]\na = { float = [0.0, 1.0] }\nk = { categorical = [\"x\", \"y\", \"z\"] }",
        "initial = 10\nbatch = 1\ncandidates = 200",
    );
    // Nothing beats the design; whatever the category, it does not matter.
    search.go(10, |_| (Outcome::Complete, Some(1.0), vec![]));
    for _ in 0..30 {
        search.go(1, |u| (Outcome::Complete, Some(-(u[0] - 0.5).powi(2)), vec![]));
    }
    let small = |note: &Note| note.restart == 0 && note.length.is_some_and(|l| l < 0.3);
    let small: BTreeSet<String> = search
        .trials
        .iter()
        .filter(|trial| small(&Note::of(trial).unwrap()))
        .map(|trial| format!("{:?}", trial.point[1]))
        .collect();
    assert_eq!(small.len(), 3, "{small:?}");
}

#[test]
fn while_all_is_silent_and_flat_the_design_goes_on() {
    let mut search = Search::new(UNIT, "initial = 10");
    for _ in 0..8 {
        search.go(4, |_| (Outcome::Silent, None, vec![0.9]));
    }
    assert!(search.notes().iter().all(|note| note.length.is_none()));
    // The first difference gives the models a direction.
    search.go(1, |_| (Outcome::Silent, None, vec![0.4]));
    search.go(1, |_| (Outcome::Silent, None, vec![0.4]));
    assert!(search.notes().last().unwrap().length.is_some());
}

#[test]
fn bad_results_of_every_kind_are_survived() {
    type Result = (Outcome, Option<f64>, Vec<f64>);
    let kinds: [Result; 9] = [
        // In units of the others' size, which is below 1, the largest double has no double.
        (Outcome::Complete, Some(0.4), vec![f64::MAX]),
        (Outcome::Failed, None, vec![]),
        (Outcome::Timeout, None, vec![0.1]),
        (Outcome::Complete, Some(f64::NAN), vec![-1.0]),
        (Outcome::Complete, Some(f64::INFINITY), vec![f64::NAN]),
        (Outcome::Complete, Some(1.0), vec![f64::NEG_INFINITY]),
        (Outcome::Silent, None, vec![f64::INFINITY]),
        (Outcome::Complete, Some(1e300), vec![-1e300]),
        (Outcome::Complete, Some(0.5), vec![]),
    ];
    let search = |result: &dyn Fn(usize, &[f64]) -> Result| {
        let mut search = Search::new(UNIT, "initial = 4\nbatch = 2\ncandidates = 100");
        (0..12).for_each(|round| search.go(2, |x| result(round, x)));
        assert_eq!(search.trials.len(), 24);
    };
    for kind in &kinds {
        search(&|_, _| kind.clone());
        // In turn with a sound one.
        let sound = |x: &[f64]| (Outcome::Complete, Some(x[0]), vec![-0.3 * x[0]]);
        search(&|round, x| if round % 2 == 0 { kind.clone() } else { sound(x) });
    }
    search(&|round, _| kinds[round % kinds.len()].clone());
}

#[test]
fn points_of_a_batch_are_apart() {
    let mut search = Search::new(UNIT, "initial = 10");
    let bowl =
        |u: &[f64]| (Outcome::Complete, Some(-(u[0] - 0.3).powi(2) - (u[1] - 0.6).powi(2)), vec![]);
    for _ in 0..4 {
        search.go(16, bowl);
    }
    let units: Vec<Vec<f64>> =
        search.trials.iter().map(|trial| search.space.to_unit(&trial.point)).collect();
    for (i, a) in units.iter().enumerate() {
        for (j, b) in units[..i].iter().enumerate() {
            let near = a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(!near, "{j} and {i}: {a:?}");
        }
    }
}
