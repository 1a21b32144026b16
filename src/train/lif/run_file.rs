//! The TOML file of a LIF run.
//!
//! ```toml
//! model = "lif"
//!
//! [data]
//! set = "nmnist"         # see `DataTable`
//! dir = "runs/nmnist"
//! steps = 100
//! hold_out = 0.1         # share of the training samples kept for validation
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

use super::reference_options::{REFUSED, as_written};
use super::{DataTable, Samples, Settings, hidden_names};
use crate::engine::cpu::lif::Method;
use crate::error::{Error, Result};
use crate::network::{
    Capacity, Comparison, Delay, LearnedDecay, Lif, NamedCapacity, Readout, Reset, Selection,
};
use crate::study::toml_check::Document;
use crate::train::loss::{ActivityRegulariser, BatchReduction, LossKind, Objective};
use crate::train::optimiser::OptimiserKind;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// Value of `model` that marks these files.
pub const MODEL: &str = "lif";

/// Most hidden layers that `num_hidden_layers` may ask for.
const MAX_LAYERS: usize = 1000;

/// Most epochs of a run.
const MAX_EPOCHS: usize = 100_000;

/// The network. Sizes of input and output come from the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkTable {
    /// Sizes of the hidden layers.
    pub hidden: Vec<usize>,
    /// So many hidden layers, all of the size of the first in `hidden`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_hidden_layers: Option<usize>,
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
    /// Room in the lists of hidden layers: a number, `all` or `auto`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// Room in the lists of hidden layers as in the reference's base mode: 4·m, at most the layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sparse_multiplier: Option<usize>,
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
            num_hidden_layers: None,
            decay: lif.layers[0].decay,
            threshold: lif.layers[0].threshold,
            second_threshold: lif.layers[0].second_threshold,
            output_second_threshold: lif.layers[1].second_threshold,
            max_activity: None,
            capacity: None,
            sparse_multiplier: None,
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
    /// Longest time of a training \[s\].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_limit_s: Option<f64>,
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
            time_limit_s: None,
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
        Self::from_document(&document, TrainingTable::default().seed)
    }

    /// Reads the tables of a run, whatever else the document holds; `seed` is that of a run without its
    /// own.
    ///
    /// # Errors
    /// As [`RunFile::parse`].
    pub fn from_document(document: &Document<'_>, seed: u64) -> Result<RunFile> {
        refuse_options_of_the_reference(document)?;
        let mut network: NetworkTable = document.table(&["network"])?;
        if let Some(layers) = network.num_hidden_layers.take() {
            let (Some(&first), 1..=MAX_LAYERS) = (network.hidden.first(), layers) else {
                let text =
                    format!("{layers} is not allowed; give 1 to {MAX_LAYERS}, and hidden = [size]");
                return Err(document.error(&["network", "num_hidden_layers"], &text));
            };
            network.hidden = vec![first; layers];
        }
        let mut training: TrainingTable = document.table(&["training"])?;
        training.seed = document.get(&["training", "seed"])?.unwrap_or(seed);
        if training.time_limit().is_none() && training.time_limit_s.is_some() {
            let text = "give a number of seconds above 0";
            return Err(document.error(&["training", "time_limit_s"], text));
        }
        let data = DataTable::from_document(document, training.seed)?;
        let run = RunFile { model: MODEL.into(), data, network, training };
        let (inputs, classes) = run.data.shape();
        run.settings_for(inputs, classes).map_err(|(key, text)| {
            let (table, key) = key.split_once('.').unwrap_or(("training", &key));
            let key = key.split('.').next().unwrap_or(key);
            document.error(&[table, as_written(document, table, key)], &text)
        })?;
        Ok(run)
    }

    /// Settings of a training on samples.
    ///
    /// # Errors
    /// [`Error::Usage`] with the setting that does not go with the samples.
    pub fn settings(&self, samples: &Samples) -> Result<Settings> {
        let settings = self.settings_for(samples.train.neurons(), samples.train.classes());
        settings.map_err(|(key, text)| Error::Usage(format!("`{key}`: {text}")))
    }

    /// Settings for these numbers of inputs and classes; the error has the key with its table.
    pub fn settings_for(
        &self,
        inputs: usize,
        classes: usize,
    ) -> std::result::Result<Settings, (String, String)> {
        if self.training.epochs > MAX_EPOCHS {
            let text =
                format!("{} is not allowed; give at most {MAX_EPOCHS}", self.training.epochs);
            return Err(("training.epochs".into(), text));
        }
        let lif = self.network.lif(inputs, classes);
        let lif = lif.map_err(|(key, text)| (format!("network.{key}"), text))?;
        let settings = self.training.settings(lif);
        settings.check().map_err(|(name, text)| match name.strip_prefix("network.") {
            // `layers[1].decay` is `decay` in the table.
            Some(name) => {
                let key = name.rsplit('.').next().unwrap_or(name);
                (format!("network.{key}"), format!("{name}: {text}"))
            }
            None => (format!("training.{}", name.trim_start_matches("optimiser.")), text),
        })?;
        Ok(settings)
    }

    /// The file with all defaults written out.
    ///
    /// # Errors
    /// [`Error::Usage`] where a number has no place in TOML.
    pub fn to_toml(&self) -> Result<String> {
        let text = self.to_table().and_then(|table| toml::to_string(&table));
        text.map_err(|e| Error::Usage(format!("settings as TOML: {e}")))
    }

    /// As [`RunFile::to_toml`].
    pub fn to_table(&self) -> std::result::Result<toml::Table, toml::ser::Error> {
        let mut table = toml::Table::try_from(self)?;
        table.insert("data".into(), self.data.to_table()?.into());
        Ok(table)
    }
}

