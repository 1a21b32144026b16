//! Create, start, finish, read.

use crate::support::*;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use spikeseek::Error;
use spikeseek::search::space::{Domain, Point, Prior, Space, Value, Variable};
use spikeseek::study::journal::{Journal, read};
use spikeseek::study::record::{Finished, Outcome, StudyRecord, Trial};
use std::collections::BTreeMap;

fn any_prior() -> impl Strategy<Value = Prior> {
    prop_oneof![Just(Prior::Uniform), Just(Prior::Log), Just(Prior::ReversedLog)]
}

fn finite() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
}

/// A domain, and a value in it for each of some arbitrary numbers.
fn any_domain() -> impl Strategy<Value = Domain> {
    prop_oneof![
        (finite(), finite(), any_prior()).prop_map(|(a, b, prior)| Domain::Float {
            low: a.min(b),
            high: a.max(b),
            prior
        }),
        (any::<i64>(), any::<i64>(), any_prior()).prop_map(|(a, b, prior)| Domain::Int {
            low: a.min(b),
            high: a.max(b),
            prior
        }),
        prop::collection::vec(".{0,8}", 1..5).prop_map(|choices| Domain::Categorical { choices }),
    ]
}

/// Some value of the domain; every bit of `seed` may matter.
fn value_in(domain: &Domain, seed: u64) -> Value {
    match domain {
        Domain::Float { low, high, .. } => {
            let x = f64::from_bits(seed);
            Value::Float(if x.is_nan() { *low } else { x.clamp(*low, *high) })
        }
        Domain::Int { low, high, .. } => Value::Int((seed as i64).clamp(*low, *high)),
        Domain::Categorical { choices } => Value::Category(seed as usize % choices.len()),
    }
}

