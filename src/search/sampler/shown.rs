//! What a trial shows besides its own value and constraints.
//!
//! The readouts of a network are all scored while it trains, and training does not depend on which of them
//! the trial names. So where the readout is a variable of the search (`decoder`), a trial also tells what the same
//! network scores with the others; and one that was stopped as silent tells what its readouts predicted until then.
//!
//! A training of several epochs begins with shorter ones. So where their number is a variable (`epochs`), a
//! network that fell silent tells the constraints of each epoch until then: silent in the second, it is feasible with
//! one.

use crate::search::space::{Domain, Point, Space, Value};
use crate::study::record::{
    ACCURACY_SO_FAR, EPOCH_CONSTRAINTS, Finished, Outcome, READOUT, READOUT_ACCURACY, Trial,
};

/// The variable that says which readout scores a network; its choices are the readouts' names.
const DECODER: &str = "decoder";
/// The variable that says how many epochs a network is trained.
const EPOCHS: &str = "epochs";

/// What a trial shows.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Shown {
    /// Points with values of the objective, other than the trial's own value: of a silent trial the accuracy so
    /// far, for as many epochs as it began, and of any trial that of the best readout where this is another one
    /// that the search may choose. The first of equals is the best; worse readouts would triple the rows of the
    /// models and hardly teach more.
    pub values: Vec<(Point, f64)>,
    /// Points with constraints, other than the trial's own: of a silent trial those of each epoch that it
    /// began, at the point with so many epochs.
    pub constraints: Vec<(Point, Vec<f64>)>,
}

pub(super) fn shown(space: &Space, trial: &Trial) -> Shown {
    match &trial.finished {
        Some(finished) if finished.outcome == Outcome::Silent => {
            let shorter = shorter(space, &trial.point, finished).unwrap_or_default();
            let longest = shorter.last().map_or(&trial.point, |(point, _)| point);
            let values = values(space, longest, finished).unwrap_or_default();
            let other = |(point, _): &(Point, Vec<f64>)| *point != trial.point;
            Shown { values, constraints: shorter.into_iter().filter(other).collect() }
        }
        Some(finished) if finished.outcome == Outcome::Complete => {
            let values = values(space, &trial.point, finished).unwrap_or_default();
            Shown { values, constraints: Vec::new() }
        }
        _ => Shown::default(),
    }
}

/// The trainings that a silent one went through, the shortest first, with their constraints.
fn shorter(space: &Space, own: &Point, finished: &Finished) -> Option<Vec<(Point, Vec<f64>)>> {
    let index = space.variables.iter().position(|variable| variable.name == EPOCHS)?;
    let Domain::Int { low, .. } = space.variables[index].domain else { return None };
    let Value::Int(named) = own[index] else { return None };
    let epochs = finished.attributes.get(EPOCH_CONSTRAINTS)?.as_array()?;
    let mut shorter = Vec::new();
    for (epoch, constraints) in (1..=named).zip(epochs).filter(|(epoch, _)| *epoch >= low) {
        let mut point = own.clone();
        point[index] = Value::Int(epoch);
        shorter.push((point, numbers(constraints, finished.constraints.len())?));
    }
    Some(shorter)
}

/// So many finite numbers.
fn numbers(array: &serde_json::Value, count: usize) -> Option<Vec<f64>> {
    let numbers = array.as_array()?.iter().map(|number| number.as_f64().filter(|n| n.is_finite()));
    numbers.collect::<Option<Vec<f64>>>().filter(|numbers| numbers.len() == count)
}

