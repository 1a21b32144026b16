//! `spikeseek compare`: one LIF network by every method, side by side.

use super::display::piece_bar;
use super::options::Overrides;
use super::reference_options::ReferenceOptions;
use super::say;
use super::train_lif::{layer_text, load};
use crate::engine::cpu::lif::Method;
use crate::engine::lif::{LifWeights, OutputGradient, Pass};
use crate::error::{Error, Result};
use crate::study::toml_check::read_text;
use crate::train::lif::{LayerMetrics, Metrics, Samples, Settings, Trainer, batch_of};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// What is compared, the measure of the ratios first.
const METHODS: [Method; 3] = [Method::Dense, Method::SparseOps, Method::SparseLayer];

/// Largest difference of the gradients of methods that compute the same network, relative to the largest
/// element of a part's gradient.
const TOLERANCE: f64 = 1e-3;

/// Steps after which the memory of a method is read: the second has the optimiser's moments.
const STEPS_OF_MEMORY: usize = 2;

/// Arguments of `compare`.
#[derive(Args)]
pub struct Arguments {
    /// File with model = "lif"; its method is not used
    file: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
    /// Timed steps a method, in rounds of one each
    #[arg(long, default_value_t = 11, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Epochs for the accuracy; those of the file if not given, 0 for none
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Measures one method in this process and prints the bytes
    #[arg(long, hide = true, value_name = "METHOD")]
    memory_of: Option<String>,
    // The last: its heading is that of all that follows.
    #[command(flatten)]
    reference: ReferenceOptions,
}

/// One method.
struct Entry {
    method: Method,
    trainer: Trainer,
    seconds: Vec<f64>,
    memory: Option<u64>,
    /// After the epochs, on the test samples.
    test: Option<Metrics>,
    /// After the epochs on the test samples; without epochs on the first batch.
    layers: Vec<LayerMetrics>,
}

impl Entry {
    fn new(method: Method, settings: &Settings) -> Result<Entry> {
        let trainer = trainer(method, settings)?;
        Ok(Entry { method, trainer, seconds: vec![], memory: None, test: None, layers: vec![] })
    }

    fn median(&mut self) -> f64 {
        self.seconds.sort_by(f64::total_cmp);
        self.seconds[self.seconds.len() / 2]
    }
}

fn trainer(method: Method, settings: &Settings) -> Result<Trainer> {
    let checkpoint_steps =
        if method == Method::SparseLayer { settings.checkpoint_steps } else { 0 };
    let settings = Settings { method, checkpoint_steps, ..settings.clone() };
    let invalid = |(name, text): (String, String)| Error::Usage(format!("{name}: {text}"));
    Trainer::new(settings).map_err(invalid)
}

/// What the first step from equal weights says about the methods.
struct Agreement {
    spikes_equal: bool,
    /// Difference of the gradients of `sparse_ops` and `sparse_layer`.
    sparse: f64,
    /// The same of `dense` and `sparse_layer`.
    dense: f64,
    /// Whether some list had no room for all: `dense` has no lists, so it computes another network then.
    overflow: bool,
}

impl Agreement {
    fn holds(&self) -> bool {
        self.spikes_equal && self.sparse <= TOLERANCE
    }
}

