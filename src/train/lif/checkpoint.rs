//! A LIF network in training on disk.
//!
//! One safetensors file, written whole or not at all. Tensors in float32, `L` the layer from 0:
//! `L.w` \[neuron, input\], `L.recurrent` \[neuron, neuron\], `L.bias` \[neuron\], `L.decay_logit`
//! \[1 or neuron\]; with Adam the same names behind `first.` and `second.`. The metadata entry
//! `spikeseek` holds the network's parameters, the capacities and how far training has come, as TOML.

use crate::engine::lif::LifWeights;
use crate::error::{Error, Result};
use crate::network::Lif;
use crate::study::folder::write_atomically;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// Largest file that is read: bounds the memory that a file can ask for.
const MAX_BYTES: u64 = 16 << 30;

/// Entry of the metadata that is ours.
const METADATA_KEY: &str = "spikeseek";

/// Prefixes of the optimiser's two moments.
const MOMENTS: [&str; 2] = ["first.", "second."];

/// A network in training.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Parameters of the network.
    pub network: Lif,
    /// Whole epochs done.
    pub epochs: usize,
    /// Optimiser steps done.
    pub optimiser_steps: u64,
    /// Capacity of each layer.
    pub capacities: Vec<usize>,
    /// What was learned.
    pub weights: LifWeights<f32>,
    /// First and second moments of Adam.
    pub moments: Option<(LifWeights<f32>, LifWeights<f32>)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    epochs: usize,
    optimiser_steps: u64,
    capacities: Vec<usize>,
    network: Lif,
}

/// Shapes of the parts of layer `l`, in the order of [`crate::engine::lif::LayerWeights::parts`].
fn shapes(network: &Lif, l: usize, parts: [usize; 4]) -> [Vec<usize>; 4] {
    let n = network.layers[l].neurons;
    [vec![n, network.fan_in(l)], vec![n, n], vec![parts[2]], vec![parts[3]]]
}

impl Checkpoint {
    /// Writes the file; it appears whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        let mut add = |prefix: &str, weights: &LifWeights<f32>| {
            for (l, layer) in weights.layers.iter().enumerate() {
                let parts = layer.parts();
                let shapes = shapes(&self.network, l, parts.each_ref().map(|(_, p)| p.len()));
                for ((name, part), shape) in parts.into_iter().zip(shapes) {
                    if !part.is_empty() {
                        let bytes = part.iter().flat_map(|x| x.to_le_bytes()).collect();
                        tensors.push((format!("{prefix}{l}.{name}"), shape, bytes));
                    }
                }
            }
        };
        add("", &self.weights);
        if let Some((first, second)) = &self.moments {
            add(MOMENTS[0], first);
            add(MOMENTS[1], second);
        }
        let metadata = Metadata {
            epochs: self.epochs,
            optimiser_steps: self.optimiser_steps,
            capacities: self.capacities.clone(),
            network: self.network.clone(),
        };
        let invalid = |e: String| {
            Error::io(path, "write")(std::io::Error::new(std::io::ErrorKind::InvalidData, e))
        };
        let text = toml::to_string(&metadata).map_err(|e| invalid(e.to_string()))?;
        let views: std::result::Result<Vec<_>, _> = tensors
            .iter()
            .map(|(name, shape, bytes)| {
                TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name.clone(), view))
            })
            .collect();
        let views = views.map_err(|e| invalid(e.to_string()))?;
        let metadata = HashMap::from([(METADATA_KEY.to_string(), text)]);
        let bytes =
            safetensors::serialize(views, Some(metadata)).map_err(|e| invalid(e.to_string()))?;
        write_atomically(path, &bytes)
    }

    /// Reads a file that [`Checkpoint::save`] wrote.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] with the tensor where the file does not hold a LIF network.
    pub fn load(path: &Path) -> Result<Checkpoint> {
        let broken = |place: &str, e: String| {
            Error::format(path, place, "a LIF network that spikeseek saved", e)
        };
        let length = std::fs::metadata(path).map_err(Error::io(path, "read"))?.len();
        if length > MAX_BYTES {
            return Err(broken("file", format!("{length} bytes, more than {MAX_BYTES}")));
        }
        let bytes = std::fs::read(path).map_err(Error::io(path, "read"))?;
        let (_, header) =
            SafeTensors::read_metadata(&bytes).map_err(|e| broken("header", e.to_string()))?;
        let text = header.metadata().as_ref().and_then(|m| m.get(METADATA_KEY));
        let text = text.ok_or_else(|| broken("metadata", "no entry `spikeseek`".into()))?;
        let metadata: Metadata =
            toml::from_str(text).map_err(|e| broken("metadata", e.message().to_string()))?;
        let Metadata { epochs, optimiser_steps, capacities, network } = metadata;
        network.check().map_err(|(name, text)| broken("metadata", format!("{name}: {text}")))?;
        let room = capacities.iter().zip(&network.layers);
        if capacities.len() != network.layers.len()
            || room.into_iter().any(|(k, layer)| !(1..=layer.neurons).contains(k))
        {
            return Err(broken("metadata", format!("capacities {capacities:?}")));
        }
        let file = SafeTensors::deserialize(&bytes).map_err(|e| broken("file", e.to_string()))?;
        // The sizes of the tensors come from the network: none is larger than the file says it is.
        let total: usize = file.tensors().iter().map(|(_, view)| view.data().len()).sum();
        if network.parameters().saturating_mul(4) > total {
            let found = format!("{total} bytes for {} parameters", network.parameters());
            return Err(broken("file", found));
        }
        let read = |prefix: &str| -> Result<LifWeights<f32>> {
            let mut weights = LifWeights::zeros(&network);
            for (l, layer) in weights.layers.iter_mut().enumerate() {
                let sizes = layer.parts().map(|(_, part)| part.len());
                let shapes = shapes(&network, l, sizes);
                for ((name, part), shape) in layer.parts_mut().into_iter().zip(shapes) {
                    if part.is_empty() {
                        continue;
                    }
                    let name = format!("{prefix}{l}.{name}");
                    let view = file.tensor(&name).map_err(|e| broken(&name, e.to_string()))?;
                    if view.dtype() != Dtype::F32 || view.shape() != shape {
                        let found = format!("{:?} {:?}", view.dtype(), view.shape());
                        return Err(broken(&name, format!("{found} instead of F32 {shape:?}")));
                    }
                    let (numbers, _) = view.data().as_chunks::<4>();
                    for (x, &bytes) in part.iter_mut().zip(numbers) {
                        *x = f32::from_le_bytes(bytes);
                    }
                    if !part.iter().all(|x| x.is_finite()) {
                        return Err(broken(&name, "a value that is not finite".into()));
                    }
                }
            }
            Ok(weights)
        };
        let weights = read("")?;
        let any_moment = file.names().iter().any(|name| name.starts_with(MOMENTS[0]));
        let moments = if any_moment { Some((read(MOMENTS[0])?, read(MOMENTS[1])?)) } else { None };
        Ok(Checkpoint { network, epochs, optimiser_steps, capacities, weights, moments })
    }
}
