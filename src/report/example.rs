//! Synthetic studies and networks for the tests of this room.

use super::{BestNetwork, SampleRaster};
use crate::random::{Key, Purpose, Stream, uniform};
use crate::search::space::{Domain, Prior, Space, Value, Variable};
use crate::spikes::SpikeTrain;
use crate::study::record::{Finished, Outcome, StudyRecord, Trial};
use serde_json::json;

fn float(name: &str, low: f64, high: f64, prior: Prior) -> Variable {
    Variable { name: name.into(), domain: Domain::Float { low, high, prior } }
}

pub(super) fn space() -> Space {
    Space {
        variables: vec![
            float("nu_pre", 1e-5, 1e-2, Prior::Log),
            float("nu_post", 1e-4, 1e-1, Prior::Log),
            float("norm", 20.0, 200.0, Prior::Uniform),
            float("exc", 10.0, 500.0, Prior::Log),
            float("inh", 10.0, 500.0, Prior::Log),
            float("e_thresh", -70.0, -50.0, Prior::Uniform),
            float("theta_plus", 0.01, 0.1, Prior::Log),
            float("tc_theta_decay", 1e6, 1e7, Prior::ReversedLog),
            Variable {
                name: "e_refrac".into(),
                domain: Domain::Int { low: 1, high: 20, prior: Prior::Uniform },
            },
            Variable {
                name: "epochs".into(),
                domain: Domain::Int { low: 1, high: 3, prior: Prior::Uniform },
            },
            Variable {
                name: "readout".into(),
                domain: Domain::Categorical {
                    choices: ["all", "vote", "2gram", "log", "svm"].map(String::from).into(),
                },
            },
        ],
    }
}

/// A point whose random numbers gather around a good place as the study goes on.
fn point(stream: &mut Stream, space: &Space, share: f64) -> (Vec<Value>, f64) {
    let mut distance = 0.0;
    let values = space.variables.iter().enumerate().map(|(k, variable)| {
        let target = 0.35 + 0.06 * k as f64;
        let mut u = uniform(stream);
        u += share * uniform(stream) * (target - u);
        distance += 1.6 * (u - target).powi(2) / (1.0 + 0.6 * k as f64);
        match &variable.domain {
            Domain::Float { low, high, prior } => Value::Float(match prior {
                Prior::Uniform => low + u * (high - low),
                Prior::Log => low * (high / low).powf(u),
                Prior::ReversedLog => high + low - low * (high / low).powf(1.0 - u),
            }),
            Domain::Int { low, high, .. } => {
                Value::Int(low + (u * (high - low + 1) as f64).min((high - low) as f64) as i64)
            }
            Domain::Categorical { choices } => {
                Value::Category(((u * choices.len() as f64) as usize).min(choices.len() - 1))
            }
        }
    });
    let values = values.collect();
    (values, distance)
}

/// A study that finds better points as it goes on and fewer silent ones.
pub(super) fn study(trials: u64) -> StudyRecord {
    let space = space();
    let time = |minutes: u64| {
        let (day, hour, minute) = (1 + minutes / 1440 % 28, minutes / 60 % 24, minutes % 60);
        format!("2026-03-{day:02}T{hour:02}:{minute:02}:07.250000")
    };
    let trials = (0..trials).map(|number| {
        let mut stream = Key::new(1).trial(number).stream(Purpose::Synthetic);
        let share = number as f64 / trials as f64;
        let (point, distance) = point(&mut stream, &space, share.sqrt());
        let draw = uniform(&mut stream);
        let accuracy = (0.95 - 0.7 * distance - 0.03 * uniform(&mut stream)).max(0.1);
        let outcome = match draw {
            d if d < 0.012 => Outcome::Failed,
            d if d < 0.025 => Outcome::Timeout,
            _ if distance > 0.42 - 0.12 * draw => Outcome::Silent,
            _ => Outcome::Complete,
        };
        let mut finished = Finished {
            outcome,
            value: None,
            constraints: vec![distance - 0.33],
            intermediate: vec![],
            attributes: [("worker".to_string(), json!(number % 8))].into(),
        };
        let mut add = |key: &str, value| finished.attributes.insert(key.to_string(), value);
        match outcome {
            Outcome::Complete => {
                add(
                    "readout_accuracy",
                    json!({"all": accuracy, "vote": accuracy - 0.004, "2gram": accuracy + 0.003,
                    "log": accuracy - 0.02, "svm": accuracy + 0.008}),
                );
                add("readout", json!("all"));
                add("silent_share", json!([0.01 * distance, 0.02]));
                add("train_seconds", json!(20.0 + 30.0 * draw));
                add("train_samples", json!(5_000));
                finished.value = Some(accuracy);
            }
            Outcome::Silent => {
                add("decided_after", json!(60 + number % 37));
                add("decision", json!("sequential"));
            }
            Outcome::Failed => {
                let which = number % 2;
                add(
                    "reason",
                    json!(format!(
                        "weight {which} of the input layer is not a number <after \"normalise\">"
                    )),
                );
            }
            Outcome::Timeout => {
                add("reason", json!("ran past 120 s in epoch 2"));
            }
        }
        let running = number + 3 >= trials && trials > 10;
        Trial {
            number,
            point,
            proposal: Default::default(),
            finished: (!running).then_some(finished),
            started: time(number / 4),
            ended: (!running).then(|| time(number / 4 + 1)),
        }
    });
    StudyRecord {
        name: "experiment 1 <digits & friends>".into(),
        attributes: Default::default(),
        space: space.clone(),
        trials: trials.collect(),
    }
}

