//! The program as a user runs it: studies on the embedded digits, small enough for a second each.

mod determinism;
mod kill;
mod networks;
mod outcomes;
mod output;
mod refusals;
mod signals;
mod support;
