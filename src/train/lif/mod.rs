//! Training of LIF networks: epochs over labelled spike trains.
//!
//! What a run computes is a function of its [`Settings`] and the data: none of thread count or clock
//! changes it. The order of epoch e comes from the stream (seed, trial, e), the initial weights from
//! (seed, trial), random selections from (seed, trial, step).

mod capacity;
mod checkpoint;
mod data_table;
pub mod reference_options;
pub mod run_file;
mod samples;
mod trial;

pub use capacity::Capacities;
pub use checkpoint::Checkpoint;
pub use data_table::{DataTable, Encoder};
pub use samples::{Loading, Samples};
pub use trial::{LifTrial, hidden_names, run_lif_trial};

use crate::engine::cpu::lif::{Method, build, pool};
use crate::engine::lif::{LayerActivity, LifEngine, LifWeights, Options, Pass};
use crate::network::Lif;
use crate::random::{Key, Purpose, shuffle};
use crate::spikes::{SpikeSet, SpikeTrain};
use crate::train::loss::{Objective, Scored};
use crate::train::optimiser::{Optimiser, OptimiserKind};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, Scope};

/// Most threads of an engine.
const MAX_THREADS: usize = 1024;

/// What is said of a training that left the numbers.
pub const DIVERGED: &str =
    "a weight or a moment of the optimiser is not finite; the learning rate may be too high";

/// Everything that a run depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The implementation.
    pub method: Method,
    /// Seed of weights, orders and random selections.
    pub seed: u64,
    /// Number of the trial in its study, which has weights, orders and selections of its own; 0 outside
    /// of a study.
    #[serde(default)]
    pub trial: u64,
    /// Samples of a step.
    pub batch_size: usize,
    /// Threads of the engine; no effect on results.
    pub threads: usize,
    /// Steps between checkpoints of the backward pass; 0 = none. See
    /// [`Options::checkpoint_steps`].
    pub checkpoint_steps: usize,
    /// Share of the rows whose demand automatic capacities serve.
    pub capacity_quantile: f64,
    /// The network.
    pub network: Lif,
    /// Loss and regulariser.
    pub objective: Objective,
    /// The optimiser.
    pub optimiser: OptimiserKind,
}

impl Settings {
    /// Address of the streams that weights, orders and selections come from.
    fn key(&self) -> Key {
        Key::new(self.seed).trial(self.trial)
    }

    /// The first setting that is out of its range: name and what is allowed.
    ///
    /// # Errors
    /// Name and text.
    pub fn check(&self) -> Result<(), (String, String)> {
        self.network.check().map_err(|(name, text)| (format!("network.{name}"), text))?;
        self.objective.check(&self.network)?;
        self.optimiser.check()?;
        if self.batch_size == 0 {
            return Err(("batch_size".into(), "0 is not allowed; give 1 or more".into()));
        }
        if !(1..=MAX_THREADS).contains(&self.threads) {
            let text = format!("{} is not allowed; give 1 to {MAX_THREADS}", self.threads);
            return Err(("threads".into(), text));
        }
        if !(self.capacity_quantile > 0.0 && self.capacity_quantile <= 1.0) {
            let text = format!("{} is not allowed; give 0 < q ≤ 1", self.capacity_quantile);
            return Err(("capacity_quantile".into(), text));
        }
        if self.checkpoint_steps > 0 && self.method != Method::SparseLayer {
            let text = format!("{} has no checkpoints; give 0", self.method.name());
            return Err(("checkpoint_steps".into(), text));
        }
        Ok(())
    }
}

/// What a layer did in an epoch or an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerMetrics {
    /// Mean share of the neurons that spike in a step.
    pub rate: f64,
    /// Mean entries of the list of a step, gradient-only ones included.
    pub entries: f64,
    /// Spikes that the list had no room for, of all that crossed the threshold.
    pub dropped: f64,
    /// Share of the lists that overflowed.
    pub overflowed: f64,
    /// Capacity at the end.
    pub capacity: usize,
}

/// Result of an epoch or an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Samples.
    pub samples: usize,
    /// Mean loss of a sample, without the regulariser.
    pub loss: f64,
    /// Share of samples whose largest answer is the label.
    pub accuracy: f64,
    /// Layer by layer, input side first.
    pub layers: Vec<LayerMetrics>,
}

/// Adds up batches.
struct Tally {
    samples: usize,
    loss: f64,
    right: usize,
    activity: Vec<LayerActivity>,
}

