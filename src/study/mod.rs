//! The study: a folder whose truth is one append-only journal.

mod clock;
mod distribution;
pub mod folder;
pub mod frame;
pub mod journal;
pub mod lif_study;
mod operations;
pub mod record;
mod replay;
pub mod run;
pub mod settings;
pub mod study_file;
pub mod toml_check;
