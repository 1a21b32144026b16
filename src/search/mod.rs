//! The search: the space of hyperparameters and the samplers that propose points in it.

pub mod space;
