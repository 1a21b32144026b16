//! The event data sets by name, and where their caches are.

use crate::data::dvs_gesture::{DvsGesture, Half};
use crate::data::event_source::EventSource;
use crate::data::nmnist::NMnist;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// An event data set on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventSet {
    /// N-MNIST: folders of `.bin` files.
    Nmnist,
    /// DVS128 Gesture, in IBM's layout or in Tonic's.
    DvsGesture,
    /// Spiking Heidelberg Digits.
    Shd,
    /// Spiking Speech Commands.
    Ssc,
}

/// A part of an event data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventPart {
    /// What is trained on.
    Train,
    /// What choices are made on; only SSC has one of its own.
    Validation,
    /// What the result is measured on.
    Test,
}

impl EventSet {
    /// All of them.
    pub const ALL: [EventSet; 4] =
        [EventSet::Nmnist, EventSet::DvsGesture, EventSet::Shd, EventSet::Ssc];

    /// Its name in settings and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            EventSet::Nmnist => "nmnist",
            EventSet::DvsGesture => "dvs_gesture",
            EventSet::Shd => "shd",
            EventSet::Ssc => "ssc",
        }
    }

    /// Finds the files of a part in `dir`, which is the data set's folder or the one above it; folders as
    /// Tonic makes them are known.
    ///
    /// # Errors
    /// [`Error::Format`] that says what was looked for; [`Error::Usage`] if the set has no such part or
    /// the program was built without it.
    pub fn open(self, dir: &Path, part: EventPart) -> Result<Box<dyn EventSource>> {
        match (self, part) {
            (EventSet::Ssc, _) => self.open_hdf5(dir, part),
            (_, EventPart::Validation) => Err(Error::Usage(format!(
                "{} has no validation part of its own; split the training part",
                self.name()
            ))),
            (EventSet::Nmnist, EventPart::Train) => Ok(Box::new(NMnist::open(dir, "Train")?)),
            (EventSet::Nmnist, EventPart::Test) => Ok(Box::new(NMnist::open(dir, "Test")?)),
            (EventSet::DvsGesture, EventPart::Train) => {
                Ok(Box::new(DvsGesture::open(dir, Half::Train)?))
            }
            (EventSet::DvsGesture, EventPart::Test) => {
                Ok(Box::new(DvsGesture::open(dir, Half::Test)?))
            }
            (EventSet::Shd, _) => self.open_hdf5(dir, part),
        }
    }

    #[cfg(feature = "shd")]
    fn open_hdf5(self, dir: &Path, part: EventPart) -> Result<Box<dyn EventSource>> {
        use crate::data::shd::{Set, ShdFile};
        let set = if self == EventSet::Ssc { Set::Ssc } else { Set::Shd };
        let part = match part {
            EventPart::Train => "train",
            EventPart::Validation => "valid",
            EventPart::Test => "test",
        };
        Ok(Box::new(ShdFile::find(dir, set, part)?))
    }

    #[cfg(not(feature = "shd"))]
    fn open_hdf5(self, _dir: &Path, _part: EventPart) -> Result<Box<dyn EventSource>> {
        Err(Error::Usage(format!(
            "this program was built without {}, which is in HDF5 files; build it with --features shd",
            self.name()
        )))
    }
}

/// Where caches are if nothing else is said: `spikeseek` in the user's cache folder, or
/// `.spikeseek_cache` here where the system names none.
pub fn default_cache_dir() -> PathBuf {
    let variable =
        |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("XDG_CACHE_HOME")
        .or_else(|| Some(variable("HOME")?.join(".cache")))
        .map_or_else(|| PathBuf::from(".spikeseek_cache"), |dir| dir.join("spikeseek"))
}
