//! What a trial shows of the objective besides its own value.
//!
//! The readouts of a network are all scored while it trains, and training does not depend on which of them
//! the trial names. So where the readout is a variable of the search (`decoder`), a trial also tells what the same
//! network scores with the others; and one that was stopped as silent tells what its readouts predicted until then.

use crate::search::space::{Domain, Point, Space, Value};
use crate::study::record::{ACCURACY_SO_FAR, Outcome, READOUT, READOUT_ACCURACY, Trial};

/// The variable that says which readout scores a network; its choices are the readouts' names.
const DECODER: &str = "decoder";

/// Points with values that the trial shows, other than its own value: of a silent trial the accuracy so far at
/// its own point, and of any trial that of the best readout where this is another one that the search may
/// choose. The first of equals is the best; worse readouts would triple the rows of the models and
/// hardly teach more.
pub(super) fn estimates(space: &Space, trial: &Trial) -> Vec<(Point, f64)> {
    find(space, trial).unwrap_or_default()
}

fn find(space: &Space, trial: &Trial) -> Option<Vec<(Point, f64)>> {
    let finished = trial.finished.as_ref()?;
    let shown = match finished.outcome {
        Outcome::Complete => READOUT_ACCURACY,
        Outcome::Silent => ACCURACY_SO_FAR,
        Outcome::Timeout | Outcome::Failed => return None,
    };
    let shown = finished.attributes.get(shown)?.as_object()?;
    let accuracy = |name: &str| shown.get(name)?.as_f64().filter(|a| a.is_finite());
    let own = accuracy(finished.attributes.get(READOUT)?.as_str()?)?;
    let mut values = Vec::new();
    if finished.outcome == Outcome::Silent {
        values.push((trial.point.clone(), own));
    }
    let (mut best, mut point) = (own, trial.point.clone());
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
        estimates(space, &trial)
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
