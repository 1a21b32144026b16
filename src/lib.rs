//! spikeseek trains sparse spiking neural networks and searches their hyperparameters.
//!
//! The rooms of the house, in the order in which data flows through them:
//!
//! | room | job |
//! |---|---|
//! | [`data`] | files → labelled samples |
//! | [`spikes`] | samples → [`spikes::SpikeTrain`], the one spike representation |
//! | [`network`] | what a network is: parameters, units, checks |
//! | [`engine`] | how a network is computed; the contract and the CPU kernels |
//! | [`readout`] | output spikes → predicted classes |
//! | [`silence`] | the silent-network criterion and its early decision |
//! | [`train`] | one trial: epochs, information updates, hold-out evaluation |
//! | [`search`] | the space of hyperparameters and the ask/tell samplers |
//! | [`study`] | the journal that survives a kill, the study folder |
//! | [`execute`] | who computes the trials |
//! | [`report`] | tables, plots, the HTML page |
//! | [`cli`] | the subcommands of the binary |
//!
//! `docs/architecture.md` holds the plan and the contracts between the rooms.

pub mod cli;
pub mod data;
pub mod engine;
pub mod error;
pub mod execute;
pub mod network;
mod numerics;
pub mod random;
pub mod readout;
pub mod report;
pub mod search;
pub mod silence;
pub mod spikes;
pub mod study;
pub mod train;

pub use error::{Error, Result};
