//! Fitted readouts against scikit-learn, and what must hold for any spikes.
//!
//! `sklearn.npz` was made by `make_sklearn.py`, which names the versions.

mod properties;
mod sklearn;