fn values(space: &Space, point: &Point, finished: &Finished) -> Option<Vec<(Point, f64)>> {
    let shown = match finished.outcome {
        Outcome::Silent => ACCURACY_SO_FAR,
        _ => READOUT_ACCURACY,
    };
    let shown = finished.attributes.get(shown)?.as_object()?;
    let accuracy = |name: &str| shown.get(name)?.as_f64().filter(|a| a.is_finite());
    let own = accuracy(finished.attributes.get(READOUT)?.as_str()?)?;
    let mut values = Vec::new();
    if finished.outcome == Outcome::Silent {
        values.push((point.clone(), own));
    }
    let (mut best, mut point) = (own, point.clone());
    let mut variables = space.variables.iter().zip(&mut point);
    if let Some((variable, value)) = variables.find(|(variable, _)| variable.name == DECODER)
        && let Domain::Categorical { choices } = &variable.domain
    {
        for (k, choice) in choices.iter().enumerate() {
            if let Some(accuracy) = accuracy(choice).filter(|a| *a > best) {
                (best, *value) = (accuracy, Value::Category(k));
            }
        }
    }
    if best > own {
        values.push((point, best));
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::record::Finished;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn space() -> Space {
        let text = "[space]\nlr = { float = [0.0, 1.0] }\n\
                    decoder = { categorical = [\"all\", \"vote\", \"2gram\"] }\n";
        let path = std::path::Path::new("space.toml");
        let document = crate::study::toml_check::Document::parse(path, text).unwrap();
        Space::from_document(&document).unwrap()
    }

    fn shown(outcome: Outcome, attributes: serde_json::Value) -> Vec<(Point, f64)> {
        let point = vec![Value::Float(0.25), Value::Category(1)];
        shown_in(&space(), point, outcome, attributes)
    }

    fn shown_in(
        space: &Space,
        point: Point,
        outcome: Outcome,
        attributes: serde_json::Value,
    ) -> Vec<(Point, f64)> {
        let mut attributes = serde_json::from_value::<BTreeMap<_, _>>(attributes).unwrap();
        attributes.insert(READOUT.to_string(), json!("vote"));
        let value = (outcome == Outcome::Complete).then_some(0.5);
        let trial = Trial {
            number: 0,
            point,
            proposal: BTreeMap::new(),
            finished: Some(Finished {
                outcome,
                value,
                constraints: vec![],
                intermediate: vec![],
                attributes,
            }),
            started: String::new(),
            ended: None,
        };
        super::shown(space, &trial).values
    }

    fn at(category: usize, value: f64) -> (Point, f64) {
        (vec![Value::Float(0.25), Value::Category(category)], value)
    }

    #[test]
    fn a_better_readout_of_a_complete_network_counts() {
        let of = |all: f64, gram: f64| {
            let accuracies = json!({ "all": all, "vote": 0.5, "2gram": gram, "svm": 0.9 });
            shown(Outcome::Complete, json!({ READOUT_ACCURACY: accuracies }))
        };
        assert_eq!(of(0.4, 0.6), [at(2, 0.6)]);
        assert_eq!(of(0.6, 0.6), [at(0, 0.6)], "the first of equals");
        assert_eq!(of(0.4, 0.5), []);
    }

    #[test]
    fn a_silent_network_tells_its_own_accuracy_so_far() {
        let of = |accuracies| shown(Outcome::Silent, json!({ ACCURACY_SO_FAR: accuracies }));
        assert_eq!(of(json!({ "all": 0.2, "vote": 0.3 })), [at(1, 0.3)]);
        assert_eq!(of(json!({ "all": 0.2, "vote": 0.3, "2gram": 0.4 })), [at(1, 0.3), at(2, 0.4)]);
    }

    #[test]
    fn where_the_readout_is_no_variable_only_the_own_one_counts() {
        let space = Space { variables: space().variables[..1].to_vec() };
        let of = |outcome, key: &str| {
            let accuracies = json!({ "all": 0.2, "vote": 0.3, "2gram": 0.4 });
            shown_in(&space, vec![Value::Float(0.25)], outcome, json!({ key: accuracies }))
        };
        assert_eq!(of(Outcome::Silent, ACCURACY_SO_FAR), [(vec![Value::Float(0.25)], 0.3)]);
        assert_eq!(of(Outcome::Complete, READOUT_ACCURACY), []);
    }

    /// Points by their number of epochs with constraints, and the one value's number of epochs, of a silent
    /// trial of three epochs in a space that has `epochs` from `low` to 3.
    fn of_epochs(
        low: i64,
        outcome: Outcome,
        known: serde_json::Value,
    ) -> (Vec<(i64, Vec<f64>)>, i64) {
        let text =
            format!("[space]\nlr = {{ float = [0.0, 1.0] }}\nepochs = {{ int = [{low}, 3] }}\n");
        let path = std::path::Path::new("space.toml");
        let document = crate::study::toml_check::Document::parse(path, &text).unwrap();
        let space = Space::from_document(&document).unwrap();
        let attributes = json!({
            EPOCH_CONSTRAINTS: known, ACCURACY_SO_FAR: { "vote": 0.3 }, READOUT: "vote",
        });
        let trial = Trial {
            number: 0,
            point: vec![Value::Float(0.25), Value::Int(3)],
            proposal: BTreeMap::new(),
            finished: Some(Finished {
                outcome,
                value: None,
                constraints: vec![0.06, -0.05],
                intermediate: vec![],
                attributes: serde_json::from_value(attributes).unwrap(),
            }),
            started: String::new(),
            ended: None,
        };
        let shown = super::shown(&space, &trial);
        let epochs = |point: &Point| match point[..] {
            [Value::Float(0.25), Value::Int(epochs)] => epochs,
            _ => panic!("{point:?}"),
        };
        let constraints = shown.constraints.iter().map(|(p, c)| (epochs(p), c.clone())).collect();
        (constraints, shown.values.first().map_or(0, |(p, _)| epochs(p)))
    }

    #[test]
    fn a_silent_training_shows_the_constraints_of_shorter_ones() {
        // Silent in the second epoch of three: feasible with one, not with two.
        let known = json!([[-0.01, -0.05], [0.06, -0.05]]);
        let shown = vec![(1, vec![-0.01, -0.05]), (2, vec![0.06, -0.05])];
        assert_eq!(of_epochs(1, Outcome::Silent, known.clone()), (shown.clone(), 2));
        assert_eq!(of_epochs(2, Outcome::Silent, known.clone()), (shown[1..].to_vec(), 2));
        assert_eq!(of_epochs(3, Outcome::Silent, known.clone()), (vec![], 3), "its own point");
        assert_eq!(of_epochs(1, Outcome::Complete, known), (vec![], 0));
        // In the third: of that one its own constraints tell.
        let known = json!([[-0.01, -0.05], [-0.02, -0.05], [0.06, -0.05]]);
        let shown = vec![(1, vec![-0.01, -0.05]), (2, vec![-0.02, -0.05])];
        assert_eq!(of_epochs(1, Outcome::Silent, known), (shown, 3));
    }

    #[test]
    fn constraints_of_epochs_that_do_not_fit_are_passed_over() {
        for bad in [json!(3), json!([]), json!([[0.1]]), json!([[0.1, null]]), json!([0.1, 0.2])] {
            assert_eq!(of_epochs(1, Outcome::Silent, bad), (vec![], 3));
        }
        // More epochs than the trial names.
        let four = json!([[-0.01, 0.0], [-0.01, 0.0], [-0.01, 0.0], [0.06, 0.0]]);
        assert_eq!(of_epochs(1, Outcome::Silent, four).0.len(), 2);
        assert_eq!(of_epochs(1, Outcome::Timeout, json!([[-0.01, 0.0]])), (vec![], 0));
        let without = shown(Outcome::Silent, json!({ EPOCH_CONSTRAINTS: [[0.1]] }));
        assert_eq!(without, [], "no variable of that name");
    }

    #[test]
    fn what_says_nothing_is_passed_over() {
        let known = json!({ "all": 0.2, "vote": 0.3, "2gram": 0.4 });
        assert_eq!(shown(Outcome::Silent, json!({})), []);
        assert_eq!(shown(Outcome::Silent, json!({ ACCURACY_SO_FAR: 3 })), []);
        assert_eq!(shown(Outcome::Silent, json!({ ACCURACY_SO_FAR: { "all": 0.3 } })), []);
        assert_eq!(shown(Outcome::Complete, json!({ READOUT_ACCURACY: { "vote": null } })), []);
        assert_eq!(shown(Outcome::Failed, json!({ READOUT_ACCURACY: known })), []);
    }
}
