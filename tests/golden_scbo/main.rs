//! Trust region, candidates and choice against the reference vectors of SCBO (spec scbo.md).

mod choice;
mod support;
mod trust_region;
