//! Training and evaluation of one network (spec stdp.md section 9, hpo.md section 1.2).

use super::network_file::{Network, TrainedNetwork};
use super::task::{Part, Task};
use crate::engine::cpu::stdp::{build, initial_weights};
use crate::engine::{Engine, LayerSpikes};
use crate::execute::{Control, Stop, TrialOutput};
use crate::network::DiehlCook;
use crate::random::{Key, Purpose, Stream, below};
use crate::readout::{ReadoutKind, ReadoutSet, accuracy};
use crate::silence::{Criterion, Decision, Plan, Settings as SilenceSettings, StopRule};
use crate::spikes::SpikeTrain;
use crate::study::record::{
    ACCURACY_SO_FAR, EPOCH_CONSTRAINTS, Finished, Outcome, READOUT, READOUT_ACCURACY,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Names of the layers that the silence criterion can watch, in the order of their spike counts.
pub const LAYERS: [&str; 2] = ["exc", "inh"];

/// Samples whose output spikes an evaluation holds at a time.
const CHUNK: usize = 1_000;

/// Everything that a trial needs beside its data.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialSettings {
    /// The network.
    pub network: DiehlCook,
    /// Passes over the training images.
    pub epochs: u32,
    /// Samples simulated side by side; STDP combines their changes.
    pub batch_size: usize,
    /// The readout whose accuracy is the trial's value.
    pub decoder: ReadoutKind,
    /// Readouts that are trained and evaluated; `decoder` is one of them.
    pub readouts: Vec<ReadoutKind>,
    /// Criterion and update interval.
    pub silence: SilenceSettings,
    /// Part that is evaluated after training.
    pub part: Part,
    /// Longest time that the trial may take.
    pub time_limit: Option<Duration>,
    /// Whether seconds are noted among the attributes.
    pub record_time: bool,
}

/// Accuracy of each readout over a part, and the spikes that it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Accuracy of each readout.
    pub accuracy: Vec<(ReadoutKind, f64)>,
    /// Total spikes of the input, excitatory and inhibitory layer.
    pub spikes: [u64; 3],
}

impl Evaluation {
    /// Accuracy of one readout; 0 where it was not selected.
    pub fn of(&self, kind: ReadoutKind) -> f64 {
        self.accuracy.iter().find(|(k, _)| *k == kind).map_or(0.0, |(_, accuracy)| *accuracy)
    }
}

