//! Stacks of LIF layers on the processor.
//!
//! The model is in [`crate::network::Lif`], the contract in [`crate::engine::lif`].
//!
//! # Implementations
//!
//! * [`mod@reference`]: plain loops over dense arrays, `f32` or `f64`, the measure of all.
//! * [`dense`]: matrix products over all steps and samples of a layer; its cost does not depend on
//!   the activity.
//! * [`ops`]: one operation after the other for each step and layer: product of a dense matrix and
//!   a list of spikes, state update, selection.
//! * [`layer`]: each layer for all steps in one sweep over blocks of neurons. Weights of a block
//!   stay in the cache, sums in registers; see `docs/sparse_lif.md`.
//!
//! All but `dense` add the currents of a neuron in the order bias, inputs by ascending id,
//! recurrent spikes by ascending id, in `f32`: their spikes and lists are the same bit for bit.

pub mod dense;
pub mod layer;
pub mod matmul;
pub mod ops;
pub mod reference;
pub mod select;

use crate::engine::lif::{LifEngine, LifWeights, Options, Real, Tensor};
use crate::network::Lif;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which implementation computes a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// [`reference`](mod@reference), in `f32`.
    Reference,
    /// [`dense`].
    Dense,
    /// [`ops`].
    SparseOps,
    /// [`layer`].
    SparseLayer,
}

impl Method {
    /// All of them, the reference first.
    pub const ALL: [Method; 4] =
        [Method::Reference, Method::Dense, Method::SparseOps, Method::SparseLayer];

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Method::Reference => "reference",
            Method::Dense => "dense",
            Method::SparseOps => "sparse_ops",
            Method::SparseLayer => "sparse_layer",
        }
    }
}

/// An engine with these weights and list capacities, one a layer.
///
/// # Panics
/// Where the weights have another shape than the network, or where the method does not have an
/// option: checkpoints are for [`Method::SparseLayer`].
pub fn build(
    method: Method,
    network: &Lif,
    weights: &LifWeights<f32>,
    capacities: &[usize],
    options: Options,
) -> Box<dyn LifEngine> {
    match method {
        Method::Reference => {
            assert_eq!(options.checkpoint_steps, 0, "only the fused engine has checkpoints");
            let function = reference::SpikeFunction::Step;
            Box::new(reference::ReferenceEngine::new(network, weights, capacities, function))
        }
        Method::Dense => Box::new(dense::DenseEngine::new(network, weights, options)),
        Method::SparseOps => Box::new(ops::OpsEngine::new(network, weights, capacities, options)),
        Method::SparseLayer => {
            Box::new(layer::LayerEngine::new(network, weights, capacities, options))
        }
    }
}

/// A pool of so many threads, or of fewer where the system has no more: results do not depend on them.
pub fn pool(threads: usize) -> Arc<rayon::ThreadPool> {
    let threads = threads.max(1);
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => Arc::new(pool),
        Err(error) if threads > 1 => {
            tracing::warn!("{threads} threads cannot be started ({error}); half as many are tried");
            pool(threads / 2)
        }
        Err(error) => panic!("not one thread can be started: {error}"),
    }
}

/// Weights in their own layout as tensors.
fn tensors_of<'a, T: Real>(
    weights: &'a mut LifWeights<T>,
    gradients: &'a LifWeights<T>,
) -> Vec<Tensor<'a, T>> {
    let layers = weights.layers.iter_mut().zip(&gradients.layers);
    layers
        .flat_map(|(values, gradients)| values.parts_mut().into_iter().zip(gradients.parts()))
        .filter(|((_, values), _)| !values.is_empty())
        .map(|((_, values), (_, gradient))| Tensor { values, gradient })
        .collect()
}

/// The parts that are there, in the order of [`tensors_of`].
fn pack_parts<T: Real>(weights: &LifWeights<T>) -> Vec<Vec<T>> {
    let parts = weights.layers.iter().flat_map(|layer| layer.parts());
    parts.map(|(_, part)| part.clone()).filter(|part| !part.is_empty()).collect()
}

/// The inverse of [`pack_parts`].
fn unpack_parts<T: Real>(network: &Lif, tensors: &[&[T]]) -> LifWeights<T> {
    let mut weights = LifWeights::zeros(network);
    let parts = weights.layers.iter_mut().flat_map(|layer| layer.parts_mut());
    for ((_, part), tensor) in parts.filter(|(_, part)| !part.is_empty()).zip(tensors) {
        part.copy_from_slice(tensor);
    }
    weights
}
