//! The study file: what to search, on which data, for how long.
//!
//! ```toml
//! [study]
//! name = "digits"           # folder runs/<name> unless --save
//! seed = 1
//!
//! [data]
//! set = "digits"            # digits, mnist, or a key of the reference such as MNIST_rate_100
//! # dir = "data/mnist-10k"  # folder of the IDX files (mnist)
//! # size = 8000             # training images used; all if left out
//! steps = 100               # time steps of a sample
//! gain = 128.0              # rate of a white pixel [Hz]
//! hold_out = 0.2            # share of the training images kept for the score
//!
//! [network]                 # fixed parameters; the space may set the others
//! variant = "one_spike"
//!
//! [training]
//! epochs = 1
//! decoder = "all"           # readout that gives the value
//! readouts = ["all", "vote", "2gram"]
//! time_limit_s = 600.0
//!
//! [silence]                 # see `spikeseek::silence`
//! update_interval = 250
//!
//! [space]                   # see `spikeseek::search::space_file`
//! use = "experiment_1"
//!
//! [sampler]
//! name = "sobol"
//!
//! [budget]                  # either or both
//! calls = 100
//! minutes = 30.0
//! ```
//!
//! Every complaint names file, line, key and the allowed range ([`Document`]).

use super::frame::Frame;
use super::toml_check::{Document, read_text, unknown};
use crate::data::{DataSet, digits, mnist};
use crate::engine::cpu::stdp;
use crate::error::{Error, Result};
use crate::network::{DiehlCook, Variant};
use crate::readout::ReadoutKind;
use crate::search::space::{Point, Space};
use crate::silence::Settings as SilenceSettings;
use crate::spikes::PoissonEncoder;
use crate::train::{Encoder, Part, Task, TrialSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The time step is of the input, too, which is encoded once: the one network parameter that is no variable.
const NOT_SEARCHED: &str = "dt";

/// Trial settings, beside network parameters, that a space may set.
const SEARCHED_TRAINING: [&str; 3] = ["epochs", "batch_size", "decoder"];

/// Data sets by name: (name, time steps, rate of a white pixel in Hz); spec hpo.md section 1.1.
const DATA_SETS: [(&str, u32, f64); 6] = [
    ("digits", 100, 128.0),
    ("mnist", 100, 128.0),
    ("MNIST_rate_25", 25, 512.0),
    ("MNIST_rate_50", 50, 256.0),
    ("MNIST_rate_100", 100, 128.0),
    ("MNIST_rate_250", 250, 128.0),
];

/// Longest time series of a sample.
const MAX_STEPS: u32 = 10_000;

/// Data set, encoding and split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataTable {
    /// Name of the data set.
    pub set: String,
    /// Folder of its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,
    /// Training images used; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// Time steps of a sample; the data set's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Rate of a white pixel \[Hz\]; the data set's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain: Option<f64>,
    /// Share of the training images kept for the score.
    #[serde(default = "fifth")]
    pub hold_out: f64,
}

fn fifth() -> f64 {
    0.2
}

/// How a network is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingTable {
    /// Passes over the training images.
    pub epochs: u32,
    /// Samples side by side.
    pub batch_size: usize,
    /// Readout that gives the value.
    pub decoder: ReadoutKind,
    /// Readouts that are trained.
    pub readouts: Vec<ReadoutKind>,
    /// Longest time of a trial \[s\].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_limit_s: Option<f64>,
}

impl TrainingTable {
    /// The first setting that is out of its range: name and what is allowed.
    pub fn check(&self) -> std::result::Result<(), (&'static str, String)> {
        let in_range = [
            ("epochs", u64::from(self.epochs), 10_000),
            ("batch_size", self.batch_size as u64, 4_096),
        ];
        for (name, value, most) in in_range {
            if !(1..=most).contains(&value) {
                return Err((name, format!("{value} is not allowed; give 1 to {most}")));
            }
        }
        Ok(())
    }
}

impl Default for TrainingTable {
    fn default() -> Self {
        TrainingTable {
            epochs: 1,
            batch_size: 1,
            decoder: ReadoutKind::All,
            readouts: ReadoutKind::ALL.to_vec(),
            time_limit_s: None,
        }
    }
}

/// A study file, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct StudySettings {
    /// `[study]`, `[space]`, `[sampler]`, `[budget]`.
    pub frame: Frame,
    /// `[data]`.
    pub data: DataTable,
    /// `[network]` over the defaults of its variant.
    pub network: DiehlCook,
    /// `[training]`.
    pub training: TrainingTable,
    /// `[silence]`.
    pub silence: SilenceSettings,
}

