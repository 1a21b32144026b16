//! The options of the reference's benchmark script (Graphcore's sparse SNN training) under their own names, for LIF networks.

use super::options::Change;
use crate::error::{Error, Result};
use crate::train::lif::reference_options::refusal;
use clap::Args;

/// Options that replace settings of a file with `model = "lif"`.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Options of LIF networks, named as in Graphcore's benchmark script")]
pub struct ReferenceOptions {
    /// Method: dense, sparse_ops, sparse_layer or reference
    #[arg(long = "impl_method", alias = "impl-method", value_name = "NAME")]
    impl_method: Option<String>,
    /// Samples of a step
    #[arg(long, value_name = "N")]
    batchsize: Option<i64>,
    /// Learning rate
    #[arg(long, value_name = "X")]
    lr: Option<f64>,
    /// θ₂ of the hidden layers
    #[arg(
        long = "second_thresh",
        alias = "second-thresh",
        value_name = "X",
        allow_negative_numbers = true
    )]
    second_thresh: Option<f64>,
    /// Factor of the initial weights
    #[arg(long = "weight_mul", alias = "weight-mul", value_name = "X")]
    weight_mul: Option<f64>,
    /// Room in the lists of hidden layers, as a share of the layer
    #[arg(
        long = "max_activity",
        alias = "max-activity",
        value_name = "SHARE",
        conflicts_with = "sparse_multiplier"
    )]
    max_activity: Option<f64>,
    /// Room in the lists of hidden layers: 4·N entries
    #[arg(long = "sparse_multiplier", alias = "sparse-multiplier", value_name = "N")]
    sparse_multiplier: Option<i64>,
    /// Number of hidden layers, all of the size of the first
    #[arg(long = "num_hidden_layers", alias = "num-hidden-layers", value_name = "N")]
    num_hidden_layers: Option<i64>,
    /// Most input spikes in a step of an event recording
    #[arg(long = "sparse_size_inp", alias = "sparse-size-inp", value_name = "K")]
    sparse_size_inp: Option<i64>,
    #[arg(long = "use_ipu", hide = true)]
    use_ipu: Option<String>,
    #[arg(long = "num_ipus", hide = true)]
    num_ipus: Option<String>,
    #[arg(long = "ipu_id", hide = true, allow_hyphen_values = true)]
    ipu_id: Option<String>,
    #[arg(long = "transpose_weights", hide = true)]
    transpose_weights: Option<String>,
    #[arg(long = "num_neurons_per_tile", hide = true)]
    num_neurons_per_tile: Option<String>,
    #[arg(long = "bench_mode", hide = true)]
    bench_mode: Option<String>,
    #[arg(long = "profile_run", hide = true)]
    profile_run: Option<String>,
}

impl ReferenceOptions {
    /// Refuses options of LIF networks where the network is another one.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub fn refuse_any(&self) -> Result<()> {
        match self.changes()?.first() {
            Some(Change { option, .. }) => {
                Err(Error::Usage(format!("{option} is for files with model = \"lif\"")))
            }
            None => Ok(()),
        }
    }

    /// The settings that the options replace.
    ///
    /// # Errors
    /// [`Error::Usage`] for an option that makes no sense here, with the reason.
    pub fn changes(&self) -> Result<Vec<Change>> {
        let refused = [
            ("use_ipu", &self.use_ipu),
            ("num_ipus", &self.num_ipus),
            ("ipu_id", &self.ipu_id),
            ("transpose_weights", &self.transpose_weights),
            ("num_neurons_per_tile", &self.num_neurons_per_tile),
            ("bench_mode", &self.bench_mode),
            ("profile_run", &self.profile_run),
        ];
        for (name, value) in refused {
            if let Some(text) = value.as_ref().and_then(|value| refusal(name, value)) {
                return Err(Error::Usage(format!("--{name}: {text}")));
            }
        }
        let room = &["max_activity", "capacity", "sparse_multiplier"];
        let mut changes = Vec::new();
        let mut add = |option, table, names: &[&'static str], value: Option<toml::Value>| {
            if let Some(value) = value {
                changes.push(Change { option, table, names: names.to_vec(), value });
            }
        };
        let method = self.impl_method.as_deref().map(toml::Value::from);
        add("--impl_method", "training", &["method", "impl_method"], method);
        let size = self.batchsize.map(toml::Value::from);
        add("--batchsize", "training", &["batch_size", "batchsize"], size);
        add("--lr", "training", &["learning_rate", "lr"], self.lr.map(toml::Value::from));
        let second = self.second_thresh.map(toml::Value::from);
        add("--second_thresh", "network", &["second_threshold", "second_thresh"], second);
        add("--weight_mul", "network", &["weight_mul"], self.weight_mul.map(toml::Value::from));
        add("--max_activity", "network", room, self.max_activity.map(toml::Value::from));
        let room = &["sparse_multiplier", "capacity", "max_activity"];
        let multiplier = self.sparse_multiplier.map(toml::Value::from);
        add("--sparse_multiplier", "network", room, multiplier);
        let layers = self.num_hidden_layers.map(toml::Value::from);
        add("--num_hidden_layers", "network", &["num_hidden_layers"], layers);
        let inputs = self.sparse_size_inp.map(toml::Value::from);
        add("--sparse_size_inp", "data", &["capacity", "sparse_size_inp"], inputs);
        Ok(changes)
    }
}
