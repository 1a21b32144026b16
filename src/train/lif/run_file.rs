//! The TOML file of a LIF run.
//!
//! ```toml
//! model = "lif"
//!
//! [data]
//! set = "randman"        # or "random"
//! classes = 10
//! train = 1000           # samples
//! test = 250
//!
//! [network]
//! hidden = [256, 256]
//! max_activity = 0.05    # room in the lists of hidden layers, as a share of the layer
//!
//! [training]
//! method = "sparse_layer"
//! epochs = 20
//! ```
//!
//! Defaults, and second names in the style of the reference's benchmark script, are those of spec
//! sparse_lif_ipu, section 5.3: batches of 48, rate 1e-2, d 0.95, θ₂ 0.9.

use super::Settings;
use crate::data::randman::{Part, Randman, RandmanSettings};
use crate::data::random_spikes::RandomSpikes;
use crate::engine::cpu::lif::Method;
use crate::error::{Error, Result};
use crate::network::{
    Capacity, Comparison, Delay, LearnedDecay, Lif, NamedCapacity, Readout, Reset, Selection,
};
use crate::spikes::SpikeSet;
use crate::study::toml_check::{Document, unknown};
use crate::train::loss::{ActivityRegulariser, BatchReduction, LossKind, Objective};
use crate::train::optimiser::OptimiserKind;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Value of `model` that marks these files.
pub const MODEL: &str = "lif";

/// Largest number of samples that a file can ask for.
const MAX_SAMPLES: usize = 1 << 24;

/// Where the samples come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataTable {
    /// `randman` or `random`.
    pub set: String,
    /// Seed of the samples.
    pub seed: u64,
    /// Training samples.
    pub train: usize,
    /// Test samples.
    pub test: usize,
    /// Input units.
    pub units: usize,
    /// Time steps (the reference's `seq_len`).
    #[serde(alias = "seq_len")]
    pub steps: usize,
    /// Classes.
    pub classes: usize,
    /// Randman: dimension of a manifold.
    pub dimension: usize,
    /// Randman: smoothness of a manifold.
    pub alpha: f64,
    /// Random spikes: probability of a spike of a unit in a step.
    pub rate: f64,
}

impl Default for DataTable {
    fn default() -> Self {
        DataTable {
            set: "randman".into(),
            seed: 1,
            train: 1000,
            test: 250,
            units: 128,
            steps: 100,
            classes: 10,
            dimension: 1,
            alpha: 2.0,
            rate: 0.05,
        }
    }
}

/// The network. Sizes of input and output come from the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkTable {
    /// Sizes of the hidden layers.
    pub hidden: Vec<usize>,
    /// Decay of all layers.
    pub decay: f64,
    /// θ₁ of all layers.
    pub threshold: f64,
    /// θ₂ of the hidden layers.
    #[serde(alias = "second_thresh")]
    pub second_threshold: f64,
    /// θ₂ of the last layer.
    pub output_second_threshold: f64,
    /// Room in the lists of hidden layers: K = 2·⌊share·n/2⌋, at least 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_activity: Option<f64>,
    /// Room in the lists of hidden layers: a number, `all` or `auto`; not with `max_activity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// Whether hidden layers feed back into themselves.
    pub recurrent: bool,
    /// See [`Lif::input_scale`].
    pub input_scale: f64,
    /// See [`Lif::surrogate_slope`].
    pub surrogate_slope: f64,
    /// See [`Reset`].
    pub reset: Reset,
    /// See [`Delay`].
    pub delay: Delay,
    /// See [`Comparison`].
    pub comparison: Comparison,
    /// See [`Selection`].
    pub selection: Selection,
    /// See [`Readout`].
    pub readout: Readout,
    /// Whether layers have a bias.
    pub bias: bool,
    /// See [`LearnedDecay`].
    pub learned_decay: LearnedDecay,
    /// See [`Lif::weight_mul`].
    pub weight_mul: f64,
    /// See [`Lif::weight_offset`].
    pub weight_offset: f64,
}

impl Default for NetworkTable {
    fn default() -> Self {
        let lif = Lif::new(&[1, 1, 1]);
        NetworkTable {
            hidden: vec![256, 256],
            decay: lif.layers[0].decay,
            threshold: lif.layers[0].threshold,
            second_threshold: lif.layers[0].second_threshold,
            output_second_threshold: lif.layers[1].second_threshold,
            max_activity: None,
            capacity: None,
            recurrent: false,
            input_scale: lif.input_scale,
            surrogate_slope: lif.surrogate_slope,
            reset: lif.reset,
            delay: lif.delay,
            comparison: lif.comparison,
            selection: lif.selection,
            readout: lif.readout,
            bias: lif.bias,
            learned_decay: lif.learned_decay,
            weight_mul: lif.weight_mul,
            weight_offset: lif.weight_offset,
        }
    }
}

