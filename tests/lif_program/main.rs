//! The program on LIF networks, as a user runs it.

mod support;
mod training;
