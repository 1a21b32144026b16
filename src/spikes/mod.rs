//! Spikes: the one representation that runs through the house, and the encoders that make it.

mod bernoulli;
mod poisson;
mod train;

pub use bernoulli::BernoulliEncoder;
pub use poisson::PoissonEncoder;
pub use train::SpikeTrain;
