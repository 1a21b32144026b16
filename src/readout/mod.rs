//! Readouts: output spikes → predicted classes.
//!
//! All readouts follow the reference's prequential order: an interval of samples is first predicted
//! with what is known, then used to update (`../shared/spec/stdp.md` sections 8 and 9).

use crate::spikes::SpikeTrain;
use serde::{Deserialize, Serialize};

/// The readouts that users of the reference know, under its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ReadoutKind {
    /// Class with the most spikes per assigned neuron.
    #[serde(rename = "all")]
    All,
    /// The same, each neuron weighted by its class proportions.
    #[serde(rename = "vote")]
    Vote,
    /// Pairs of consecutive spikes.
    #[serde(rename = "2gram")]
    TwoGram,
    /// Multinomial logistic regression on spike counts, refitted on each interval.
    #[serde(rename = "log")]
    Log,
    /// Support vector classifier with an RBF kernel on spike counts, refitted on each interval.
    #[serde(rename = "svm")]
    Svm,
}

/// A readout that learns from labelled output spikes.
pub trait Readout: Send {
    /// Which readout this is.
    fn kind(&self) -> ReadoutKind;

    /// Predicts a class for each sample. Before the first update `all`, `vote` and `2gram` give 0
    /// and `log` and `svm` give −1, as the reference does.
    fn predict(&self, spikes: &[SpikeTrain]) -> Vec<i32>;

    /// Learns from an interval; `labels[k]` belongs to `spikes[k]`.
    fn update(&mut self, spikes: &[SpikeTrain], labels: &[u16]);
}