/// Says why an option of the reference's script has no place in the file; those that would change nothing
/// have none either.
fn refuse_options_of_the_reference(document: &Document<'_>) -> Result<()> {
    for table in ["data", "network", "training"] {
        for key in document.keys(&[table])? {
            if let Some((_, _, why)) = REFUSED.iter().find(|(name, ..)| *name == key) {
                let text = format!("is not possible here: {why}; leave it out");
                return Err(document.error(&[table, &key], &text));
            }
        }
    }
    Ok(())
}

impl NetworkTable {
    /// Names of the hidden layers in `[silence]` and `[space]`.
    pub fn hidden_names(&self) -> Vec<String> {
        hidden_names(self.hidden.len())
    }

    fn lif(
        &self,
        inputs: usize,
        classes: usize,
    ) -> std::result::Result<Lif, (&'static str, String)> {
        let given = [
            self.max_activity.is_some(),
            self.capacity.is_some(),
            self.sparse_multiplier.is_some(),
        ];
        if given.into_iter().filter(|given| *given).count() > 1 {
            let text = "capacity, max_activity and sparse_multiplier exclude each other; give one";
            return Err(("capacity", text.into()));
        }
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
            layer.capacity = match (self.max_activity, self.capacity, self.sparse_multiplier) {
                (Some(share), ..) => {
                    if !(share > 0.0 && share <= 1.0) {
                        let text = format!("{share} is not allowed; give 0 < share ≤ 1");
                        return Err(("max_activity", text));
                    }
                    let k = (share * layer.neurons as f64 / 2.0) as usize * 2;
                    Capacity::Fixed(k.max(2).min(layer.neurons))
                }
                (None, Some(capacity), _) => capacity,
                (None, None, Some(multiplier)) => {
                    Capacity::Fixed(multiplier.saturating_mul(4).min(layer.neurons).max(1))
                }
                (None, None, None) => Capacity::Named(NamedCapacity::All),
            };
        }
        Ok(lif)
    }
}