/// Trains and evaluates a network; None where the trial was abandoned on request.
///
/// A network that the silence criterion stops skips the evaluation. `key` holds study seed and
/// trial number.
pub fn run_trial(
    task: &Task,
    settings: &TrialSettings,
    key: Key,
    control: &Control,
) -> Option<TrialOutput> {
    let started = Instant::now();
    let deadline = settings.time_limit.and_then(|limit| started.checked_add(limit));
    let weights = initial_weights(&settings.network, task.inputs(), key);
    let mut training = Training {
        task,
        settings,
        key,
        control,
        deadline,
        engine: build(&settings.network, &weights, settings.batch_size),
        readouts: ReadoutSet::new(&settings.readouts, settings.network.map_size, task.classes()),
        criterion: criterion(task, settings),
        silent: vec![0; settings.silence.constraint_names().len()],
        seen: 0,
        spikes: [0; 3],
        samples: 0,
        train_accuracy: Vec::new(),
        intervals: Vec::new(),
        epoch_constraints: Vec::new(),
    };
    control.plan((task.train_len() * settings.epochs as usize + task.len(settings.part)) as u64);
    let ended = training.epochs();
    let trained = Instant::now();
    let mut attributes = training.attributes();
    let mut finished = training.finished();
    let mut network = None;
    match ended {
        Err(Ended::Stopped(Stop::Abandoned)) => return None,
        Err(Ended::Stopped(Stop::Timeout)) => {
            finished.outcome = Outcome::Timeout;
            // Of a part of an epoch the criterion says too little: it divides by the samples of a whole one.
            finished.constraints = training.epoch_constraints.pop().unwrap_or_default();
        }
        Err(Ended::Silent { rule, after }) => {
            finished.outcome = Outcome::Silent;
            let rule = match rule {
                StopRule::Threshold => "threshold",
                StopRule::Sequential => "sequential",
            };
            attributes.insert("decision".into(), rule.into());
            attributes.insert("decided_after".into(), after.into());
            if let Some(accuracy) = training.accuracy_so_far() {
                attributes.insert(ACCURACY_SO_FAR.into(), accuracy);
            }
        }
        Ok(()) => {
            let Training { mut engine, readouts, .. } = training;
            let weights = engine.weights();
            if !weights.w.iter().chain(&weights.theta).all(|x| x.is_finite()) {
                finished.outcome = Outcome::Failed;
                attributes.insert("reason".into(), "a weight or threshold is not finite".into());
            } else {
                let evaluation = evaluate(
                    task,
                    settings.part,
                    engine.as_mut(),
                    &readouts,
                    key,
                    control,
                    deadline,
                );
                match evaluation {
                    Err(Stop::Abandoned) => return None,
                    Err(Stop::Timeout) => finished.outcome = Outcome::Timeout,
                    Ok(evaluation) => {
                        finished.value = Some(evaluation.of(settings.decoder));
                        note_evaluation(&mut attributes, &evaluation);
                        network = Some(Network::Stdp(Box::new(TrainedNetwork {
                            trial: key.trial,
                            network: settings.network.clone(),
                            weights,
                            readouts,
                            decoder: settings.decoder,
                            accuracy: evaluation.of(settings.decoder),
                        })));
                    }
                }
            }
        }
    }
    finished.attributes = attributes;
    if settings.record_time {
        finished.note_seconds(started, trained);
    }
    Some(TrialOutput { finished, network })
}

fn criterion(task: &Task, settings: &TrialSettings) -> Criterion {
    let plan = Plan { samples: task.train_len(), batch: settings.batch_size };
    Criterion::new(&settings.silence, &LAYERS, plan)
        .expect("the criterion was checked with the study file")
}

/// Why training ended before its last epoch.
enum Ended {
    Stopped(Stop),
    Silent { rule: StopRule, after: u64 },
}

/// A network in training.
struct Training<'a> {
    task: &'a Task,
    settings: &'a TrialSettings,
    key: Key,
    control: &'a Control,
    deadline: Option<Instant>,
    engine: Box<dyn Engine>,
    readouts: ReadoutSet,
    criterion: Criterion,
    /// Silent samples of this epoch for each constraint, and samples seen in it.
    silent: Vec<u64>,
    seen: u64,
    /// Spikes of the input, excitatory and inhibitory layer over all training samples.
    spikes: [u64; 3],
    /// Samples simulated.
    samples: u64,
    /// Prequential accuracy of each readout, epoch by epoch.
    train_accuracy: Vec<Vec<(ReadoutKind, f64)>>,
    /// The same interval by interval, of the epoch that runs.
    intervals: Vec<Vec<(ReadoutKind, f64)>>,
    /// See [`EPOCH_CONSTRAINTS`].
    epoch_constraints: Vec<Vec<f64>>,
}