/// How it is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingTable {
    /// The implementation.
    #[serde(alias = "impl_method")]
    pub method: Method,
    /// Epochs.
    pub epochs: usize,
    /// Samples of a step.
    #[serde(alias = "batchsize")]
    pub batch_size: usize,
    /// Threads; no effect on results.
    pub threads: usize,
    /// Seed of weights and orders.
    pub seed: u64,
    /// The optimiser.
    pub optimiser: OptimiserName,
    /// Its learning rate.
    #[serde(alias = "lr")]
    pub learning_rate: f64,
    /// The loss.
    pub loss: LossKind,
    /// Sum or mean over a batch.
    pub reduction: BatchReduction,
    /// Keeps hidden layers active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regulariser: Option<ActivityRegulariser>,
    /// See [`Settings::checkpoint_steps`].
    pub checkpoint_steps: usize,
    /// See [`Settings::capacity_quantile`].
    pub capacity_quantile: f64,
}

/// Optimisers by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimiserName {
    /// Adam with the usual constants.
    Adam,
    /// Plain gradient descent.
    Sgd,
}

impl Default for TrainingTable {
    fn default() -> Self {
        TrainingTable {
            method: Method::SparseLayer,
            epochs: 21,
            batch_size: 48,
            threads: 1,
            seed: 1,
            optimiser: OptimiserName::Adam,
            learning_rate: 1e-2,
            loss: LossKind::CrossEntropy,
            reduction: BatchReduction::Mean,
            regulariser: None,
            checkpoint_steps: 0,
            capacity_quantile: 0.99,
        }
    }
}

/// A LIF run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunFile {
    /// [`MODEL`].
    pub model: String,
    /// Samples.
    pub data: DataTable,
    /// Network.
    pub network: NetworkTable,
    /// Training.
    pub training: TrainingTable,
    /// What follows from the tables.
    #[serde(skip)]
    pub settings: Settings,
}

impl RunFile {
    /// Whether a text is the file of a LIF run: its `model` says so. A text that is no TOML is not.
    pub fn is_one(path: &Path, text: &str) -> bool {
        let model = Document::parse(path, text).and_then(|d| d.get::<String>(&["model"]));
        matches!(model, Ok(Some(model)) if model == MODEL)
    }

    /// Reads a text; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Config`] with the line and key of what is unknown, missing or out of its range.
    pub fn parse(path: &Path, text: &str) -> Result<RunFile> {
        let document = Document::parse(path, text)?;
        document.check_keys(&[], &["model", "data", "network", "training"])?;
        let model: String = document.get(&["model"])?.unwrap_or_default();
        if model != MODEL {
            return Err(document.error(&["model"], &format!("must be \"{MODEL}\"")));
        }
        let data: DataTable = document.table(&["data"])?;
        let network: NetworkTable = document.table(&["network"])?;
        let training: TrainingTable = document.table(&["training"])?;
        if !DATA_SETS.contains(&data.set.as_str()) {
            let text = unknown("data set", &data.set, &DATA_SETS);
            return Err(document.error(&["data", "set"], &text));
        }
        for (key, count) in [("train", data.train), ("test", data.test)] {
            if !(1..=MAX_SAMPLES).contains(&count) {
                let text = format!("{count} is not allowed; give 1 to {MAX_SAMPLES}");
                return Err(document.error(&["data", key], &text));
            }
        }
        let lif = network.lif(data.units, data.classes);
        let lif = lif.map_err(|(key, text)| document.error(&["network", key], &text))?;
        let settings = training.settings(lif);
        settings.check().map_err(|(name, text)| {
            let key = name.rsplit('.').next().unwrap_or(&name);
            let table = if name.starts_with("network") { "network" } else { "training" };
            document.error(&[table, key], &format!("{name}: {text}"))
        })?;
        Ok(RunFile { model, data, network, training, settings })
    }

    /// Training and test samples.
    ///
    /// # Errors
    /// [`Error::Usage`] where a setting of the data is out of its range.
    pub fn samples(&self) -> Result<(SpikeSet, SpikeSet)> {
        let data = &self.data;
        if data.set == "random" {
            let random = RandomSpikes {
                neurons: data.units,
                steps: data.steps,
                classes: data.classes,
                rate: data.rate,
            };
            // Other seeds give other samples.
            return Ok((
                random.samples(data.seed, data.train)?,
                random.samples(data.seed ^ 1 << 63, data.test)?,
            ));
        }
        let settings = RandmanSettings {
            units: data.units,
            steps: data.steps,
            classes: data.classes,
            dimension: data.dimension,
            alpha: data.alpha,
            ..RandmanSettings::default()
        };
        let randman = Randman::new(settings, data.seed)?;
        let per_class = |samples: usize| samples.div_ceil(data.classes);
        Ok((
            randman.samples(Part::Train, per_class(data.train)),
            randman.samples(Part::Test, per_class(data.test)),
        ))
    }