fn any_space() -> impl Strategy<Value = Space> {
    prop::collection::btree_map(".{1,12}", any_domain(), 0..5).prop_map(|variables| Space {
        variables: variables.into_iter().map(|(name, domain)| Variable { name, domain }).collect(),
    })
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        finite().prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

fn any_attributes() -> impl Strategy<Value = BTreeMap<String, Json>> {
    prop::collection::btree_map("[^o].{0,8}", any_json(), 0..4)
}

fn any_finished() -> impl Strategy<Value = Finished> {
    (
        0..4_usize,
        finite(),
        prop::collection::vec(finite(), 0..4),
        prop::collection::btree_map(any::<u64>(), finite(), 0..4),
        any_attributes(),
    )
        .prop_map(|(outcome, value, constraints, intermediate, attributes)| {
            let outcome =
                [Outcome::Complete, Outcome::Silent, Outcome::Timeout, Outcome::Failed][outcome];
            Finished {
                outcome,
                value: (outcome == Outcome::Complete).then_some(value),
                constraints,
                intermediate: intermediate.into_iter().collect(),
                attributes,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Trials end in any order, some never; the journal is closed and opened again on the way.
    #[test]
    fn what_is_written_is_read(
        name in ".{0,12}",
        space in any_space(),
        noted in any_attributes(),
        trials in prop::collection::vec(
            (prop::collection::vec(any::<u64>(), 5), prop::option::of(any_finished()), any::<u32>()),
            0..6,
        ),
    ) {
        let (_folder, path) = folder();
        let mut journal = Journal::create(&path, &name, &space, &noted).unwrap();
        let point = |seeds: &[u64]| -> Point {
            space.variables.iter().zip(seeds).map(|(v, &s)| value_in(&v.domain, s)).collect()
        };
        for (number, (seeds, ..)) in trials.iter().enumerate() {
            journal.start_trial(number as u64, &point(seeds), &Default::default(), time(number as u64)).unwrap();
        }
        drop(journal);
        let (mut journal, resumed) = Journal::open(&path).unwrap();
        prop_assert_eq!(resumed.trials.len(), trials.len());
        prop_assert!(resumed.trials.iter().all(|trial| trial.finished.is_none()));
        let mut order: Vec<usize> = (0..trials.len()).collect();
        order.sort_by_key(|&number| trials[number].2);
        for number in order {
            if let Some(finished) = &trials[number].1 {
                journal.finish_trial(number as u64, finished, time(99)).unwrap();
            }
        }
        let record = read(&path).unwrap();
        prop_assert_eq!(&record.name, &name);
        prop_assert_eq!(&record.space, &space);
        prop_assert_eq!(&record.attributes, &noted);
        for (number, (seeds, finished, _)) in trials.iter().enumerate() {
            let trial = &record.trials[number];
            prop_assert_eq!(trial.number, number as u64);
            prop_assert_eq!(&trial.point, &point(seeds));
            prop_assert_eq!(&trial.finished, finished);
            prop_assert_eq!(trial.ended.is_some(), finished.is_some());
        }
        drop(journal);
        prop_assert_eq!(Journal::open(&path).unwrap().1, record);
    }

    /// `==` takes −0 for 0 and hides nothing else; here the bits count, wherever numbers stand.
    #[test]
    fn numbers_keep_every_bit(x in finite()) {
        let (_folder, path) = folder();
        let domain = Domain::Float { low: f64::MIN, high: f64::MAX, prior: Prior::Uniform };
        let space = Space { variables: vec![Variable { name: "x".into(), domain }] };
        let mut journal = Journal::create(&path, "bits", &space, &BTreeMap::new()).unwrap();
        journal.start_trial(0, &vec![Value::Float(x)], &Default::default(), time(0)).unwrap();
        let finished = Finished {
            outcome: Outcome::Complete,
            value: Some(x),
            constraints: vec![x],
            intermediate: vec![(1, x)],
            attributes: BTreeMap::from([("x".to_string(), json!(x))]),
        };
        journal.finish_trial(0, &finished, time(1)).unwrap();
        let Trial { point, finished, .. } = read(&path).unwrap().trials.remove(0);
        let finished = finished.unwrap();
        let Value::Float(stored) = point[0] else { panic!("{point:?}") };
        let attribute = finished.attributes["x"].as_f64().unwrap();
        let (value, accuracy) = (finished.value.unwrap(), finished.intermediate[0].1);
        for number in [stored, value, finished.constraints[0], accuracy, attribute] {
            prop_assert_eq!(number.to_bits(), x.to_bits());
        }
    }
}

/// The times are those given, in UTC (1 772 325 296 s is 2026-03-01 00:34:56, from Python).
#[test]
fn a_trial_keeps_its_times() {
    let (_folder, path) = folder();
    journal_of(&path, 1);
    let trial = &read(&path).unwrap().trials[0];
    assert_eq!(trial.started, "2026-03-01T00:34:56.123456+00:00");
    assert_eq!(trial.ended.as_deref(), Some("2026-03-01T00:35:56.123456+00:00"));
}

fn finish_with(outcome: Outcome, value: Option<f64>, constraints: &[f64]) -> Finished {
    let (_folder, path) = folder();
    let mut journal = create(&path);
    start(&mut journal, 0);
    let finished = Finished {
        outcome,
        value,
        constraints: constraints.to_vec(),
        intermediate: vec![(1, f64::NAN), (2, 0.5), (3, f64::INFINITY)],
        attributes: BTreeMap::new(),
    };
    journal.finish_trial(0, &finished, time(1)).unwrap();
    read(&path).unwrap().trials.remove(0).finished.unwrap()
}

/// The rules at the head of the journal's source.
#[test]
fn numbers_that_json_has_not_are_replaced() {
    let constraints = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -0.5];
    let kept = finish_with(Outcome::Complete, Some(0.5), &constraints);
    assert_eq!(kept.outcome, Outcome::Complete);
    assert_eq!(kept.constraints, [f64::MAX, f64::MIN, f64::MAX, -0.5]);
    assert_eq!(kept.intermediate, [(2, 0.5)]);
    for value in [Some(f64::NAN), Some(f64::INFINITY), None] {
        let failed = finish_with(Outcome::Complete, value, &[]);
        assert_eq!((failed.outcome, failed.value), (Outcome::Failed, None));
        assert!(failed.attributes["reason"].is_string());
    }
    let silent = finish_with(Outcome::Silent, Some(0.9), &[1.0]);
    assert_eq!((silent.outcome, silent.value), (Outcome::Silent, None));
}

/// Best of a list: feasible, complete, the earliest of equals.
#[test]
fn the_best_trial_is_feasible() {
    let trial = |number, outcome, value, constraint| Trial {
        number,
        point: vec![],
        proposal: Default::default(),
        finished: Some(Finished {
            outcome,
            value,
            constraints: vec![constraint],
            intermediate: vec![],
            attributes: BTreeMap::new(),
        }),
        started: String::new(),
        ended: None,
    };
    let mut record = StudyRecord {
        name: "study".to_string(),
        attributes: BTreeMap::new(),
        space: Space::default(),
        trials: vec![
            trial(0, Outcome::Complete, Some(0.9), 0.1),
            trial(1, Outcome::Silent, None, -1.0),
            trial(2, Outcome::Complete, Some(0.5), 0.0),
            trial(3, Outcome::Complete, Some(0.5), -1.0),
        ],
    };
    assert_eq!(record.best().map(|trial| trial.number), Some(2));
    record.trials.truncate(2);
    assert_eq!(record.best(), None);
}

#[test]
fn wrong_calls_are_refused_and_write_nothing() {
    let (_folder, path) = folder();
    let mut journal = create(&path);
    start(&mut journal, 0);
    let before = std::fs::read(&path).unwrap();
    let usage = |result: spikeseek::Result<()>, word: &str| match result {
        Err(Error::Usage(message)) => assert!(message.contains(word), "{message}"),
        other => panic!("{word}: {other:?}"),
    };
    usage(journal.start_trial(0, &point(0), &Default::default(), time(0)), "the next one is 1");
    usage(journal.start_trial(2, &point(2), &Default::default(), time(0)), "the next one is 1");
    usage(
        journal.start_trial(1, &vec![], &Default::default(), time(0)),
        "0 values for 6 variables",
    );
    for (index, wrong) in [
        (0, Value::Float(f64::NAN)),
        (0, Value::Float(1.5)),
        (0, Value::Int(0)),
        (3, Value::Int(0)),
        (5, Value::Category(2)),
    ] {
        let mut point = point(1);
        point[index] = wrong;
        usage(
            journal.start_trial(1, &point, &Default::default(), time(0)),
            &space().variables[index].name,
        );
    }
    usage(journal.finish_trial(1, &finished(1), time(0)), "never began");
    usage(journal.finish_trial(u64::MAX, &finished(1), time(0)), "never began");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_result_is_not_replaced() {
    let (_folder, path) = folder();
    let mut journal = create(&path);
    start(&mut journal, 0);
    finish(&mut journal, 0);
    journal.finish_trial(0, &finished(1), time(1)).unwrap();
    assert_eq!(read(&path).unwrap().trials[0].finished, Some(finished(0)));
}

#[test]
fn an_existing_journal_is_not_overwritten() {
    let (folder, path) = folder();
    journal_of(&path, 1);
    let before = std::fs::read(&path).unwrap();
    let refused = Journal::create(&path, "again", &space(), &attributes()).err();
    let Some(Error::Usage(message)) = refused else { panic!("{refused:?}") };
    assert!(message.contains("--resume") && message.contains("--save"), "{message}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was left over");
}

/// What a kill left of an earlier attempt to create it is no obstacle.
#[test]
fn a_journal_that_was_never_finished_being_created_is_made_anew() {
    let (_folder, path) = folder();
    std::fs::write(path.with_extension("log.new"), "{\"op_code\":0,\"wor").unwrap();
    journal_of(&path, 2);
    assert_eq!(read(&path).unwrap().trials.len(), 2);
    assert!(!path.with_extension("log.new").exists());
}

#[test]
fn missing_files_and_folders_are_named() {
    let (folder, path) = folder();
    for error in [read(&path).err(), Journal::open(&path).err()] {
        let Some(Error::Io { path: named, .. }) = error else { panic!("{error:?}") };
        assert_eq!(named, path);
    }
    let path = folder.path().join("no folder").join("journal.log");
    let error = Journal::create(&path, "study", &space(), &attributes()).err();
    assert!(matches!(error, Some(Error::Io { .. })), "{error:?}");
}

/// What a sampler notes with a proposal is there from the start of the trial, so that a trial that
/// was cut off keeps it, and is not mixed with what the trial itself notes.
#[test]
fn proposals_are_kept_from_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.log");
    let mut journal = Journal::create(&path, "proposals", &space(), &BTreeMap::new()).unwrap();
    let proposal = BTreeMap::from([("scbo".to_string(), serde_json::json!({ "length": 0.1 }))]);
    for number in 0..2 {
        journal.start_trial(number, &point(number), &proposal, time(number)).unwrap();
    }
    let finished = Finished {
        outcome: Outcome::Complete,
        value: Some(0.5),
        constraints: vec![],
        intermediate: vec![],
        attributes: BTreeMap::from([("readout".to_string(), "all".into())]),
    };
    journal.finish_trial(0, &finished, time(9)).unwrap();
    let trials = read(&path).unwrap().trials;
    assert_eq!(trials[0].finished, Some(finished));
    assert_eq!((&trials[0].proposal, &trials[1].proposal), (&proposal, &proposal));
    assert_eq!(trials[1].finished, None);
}
