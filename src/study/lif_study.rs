//! The study file of LIF networks: a run file ([`crate::train::lif::run_file`]) with the tables of a study.
//!
//! ```toml
//! model = "lif"
//!
//! [study]
//! name = "randman"
//! seed = 1                  # also that of the data and of training, unless they have their own
//!
//! [data]                    # see `spikeseek::train::lif::DataTable`
//! set = "randman"
//! hold_out = 0.2            # what the search maximises the accuracy on
//!
//! [network]
//! hidden = [64, 64]
//!
//! [training]
//! epochs = 4
//!
//! [silence]                 # see `spikeseek::silence`; layers are hidden_1, hidden_2, …
//! update_interval = 100
//! rule = { silent = { layer = "hidden_1", threshold = 5, proportion = 0.1, total = "train" } }
//! sequential = {}
//!
//! [space]                   # settings of [network] and [training] by name; hidden_1, … are sizes of layers
//! learning_rate = { float = [1e-3, 1e-1], prior = "log" }
//! hidden_1 = { int = [16, 128] }
//!
//! [sampler]
//! name = "scbo"
//!
//! [budget]
//! calls = 50
//! ```

use super::frame::{Frame, Setting};
use super::toml_check::{Document, unknown};
use crate::error::{Error, Result};
use crate::search::space::{Point, Space};
use crate::silence::Settings as SilenceSettings;
use crate::train::lif::run_file::{MODEL, RunFile};
use crate::train::lif::{LifTrial, Loading, Samples};
use serde_json::Value;
use std::path::Path;

/// Settings of `[training]` that a space may set.
const TRAINING: [&str; 6] =
    ["epochs", "batch_size", "learning_rate", "optimiser", "method", "capacity_quantile"];

/// Settings of `[network]` that a space may set, beside `hidden` (all hidden layers) and `hidden_1`, ….
const NETWORK: [&str; 18] = [
    "decay",
    "threshold",
    "second_threshold",
    "output_second_threshold",
    "max_activity",
    "capacity",
    "sparse_multiplier",
    "recurrent",
    "input_scale",
    "surrogate_slope",
    "reset",
    "delay",
    "comparison",
    "selection",
    "readout",
    "bias",
    "learned_decay",
    "weight_mul",
];

/// Settings of which a network has one.
const ROOM: [&str; 3] = ["max_activity", "capacity", "sparse_multiplier"];

/// What is wrong with a setting: its name and text.
type Wrong = (String, String);

/// A study file of LIF networks, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct LifStudy {
    /// `[study]`, `[space]`, `[sampler]`, `[budget]`.
    pub frame: Frame,
    /// `[silence]`.
    pub silence: SilenceSettings,
    /// `[data]`, `[network]`, `[training]`.
    pub run: RunFile,
}

