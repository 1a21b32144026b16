//! The journal: what is written is what is read, whatever happens to the file in between.

mod hostile;
mod lock;
mod others;
mod round_trip;
mod support;
mod torn;
