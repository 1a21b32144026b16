//! The study: a folder whose truth is one append-only journal.

pub mod journal;
pub mod record;
pub mod toml_check;
