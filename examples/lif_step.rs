//! Seconds a training step of a LIF network, as JSON: forward, loss, backward, optimiser.
//!
//! ```text
//! lif_step --method sparse_layer --sizes 2312,1024,512,10 --steps 100 --batch 32 --activity 0.05
//! ```
//!
//! The input is random with `--activity` of the inputs active in each step; the weights of each
//! layer are scaled, layer after layer, until the layer's own activity is that too. `--write FOLDER`
//! saves the weights and inputs for other programs to compute the same step.

use serde_json::json;
use spikeseek::engine::cpu::lif::{Method, build};
use spikeseek::engine::lif::{LifWeights, Options, Pass};
use spikeseek::network::{Delay, Lif};
use spikeseek::random::{Key, Purpose, uniform};
use spikeseek::spikes::SpikeTrain;
use spikeseek::train::loss::{BatchReduction, LossKind, Objective};
use spikeseek::train::optimiser::{Optimiser, OptimiserKind};
use std::path::Path;
use std::time::Instant;

/// How close the activity of a layer must come to the one that was asked for.
const TOLERANCE: f64 = 0.02;

struct Arguments {
    method: Method,
    sizes: Vec<usize>,
    steps: usize,
    batch: usize,
    activity: f64,
    input_activity: Option<f64>,
    threads: usize,
    repeats: usize,
    checkpoint_steps: usize,
    optimiser: String,
    write: Option<String>,
}

