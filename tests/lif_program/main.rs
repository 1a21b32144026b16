//! The program on LIF networks, as a user runs it.

mod compare;
mod resume;
mod search;
mod support;
mod training;