impl TrainingTable {
    /// Longest time of a training; None also where the file's is none.
    pub fn time_limit(&self) -> Option<Duration> {
        let seconds = self.time_limit_s.filter(|s| *s > 0.0)?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    fn settings(&self, network: Lif) -> Settings {
        let learning_rate = self.learning_rate;
        Settings {
            method: self.method,
            seed: self.seed,
            trial: 0,
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

    fn network(text: &str) -> Lif {
        parse(text).unwrap().settings_for(7, 3).unwrap().network
    }

    #[test]
    fn defaults_and_second_names() {
        let run = parse("model = \"lif\"").unwrap();
        assert_eq!(run.training.batch_size, 48);
        assert_eq!(network("model = \"lif\"").layers.len(), 3);
        let text = "model = \"lif\"\n[data]\nset = \"nmnist\"\ndir = \"d\"\nseq_len = 9\n\
                    sparse_size_inp = 5\n[network]\nhidden = [101]\nmax_activity = 0.05\n\
                    second_thresh = 0.8\n[training]\nlr = 0.1\nbatchsize = 7\nimpl_method = \"dense\"";
        let run = parse(text).unwrap();
        assert_eq!((run.data.steps, run.data.capacity), (9, Some(5)));
        let settings = run.settings_for(7, 3).unwrap();
        assert_eq!(settings.batch_size, 7);
        assert_eq!(settings.method, Method::Dense);
        assert_eq!(settings.network.layers[0].second_threshold, 0.8);
        assert_eq!(settings.network.layers[0].capacity, Capacity::Fixed(4));
        let again = parse(&run.to_toml().unwrap()).unwrap();
        assert_eq!(again, run);
    }

    #[test]
    fn every_set_survives_being_written() {
        for set in ["randman", "random", "digits", "mnist", "nmnist", "dvs_gesture", "shd", "ssc"] {
            let dir =
                if ["randman", "random", "digits"].contains(&set) { "" } else { "dir = \"d\"" };
            let text =
                format!("model = \"lif\"\n[data]\nset = \"{set}\"\n{dir}\n[training]\nseed = 7");
            let run = parse(&text).unwrap();
            assert_eq!(run.data.seed, Some(7));
            let written = run.to_toml().unwrap();
            assert_eq!(parse(&written).unwrap(), run, "{written}");
        }
        // The names of the reference.
        let run =
            parse("model = \"lif\"\n[data]\ndataset_name = \"DVSGesture\"\ndir = \"d\"").unwrap();
        assert_eq!(run.data.set, "dvs_gesture");
    }

    #[test]
    fn sizes_and_room_of_the_reference() {
        let text = "model = \"lif\"\n[network]\nhidden = [20]\nnum_hidden_layers = 3\nsparse_multiplier = ";
        let sizes =
            |lif: &Lif| lif.layers.iter().map(|l| (l.neurons, l.capacity)).collect::<Vec<_>>();
        let all = Capacity::Named(NamedCapacity::All);
        for (multiplier, room) in [("2", 8), ("16", 20)] {
            let of_hidden = (20, Capacity::Fixed(room));
            let lif = network(&format!("{text}{multiplier}"));
            assert_eq!(sizes(&lif), [of_hidden, of_hidden, of_hidden, (3, all)]);
        }
    }

    #[test]
    fn complaints_name_line_and_key() {
        for (text, key, line) in [
            ("model = \"lif\"\n[network]\nhiden = [1]", "network.hiden", 3),
            ("model = \"lif\"\n\n[network]\ndecay = 1.5", "network.decay", 4),
            ("model = \"lif\"\n[data]\nset = \"randmann\"", "data.set", 3),
            ("model = \"lif\"\n[training]\n\nlr = -1.0", "training.lr", 4),
            ("model = \"lif\"\n[network]\nmax_activity = 0.0", "network.max_activity", 3),
            ("model = \"lif\"\n[network]\ncapacity = 3\nmax_activity = 0.1", "network.capacity", 3),
            ("model = \"lif\"\n[data]\ngain = 3.0", "data.gain", 3),
            ("model = \"lif\"\n[data]\nset = \"mnist\"", "data.dir", 2),
            (
                "model = \"lif\"\n[data]\nset = \"ssc\"\ndir = \"d\"\nhold_out = 0.1",
                "data.hold_out",
                5,
            ),
            ("model = \"lif\"\n[data]\nhold_out = 1.0", "data.hold_out", 3),
            (
                "model = \"lif\"\n[data]\nset = \"digits\"\ngain = 1001.0\nencoder = \"bernoulli\"",
                "data.gain",
                4,
            ),
            ("model = \"lif\"\n[data]\nseq_len = 0", "data.seq_len", 3),
            ("model = \"lif\"\n[training]\nuse_ipu = 1", "training.use_ipu", 3),
            ("model = \"lif\"\n[training]\ntime_limit_s = 0.0", "training.time_limit_s", 3),
            ("model = \"lif\"\n[network]\nnum_hidden_layers = 0", "network.num_hidden_layers", 3),
            ("model = \"stdp\"", "model", 1),
        ] {
            match parse(text).unwrap_err() {
                Error::Config { line: Some(found), key: name, message, .. } => {
                    assert_eq!(name, key, "{text}: {message}");
                    assert_eq!(found, line, "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        let message = parse("model = \"lif\"\n[training]\nnum_ipus = 2").unwrap_err().to_string();
        assert!(message.contains("on the processor"), "{message}");
    }
}
