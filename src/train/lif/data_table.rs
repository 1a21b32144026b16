//! `[data]` of a LIF run file: which samples, and how they become spikes.
//!
//! | set | samples | settings of its own |
//! |---|---|---|
//! | `randman` | random manifolds ([`crate::data::randman`]) | `units`, `classes`, `dimension`, `alpha` |
//! | `random` | random spikes ([`crate::data::random_spikes`]) | `units`, `classes`, `rate` |
//! | `digits` | the embedded 8×8 digits | `gain`, `encoder` |
//! | `mnist` | four IDX files in `dir` | `dir`, `gain`, `encoder` |
//! | `nmnist`, `dvs_gesture`, `shd`, `ssc` | event recordings in `dir` | `dir` and those of [`Binning`] |
//!
//! All have `seed`, `steps`, `train`, `test` and `hold_out`. Pictures are encoded once, sample i from the stream
//! of (seed, i); recordings go through [`crate::data::cache`].

use super::reference_options::as_written;
use super::samples::{Loading, Samples};
use crate::data::event_data::{self, EventPart, EventSet};
use crate::data::randman::{Part, Randman, RandmanSettings};
use crate::data::random_spikes::RandomSpikes;
use crate::data::{cache, digits, mnist};
use crate::error::{Error, Result};
use crate::network::MAX_NEURONS;
use crate::spikes::{Binning, Origin, Polarity, SpikeSet, TimeBins};
use crate::study::toml_check::{Document, unknown};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Largest number of samples that a file can ask for.
const MAX_SAMPLES: usize = 1 << 24;

/// Longest time series of a sample.
const MAX_STEPS: usize = 10_000;

/// Samples of a set that is made, where the file names no number: training and test.
const MADE: [usize; 2] = [1000, 250];

/// Length of a step of an encoded picture \[ms\].
const STEP_MS: f64 = 1.0;

/// How grey levels become spikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoder {
    /// [`crate::spikes::PoissonEncoder`]: Poisson distributed intervals.
    #[default]
    Poisson,
    /// [`crate::spikes::BernoulliEncoder`]: independent from step to step.
    Bernoulli,
}

/// The table. What a set does not use is refused in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataTable {
    /// Name of the data set.
    #[serde(alias = "dataset_name")]
    pub set: String,
    /// Folder of its files.
    pub dir: Option<PathBuf>,
    /// Seed of split, encoding and made samples; `training.seed` if absent.
    pub seed: Option<u64>,
    /// Training samples used, those of the validation part included, drawn by seed; all if absent.
    pub train: Option<usize>,
    /// Test samples used, drawn by seed; all if absent.
    pub test: Option<usize>,
    /// Share of the training samples kept for validation. SSC has a validation part of its own.
    pub hold_out: f64,
    /// Time steps (the reference's `seq_len`).
    #[serde(alias = "seq_len")]
    pub steps: usize,
    /// Input units of a made set.
    pub units: usize,
    /// Classes of a made set.
    pub classes: usize,
    /// Randman: dimension of a manifold.
    pub dimension: usize,
    /// Randman: smoothness of a manifold.
    pub alpha: f64,
    /// Random spikes: probability of a spike of a unit in a step.
    pub rate: f64,
    /// Pictures: rate of a white pixel \[Hz\]; a step is a millisecond.
    pub gain: f64,
    /// Pictures: how grey levels become spikes.
    pub encoder: Encoder,
    /// Recordings: length of a step \[µs\]; equal parts of each recording if absent.
    pub width_us: Option<u64>,
    /// Recordings: see [`Binning::origin`].
    pub origin: Origin,
    /// Recordings: see [`Binning::denoise_us`].
    pub denoise_us: Option<u64>,
    /// Recordings: see [`Binning::size`].
    pub size: Option<[u16; 2]>,
    /// Recordings: see [`Binning::polarity`].
    pub polarity: Polarity,
    /// Recordings: see [`Binning::capacity`] (the reference's `sparse_size_inp`).
    #[serde(alias = "sparse_size_inp")]
    pub capacity: Option<usize>,
}

impl Default for DataTable {
    fn default() -> Self {
        DataTable {
            set: "randman".into(),
            dir: None,
            seed: None,
            train: None,
            test: None,
            hold_out: 0.1,
            steps: 100,
            units: 128,
            classes: 10,
            dimension: 1,
            alpha: 2.0,
            rate: 0.05,
            gain: 128.0,
            encoder: Encoder::Poisson,
            width_us: None,
            origin: Origin::FirstEvent,
            denoise_us: None,
            size: None,
            polarity: Polarity::Separate,
            capacity: None,
        }
    }
}