impl StudySettings {
    /// Reads a study file.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Config`].
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(path, &read_text(path)?)
    }

    /// Parses and checks a study file; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let document = Document::parse(path, text)?;
        let mut tables = vec!["data", "network", "training", "silence"];
        tables.extend(Frame::TABLES);
        document.check_keys(&[], &tables)?;
        let settings = StudySettings {
            frame: Frame::from_document(&document)?,
            data: document.table(&["data"])?,
            network: read_network(&document)?,
            training: document.table(&["training"])?,
            silence: document.table(&["silence"])?,
        };
        settings.check(&document)?;
        Ok(settings)
    }

    fn check(&self, document: &Document<'_>) -> Result<()> {
        let outside = |path: &[&str], found: &dyn std::fmt::Display, allowed: &str| {
            Err(document.error(path, &format!("{found} is not allowed; give {allowed}")))
        };
        let data = &self.data;
        if !DATA_SETS.iter().any(|(known, ..)| *known == data.set) {
            let known = DATA_SETS.map(|(known, ..)| known);
            return Err(document.error(&["data", "set"], &unknown("data set", &data.set, &known)));
        }
        if data.set != "digits" && data.dir.is_none() {
            let text = "is missing: name the folder of the IDX files here or with --data-dir";
            return Err(document.error(&["data", "dir"], text));
        }
        if data.size == Some(0) {
            return outside(&["data", "size"], &0, "a number of images above 0");
        }
        if !(1..=MAX_STEPS).contains(&self.steps()) {
            return outside(&["data", "steps"], &self.steps(), &format!("1 to {MAX_STEPS}"));
        }
        if !(self.gain() > 0.0 && self.gain() <= 1e6) {
            return outside(&["data", "gain"], &self.gain(), "a rate above 0 and up to 1e6 Hz");
        }
        if !(data.hold_out > 0.0 && data.hold_out < 1.0) {
            return outside(&["data", "hold_out"], &data.hold_out, "0 < hold_out < 1");
        }
        let training = &self.training;
        if let Err((key, message)) = training.check() {
            return Err(document.error(&["training", key], &message));
        }
        let limit = training.time_limit_s;
        if limit.is_some_and(|s| Duration::try_from_secs_f64(s).is_err() || s <= 0.0) {
            let found = limit.unwrap_or_default();
            return outside(&["training", "time_limit_s"], &found, "a number of seconds above 0");
        }
        if let Some(problem) = self.silence.check(&crate::train::LAYERS).first() {
            return Err(document.error(&problem.path(), &problem.message));
        }
        if let Err((key, message)) = self.network.check() {
            return Err(document.error(&["network", key], &message));
        }
        if let Err((key, message)) = stdp::check_size(&self.network, training.batch_size) {
            return Err(document.error(&["network", key], &message));
        }
        self.frame.check_space(document, |setting| self.trial_with(&[setting]).map(drop))
    }

    /// Time steps of a sample.
    pub fn steps(&self) -> u32 {
        self.data.steps.unwrap_or_else(|| self.data_defaults().0)
    }

    /// Rate of a white pixel \[Hz\].
    pub fn gain(&self) -> f64 {
        self.data.gain.unwrap_or_else(|| self.data_defaults().1)
    }

    fn data_defaults(&self) -> (u32, f64) {
        let known = DATA_SETS.iter().find(|(name, ..)| *name == self.data.set);
        known.map_or((0, 0.0), |&(_, steps, gain)| (steps, gain))
    }

    /// Loads the data and splits it.
    ///
    /// # Errors
    /// What the reader of the data set says; [`Error::Usage`] where the split leaves a part empty.
    pub fn task(&self) -> Result<Task> {
        let task = self.split(self.data.hold_out, self.frame.study.seed)?;
        if task.train_len() == 0 || task.len(Part::HoldOut) == 0 {
            let text = "the split leaves no image for training or none for the hold-out";
            return Err(Error::Usage(format!("{text}; give more images or another hold_out")));
        }
        Ok(task)
    }

    /// Loads the data for training on all training images: there is no hold-out, the test images
    /// judge.
    ///
    /// # Errors
    /// As [`StudySettings::task`].
    pub fn task_without_hold_out(&self) -> Result<Task> {
        // Always the same order of the images: what a seed gives depends on no other seed.
        self.split(0.0, 0)
    }

    fn split(&self, hold_out: f64, seed: u64) -> Result<Task> {
        let data: DataSet = match &self.data.dir {
            Some(dir) if self.data.set != "digits" => mnist::load(dir)?,
            _ => digits::load()?,
        };
        let encoder: Encoder = PoissonEncoder::new(
            self.steps() as usize,
            self.network.dt,
            self.gain(),
            data.train.max_level,
        );
        let available = data.train.len();
        if let Some(size) = self.data.size
            && size > available
        {
            let text = format!("{size} training images were asked for, there are {available}");
            return Err(Error::Usage(format!("{text}; give a smaller `data.size` or --data")));
        }
        Ok(Task::new(data, encoder, self.data.size, hold_out, seed))
    }

    /// Settings of the trial of a point. The error names the variable.
    pub fn trial(
        &self,
        space: &Space,
        point: &Point,
    ) -> std::result::Result<TrialSettings, (String, String)> {
        self.trial_with(&Frame::settings_of(space, point))
    }

    /// Settings of a trial in which these values replace those of the file.
    pub fn trial_with(
        &self,
        values: &[(String, Value)],
    ) -> std::result::Result<TrialSettings, (String, String)> {
        let mut training = self.training.clone();
        let mut network = self.network.clone();
        for (name, value) in values {
            let failed = |message: String| (name.clone(), message);
            if name == NOT_SEARCHED {
                let text =
                    "is the time step of the input, which is encoded once; set it in [network]";
                return Err(failed(text.to_string()));
            }
            if SEARCHED_TRAINING.contains(&name.as_str()) {
                training = with_field(&training, name, value).map_err(failed)?;
            } else {
                network = with_field(&network, name, value).map_err(failed)?;
            }
        }
        let named = |(key, message): (&str, String)| (key.to_string(), message);
        network.check().map_err(named)?;
        training.check().map_err(named)?;
        stdp::check_size(&network, training.batch_size).map_err(named)?;
        let mut readouts = training.readouts.clone();
        if !readouts.contains(&training.decoder) {
            readouts.push(training.decoder);
        }
        Ok(TrialSettings {
            network,
            epochs: training.epochs,
            batch_size: training.batch_size,
            decoder: training.decoder,
            readouts,
            silence: self.silence.clone(),
            part: Part::HoldOut,
            time_limit: training.time_limit_s.and_then(|s| Duration::try_from_secs_f64(s).ok()),
            record_time: false,
        })
    }

    /// The study file that gives these settings, everything written out.
    pub fn to_toml(&self) -> Result<String> {
        let failed = |e: toml::ser::Error| Error::Usage(format!("cannot write the settings: {e}"));
        let mut tables = toml::Table::new();
        let mut insert = |name: &str, value: toml::Value| tables.insert(name.to_string(), value);
        insert("data", toml::Value::try_from(&self.data).map_err(failed)?);
        insert("network", toml::Value::try_from(&self.network).map_err(failed)?);
        insert("training", toml::Value::try_from(&self.training).map_err(failed)?);
        insert("silence", toml::Value::try_from(&self.silence).map_err(failed)?);
        self.frame.to_toml(tables)
    }
}