impl Training<'_> {
    fn epochs(&mut self) -> Result<(), Ended> {
        (0..self.settings.epochs).try_for_each(|epoch| {
            let ended = self.epoch(epoch);
            if !matches!(ended, Err(Ended::Stopped(_))) {
                self.epoch_constraints.push(self.criterion.values());
            }
            ended
        })
    }

    fn epoch(&mut self, epoch: u32) -> Result<(), Ended> {
        let key = self.key.epoch(u64::from(epoch));
        self.criterion.start_epoch();
        self.silent.fill(0);
        self.seen = 0;
        let mut interval = Interval::default();
        self.intervals.clear();
        for batch in self.task.epoch_order(key).chunks(self.settings.batch_size) {
            if let Some(stop) = self.control.stop(self.deadline) {
                return Err(Ended::Stopped(stop));
            }
            self.batch(batch, key, &mut interval)?;
            if self.criterion.update_due() {
                self.intervals.push(interval.update(&mut self.readouts));
                let decision = self.criterion.at_update();
                self.judge(decision)?;
            }
        }
        // The remainder teaches the readouts; the criterion neither counts nor judges it.
        if !interval.labels.is_empty() {
            self.intervals.push(interval.update(&mut self.readouts));
        }
        self.train_accuracy.push(mean_accuracy(&self.intervals));
        Ok(())
    }

    fn batch(&mut self, batch: &[u32], key: Key, interval: &mut Interval) -> Result<(), Ended> {
        let (trains, labels): (Vec<SpikeTrain>, Vec<u16>) = batch
            .iter()
            .map(|&image| self.task.train_sample(image, key.sample(u64::from(image))))
            .unzip();
        let mut streams: Vec<Stream> = batch
            .iter()
            .map(|&image| key.sample(u64::from(image)).stream(Purpose::OneSpikeTrain))
            .collect();
        let mut choose =
            |_: usize, b: usize, crossed: &[u32]| crossed[below(&mut streams[b], crossed.len())];
        let outputs = self.engine.run(&trains, true, &mut choose, None);
        self.samples += batch.len() as u64;
        self.control.advance(batch.len() as u64);
        let mut decision = Decision::Continue;
        for (train, output) in trains.iter().zip(outputs) {
            add_spikes(&mut self.spikes, train, &output);
            let counts = [output.exc.count() as u32, output.inh.count() as u32];
            for (count, silent) in self.silent.iter_mut().zip(self.criterion.silent(&counts)) {
                *count += u64::from(silent);
            }
            self.seen += 1;
            if decision == Decision::Continue {
                decision = self.criterion.observe(&counts);
            }
            interval.spikes.push(output.exc);
        }
        interval.labels.extend(labels);
        let worst = self.silent.iter().copied().max().unwrap_or(0);
        self.control.silence(worst, self.seen);
        self.judge(decision)
    }

    fn judge(&self, decision: Decision) -> Result<(), Ended> {
        match decision {
            Decision::Continue => Ok(()),
            Decision::Stop(stop) => {
                Err(Ended::Silent { rule: stop.rule, after: stop.after_samples as u64 })
            }
        }
    }

    /// What is known of the trial so far, as if it completed.
    fn finished(&self) -> Finished {
        let of_decoder = |epoch: &Vec<(ReadoutKind, f64)>| {
            epoch.iter().find(|(kind, _)| *kind == self.settings.decoder).map(|(_, a)| *a)
        };
        Finished {
            outcome: Outcome::Complete,
            value: None,
            constraints: self.criterion.values(),
            intermediate: (1..)
                .zip(&self.train_accuracy)
                .filter_map(|(epoch, accuracies)| Some((epoch, of_decoder(accuracies)?)))
                .collect(),
            attributes: BTreeMap::new(),
        }
    }

    /// See [`ACCURACY_SO_FAR`].
    fn accuracy_so_far(&self) -> Option<Value> {
        let known = self.intervals.get(self.intervals.len().div_ceil(2)..)?;
        (!known.is_empty()).then(|| accuracy_object(&mean_accuracy(known)))
    }

    fn attributes(&self) -> BTreeMap<String, Value> {
        let network = &self.settings.network;
        let inputs = self.task.inputs();
        let share = |&silent: &u64| json!(silent as f64 / self.seen.max(1) as f64);
        let mut attributes = BTreeMap::from([
            (READOUT.to_string(), json!(self.settings.decoder)),
            ("constraint_names".to_string(), json!(self.settings.silence.constraint_names())),
            ("silent_share".to_string(), self.silent.iter().map(share).collect()),
            ("train_samples".to_string(), json!(self.samples)),
            ("train_spikes".to_string(), spikes_object(&self.spikes)),
            ("parameters".to_string(), json!(network.parameters(inputs))),
            ("trainable".to_string(), json!(network.trainable(inputs))),
            ("nodes".to_string(), json!(network.nodes(inputs))),
        ]);
        if let Some(last) = self.train_accuracy.last() {
            attributes.insert("train_accuracy".to_string(), accuracy_object(last));
        }
        if self.settings.epochs > 1 && !self.epoch_constraints.is_empty() {
            attributes.insert(EPOCH_CONSTRAINTS.to_string(), json!(self.epoch_constraints));
        }
        attributes
    }
}