/// Kinds of data sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Randman,
    Random,
    Digits,
    Mnist,
    Events(EventSet),
}

/// Data sets by name; the names of the reference behind ours.
const SETS: [(&str, &str, Kind); 8] = [
    ("randman", "Randman", Kind::Randman),
    ("random", "random", Kind::Random),
    ("digits", "digits", Kind::Digits),
    ("mnist", "MNIST", Kind::Mnist),
    ("nmnist", "NMNIST", Kind::Events(EventSet::Nmnist)),
    ("dvs_gesture", "DVSGesture", Kind::Events(EventSet::DvsGesture)),
    ("shd", "SHD", Kind::Events(EventSet::Shd)),
    ("ssc", "SSC", Kind::Events(EventSet::Ssc)),
];

impl Kind {
    fn of(set: &str) -> Option<Kind> {
        SETS.iter().find(|(name, other, _)| set == *name || set == *other).map(|(_, _, kind)| *kind)
    }

    /// Keys that a file may give, second names last.
    fn keys(self) -> Vec<&'static str> {
        let mut keys = vec!["set", "seed", "train", "test", "steps"];
        if self != Kind::Events(EventSet::Ssc) {
            keys.push("hold_out");
        }
        keys.extend(match self {
            Kind::Randman => &["units", "classes", "dimension", "alpha"][..],
            Kind::Random => &["units", "classes", "rate"],
            Kind::Digits => &["gain", "encoder"],
            Kind::Mnist => &["dir", "gain", "encoder"],
            Kind::Events(_) => &[
                "dir",
                "width_us",
                "origin",
                "denoise_us",
                "size",
                "polarity",
                "capacity",
                "sparse_size_inp",
            ],
        });
        keys.extend(["seq_len", "dataset_name"]);
        keys
    }
}

impl DataTable {
    /// Reads and checks the table; `seed` is that of the run.
    ///
    /// # Errors
    /// [`Error::Config`] with the line and key of what is unknown, missing or out of its range.
    pub fn from_document(document: &Document<'_>, seed: u64) -> Result<DataTable> {
        // The set first: it decides which keys there are.
        let mut set = None;
        for key in ["set", "dataset_name"] {
            set = set.or(document.get::<String>(&["data", key])?);
        }
        let set = set.unwrap_or_else(|| DataTable::default().set);
        let Some(kind) = Kind::of(&set) else {
            let known = SETS.map(|(name, ..)| name);
            return Err(document.error(&["data", "set"], &unknown("data set", &set, &known)));
        };
        document.check_keys(&["data"], &kind.keys())?;
        let mut data: DataTable = document.table(&["data"])?;
        data.set = SETS.iter().find(|(.., k)| *k == kind).map_or(set, |(name, ..)| (*name).into());
        data.seed = data.seed.or(Some(seed));
        data.check(document, kind)?;
        Ok(data)
    }

    fn check(&self, document: &Document<'_>, kind: Kind) -> Result<()> {
        let outside = |key: &str, found: &dyn std::fmt::Display, allowed: &str| {
            let text = format!("{found} is not allowed; give {allowed}");
            Err(document.error(&["data", as_written(document, "data", key)], &text))
        };
        let whole = [
            ("train", self.train.unwrap_or(1), MAX_SAMPLES),
            ("test", self.test.unwrap_or(1), MAX_SAMPLES),
            ("steps", self.steps, MAX_STEPS),
            ("units", self.units, MAX_NEURONS),
            ("classes", self.classes, usize::from(u16::MAX)),
            ("dimension", self.dimension, 64),
            ("capacity", self.capacity.unwrap_or(1), MAX_SAMPLES),
        ];
        for (key, value, most) in whole {
            if !(1..=most).contains(&value) {
                return outside(key, &value, &format!("1 to {most}"));
            }
        }
        if self.width_us == Some(0) {
            return outside("width_us", &0, "1 microsecond or more");
        }
        if !(0.0..1.0).contains(&self.hold_out) {
            return outside("hold_out", &self.hold_out, "0 ≤ hold_out < 1");
        }
        if !(self.alpha >= 0.1 && self.alpha.is_finite()) {
            return outside("alpha", &self.alpha, "0.1 or more");
        }
        if kind == Kind::Randman
            && let Err(error) = self.randman().check()
        {
            return Err(document.error(&["data"], &error.to_string()));
        }
        if !(0.0..=1.0).contains(&self.rate) {
            return outside("rate", &self.rate, "a probability from 0 to 1");
        }
        // A step holds one spike at most.
        let highest = if self.encoder == Encoder::Bernoulli { 1000.0 / STEP_MS } else { 1e6 };
        if !(self.gain > 0.0 && self.gain <= highest) {
            return outside("gain", &self.gain, &format!("a rate above 0 and up to {highest} Hz"));
        }
        if matches!(kind, Kind::Mnist | Kind::Events(_)) && self.dir.is_none() {
            let text = "is missing: name the folder of the data set here or with --data-dir";
            return Err(document.error(&["data", "dir"], text));
        }
        Ok(())
    }

