//! One trial of a search: a LIF network is trained and scored on the validation part.
//!
//! The silent-network criterion ([`crate::silence`]) watches the hidden layers, `hidden_1` the first: it sees the
//! spikes that a layer emitted for a sample over all steps.

use super::{DIVERGED, Metrics, Samples, Settings, Trainer};
use crate::engine::lif::Pass;
use crate::execute::{Control, Stop, TrialOutput};
use crate::silence::{
    Criterion, Decision, Plan, Settings as SilenceSettings, Stop as Silent, StopRule,
};
use crate::study::record::{EPOCH_CONSTRAINTS, Finished, Outcome};
use crate::train::Network;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Everything that a trial needs beside its data.
#[derive(Debug, Clone, PartialEq)]
pub struct LifTrial {
    /// Network and training; [`Settings::trial`] is the trial's number.
    pub settings: Settings,
    /// Passes over the training samples.
    pub epochs: usize,
    /// Criterion and update interval.
    pub silence: SilenceSettings,
    /// Longest time that the trial may take.
    pub time_limit: Option<Duration>,
    /// Whether seconds are noted among the attributes.
    pub record_time: bool,
}

/// Names of the hidden layers of a network with `hidden` of them.
pub fn hidden_names(hidden: usize) -> Vec<String> {
    (1..=hidden).map(|k| format!("hidden_{k}")).collect()
}

/// Trains and evaluates a network; None where the trial was abandoned on request.
///
/// A network that the silence criterion stops skips the evaluation.
pub fn run_lif_trial(
    samples: &Samples,
    trial: &LifTrial,
    control: &Control,
) -> Option<TrialOutput> {
    let started = Instant::now();
    let deadline = trial.time_limit.and_then(|limit| started.checked_add(limit));
    let mut trainer = match Trainer::new(trial.settings.clone()) {
        Ok(trainer) => trainer,
        Err((name, text)) => return Some(TrialOutput::failed(&format!("`{name}`: {text}"))),
    };
    let planned = samples.train.len().saturating_mul(trial.epochs) + samples.validation.len();
    control.plan(planned as u64);
    let mut watch = Watch::new(samples, trial);
    let ended = watch.train(&mut trainer, samples, trial.epochs, control, deadline);
    let trained = Instant::now();
    let mut finished = Finished {
        outcome: Outcome::Complete,
        value: None,
        constraints: watch.criterion.values(),
        intermediate: (1..).zip(watch.epochs.iter().map(|metrics| metrics.accuracy)).collect(),
        attributes: watch.attributes(trial),
    };
    let mut network = None;
    match ended {
        Err(Ended::Stopped(Stop::Abandoned)) => return None,
        Err(Ended::Stopped(Stop::Timeout)) => {
            finished.outcome = Outcome::Timeout;
            // Of a part of an epoch the criterion says too little: it divides by the samples of a whole one.
            finished.constraints = watch.epoch_constraints.pop().unwrap_or_default();
        }
        Err(Ended::Silent(Silent { rule, after_samples })) => {
            finished.outcome = Outcome::Silent;
            let rule = match rule {
                StopRule::Threshold => "threshold",
                StopRule::Sequential => "sequential",
            };
            finished.attributes.insert("decision".into(), rule.into());
            finished.attributes.insert("decided_after".into(), after_samples.into());
        }
        Ok(()) => {
            if trainer.diverged() {
                finished.outcome = Outcome::Failed;
                finished.attributes.insert("reason".into(), DIVERGED.into());
            } else {
                let scored = trainer.evaluate(&samples.validation);
                control.advance(samples.validation.len() as u64);
                finished.value = Some(scored.accuracy);
                finished.attributes.insert("validation_loss".into(), json!(scored.loss));
                network = Some(Network::Lif(Box::new(trainer.checkpoint())));
            }
        }
    }
    if trial.record_time {
        finished.note_seconds(started, trained);
    }
    Some(TrialOutput { finished, network })
}

/// Why training ended before its last epoch.
enum Ended {
    Stopped(Stop),
    Silent(Silent),
}

/// What is noted while a network trains.
struct Watch {
    criterion: Criterion,
    /// Silent samples of this epoch for each constraint, and samples seen in it.
    silent: Vec<u64>,
    seen: u64,
    /// Samples of all epochs.
    samples: u64,
    /// Metrics of the whole epochs.
    epochs: Vec<Metrics>,
    /// See [`EPOCH_CONSTRAINTS`].
    epoch_constraints: Vec<Vec<f64>>,
}

