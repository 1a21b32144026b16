//! Numerical tools that more than one room uses; none of them knows what it computes for.

pub(crate) mod bounded;
pub(crate) mod lbfgs;
mod line_search;
pub(crate) mod vector;