    /// Numbers of inputs and classes where they stand in the table, else 1 and 1.
    pub(crate) fn shape(&self) -> (usize, usize) {
        match Kind::of(&self.set) {
            Some(Kind::Randman | Kind::Random) => (self.units, self.classes),
            _ => (1, 1),
        }
    }

    /// The table for a file: the keys of its set.
    pub(super) fn to_table(&self) -> std::result::Result<toml::Table, toml::ser::Error> {
        let mut table = toml::Table::try_from(self)?;
        let keys = Kind::of(&self.set).map(Kind::keys).unwrap_or_default();
        table.retain(|key, _| keys.contains(&key));
        Ok(table)
    }

    /// Reads, makes or encodes the samples and splits them.
    ///
    /// # Errors
    /// What the reader of the data set says; [`Error::Usage`] where more samples are asked for than there
    /// are, or none would be left.
    pub fn load(&self, loading: Loading<'_>) -> Result<Samples> {
        let (seed, dir) = (self.seed.unwrap_or_default(), self.dir.clone().unwrap_or_default());
        let [train, test] = [self.train, self.test];
        let made = [train.unwrap_or(MADE[0]), test.unwrap_or(MADE[1])];
        let hold_out = self.hold_out;
        match Kind::of(&self.set) {
            None => Err(Error::Usage(format!("data set `{}` is not known", self.set))),
            Some(Kind::Randman) => {
                let randman = Randman::new(self.randman(), seed)?;
                let [train_set, test_set] = [(Part::Train, made[0]), (Part::Test, made[1])]
                    .map(|(part, samples)| randman.samples(part, samples.div_ceil(self.classes)));
                Samples::split(&train_set, &test_set, made.map(Some), hold_out, seed)
            }
            Some(Kind::Random) => {
                let &DataTable { units: neurons, steps, classes, rate, .. } = self;
                let random = RandomSpikes { neurons, steps, classes, rate };
                // Other seeds give other samples.
                let train_set = random.samples(seed, made[0])?;
                let test_set = random.samples(seed ^ 1 << 63, made[1])?;
                Samples::split(&train_set, &test_set, [None, None], hold_out, seed)
            }
            Some(Kind::Digits) => Samples::encode(&digits::load()?, self, seed, loading),
            Some(Kind::Mnist) => Samples::encode(&mnist::load(&dir)?, self, seed, loading),
            Some(Kind::Events(set)) => {
                let read = |part| self.recordings(set, &dir, part, seed, loading);
                let (train_set, test_set) = (read(EventPart::Train)?, read(EventPart::Test)?);
                let limits = [train, test];
                if set == EventSet::Ssc {
                    let samples = Samples::split(&train_set, &test_set, limits, 0.0, seed)?;
                    return Ok(Samples { validation: read(EventPart::Validation)?, ..samples });
                }
                Samples::split(&train_set, &test_set, limits, hold_out, seed)
            }
        }
    }

    fn randman(&self) -> RandmanSettings {
        let &DataTable { units, steps, classes, dimension, alpha, .. } = self;
        RandmanSettings { units, steps, classes, dimension, alpha, ..RandmanSettings::default() }
    }

    /// Rate of a white pixel as a probability in a step, and the encoder's length of a step \[ms\].
    pub(super) fn intensity(&self) -> (f64, f64) {
        (self.gain * STEP_MS / 1000.0, STEP_MS)
    }

    /// How recordings become spikes.
    pub fn binning(&self) -> Binning {
        Binning {
            steps: self.steps,
            bins: self.width_us.map_or(TimeBins::Equal, TimeBins::WidthUs),
            origin: self.origin,
            denoise_us: self.denoise_us,
            size: self.size,
            polarity: self.polarity,
            capacity: self.capacity,
        }
    }

    fn recordings(
        &self,
        set: EventSet,
        dir: &Path,
        part: EventPart,
        seed: u64,
        loading: Loading<'_>,
    ) -> Result<SpikeSet> {
        let source = set.open(dir, part)?;
        let cache_dir = event_data::default_cache_dir();
        cache::load(source.as_ref(), &self.binning(), seed, &cache_dir, &|stage, done, all| {
            let what = match stage {
                cache::Stage::Hash => "files hashed",
                cache::Stage::Convert => "pieces converted",
            };
            loading(what, done, all);
        })
    }
}