impl Watch {
    fn new(samples: &Samples, trial: &LifTrial) -> Watch {
        let names = hidden_names(trial.settings.network.layers.len() - 1);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let plan = Plan { samples: samples.train.len(), batch: trial.settings.batch_size };
        let criterion = Criterion::new(&trial.silence, &names, plan);
        Watch {
            criterion: criterion.expect("the criterion was checked with the study file"),
            silent: vec![0; trial.silence.constraint_names().len()],
            seen: 0,
            samples: 0,
            epochs: Vec::new(),
            epoch_constraints: Vec::new(),
        }
    }

    fn train(
        &mut self,
        trainer: &mut Trainer,
        samples: &Samples,
        epochs: usize,
        control: &Control,
        deadline: Option<Instant>,
    ) -> Result<(), Ended> {
        for _ in 0..epochs {
            self.criterion.start_epoch();
            self.silent.fill(0);
            self.seen = 0;
            let mut ended = None;
            let metrics = trainer.epoch(&samples.train, &mut |_, pass| {
                ended = control.stop(deadline).map(Ended::Stopped).or(self.observe(pass, control));
                ended.is_none()
            });
            if !matches!(ended, Some(Ended::Stopped(_))) {
                self.epoch_constraints.push(self.criterion.values());
            }
            match (metrics, ended) {
                (Some(metrics), None) => self.epochs.push(metrics),
                (_, Some(ended)) => return Err(ended),
                (None, None) => unreachable!("an epoch ends early where it is asked to"),
            }
        }
        Ok(())
    }

    /// Shows a batch to the criterion.
    fn observe(&mut self, pass: &Pass<f32>, control: &Control) -> Option<Ended> {
        let batch = pass.steps.len();
        let hidden = &pass.counts[..pass.counts.len() - 1];
        let mut decision = Decision::Continue;
        for sample in 0..batch {
            let spikes: Vec<u32> = hidden
                .iter()
                .map(|counts| {
                    let neurons = counts.len() / batch;
                    let of_sample = &counts[sample * neurons..(sample + 1) * neurons];
                    of_sample.iter().sum::<f32>() as u32
                })
                .collect();
            for (count, silent) in self.silent.iter_mut().zip(self.criterion.silent(&spikes)) {
                *count += u64::from(silent);
            }
            self.seen += 1;
            if decision == Decision::Continue {
                decision = self.criterion.observe(&spikes);
            }
        }
        self.samples += batch as u64;
        control.advance(batch as u64);
        control.silence(self.silent.iter().copied().max().unwrap_or(0), self.seen);
        if decision == Decision::Continue && self.criterion.update_due() {
            decision = self.criterion.at_update();
        }
        match decision {
            Decision::Continue => None,
            Decision::Stop(silent) => Some(Ended::Silent(silent)),
        }
    }

    fn attributes(&self, trial: &LifTrial) -> BTreeMap<String, Value> {
        let network = &trial.settings.network;
        let share = |&silent: &u64| json!(silent as f64 / self.seen.max(1) as f64);
        let parameters = network.parameters();
        let neurons: usize = network.layers.iter().map(|layer| layer.neurons).sum();
        let mut attributes = BTreeMap::from([
            ("readout".to_string(), json!(network.readout)),
            ("constraint_names".to_string(), json!(trial.silence.constraint_names())),
            ("silent_share".to_string(), self.silent.iter().map(share).collect()),
            ("train_samples".to_string(), json!(self.samples)),
            ("parameters".to_string(), json!(parameters)),
            ("trainable".to_string(), json!(parameters)),
            ("nodes".to_string(), json!(network.inputs + neurons)),
        ]);
        if let Some(last) = self.epochs.last() {
            let of_layers = |value: fn(&super::LayerMetrics) -> f64| {
                last.layers.iter().map(|layer| json!(value(layer))).collect::<Value>()
            };
            attributes.insert("activity".into(), of_layers(|layer| layer.rate));
            attributes.insert("overflowed".into(), of_layers(|layer| layer.overflowed));
            attributes.insert("dropped".into(), of_layers(|layer| layer.dropped));
        }
        if trial.epochs > 1 && !self.epoch_constraints.is_empty() {
            attributes.insert(EPOCH_CONSTRAINTS.into(), json!(self.epoch_constraints));
        }
        attributes
    }
}