impl Tally {
    fn new(network: &Lif) -> Self {
        let activity = vec![LayerActivity::default(); network.layers.len()];
        Tally { samples: 0, loss: 0.0, right: 0, activity }
    }

    fn add(&mut self, scored: &Scored<f32>, labels: &[u32], pass: &Pass<f32>) {
        self.samples += labels.len();
        self.loss += scored.losses.iter().map(|&x| f64::from(x)).sum::<f64>();
        self.right += scored.predicted.iter().zip(labels).filter(|(a, b)| a == b).count();
        self.activity.iter_mut().zip(&pass.activity).for_each(|(sum, a)| sum.merge(a));
    }

    fn metrics(&self, network: &Lif, capacities: &[usize]) -> Metrics {
        let samples = self.samples.max(1) as f64;
        let of_layer = |l: usize| {
            let a = &self.activity[l];
            let rows = a.rows.max(1) as f64;
            LayerMetrics {
                rate: a.rate(network.layers[l].neurons),
                entries: (a.emitted + a.gradient_only) as f64 / rows,
                dropped: a.dropped_spikes as f64 / a.crossed.max(1) as f64,
                overflowed: a.overflowed_rows as f64 / rows,
                capacity: capacities[l],
            }
        };
        Metrics {
            samples: self.samples,
            loss: self.loss / samples,
            accuracy: self.right as f64 / samples,
            layers: (0..network.layers.len()).map(of_layer).collect(),
        }
    }
}

/// A network in training.
pub struct Trainer {
    settings: Settings,
    engine: Box<dyn LifEngine>,
    optimiser: Optimiser<f32>,
    capacities: Capacities,
    pool: Arc<rayon::ThreadPool>,
    epochs: usize,
    /// Number of the pass that is the first step, far from those of other seeds: passes address the random
    /// numbers of the selection.
    first_pass: u64,
}

impl Trainer {
    /// A network with fresh weights.
    ///
    /// # Errors
    /// As [`Settings::check`].
    pub fn new(settings: Settings) -> Result<Self, (String, String)> {
        settings.check()?;
        let weights = LifWeights::initial(&settings.network, settings.key());
        Ok(Self::with(settings, &weights))
    }

    fn with(settings: Settings, weights: &LifWeights<f32>) -> Self {
        let capacities = Capacities::new(&settings.network);
        let options = Options {
            threads: settings.threads,
            checkpoint_steps: settings.checkpoint_steps,
            input_gradient: false,
        };
        let engine =
            build(settings.method, &settings.network, weights, capacities.current(), options);
        Trainer {
            optimiser: Optimiser::new(settings.optimiser),
            engine,
            capacities,
            pool: pool(settings.threads),
            first_pass: settings.key().stream(Purpose::SpikeSelection).next_u64(),
            settings,
            epochs: 0,
        }
    }

    /// Goes on from a checkpoint, bit for bit as if there had been no stop.
    ///
    /// # Errors
    /// As [`Settings::check`], or where the checkpoint is of another network.
    pub fn resume(settings: Settings, checkpoint: &Checkpoint) -> Result<Self, (String, String)> {
        settings.check()?;
        if checkpoint.network != settings.network {
            let text = "the checkpoint is of a network with other parameters".to_string();
            return Err(("network".into(), text));
        }
        let mut trainer = Self::with(settings, &checkpoint.weights);
        trainer.capacities.restore(&checkpoint.capacities);
        trainer.engine.set_capacities(trainer.capacities.current());
        trainer.epochs = checkpoint.epochs;
        trainer.optimiser.steps = checkpoint.optimiser_steps;
        if let Some((first, second)) = &checkpoint.moments {
            trainer.optimiser.first = trainer.engine.pack(first);
            trainer.optimiser.second = trainer.engine.pack(second);
        }
        Ok(trainer)
    }

    /// The state after the last whole epoch.
    pub fn checkpoint(&mut self) -> Checkpoint {
        let unpack = |tensors: &[Vec<f32>]| {
            self.engine.unpack(&tensors.iter().map(Vec::as_slice).collect::<Vec<_>>())
        };
        let moments = (!self.optimiser.first.is_empty())
            .then(|| (unpack(&self.optimiser.first), unpack(&self.optimiser.second)));
        Checkpoint {
            network: self.settings.network.clone(),
            epochs: self.epochs,
            optimiser_steps: self.optimiser.steps,
            capacities: self.capacities.current().to_vec(),
            weights: self.engine.weights(),
            moments,
        }
    }

