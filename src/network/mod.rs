//! What a network is: parameters with units, shapes and checks; one file an architecture.

mod diehl_cook;

pub use diehl_cook::{DiehlCook, Lateral, Reduction, Variant};
