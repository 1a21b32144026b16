//! Engines that run on the processor. Threads belong to samples, blocks of neurons and trials; how
//! many there are never changes a result.

mod lanes;
pub mod lif;
pub mod stdp;