    /// The file with all defaults written out.
    ///
    /// # Errors
    /// [`Error::Usage`] where a number has no place in TOML.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| Error::Usage(format!("settings as TOML: {e}")))
    }
}

/// Data sets by name.
const DATA_SETS: [&str; 2] = ["randman", "random"];

impl NetworkTable {
    fn lif(
        &self,
        inputs: usize,
        classes: usize,
    ) -> std::result::Result<Lif, (&'static str, String)> {
        let mut sizes = vec![inputs];
        sizes.extend(&self.hidden);
        sizes.push(classes);
        let mut lif = Lif {
            input_scale: self.input_scale,
            surrogate_slope: self.surrogate_slope,
            reset: self.reset,
            delay: self.delay,
            comparison: self.comparison,
            selection: self.selection,
            readout: self.readout,
            bias: self.bias,
            learned_decay: self.learned_decay,
            weight_mul: self.weight_mul,
            weight_offset: self.weight_offset,
            ..Lif::new(&sizes)
        };
        let hidden = self.hidden.len();
        for (l, layer) in lif.layers.iter_mut().enumerate() {
            layer.decay = self.decay;
            layer.threshold = self.threshold;
            if l == hidden {
                layer.second_threshold = self.output_second_threshold;
                continue;
            }
            layer.second_threshold = self.second_threshold;
            layer.recurrent = self.recurrent;
            layer.capacity = match (self.max_activity, self.capacity) {
                (Some(_), Some(_)) => {
                    let text = "capacity and max_activity exclude each other; give one";
                    return Err(("capacity", text.into()));
                }
                (Some(share), None) => {
                    if !(share > 0.0 && share <= 1.0) {
                        let text = format!("{share} is not allowed; give 0 < share ≤ 1");
                        return Err(("max_activity", text));
                    }
                    let k = (share * layer.neurons as f64 / 2.0) as usize * 2;
                    Capacity::Fixed(k.max(2).min(layer.neurons))
                }
                (None, Some(capacity)) => capacity,
                (None, None) => Capacity::Named(NamedCapacity::All),
            };
        }
        Ok(lif)
    }
}

impl TrainingTable {
    fn settings(&self, network: Lif) -> Settings {
        let learning_rate = self.learning_rate;
        Settings {
            method: self.method,
            seed: self.seed,
            batch_size: self.batch_size,
            threads: self.threads,
            checkpoint_steps: self.checkpoint_steps,
            capacity_quantile: self.capacity_quantile,
            network,
            objective: Objective {
                loss: self.loss,
                reduction: self.reduction,
                regulariser: self.regulariser,
            },
            optimiser: match self.optimiser {
                OptimiserName::Adam => OptimiserKind::adam(learning_rate),
                OptimiserName::Sgd => OptimiserKind::Sgd { learning_rate },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<RunFile> {
        RunFile::parse(Path::new("run.toml"), text)
    }

    #[test]
    fn defaults_and_second_names() {
        let run = parse("model = \"lif\"").unwrap();
        assert_eq!(run.training.batch_size, 48);
        assert_eq!(run.settings.network.layers.len(), 3);
        let text = "model = \"lif\"\n[network]\nhidden = [101]\nmax_activity = 0.05\n\
                    second_thresh = 0.8\n[training]\nlr = 0.1\nbatchsize = 7\nimpl_method = \"dense\"";
        let run = parse(text).unwrap();
        assert_eq!(run.settings.batch_size, 7);
        assert_eq!(run.settings.method, Method::Dense);
        assert_eq!(run.settings.network.layers[0].second_threshold, 0.8);
        assert_eq!(run.settings.network.layers[0].capacity, Capacity::Fixed(4));
        let again = parse(&run.to_toml().unwrap()).unwrap();
        assert_eq!(again, run);
    }

    #[test]
    fn complaints_name_line_and_key() {
        for (text, key, line) in [
            ("model = \"lif\"\n[network]\nhiden = [1]", "network.hiden", 3),
            ("model = \"lif\"\n\n[network]\ndecay = 1.5", "network.decay", 4),
            ("model = \"lif\"\n[data]\nset = \"randmann\"", "data.set", 3),
            ("model = \"lif\"\n[training]\nlr = -1.0", "training", 2),
            ("model = \"lif\"\n[network]\nmax_activity = 0.0", "network.max_activity", 3),
            ("model = \"stdp\"", "model", 1),
        ] {
            match parse(text).unwrap_err() {
                Error::Config { line: Some(found), key: name, .. } => {
                    assert!(name.starts_with(key), "{text}: {name}");
                    assert_eq!(found, line, "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