fn arguments() -> Result<Arguments, String> {
    let mut a = Arguments {
        method: Method::SparseLayer,
        sizes: vec![2312, 1024, 512, 10],
        steps: 100,
        batch: 32,
        activity: 0.05,
        input_activity: None,
        threads: 1,
        repeats: 5,
        checkpoint_steps: 0,
        optimiser: "adam".into(),
        write: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().ok_or(format!("{name} needs a value"))?;
        let number = || value.parse::<f64>().map_err(|e| format!("{name} {value}: {e}"));
        match name.as_str() {
            "--method" => {
                let named = Method::ALL.into_iter().find(|m| m.name() == value);
                a.method = named.ok_or(format!("no method {value}"))?;
            }
            "--sizes" => {
                let sizes: Result<_, _> = value.split(',').map(str::parse).collect();
                a.sizes = sizes.map_err(|e| format!("{value}: {e}"))?;
            }
            "--steps" => a.steps = number()? as usize,
            "--batch" => a.batch = number()? as usize,
            "--activity" => a.activity = number()?,
            "--input-activity" => a.input_activity = Some(number()?),
            "--threads" => a.threads = number()? as usize,
            "--repeats" => a.repeats = number()? as usize,
            "--checkpoint-steps" => a.checkpoint_steps = number()? as usize,
            "--optimiser" => a.optimiser = value,
            "--write" => a.write = Some(value),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(a)
}

/// Scales the weights of each layer until its share of spikes is `activity`.
fn calibrate(
    network: &Lif,
    weights: &mut LifWeights<f32>,
    batch: &[SpikeTrain],
    activity: f64,
    threads: usize,
) -> Vec<f64> {
    let capacities: Vec<usize> = network.layers.iter().map(|layer| layer.neurons).collect();
    let mut rates = Vec::new();
    for l in 0..network.layers.len() {
        let original = weights.layers[l].w.clone();
        let (mut low, mut high) = (0.0_f32, 64.0_f32);
        // Not below a tenth of a neuron a step, however few there are.
        let wanted = activity.max(0.1 / network.layers[l].neurons as f64);
        let mut rate = 0.0;
        for _ in 0..20 {
            let factor = (low + high) / 2.0;
            let scaled = original.iter().map(|w| w * factor);
            weights.layers[l].w.iter_mut().zip(scaled).for_each(|(w, x)| *w = x);
            let options = Options { threads, ..Options::default() };
            let mut engine = build(Method::SparseLayer, network, weights, &capacities, options);
            let pass = engine.infer(batch, 0, false);
            rate = pass.activity[l].rate(network.layers[l].neurons);
            if (rate - wanted).abs() < TOLERANCE * wanted {
                break;
            }
            *(if rate < wanted { &mut low } else { &mut high }) = factor;
        }
        rates.push(rate);
    }
    rates
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Weights `[neuron, input]` of each layer and the input `(sample, step, id)` as raw numbers.
fn write(folder: &Path, weights: &LifWeights<f32>, batch: &[SpikeTrain]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (l, layer) in weights.layers.iter().enumerate() {
        let bytes: Vec<u8> = layer.w.iter().flat_map(|w| w.to_le_bytes()).collect();
        std::fs::write(folder.join(format!("w{l}.f32")), bytes)?;
    }
    let events = batch.iter().enumerate().flat_map(|(b, train)| {
        (0..train.steps())
            .flat_map(move |t| train.step(t).iter().map(move |&i| [b as u32, t as u32, i]))
    });
    let bytes: Vec<u8> = events.flatten().flat_map(u32::to_le_bytes).collect();
    std::fs::write(folder.join("events.u32"), bytes)
}

fn main() -> Result<(), String> {
    let a = arguments()?;
    let mut network = Lif::new(&a.sizes);
    network.delay = Delay::NextStep;
    let mut stream = Key::new(1).stream(Purpose::Synthetic);
    let input_activity = a.input_activity.unwrap_or(a.activity);
    let inputs = network.inputs;
    let batch: Vec<SpikeTrain> = (0..a.batch)
        .map(|_| {
            let mut train = SpikeTrain::empty(inputs);
            for _ in 0..a.steps {
                let active = |_: &u32| uniform(&mut stream) < input_activity;
                let ids: Vec<u32> = (0..inputs as u32).filter(active).collect();
                train.push_step(&ids);
            }
            train
        })
        .collect();
    let labels: Vec<u32> = (0..a.batch).map(|b| (b % network.outputs()) as u32).collect();
    let mut weights = LifWeights::initial(&network, Key::new(2));
    let rates = calibrate(&network, &mut weights, &batch, a.activity, a.threads);
    if let Some(folder) = &a.write {
        write(Path::new(folder), &weights, &batch).map_err(|e| format!("{folder}: {e}"))?;
    }
    let capacities: Vec<usize> = network.layers.iter().map(|layer| layer.neurons).collect();
    let options =
        Options { threads: a.threads, checkpoint_steps: a.checkpoint_steps, ..Options::default() };
    let mut engine = build(a.method, &network, &weights, &capacities, options);
    let objective = Objective {
        loss: LossKind::CrossEntropy,
        reduction: BatchReduction::Mean,
        regulariser: None,
    };
    // A rate of 0 does all the work of an update and leaves the activity as it is.
    let mut optimiser = match a.optimiser.as_str() {
        "adam" => Some(Optimiser::new(OptimiserKind::adam(0.0))),
        "sgd" => Some(Optimiser::new(OptimiserKind::Sgd { learning_rate: 0.0 })),
        "none" => None,
        other => return Err(format!("no optimiser {other}")),
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(a.threads)
        .build()
        .map_err(|e| e.to_string())?;
    let (mut seconds, mut forward, mut update) = (Vec::new(), Vec::new(), Vec::new());
    let mut loss = 0.0;
    let mut entries = Vec::new();
    for repeat in 0..=a.repeats {
        let started = Instant::now();
        let mut forward_done = 0.0;
        let pass = engine.step(&batch, 0, &mut |pass: &Pass<f32>| {
            forward_done = started.elapsed().as_secs_f64();
            let scored = objective.score(&network, pass, &labels);
            loss = scored.mean_loss();
            scored.gradient
        });
        let stepped = started.elapsed().as_secs_f64();
        if let Some(optimiser) = &mut optimiser {
            pool.install(|| optimiser.update(engine.tensors()));
        }
        // The first step finds cold memory.
        if repeat > 0 {
            seconds.push(started.elapsed().as_secs_f64());
            forward.push(forward_done);
            update.push(started.elapsed().as_secs_f64() - stepped);
        }
        let rows = (a.steps * a.batch) as f64;
        entries =
            pass.activity.iter().map(|x| (x.emitted + x.gradient_only) as f64 / rows).collect();
    }
    let least = seconds.iter().copied().fold(f64::INFINITY, f64::min);
    println!(
        "{}",
        json!({
            "method": a.method.name(), "sizes": a.sizes, "steps": a.steps, "batch": a.batch,
            "threads": a.threads, "optimiser": a.optimiser, "input_activity": input_activity,
            "activity": rates, "entries_per_row": entries, "loss": loss,
            "seconds": median(&mut seconds), "seconds_least": least,
            "forward_seconds": median(&mut forward), "optimiser_seconds": median(&mut update),
        })
    );
    Ok(())
}
