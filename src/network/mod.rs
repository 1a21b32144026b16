//! What a network is: parameters with units, shapes and checks; one file an architecture.

mod diehl_cook;
mod lif;

pub use diehl_cook::{DiehlCook, Lateral, Reduction, Variant};
pub use lif::{
    Capacity, Comparison, Delay, LearnedDecay, Lif, LifLayer, MAX_NEURONS, NamedCapacity, Readout,
    Reset, Selection,
};