/// Everything that [`BestNetwork`] and [`SampleRaster`] borrow.
pub(super) struct Parts {
    pub(super) side: usize,
    pub(super) neurons: usize,
    pub(super) weights: Vec<f32>,
    pub(super) assignments: Vec<i32>,
    pub(super) theta: Vec<f32>,
    pub(super) image: Vec<u8>,
    pub(super) input: SpikeTrain,
    pub(super) exc: SpikeTrain,
    pub(super) inh: SpikeTrain,
}

/// A ring whose size, place and gap depend on its class, in [0, 1] at a pixel.
fn stroke(class: i32, shift: f64, row: usize, column: usize, side: usize) -> f64 {
    let at = |k: usize| (k as f64 + 0.5) / side as f64 - 0.5;
    let (y, x) = (at(row) + 0.03 * shift, at(column) - 0.03 * shift);
    let radius = 0.16 + 0.02 * f64::from(class) + 0.01 * shift;
    let angle = y.atan2(x);
    let gap = (angle - 0.6 * f64::from(class)).cos();
    let off = (x.hypot(y) - radius) / 0.05;
    if gap > 0.75 { 0.0 } else { (-off * off).exp() }
}

pub(super) fn parts(side: usize, neurons: usize) -> Parts {
    let mut stream = Key::new(2).stream(Purpose::Synthetic);
    let assignments: Vec<i32> = (0..neurons)
        .map(|_| (uniform(&mut stream) * 10.4) as i32)
        .map(|class| if class == 10 { -1 } else { class })
        .collect();
    let shifts: Vec<f64> = (0..neurons).map(|_| 2.0 * uniform(&mut stream) - 1.0).collect();
    let inputs = side * side;
    let mut weights = Vec::with_capacity(inputs * neurons);
    for input in 0..inputs {
        for (&class, &shift) in assignments.iter().zip(&shifts) {
            let ink = if class < 0 {
                0.3
            } else {
                stroke(class, shift, input / side, input % side, side)
            };
            weights.push((0.8 * ink + 0.06 * uniform(&mut stream)) as f32);
        }
    }
    let theta = (0..neurons).map(|_| (4.0 + 14.0 * uniform(&mut stream)) as f32).collect();
    let image: Vec<u8> =
        (0..inputs).map(|i| (255.0 * stroke(3, 0.0, i / side, i % side, side)) as u8).collect();
    let mut train = |count: usize, rate: &dyn Fn(usize, usize) -> f64| {
        let mut train = SpikeTrain::empty(count);
        for step in 0..250 {
            let ids: Vec<u32> = (0..count)
                .filter(|&id| uniform(&mut stream) < rate(id, step))
                .map(|id| id as u32)
                .collect();
            train.push_step(&ids);
        }
        train
    };
    let input = train(inputs, &|id, _| 0.06 * f64::from(image[id]) / 255.0);
    let exc = train(neurons, &|id, step| {
        if step < 30 {
            0.0
        } else if assignments[id] == 3 {
            0.02
        } else {
            0.0006
        }
    });
    let inh = train(neurons, &|id, step| {
        if step < 31 {
            0.0
        } else if assignments[id] == 3 {
            0.018
        } else {
            0.0005
        }
    });
    Parts { side, neurons, weights, assignments, theta, image, input, exc, inh }
}

impl Parts {
    pub(super) fn network(&self, trial: u64) -> BestNetwork<'_> {
        BestNetwork {
            trial,
            weights: &self.weights,
            height: self.side,
            width: self.side,
            neurons: self.neurons,
            assignments: &self.assignments,
            theta: &self.theta,
        }
    }

    pub(super) fn sample(&self) -> SampleRaster<'_> {
        SampleRaster {
            label: 3,
            prediction: 3,
            image: &self.image,
            height: self.side,
            width: self.side,
            max_level: 255,
            input: &self.input,
            exc: &self.exc,
            inh: &self.inh,
        }
    }
}
