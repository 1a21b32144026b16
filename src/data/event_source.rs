//! The contract of an event data set: recordings with labels, read piece by piece.

use crate::Result;
use crate::spikes::{Events, Sensor};
use std::path::PathBuf;

/// The events of one sample and its class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The events; their clock is 0 where the recording begins.
    pub events: Events,
    /// The class.
    pub label: u16,
}

/// One part (training, test …) of an event data set on disk.
///
/// A piece is what is read at once: a file of N-MNIST (one recording), a trial of DVS128 Gesture (all of
/// its gestures), a run of samples of an HDF5 file. The recordings of the data set are those of piece
/// 0, then those of piece 1, and so on.
pub trait EventSource: Sync {
    /// What every recording was taken with.
    fn sensor(&self) -> Sensor;

    /// Name of each class; labels are below their number.
    fn class_names(&self) -> Vec<String>;

    /// All files that the recordings come from.
    fn files(&self) -> &[PathBuf];

    /// Number of pieces.
    fn pieces(&self) -> usize;

    /// Reads a piece.
    ///
    /// # Errors
    /// [`crate::Error::Io`] or [`crate::Error::Format`] that names the file and the place in it.
    fn read(&self, piece: usize) -> Result<Vec<Recording>>;
}
