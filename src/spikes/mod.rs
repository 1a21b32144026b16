//! Spikes: the one representation that runs through the house, and the encoders that make it.

mod train;

pub use train::SpikeTrain;