/// Output spikes and labels collected since the last information update.
#[derive(Default)]
struct Interval {
    spikes: Vec<SpikeTrain>,
    labels: Vec<u16>,
}

impl Interval {
    /// First predicts, then updates; empties the interval.
    fn update(&mut self, readouts: &mut ReadoutSet) -> Vec<(ReadoutKind, f64)> {
        let accuracies = readouts.predict_then_update(&self.spikes, &self.labels);
        self.spikes.clear();
        self.labels.clear();
        accuracies
    }
}

/// Unweighted mean over the intervals of an epoch, as the reference has it.
fn mean_accuracy(intervals: &[Vec<(ReadoutKind, f64)>]) -> Vec<(ReadoutKind, f64)> {
    let mut mean = intervals.first().cloned().unwrap_or_default();
    for (k, (_, accuracy)) in mean.iter_mut().enumerate() {
        *accuracy = intervals.iter().map(|i| i[k].1).sum::<f64>() / intervals.len() as f64;
    }
    mean
}

/// Runs the images of a part without learning and predicts their classes.
///
/// # Errors
/// The reason where it was stopped before its end.
pub fn evaluate(
    task: &Task,
    part: Part,
    engine: &mut dyn Engine,
    readouts: &ReadoutSet,
    key: Key,
    control: &Control,
    deadline: Option<Instant>,
) -> Result<Evaluation, Stop> {
    let total = task.len(part);
    let mut predicted: Vec<(ReadoutKind, Vec<i32>)> =
        readouts.kinds().iter().map(|&kind| (kind, Vec::with_capacity(total))).collect();
    let mut labels = Vec::with_capacity(total);
    let mut spikes = [0; 3];
    for first in (0..total).step_by(CHUNK) {
        let mut outputs = Vec::new();
        for k in first..(first + CHUNK).min(total) {
            if let Some(stop) = control.stop(deadline) {
                return Err(stop);
            }
            let key = key.sample(k as u64);
            let (train, label) = task.sample(part, k, key);
            let mut stream = key.stream(Purpose::OneSpikeTest);
            let mut choose =
                |_: usize, _: usize, crossed: &[u32]| crossed[below(&mut stream, crossed.len())];
            for output in engine.run(std::slice::from_ref(&train), false, &mut choose, None) {
                add_spikes(&mut spikes, &train, &output);
                outputs.push(output.exc);
            }
            labels.push(label);
            control.advance(1);
        }
        for ((_, all), (_, chunk)) in predicted.iter_mut().zip(readouts.predict(&outputs)) {
            all.extend(chunk);
        }
    }
    let accuracy =
        predicted.into_iter().map(|(kind, classes)| (kind, accuracy(&classes, &labels))).collect();
    Ok(Evaluation { accuracy, spikes })
}

fn add_spikes(total: &mut [u64; 3], input: &SpikeTrain, output: &LayerSpikes) {
    for (total, train) in total.iter_mut().zip([input, &output.exc, &output.inh]) {
        *total += train.count() as u64;
    }
}

fn note_evaluation(attributes: &mut BTreeMap<String, Value>, evaluation: &Evaluation) {
    attributes.insert(READOUT_ACCURACY.into(), accuracy_object(&evaluation.accuracy));
    attributes.insert("test_spikes".into(), spikes_object(&evaluation.spikes));
}

fn accuracy_object(accuracies: &[(ReadoutKind, f64)]) -> Value {
    accuracies.iter().map(|(kind, a)| (kind.name().to_string(), json!(a))).collect()
}

fn spikes_object(spikes: &[u64; 3]) -> Value {
    json!({ "in": spikes[0], "exc": spikes[1], "inh": spikes[2] })
}
