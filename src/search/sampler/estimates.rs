//! What a trial shows of the objective besides its own value.
//!
//! The readouts of a network are all scored while it trains, and training does not depend on which of them
//! the trial names. So where the readout is a variable of the search (`decoder`), a trial also tells what the same
//! network scores with the others; and one that was stopped as silent tells what its readouts predicted until then.

use crate::search::space::{Domain, Point, Space, Value};
use crate::study::record::{ACCURACY_SO_FAR, Outcome, READOUT_ACCURACY, Trial};
use std::cmp::Reverse;

/// The variable that says which readout scores a network; its choices are the readouts' names.
const READOUT: &str = "decoder";

/// Points with values that the trial shows, other than its own value: of a silent trial the accuracy so far at
/// its own point, and of any trial that of the best readout where this is another one. The first of equals
/// is the best; worse readouts would triple the rows of the models and hardly teach more.
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
    let j = space.variables.iter().position(|variable| variable.name == READOUT)?;
    let (Domain::Categorical { choices }, Value::Category(own)) =
        (&space.variables[j].domain, trial.point[j])
    else {
        return None;
    };
    let accuracy = |k: usize| shown.get(&choices[k])?.as_f64().filter(|a| a.is_finite());
    let of_own = accuracy(own)?;
    let known = (0..choices.len()).filter_map(|k| Some((k, accuracy(k)?)));
    let (best, highest) =
        known.max_by(|a, b| a.1.total_cmp(&b.1).then(Reverse(a.0).cmp(&Reverse(b.0))))?;
    let mut values = Vec::new();
    if finished.outcome == Outcome::Silent {
        values.push((trial.point.clone(), of_own));
    }
    if highest > of_own {
        let mut point = trial.point.clone();
        point[j] = Value::Category(best);
        values.push((point, highest));
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
        let attributes = serde_json::from_value::<BTreeMap<_, _>>(attributes).unwrap();
        let value = (outcome == Outcome::Complete).then_some(0.5);
        let trial = Trial {
            number: 0,
            point: vec![Value::Float(0.25), Value::Category(1)],
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
        estimates(&space(), &trial)
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
    fn what_says_nothing_is_passed_over() {
        let known = json!({ "all": 0.2, "vote": 0.3, "2gram": 0.4 });
        assert_eq!(shown(Outcome::Silent, json!({})), []);
        assert_eq!(shown(Outcome::Silent, json!({ ACCURACY_SO_FAR: 3 })), []);
        assert_eq!(shown(Outcome::Silent, json!({ ACCURACY_SO_FAR: { "all": 0.3 } })), []);
        assert_eq!(shown(Outcome::Complete, json!({ READOUT_ACCURACY: { "vote": null } })), []);
        assert_eq!(shown(Outcome::Failed, json!({ READOUT_ACCURACY: known })), []);
    }
}
