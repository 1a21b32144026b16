//! `spikeseek compare`: one LIF network by every method, side by side.

use super::options::Overrides;
use super::reference_options::ReferenceOptions;
use super::say;
use super::train_lif::load;
use crate::engine::cpu::lif::Method;
use crate::engine::lif::LifWeights;
use crate::error::{Error, Result};
use crate::train::lif::{Metrics, Samples, Settings, Trainer, batch_of};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// What is compared, the measure of the ratios first.
const METHODS: [Method; 3] = [Method::Dense, Method::SparseOps, Method::SparseLayer];

/// Largest relative difference of the gradients of methods that compute the same network.
const TOLERANCE: f64 = 1e-3;

/// Arguments of `compare`.
#[derive(Args)]
pub struct Arguments {
    /// File with model = "lif"; its method is not used
    file: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
    #[command(flatten)]
    reference: ReferenceOptions,
    /// Timed steps a method, in rounds of one each
    #[arg(long, default_value_t = 11, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Epochs for the accuracy; those of the file if not given, 0 for none
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// One method.
struct Entry {
    method: Method,
    trainer: Trainer,
    seconds: Vec<f64>,
    accuracy: Option<Metrics>,
}

impl Entry {
    fn new(method: Method, settings: &Settings) -> Result<Entry> {
        let checkpoint_steps =
            if method == Method::SparseLayer { settings.checkpoint_steps } else { 0 };
        let settings = Settings { method, checkpoint_steps, ..settings.clone() };
        let invalid = |(name, text): (String, String)| Error::Usage(format!("{name}: {text}"));
        let trainer = Trainer::new(settings).map_err(invalid)?;
        Ok(Entry { method, trainer, seconds: vec![], accuracy: None })
    }

    fn median(&mut self) -> f64 {
        self.seconds.sort_by(f64::total_cmp);
        self.seconds[self.seconds.len() / 2]
    }
}

/// Compares the methods; exit code 1 where those that must agree do not.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = &arguments.file;
    let text = std::fs::read_to_string(path).map_err(Error::io(path, "read"))?;
    let file = arguments.overrides.read_lif(path, &text, &arguments.reference)?;
    let samples = load(&file, arguments.json)?;
    let settings = file.settings(&samples)?;
    let Samples { train, test, .. } = &samples;
    let first: Vec<usize> = (0..train.len().min(settings.batch_size)).collect();
    let (batch, labels) = batch_of(train, &first);

    let mut entries = Vec::new();
    for method in METHODS {
        entries.push(Entry::new(method, &settings)?);
    }
    // The first step from equal weights: what it emits and its gradients.
    let mut steps = Vec::new();
    for entry in &mut entries {
        let (pass, _) = entry.trainer.learn(&batch, &labels);
        steps.push((pass, entry.trainer.gradients()));
    }
    let sparse_spikes_equal = steps[1].0.counts == steps[2].0.counts;
    let sparse = difference(&steps[1].1, &steps[2].1);
    let limited = steps[2].0.activity.iter().any(|a| a.overflowed_rows > 0);
    let dense = difference(&steps[0].1, &steps[2].1);
    let agree = sparse_spikes_equal && sparse <= TOLERANCE;

    for _ in 0..arguments.rounds {
        for entry in &mut entries {
            let started = Instant::now();
            entry.trainer.learn(&batch, &labels);
            entry.seconds.push(started.elapsed().as_secs_f64());
        }
    }
    let epochs = arguments.epochs.unwrap_or(file.training.epochs);
    if epochs > 0 {
        for entry in &mut entries {
            // A fresh network: the timed steps have trained this one.
            let mut trainer = Entry::new(entry.method, &settings)?.trainer;
            for _ in 0..epochs {
                trainer.epoch(train, &mut |_, _| true);
            }
            entry.accuracy = Some(trainer.evaluate(test));
        }
    }

    let reference = entries[0].median();
    let rates: Vec<f64> = (0..settings.network.layers.len())
        .map(|l| steps[2].0.activity[l].rate(settings.network.layers[l].neurons))
        .collect();
    if arguments.json {
        let methods: Vec<_> = entries
            .iter_mut()
            .map(|entry| {
                let median = entry.median();
                json!({
                    "method": entry.method, "seconds": median, "ratio": reference / median,
                    "test": entry.accuracy,
                })
            })
            .collect();
        let result = json!({
            "agree": agree, "sparse_gradient_difference": sparse,
            "dense_gradient_difference": dense, "lists_overflow": limited,
            "activity": rates, "methods": methods,
        });
        say(&result.to_string())?;
    } else {
        say("method         ms a batch   times dense   test accuracy")?;
        for entry in &mut entries {
            let median = entry.median();
            let accuracy = entry.accuracy.as_ref();
            let accuracy = accuracy.map_or("-".into(), |m| format!("{:.4}", m.accuracy));
            let (name, ms, ratio) = (entry.method.name(), 1e3 * median, reference / median);
            say(&format!("{name:13} {ms:10.2} {ratio:12.2}x  {accuracy:>14}"))?;
        }
        let rates: Vec<_> = rates.iter().map(|rate| format!("{:.2} %", 100.0 * rate)).collect();
        say(&format!("active in the first step: {}", rates.join(", ")))?;
        let verdict = if agree { "agree" } else { "DISAGREE" };
        say(&format!(
            "sparse_ops and sparse_layer {verdict}: spikes {}, gradients within {sparse:.1e}",
            if sparse_spikes_equal { "equal" } else { "differ" }
        ))?;
        let why = if limited { " (lists overflow: the dense network has no lists)" } else { "" };
        say(&format!("dense differs from sparse_layer by {dense:.1e} in the gradients{why}"))?;
    }
    Ok(if agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Largest difference of two gradients, relative to the largest element of its part.
fn difference(a: &LifWeights<f32>, b: &LifWeights<f32>) -> f64 {
    let mut worst = 0.0_f64;
    for (a, b) in a.layers.iter().zip(&b.layers) {
        for ((_, a), (_, b)) in a.parts().into_iter().zip(b.parts()) {
            let largest = b.iter().fold(f32::MIN_POSITIVE, |m, x| m.max(x.abs()));
            let off = a.iter().zip(b).map(|(a, b)| (a - b).abs() / largest);
            worst = worst.max(f64::from(off.fold(0.0, f32::max)));
        }
    }
    worst
}
