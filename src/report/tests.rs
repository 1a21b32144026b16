use super::example::{parts, space, study};
use super::facts::Kind;
use super::{Page, html, table};
use crate::search::space::{Space, Value};
use crate::study::record::{Finished, Outcome, StudyRecord, Trial};
use proptest::prelude::*;
use serde_json::json;

fn page(study: &StudyRecord) -> Page<'_> {
    Page { study, best: None, sample: None, settings: &[], warnings: &[], units: &[] }
}

/// Parses the page as XML: every tag closed, every attribute quoted, every character allowed.
fn parse(html: &str) -> roxmltree::Document<'_> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(html, options).unwrap();
    for node in document.descendants() {
        for attribute in node.attributes() {
            let value = attribute.value();
            if ["d", "style", "x", "y", "viewBox", "cx", "cy"].contains(&attribute.name()) {
                assert!(!value.contains("NaN") && !value.contains("inf"), "{node:?}: {value}");
            }
            assert!(!["href", "srcset", "action"].contains(&attribute.name()), "{node:?}");
            if attribute.name() == "src" {
                assert!(value.starts_with("data:image/png;base64,"), "{value}");
            }
        }
        assert!(!["script", "link", "iframe"].contains(&node.tag_name().name()));
        if node.has_tag_name("svg") {
            assert!(node.attribute("aria-label").is_some_and(|label| !label.is_empty()));
            assert!(node.first_element_child().is_some_and(|child| child.has_tag_name("title")));
        }
        if node.has_tag_name("img") {
            assert!(node.attribute("alt").is_some_and(|alt| !alt.is_empty()));
        }
    }
    document
}

fn headings(html: &str) -> Vec<String> {
    let document = parse(html);
    let titles = document.descendants().filter(|n| n.has_tag_name("h2"));
    titles.map(|n| n.text().unwrap_or_default().to_string()).collect()
}

fn trial(number: u64, outcome: Outcome, value: Option<f64>) -> Trial {
    let middle = |variable: &crate::search::space::Variable| match &variable.domain {
        crate::search::space::Domain::Float { low, .. } => Value::Float(*low),
        crate::search::space::Domain::Int { low, .. } => Value::Int(*low),
        crate::search::space::Domain::Categorical { .. } => Value::Category(1),
    };
    Trial {
        number,
        point: space().variables.iter().map(middle).collect(),
        proposal: Default::default(),
        finished: Some(Finished {
            outcome,
            value,
            constraints: vec![],
            intermediate: vec![],
            attributes: Default::default(),
        }),
        started: "2026-03-01T10:00:00".into(),
        ended: Some("2026-03-01T10:00:30".into()),
    }
}

fn of(trials: Vec<Trial>) -> StudyRecord {
    StudyRecord { name: "small".into(), attributes: Default::default(), space: space(), trials }
}

#[test]
fn a_full_page_has_every_section_and_repeats_byte_by_byte() {
    let study = study(300);
    let parts = parts(28, 100);
    let best = study.best().unwrap().number;
    let settings = [("seed".to_string(), "1 <b>".to_string())];
    let warnings = ["hold-out part is small & old".to_string()];
    let units = [("e_thresh".to_string(), "mV".to_string())];
    let page = Page {
        study: &study,
        best: Some(parts.network(best)),
        sample: Some(parts.sample()),
        settings: &settings,
        warnings: &warnings,
        units: &units,
    };
    let text = html(&page);
    assert_eq!(text, html(&page));
    assert_eq!(
        headings(&text),
        [
            "Progress",
            "Best trials",
            "Accuracy against each hyperparameter",
            &format!("Network of trial {best}"),
            "One sample",
            "Failures",
            "Settings"
        ]
    );
    let document = parse(&text);
    // Progress and raster in two widths, eleven variables, classes.
    assert_eq!(document.descendants().filter(|n| n.has_tag_name("svg")).count(), 2 + 11 + 1 + 2);
    let said: String = document.descendants().filter_map(|n| n.text()).collect();
    for words in ["experiment 1 <digits & friends>", "1 <b>", "small & old", "e_thresh (mV)"] {
        assert!(said.contains(words), "{words}");
    }
    let rows = document.descendants().filter(|n| n.has_tag_name("tr")).count();
    assert!(rows > 12, "{rows}");
    // Best trial and value of the headline against the record's own search for them.
    let value = 100.0 * study.best().unwrap().feasible_value().unwrap();
    assert!(said.contains(&format!("{value:.2} %")) && said.contains(&format!("trial {best}")));
}

/// A journal that others wrote to may hold anything.
#[test]
fn lengths_that_no_box_has_are_left_out() {
    let lengths = [1.7e308, 0.8, f64::MIN_POSITIVE, -1.0, 0.4];
    let trials = lengths.iter().enumerate().map(|(number, length)| {
        let mut trial = trial(number as u64, Outcome::Complete, Some(0.5));
        let note = serde_json::json!({ "restart": 0, "length": length });
        trial.proposal.insert("scbo".into(), note);
        trial
    });
    let text = html(&page(&of(trials.collect())));
    parse(&text);
    assert!(text.len() < 200_000, "{} bytes", text.len());
}

#[test]
fn five_thousand_trials_stay_below_three_megabytes() {
    let study = study(5_000);
    let text = html(&page(&study));
    parse(&text);
    assert!(text.len() < 3_000_000, "{}", text.len());
}

#[test]
fn an_empty_study_says_so() {
    let study = StudyRecord {
        name: String::new(),
        attributes: Default::default(),
        space: Space::default(),
        trials: vec![],
    };
    let text = html(&page(&study));
    assert_eq!(headings(&text), ["Progress", "Best trials"]);
    assert!(text.contains("No trial has started yet.") && text.contains("Unnamed study"));
    assert_eq!(table(&study), "0 trials\n");
    headings(&html(&page(&of(vec![]))));
}