impl LifStudy {
    /// Parses and checks a study file; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn parse(path: &Path, text: &str) -> Result<LifStudy> {
        let document = Document::parse(path, text)?;
        let mut tables = vec!["model", "data", "network", "training", "silence"];
        tables.extend(Frame::TABLES);
        document.check_keys(&[], &tables)?;
        if document.keys(&["study"])?.is_empty() {
            let text = "is missing: this is a run file, which `spikeseek train` takes; a study has [study] \
                        with a name, [space] and [budget] besides";
            return Err(document.error(&["study"], text));
        }
        let frame = Frame::from_document(&document)?;
        let run = RunFile::from_document(&document, frame.study.seed)?;
        let study = LifStudy { frame, silence: document.table(&["silence"])?, run };
        study.check(&document)?;
        Ok(study)
    }

    fn check(&self, document: &Document<'_>) -> Result<()> {
        let layers = self.run.network.hidden_names();
        let layers: Vec<&str> = layers.iter().map(String::as_str).collect();
        if let Some(problem) = self.silence.check(&layers).first() {
            return Err(document.error(&problem.path(), &problem.message));
        }
        if self.run.data.hold_out == 0.0 && self.frame.space.is_some() {
            let text = "0 leaves no samples to compare networks on; give 0 < hold_out < 1";
            return Err(document.error(&["data", "hold_out"], text));
        }
        let (inputs, classes) = self.run.data.shape();
        self.frame.check_space(document, |setting| {
            let name = setting.0.clone();
            let run = self.run_with(&[setting])?;
            run.settings_for(inputs, classes).map(drop).map_err(|(_, text)| (name, text))
        })
    }

    /// Loads the samples.
    ///
    /// # Errors
    /// As [`crate::train::lif::DataTable::load`]; [`Error::Usage`] where the validation part is empty.
    pub fn samples(&self, loading: Loading<'_>) -> Result<Samples> {
        let samples = self.run.data.load(loading)?;
        if samples.validation.is_empty() {
            let text = "the split leaves no sample for the hold-out; give more samples or another hold_out";
            return Err(Error::Usage(text.into()));
        }
        Ok(samples)
    }

    /// The trial of a point, or name and text of what does not go together.
    pub fn trial(
        &self,
        space: &Space,
        point: &Point,
        samples: &Samples,
    ) -> std::result::Result<LifTrial, Wrong> {
        let run = self.run_with(&Frame::settings_of(space, point))?;
        Ok(LifTrial {
            settings: run.settings_for(samples.train.neurons(), samples.train.classes())?,
            epochs: run.training.epochs,
            silence: self.silence.clone(),
            time_limit: run.training.time_limit(),
            record_time: false,
        })
    }

    /// The run in which these values replace those of the file.
    fn run_with(&self, settings: &[Setting]) -> std::result::Result<RunFile, Wrong> {
        let mut run = self.run.clone();
        for (name, value) in settings {
            let wrong = |text: String| (name.clone(), text);
            let value = plain(value);
            if TRAINING.contains(&name.as_str()) {
                run.training = with_field(&run.training, name, value).map_err(wrong)?;
            } else if NETWORK.contains(&name.as_str()) {
                run.network = with_field(&run.network, name, value).map_err(wrong)?;
            } else {
                set_size(&mut run.network.hidden, name, &value).map_err(wrong)?;
            }
        }
        Ok(run)
    }

    /// The study file that gives these settings, everything written out.
    ///
    /// # Errors
    /// [`Error::Usage`] where a number has no place in TOML.
    pub fn to_toml(&self) -> Result<String> {
        let failed = |e: toml::ser::Error| Error::Usage(format!("cannot write the settings: {e}"));
        let mut tables = self.run.to_table().map_err(failed)?;
        tables.insert("model".into(), MODEL.into());
        tables.insert("silence".into(), toml::Value::try_from(&self.silence).map_err(failed)?);
        self.frame.to_toml(tables)
    }
}

/// A value of a point in TOML; choices of yes and no are such.
fn plain(value: &Value) -> toml::Value {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().unwrap_or(f64::NAN).into(),
        },
        Value::String(text) => match text.parse::<bool>() {
            Ok(yes) => yes.into(),
            Err(_) => text.as_str().into(),
        },
        other => other.to_string().into(),
    }
}

/// The table with one field replaced.
fn with_field<T: serde::Serialize + serde::de::DeserializeOwned>(
    table: &T,
    name: &str,
    value: toml::Value,
) -> std::result::Result<T, String> {
    let mut fields = toml::Table::try_from(table).map_err(|e| e.to_string())?;
    if ROOM.contains(&name) {
        fields.retain(|field, _| !ROOM.contains(&field));
    }
    fields.insert(name.to_string(), value);
    fields.try_into().map_err(|e: toml::de::Error| e.message().to_string())
}

/// Sets `hidden` (all hidden layers) or `hidden_k`.
fn set_size(
    hidden: &mut [usize],
    name: &str,
    value: &toml::Value,
) -> std::result::Result<(), String> {
    let layer = match name.strip_prefix("hidden_") {
        Some(number) => number.parse::<usize>().ok().filter(|k| (1..=hidden.len()).contains(k)),
        None => (name == "hidden").then_some(0),
    };
    let Some(layer) = layer else {
        let sizes: Vec<String> = (1..=hidden.len()).map(|k| format!("hidden_{k}")).collect();
        let mut known: Vec<&str> = TRAINING.to_vec();
        known.extend(NETWORK);
        known.push("hidden");
        known.extend(sizes.iter().map(String::as_str));
        return Err(unknown("variable", name, &known));
    };
    let size = value.as_integer().and_then(|size| usize::try_from(size).ok());
    let size =
        size.ok_or_else(|| format!("{value} is no number of neurons; give int = [low, high]"))?;
    match layer {
        0 => hidden.fill(size),
        layer => hidden[layer - 1] = size,
    }
    Ok(())
}
