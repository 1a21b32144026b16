//! The search against reference vectors (spec scbo.md).

mod gp;
mod support;