    /// Whole epochs done.
    pub fn epochs(&self) -> usize {
        self.epochs
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A copy of the weights.
    pub fn weights(&mut self) -> LifWeights<f32> {
        self.engine.weights()
    }

    /// Whether a weight or a moment of the optimiser is not finite: nothing can be learned any more.
    pub fn diverged(&mut self) -> bool {
        let weights = self.engine.weights();
        let parts = weights.layers.iter().flat_map(|layer| layer.parts()).map(|(_, part)| part);
        let moments = self.optimiser.first.iter().chain(&self.optimiser.second);
        !parts.chain(moments).flatten().all(|x| x.is_finite())
    }

    /// One step: forward, loss, backward, optimiser, growth of automatic capacities.
    pub fn learn(&mut self, batch: &[SpikeTrain], labels: &[u32]) -> (Pass<f32>, Scored<f32>) {
        let Settings { network, objective, .. } = &self.settings;
        let mut scored = None;
        let number = self.first_pass.wrapping_add(self.optimiser.steps);
        let pass = self.engine.step(batch, number, &mut |pass| {
            let result = objective.score(network, pass, labels);
            let gradient = result.gradient.clone();
            scored = Some(result);
            gradient
        });
        let (pool, optimiser, engine) = (&self.pool, &mut self.optimiser, &mut self.engine);
        pool.install(|| optimiser.update(engine.tensors()));
        if self.capacities.observe(&pass.activity, self.settings.capacity_quantile) {
            self.engine.set_capacities(self.capacities.current());
        }
        (pass, scored.expect("a step asks for the loss"))
    }

    /// Gradients of the last step.
    pub fn gradients(&mut self) -> LifWeights<f32> {
        self.engine.gradients()
    }

    /// Trains one epoch: every sample once, in an order of its own. `progress` hears after each
    /// step how many samples are done and what the network did; where it gives false, the epoch ends
    /// there, does not count and None is returned.
    pub fn epoch(
        &mut self,
        data: &SpikeSet,
        progress: &mut dyn FnMut(usize, &Pass<f32>) -> bool,
    ) -> Option<Metrics> {
        let mut order: Vec<usize> = (0..data.len()).collect();
        let key = self.settings.key().epoch(self.epochs as u64);
        shuffle(&mut key.stream(Purpose::Shuffle), &mut order);
        let mut tally = Tally::new(&self.settings.network);
        thread::scope(|scope| {
            for (batch, labels) in read_ahead(scope, data, &order, self.settings.batch_size) {
                let (pass, scored) = self.learn(&batch, &labels);
                tally.add(&scored, &labels, &pass);
                if !progress(tally.samples, &pass) {
                    return None;
                }
            }
            Some(())
        })?;
        self.epochs += 1;
        Some(tally.metrics(&self.settings.network, self.capacities.current()))
    }

    /// Runs all samples without learning.
    pub fn evaluate(&mut self, data: &SpikeSet) -> Metrics {
        let Settings { network, objective, .. } = &self.settings;
        let mut tally = Tally::new(network);
        let all: Vec<usize> = (0..data.len()).collect();
        thread::scope(|scope| {
            for (batch, labels) in read_ahead(scope, data, &all, self.settings.batch_size) {
                // The pass before the first step: no step draws its numbers.
                let pass = self.engine.infer(&batch, self.first_pass.wrapping_sub(1), false);
                tally.add(&objective.score(network, &pass, &labels), &labels, &pass);
            }
        });
        tally.metrics(network, self.capacities.current())
    }
}

/// Samples and their labels.
type Batch = (Vec<SpikeTrain>, Vec<u32>);

/// The batches of an epoch, read by a thread of their own while the ones before them are trained on: a slow
/// disk does not hold training up. It ends when nobody listens any more.
fn read_ahead<'scope>(
    scope: &'scope Scope<'scope, '_>,
    data: &'scope SpikeSet,
    order: &'scope [usize],
    batch_size: usize,
) -> Receiver<Batch> {
    let (sender, batches) = sync_channel(1);
    scope.spawn(move || {
        let unheard = |chosen| sender.send(batch_of(data, chosen)).is_err();
        order.chunks(batch_size).any(unheard)
    });
    batches
}

/// The chosen samples and their labels.
pub fn batch_of(data: &SpikeSet, chosen: &[usize]) -> Batch {
    chosen.iter().map(|&i| (data.train(i), u32::from(data.label(i)))).unzip()
}