#[test]
fn a_study_of_silent_trials_has_no_best() {
    let study = of((0..30).map(|k| trial(k, Outcome::Silent, None)).collect());
    let text = html(&page(&study));
    parse(&text);
    assert!(text.contains("no feasible trial completed yet") && text.contains("100 %"));
    assert_eq!(
        table(&study),
        "30 trials: 30 silent\nNo trial completed with every constraint satisfied.\n"
    );
}

#[test]
fn one_trial_is_drawn() {
    let study = of(vec![trial(0, Outcome::Complete, Some(0.5))]);
    let text = html(&page(&study));
    parse(&text);
    assert!(text.contains("50.00 %") && text.contains("30 s"));
    // Title of the one record on the curve, in both widths.
    assert_eq!(text.matches("<title>trial 0: 50.00 %</title>").count(), 2);
}

#[test]
fn numbers_that_are_none_count_as_failures() {
    let mut trials: Vec<Trial> = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.5, 1e300]
        .into_iter()
        .enumerate()
        .map(|(k, v)| trial(k as u64, Outcome::Complete, Some(v)))
        .collect();
    trials.push(trial(5, Outcome::Complete, None));
    trials[3].point = vec![Value::Float(f64::NAN), Value::Category(99)];
    trials[4].finished.as_mut().unwrap().constraints = vec![f64::NAN];
    trials.push(Trial { number: u64::MAX, ..trial(0, Outcome::Complete, Some(0.4)) });
    let kinds: Vec<Kind> = trials.iter().map(Kind::of).collect();
    use Kind::{Failed, Feasible, Infeasible};
    assert_eq!(kinds, [Failed, Failed, Failed, Feasible, Infeasible, Failed, Feasible]);
    let study = of(trials);
    let text = html(&page(&study));
    parse(&text);
    assert!(text.contains("completed without a finite accuracy"));
    assert!(table(&study).contains("50.00"));
}

#[test]
fn attributes_of_another_type_count_as_missing() {
    let mut odd = trial(0, Outcome::Complete, Some(0.5));
    let attributes = &mut odd.finished.as_mut().unwrap().attributes;
    for key in ["readout", "train_seconds", "silent_share", "decided_after", "reason"] {
        attributes.insert(key.into(), json!({"a": [null, "b"]}));
    }
    attributes.insert("readout_accuracy".into(), json!({"<i>": "x", "log": 0.25, "mine": null}));
    let study = of(vec![odd]);
    let text = html(&page(&study));
    parse(&text);
    assert!(!text.contains("<i>") && text.contains("25.00"));
}

#[test]
fn parts_that_do_not_fit_are_left_out_with_a_word() {
    let study = study(20);
    let mut parts = parts(4, 10);
    parts.weights.pop();
    parts.image.pop();
    parts.theta = vec![f32::NAN; 3];
    parts.assignments = vec![7, -5, i32::MAX];
    let page = Page { best: Some(parts.network(3)), sample: Some(parts.sample()), ..page(&study) };
    let text = html(&page);
    parse(&text);
    assert_eq!(text.matches("No picture: ").count(), 2);
    assert!(!text.contains("<img"));
}

#[test]
fn the_closing_table_is_aligned_and_fits() {
    let study = study(60);
    let text = table(&study);
    let lines: Vec<&str> = text.lines().collect();
    let heads: Vec<&str> = lines[0].split_whitespace().take(10).collect();
    assert_eq!(heads.join(" "), "trial accuracy % all vote 2gram log svm silent %", "{text}");
    assert!(lines.iter().all(|line| line.chars().count() <= 100), "{text}");
    let ends: Vec<usize> = lines[..12].iter().map(|line| line.chars().count()).collect();
    assert!(ends.iter().all(|end| *end == ends[0]), "{text}");
    assert!(
        lines[12].starts_with('(') && lines[12].contains("more columns on the report page"),
        "{text}"
    );
    assert!(lines[13].starts_with("60 trials: "), "{text}");
    // Accuracies of the ten rows descend.
    let accuracies: Vec<f64> = lines[2..12]
        .iter()
        .map(|l| l.split_whitespace().nth(1).unwrap().parse().unwrap())
        .collect();
    assert!(accuracies.windows(2).all(|p| p[0] >= p[1]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_study_gives_a_well_formed_page(
        name in any::<String>(),
        reason in any::<String>(),
        values in prop::collection::vec((any::<f64>(), any::<f64>(), 0_u8..5, any::<u64>()), 0..20),
    ) {
        let trials = values.iter().map(|&(value, at, outcome, number)| {
            let outcomes = [Outcome::Complete, Outcome::Silent, Outcome::Timeout, Outcome::Failed];
            let outcome = outcomes.get(usize::from(outcome)).copied();
            let mut trial = trial(number, outcome.unwrap_or(Outcome::Failed), Some(value));
            trial.point = vec![Value::Float(at), Value::Int(at as i64), Value::Category(number as usize)];
            trial.started = reason.clone();
            match (&mut trial.finished, outcome) {
                (Some(finished), Some(_)) => {
                    finished.constraints = vec![at];
                    finished.attributes.insert("reason".into(), json!(reason));
                }
                (finished, _) => *finished = None,
            }
            trial
        });
        let study = StudyRecord { name: name.clone(), attributes: Default::default(), space: space(), trials: trials.collect() };
        let warnings = [reason.clone()];
        let settings = [(name.clone(), reason.clone())];
        let page = Page { warnings: &warnings, settings: &settings, ..page(&study) };
        parse(&html(&page));
        let text = table(&study);
        prop_assert!(text.lines().all(|line| line.chars().count() <= 100));
        prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
    }
}
