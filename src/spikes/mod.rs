//! Spikes: the one representation that runs through the house, and the encoders and the binning of events that make it.

mod bernoulli;
mod binning;
mod denoise;
mod events;
mod poisson;
mod set;
mod train;

pub use bernoulli::BernoulliEncoder;
pub use binning::{Binning, BinningCounts, Origin, Polarity, TimeBins};
pub use denoise::denoise;
pub use events::{Event, Events, Sensor};
pub use poisson::PoissonEncoder;
pub use set::SpikeSet;
pub use train::SpikeTrain;
