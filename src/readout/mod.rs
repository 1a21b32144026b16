//! Readouts: output spikes → predicted classes.
//!
//! | readout | idea | file |
//! |---|---|---|
//! | `all` | class with the most spikes per assigned neuron | `activity.rs` |
//! | `vote` | the same, neurons weighted by their class proportions | `activity.rs` |
//! | `2gram` | pairs of consecutive spikes | `ngram.rs` |
//! | `log` | logistic regression on spike counts | `logistic.rs` |
//! | `svm` | support vector machine on spike counts | `svm.rs` |
//!
//! [`ReadoutSet`] holds the selected ones and follows the reference's prequential order: an
//! interval of samples is first predicted with what is known, then used to update (spec stdp.md
//! sections 8 and 9, hpo.md section 1.2). `all`, `vote` and `2gram` accumulate over intervals;
//! `log` and `svm` are fitted from scratch on the last interval only. Before the first update `all`,
//! `vote` and `2gram` predict class 0, `log` and `svm` predict −1, which is no class.
//!
//! Everything here is deterministic and runs on one thread: the order of samples and neurons fixes
//! the order of all sums.

pub mod activity;
pub mod assignment;
pub mod counts;
pub mod logistic;
pub mod ngram;
mod rbf;
mod set;
mod smo;
mod state;
pub mod svm;
pub mod tensor;

pub use assignment::Assignment;
pub use counts::Counts;
pub use logistic::Logistic;
pub use ngram::TwoGram;
pub use set::{ReadoutSet, accuracy};
pub use svm::Svm;
pub use tensor::{Tensor, TensorData};

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

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

impl ReadoutKind {
    /// Every readout, in the order of the reference. The positions are stored in saved networks:
    /// a new readout goes to the end.
    pub const ALL: [ReadoutKind; 5] = [
        ReadoutKind::All,
        ReadoutKind::Vote,
        ReadoutKind::TwoGram,
        ReadoutKind::Log,
        ReadoutKind::Svm,
    ];

    /// The name that users, study files and journals use.
    pub fn name(self) -> &'static str {
        match self {
            ReadoutKind::All => "all",
            ReadoutKind::Vote => "vote",
            ReadoutKind::TwoGram => "2gram",
            ReadoutKind::Log => "log",
            ReadoutKind::Svm => "svm",
        }
    }
}

impl fmt::Display for ReadoutKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ReadoutKind {
    type Err = Error;

    /// Reads a [`ReadoutKind::name`].
    ///
    /// # Errors
    /// [`Error::Usage`] with the list of names.
    fn from_str(text: &str) -> Result<Self> {
        ReadoutKind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let names = ReadoutKind::ALL.map(ReadoutKind::name).join(", ");
            Error::Usage(format!("unknown readout `{text}`: choose one of {names}"))
        })
    }
}

/// Position of the largest score, the lowest on ties; 0 for an empty slice.
fn argmax<T: PartialOrd>(scores: &[T]) -> usize {
    let mut best = 0;
    for (class, score) in scores.iter().enumerate().skip(1) {
        if *score > scores[best] {
            best = class;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_and_match_serde() {
        for kind in ReadoutKind::ALL {
            assert_eq!(kind.name().parse::<ReadoutKind>().unwrap(), kind);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = "3gram".parse::<ReadoutKind>().unwrap_err().to_string();
        assert!(message.contains("`3gram`") && message.contains("all, vote, 2gram, log, svm"));
    }

    #[test]
    fn argmax_takes_the_lowest_on_ties() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(argmax(&[0.0_f32; 4]), 0);
        assert_eq!(argmax::<f32>(&[]), 0);
    }
}