/// Compares the methods; exit code 1 where those that must agree do not.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = &arguments.file;
    let text = read_text(path)?;
    let file = arguments.overrides.read_lif(path, &text, &arguments.reference)?;
    let quiet = arguments.json || arguments.memory_of.is_some();
    let samples = load(&file, quiet)?;
    let settings = file.settings(&samples)?;
    if let Some(name) = &arguments.memory_of {
        return print_memory(name, samples, &settings);
    }
    let Samples { train, test, .. } = &samples;
    let first: Vec<usize> = (0..train.len().min(settings.batch_size)).collect();
    let (batch, labels) = batch_of(train, &first);

    let mut entries = Vec::new();
    for method in METHODS {
        entries.push(Entry::new(method, &settings)?);
    }
    let agreement = agreement(&mut entries, |entry| {
        let (pass, scored) = entry.trainer.learn(&batch, &labels);
        (pass, entry.trainer.gradients(), rounding(&scored.gradient))
    });
    for _ in 0..arguments.rounds {
        for entry in &mut entries {
            let started = Instant::now();
            entry.trainer.learn(&batch, &labels);
            entry.seconds.push(started.elapsed().as_secs_f64());
        }
    }
    let epochs = arguments.epochs.unwrap_or(file.training.epochs);
    for entry in &mut entries {
        entry.memory = memory_of(entry.method);
        // A fresh network: the timed steps have trained this one.
        let mut trainer = trainer(entry.method, &settings)?;
        let bar = piece_bar(quiet, "samples");
        bar.set_prefix(entry.method.name());
        bar.set_length((epochs * train.len()) as u64);
        for epoch in 0..epochs {
            trainer.epoch(train, &mut |done, _| {
                bar.set_position((epoch * train.len() + done) as u64);
                true
            });
        }
        bar.finish_and_clear();
        let metrics = match epochs {
            0 => trainer.evaluate(&train.choose(&first)),
            _ => trainer.evaluate(test),
        };
        entry.layers.clone_from(&metrics.layers);
        entry.test = (epochs > 0).then_some(metrics);
    }
    match arguments.json {
        true => say(&as_json(&mut entries, &agreement).to_string())?,
        false => print(&mut entries, &agreement, batch.len(), epochs)?,
    }
    Ok(if agreement.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn agreement(
    entries: &mut [Entry],
    step: impl FnMut(&mut Entry) -> (Pass<f32>, LifWeights<f32>, f32),
) -> Agreement {
    let steps: Vec<_> = entries.iter_mut().map(step).collect();
    let rounding = steps[2].2;
    Agreement {
        spikes_equal: steps[1].0.counts == steps[2].0.counts,
        sparse: difference(&steps[1].1, &steps[2].1, rounding),
        dense: difference(&steps[0].1, &steps[2].1, rounding),
        overflow: steps[2].0.activity.iter().any(|a| a.overflowed_rows > 0),
    }
}

fn as_json(entries: &mut [Entry], agreement: &Agreement) -> serde_json::Value {
    let reference = entries[0].median();
    let methods: Vec<_> = entries
        .iter_mut()
        .map(|entry| {
            let median = entry.median();
            json!({
                "method": entry.method, "seconds": median, "ratio": reference / median,
                "peak_memory_bytes": entry.memory, "test": entry.test, "layers": entry.layers,
            })
        })
        .collect();
    json!({
        "agree": agreement.holds(), "tolerance": TOLERANCE,
        "sparse_gradient_difference": agreement.sparse,
        "dense_agrees": agreement.dense <= TOLERANCE,
        "dense_gradient_difference": agreement.dense, "lists_overflow": agreement.overflow,
        "methods": methods,
    })
}

fn print(
    entries: &mut [Entry],
    agreement: &Agreement,
    batch: usize,
    epochs: usize,
) -> anyhow::Result<()> {
    say(
        "method         ms a batch  times dense  peak memory  test accuracy  active neurons, layer by layer",
    )?;
    let reference = entries[0].median();
    for entry in entries {
        let median = entry.median();
        let accuracy = entry.test.as_ref().map_or("-".into(), |m| format!("{:.4}", m.accuracy));
        let memory = entry.memory.map_or("-".into(), |b| format!("{:.1} MB", b as f64 / 1e6));
        let layers: Vec<String> = entry.layers.iter().map(layer_text).collect();
        let (name, ms, ratio) = (entry.method.name(), 1e3 * median, reference / median);
        let layers = layers.join(", ");
        say(&format!("{name:13} {ms:11.2} {ratio:11.2}x {memory:>12} {accuracy:>14}  {layers}"))?;
    }
    let measured = match epochs {
        0 => "activity of the untrained network on the first batch".to_string(),
        _ => format!("accuracy and activity on the test samples after {epochs} epochs"),
    };
    say(&format!(
        "median time of a training step of {batch} samples; {measured};\npeak memory: growth of a process of \
         its own by network, optimiser and {STEPS_OF_MEMORY} steps"
    ))?;
    let verdict = |agree| if agree { "agree" } else { "DISAGREE" };
    say(&format!(
        "first step from equal weights: sparse_ops and sparse_layer {}: spikes {}, gradients within {:.1e} \
         (tolerance {TOLERANCE:.0e} of the largest)",
        verdict(agreement.holds()),
        if agreement.spikes_equal { "equal" } else { "differ" },
        agreement.sparse,
    ))?;
    let dense = agreement.dense;
    say(&match (agreement.overflow, dense <= TOLERANCE) {
        (true, _) => format!(
            "dense differs from them by {dense:.1e}, since lists overflow: the dense network has no lists"
        ),
        (false, agree) => {
            format!("dense and they {}: gradients within {dense:.1e}", verdict(agree))
        }
    })
}

/// Peak memory of a method in a process of its own, where other methods leave no traces; None where it
/// cannot be measured.
fn memory_of(method: Method) -> Option<u64> {
    let program = std::env::current_exe().ok()?;
    let arguments = std::env::args_os().skip(1);
    let output =
        Command::new(program).args(arguments).args(["--memory-of", method.name()]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Prints by how many bytes network, optimiser and steps let this process grow.
fn print_memory(name: &str, samples: Samples, settings: &Settings) -> anyhow::Result<ExitCode> {
    let method = METHODS.into_iter().find(|method| method.name() == name);
    let method =
        method.ok_or_else(|| Error::Usage(format!("--memory-of {name}: no such method")))?;
    let first: Vec<usize> = (0..samples.train.len().min(settings.batch_size)).collect();
    let (batch, labels) = batch_of(&samples.train, &first);
    // From here on the peak counts anew.
    let path = std::path::Path::new("/proc/self/clear_refs");
    std::fs::write(path, "5").map_err(Error::io(path, "write"))?;
    let before = status_bytes("VmRSS:")?;
    let mut trainer = trainer(method, settings)?;
    for _ in 0..STEPS_OF_MEMORY {
        trainer.learn(&batch, &labels);
    }
    say(&status_bytes("VmHWM:")?.saturating_sub(before).to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// An entry of Linux's account of this process.
fn status_bytes(key: &str) -> Result<u64> {
    let path = std::path::Path::new("/proc/self/status");
    let text = std::fs::read_to_string(path).map_err(Error::io(path, "read"))?;
    let entry = text.lines().find_map(|line| line.strip_prefix(key)?.trim().strip_suffix(" kB"));
    let kilobytes = entry.and_then(|number| number.parse::<u64>().ok());
    let missing = || Error::format(path, key, "a number of kB", "none");
    kilobytes.map(|number| 1024 * number).ok_or_else(missing)
}

/// What sums of the errors at the outputs may differ by when they are added in another order: where they
/// cancel, as in the bias of a network that favours no class, nothing else is left.
fn rounding(errors: &OutputGradient<f32>) -> f32 {
    let all = errors.counts.iter().flatten().chain(&errors.potential);
    let rounding = f32::EPSILON * all.map(|error| error.abs()).sum::<f32>();
    if rounding.is_finite() { rounding } else { 0.0 }
}

/// Largest difference of two gradients, relative to the largest element of its part, or to what makes `rounding`
/// the tolerance where that is more.
fn difference(a: &LifWeights<f32>, b: &LifWeights<f32>, rounding: f32) -> f64 {
    let mut worst = 0.0_f64;
    for (a, b) in a.layers.iter().zip(&b.layers) {
        for ((_, a), (_, b)) in a.parts().into_iter().zip(b.parts()) {
            let least = (rounding / TOLERANCE as f32).max(f32::MIN_POSITIVE);
            let largest = b.iter().fold(least, |m, x| m.max(x.abs()));
            for (a, b) in a.iter().zip(b) {
                let off = f64::from((a - b).abs() / largest);
                // Not a number agrees with nothing.
                worst = if off.is_nan() { f64::INFINITY } else { worst.max(off) };
            }
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::lif::LayerWeights;

    #[test]
    fn gradients_differ_by_their_share_of_the_largest_or_of_the_rounding() {
        let of = |bias: [f32; 2]| LifWeights {
            layers: vec![LayerWeights { bias: bias.to_vec(), ..LayerWeights::default() }],
        };
        let close = |got: f64, want: f64| assert!((got - want).abs() < 1e-6 * want, "{got} {want}");
        close(difference(&of([4.0, 1.0]), &of([4.0, 1.25]), 0.0), 0.0625);
        // Rounding of 10⁻⁷ allows for that much at a tolerance of 10⁻³, and for no more.
        close(difference(&of([0.0, 2e-8]), &of([0.0, -3e-8]), 1e-7), 5e-8 / 1e-4);
        close(difference(&of([0.0, 2e-4]), &of([0.0, 1e-4]), 1e-7), 1.0);
        assert_eq!(difference(&of([f32::NAN, 0.0]), &of([1.0, 0.0]), 1.0), f64::INFINITY);
        let errors = OutputGradient { counts: vec![vec![0.5, -0.5]], potential: vec![1.0] };
        assert_eq!(rounding(&errors), 2.0 * f32::EPSILON);
    }
}
