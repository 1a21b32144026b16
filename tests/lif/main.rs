//! Stacks of LIF layers: every engine against the scalar reference, and the reference against the
//! equations. T1, T2 … are the tests of spec sparse_lif_ipu, section 8.

mod equivalence;
mod gradients;
mod hand_values;
mod losses;
mod matmul;
mod selection;
mod support;