/// `[network]`: the defaults of the variant, with what the file says over them.
fn read_network(document: &Document<'_>) -> Result<DiehlCook> {
    let variant: Option<Variant> = document.get(&["network", "variant"])?;
    let mut network = DiehlCook::new(variant.unwrap_or_default());
    let fields = to_map(&network);
    let known: Vec<&str> = fields.keys().map(String::as_str).collect();
    document.check_keys(&["network"], &known)?;
    for key in document.keys(&["network"])? {
        if let Some(value) = document.get::<Value>(&["network", &key])? {
            network = with_field(&network, &key, &value)
                .map_err(|message| document.error(&["network", &key], &message))?;
        }
    }
    Ok(network)
}

/// Fields of a table as JSON.
fn to_map<T: Serialize>(table: &T) -> Map<String, Value> {
    match serde_json::to_value(table) {
        Ok(Value::Object(map)) => map,
        // Tables of plain fields; floats that are not finite become null.
        _ => Map::new(),
    }
}

/// The table with one field replaced.
fn with_field<T: Serialize + for<'de> Deserialize<'de>>(
    table: &T,
    name: &str,
    value: &Value,
) -> std::result::Result<T, String> {
    let mut fields = to_map(table);
    if !fields.contains_key(name) {
        let settable = fields.keys().map(String::as_str).filter(|&key| key != NOT_SEARCHED);
        let known: Vec<&str> = settable.chain(SEARCHED_TRAINING).collect();
        return Err(unknown("variable", name, &known));
    }
    // JSON has neither NaN nor infinities; no field is null otherwise.
    if value.is_null() {
        return Err("NaN and infinity are not allowed; give a finite number".to_string());
    }
    fields.insert(name.to_string(), value.clone());
    serde_json::from_value(Value::Object(fields)).map_err(|e| e.to_string())
}
