//! The parts of SCBO against reference vectors (spec scbo.md).

mod choice;
mod gp;
mod support;
mod trust_region;
