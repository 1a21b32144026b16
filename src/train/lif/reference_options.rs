//! Options of the reference's benchmark script (spec sparse_lif_ipu, section 5.3): those that have no
//! counterpart here, and those that are second names of settings.

use crate::study::toml_check::Document;

/// Settings of a run file and their second names.
const SECOND_NAMES: [(&str, &str); 7] = [
    ("set", "dataset_name"),
    ("steps", "seq_len"),
    ("capacity", "sparse_size_inp"),
    ("second_threshold", "second_thresh"),
    ("method", "impl_method"),
    ("batch_size", "batchsize"),
    ("learning_rate", "lr"),
];

/// The name under which a document has a setting.
pub(super) fn as_written<'k>(document: &Document<'_>, table: &str, key: &'k str) -> &'k str {
    let keys = document.keys(&[table]).unwrap_or_default();
    let second = SECOND_NAMES
        .iter()
        .find(|(first, second)| *first == key && keys.iter().any(|k| k == second));
    second.map_or(key, |(_, second)| second)
}

/// Name, the value that changes nothing, and why there is no other.
type Refused = (&'static str, &'static str, &'static str);

/// What is refused, in files and on the command line.
pub const REFUSED: [Refused; 7] = [
    (
        "use_ipu",
        "0",
        "training runs on the processor; cpp/ipu_model computes Poplar programs on the host",
    ),
    ("num_ipus", "1", "training runs on the processor; its threads are training.threads"),
    ("ipu_id", "-1", "training runs on the processor: there is no device to choose"),
    (
        "transpose_weights",
        "0",
        "every method has the layout that suits it; results do not depend on it",
    ),
    (
        "num_neurons_per_tile",
        "2",
        "a processor has no tiles; give the sizes of the layers in network.hidden",
    ),
    (
        "bench_mode",
        "base",
        "the other modes compute sizes of layers from tiles; give them in network.hidden, and their number in \
         num_hidden_layers",
    ),
    (
        "profile_run",
        "0",
        "a short run for Graphcore's profiler; `spikeseek compare` times steps, and training.epochs, \
         data.steps and data.train make a run short",
    ),
];

/// Why a value of an option is refused; None where it changes nothing or the option is another one.
pub fn refusal(name: &str, value: &str) -> Option<String> {
    let (_, neutral, why) = REFUSED.iter().find(|(refused, ..)| *refused == name)?;
    (value != *neutral).then(|| format!("{value} is not possible here: {why}"))
}
