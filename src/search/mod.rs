//! The search: the space of hyperparameters and the samplers that propose points in it.
//!
//! [`space`] says which points exist and how they lie in the unit cube, [`space_file`] reads a space
//! from TOML, [`sobol`] is the sequence that fills the cube evenly, [`scbo`] holds the parts of
//! constrained Bayesian optimisation in a trust region, and [`sampler`] holds the ask/tell contract
//! and its implementations.

pub mod gp;
pub mod sampler;
pub mod scbo;
pub mod sobol;
mod sobol_directions;
pub mod space;
pub mod space_file;
pub mod transforms;
