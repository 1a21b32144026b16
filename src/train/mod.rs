//! One trial: a network is made, trained and evaluated.
//!
//! A trial is a function of its settings and of (study seed, trial number): none of thread count,
//! order or clock changes what it computes.

pub mod lif;
pub mod loss;
mod network_file;
pub mod optimiser;
mod task;
mod trial;

pub use network_file::{Network, TrainedNetwork};
pub use task::{Encoder, Part, Task};
pub use trial::{Evaluation, LAYERS, TrialSettings, evaluate, run_trial};
