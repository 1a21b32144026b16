//! A trained network on disk: one safetensors file.
//!
//! Tensors: `w` \[input × neuron\] and `theta` \[neuron\] in float32, and the learned state of the
//! readouts (`readout.*`, see [`crate::readout`]). The metadata entry `spikeseek` holds the rest as
//! JSON: network parameters, readout, accuracy.

use super::lif::Checkpoint;
use crate::engine::Weights;
use crate::error::{Error, Result};
use crate::network::DiehlCook;
use crate::readout::{ReadoutKind, ReadoutSet, Tensor, TensorData};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// Largest network file that is read: bounds the memory that a file can ask for.
const MAX_BYTES: u64 = 8 << 30;

/// Entry of the metadata that is ours.
const METADATA_KEY: &str = "spikeseek";

/// What training gave.
#[derive(Debug, Clone)]
pub struct TrainedNetwork {
    /// Number of the trial that trained it.
    pub trial: u64,
    /// Parameters of the network.
    pub network: DiehlCook,
    /// Input weights and adaptive thresholds.
    pub weights: Weights,
    /// Trained readouts.
    pub readouts: ReadoutSet,
    /// The readout that speaks for the network.
    pub decoder: ReadoutKind,
    /// Its accuracy where it was evaluated.
    pub accuracy: f64,
}

/// A trained network of any kind.
#[derive(Debug, Clone)]
pub enum Network {
    /// A Diehl & Cook network with its readouts.
    Stdp(Box<TrainedNetwork>),
    /// A stack of LIF layers.
    Lif(Box<Checkpoint>),
}

impl Network {
    /// Writes the network's file; it appears whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save(&self, path: &Path) -> Result<()> {
        match self {
            Network::Stdp(network) => network.save(path),
            Network::Lif(checkpoint) => checkpoint.save(path),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    trial: u64,
    network: DiehlCook,
    decoder: ReadoutKind,
    accuracy: f64,
    classes: usize,
}

impl TrainedNetwork {
    /// Writes the file; it appears whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let weights = &self.weights;
        let tensor = |name: &str, shape: &[usize], data: &[f32]| Tensor {
            name: name.to_string(),
            shape: shape.to_vec(),
            data: TensorData::F32(data.to_vec()),
        };
        let mut tensors = vec![
            tensor("w", &[weights.inputs, weights.neurons], &weights.w),
            tensor("theta", &[weights.neurons], &weights.theta),
        ];
        tensors.extend(self.readouts.to_tensors());
        let metadata = Metadata {
            trial: self.trial,
            network: self.network.clone(),
            decoder: self.decoder,
            accuracy: self.accuracy,
            classes: self.readouts.classes(),
        };
        let invalid = |e: String| {
            Error::io(path, "write")(std::io::Error::new(std::io::ErrorKind::InvalidData, e))
        };
        let json = serde_json::to_string(&metadata).map_err(|e| invalid(e.to_string()))?;
        let metadata = HashMap::from([(METADATA_KEY.to_string(), json)]);
        let views = tensors.iter().map(|tensor| (tensor.name.clone(), tensor));
        let bytes =
            safetensors::serialize(views, Some(metadata)).map_err(|e| invalid(e.to_string()))?;
        crate::study::folder::write_atomically(path, &bytes)
    }

    /// Reads a file that [`TrainedNetwork::save`] wrote.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] with the tensor where the file does not hold a network.
    pub fn load(path: &Path) -> Result<TrainedNetwork> {
        let length = std::fs::metadata(path).map_err(Error::io(path, "read"))?.len();
        if length > MAX_BYTES {
            let expected = format!("at most {MAX_BYTES} bytes");
            return Err(Error::format(path, "file", expected, format!("{length} bytes")));
        }
        let bytes = std::fs::read(path).map_err(Error::io(path, "read"))?;
        let broken = |place: &str, e: String| {
            Error::format(path, place, "a network that spikeseek saved", e)
        };
        let (_, header) =
            SafeTensors::read_metadata(&bytes).map_err(|e| broken("header", e.to_string()))?;
        let json = header.metadata().as_ref().and_then(|m| m.get(METADATA_KEY));
        let json = json.ok_or_else(|| broken("metadata", "no entry `spikeseek`".into()))?;
        let metadata: Metadata =
            serde_json::from_str(json).map_err(|e| broken("metadata", e.to_string()))?;
        metadata.network.check().map_err(|(key, text)| broken(key, text))?;
        if !(1..=usize::from(u16::MAX)).contains(&metadata.classes) {
            return Err(broken("metadata", format!("{} classes", metadata.classes)));
        }
        let file = SafeTensors::deserialize(&bytes).map_err(|e| broken("file", e.to_string()))?;
        let mut tensors = Vec::new();
        for (name, view) in file.tensors() {
            tensors.push(Tensor::read(path, &name, &view)?);
        }
        let find = |name: &str| {
            let tensor = tensors.iter().find(|tensor| tensor.name == name);
            match tensor.map(|tensor| (&tensor.shape, &tensor.data)) {
                Some((shape, TensorData::F32(data))) => Ok((shape.clone(), data.clone())),
                _ => Err(broken(name, "no such tensor of type F32".into())),
            }
        };
        let neurons = metadata.network.map_size;
        let (shape, w) = find("w")?;
        let (theta_shape, theta) = find("theta")?;
        if shape.len() != 2 || shape[1] != neurons || theta_shape != [neurons] {
            let found = format!("w {shape:?} and theta {theta_shape:?}");
            return Err(broken("w, theta", format!("{found} for {neurons} neurons")));
        }
        if !w.iter().chain(&theta).all(|x| x.is_finite()) {
            return Err(broken("w, theta", "a value that is not finite".into()));
        }
        let readouts = ReadoutSet::from_tensors(path, neurons, metadata.classes, &tensors)?;
        if !readouts.kinds().contains(&metadata.decoder) {
            let found = format!("decoder `{}` is not among them", metadata.decoder);
            return Err(broken("readout.kinds", found));
        }
        Ok(TrainedNetwork {
            trial: metadata.trial,
            network: metadata.network,
            weights: Weights { inputs: shape[0], neurons, w, theta },
            readouts,
            decoder: metadata.decoder,
            accuracy: metadata.accuracy,
        })
    }
}
