//! Engines that run on the processor. Threads belong to samples and trials, never inside one.

pub mod stdp;
