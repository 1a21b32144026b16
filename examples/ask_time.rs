//! How long one ask of the sampler `scbo` takes: a batch of 16 in 18 dimensions with two constraints.
//!
//! ```text
//! cargo run --release --example ask_time -- POINTS CANDIDATES REPEATS [FILE.csv]
//! ```
//!
//! The first half of the POINTS is spread over the cube, the other lies in a box of it, as a search leaves them. Each
//! repeat asks a new sampler, which knows no earlier fit, and once more, where its fits start from those
//! before, as in a search. Prints a line of JSON: the medians of the seconds by part. The FILE gets
//! the points for benchmarking/peers/botorch/ask.py.

use serde_json::{Map, Value, json};
use spikeseek::random::{Key, Purpose, uniform};
use spikeseek::search::sampler::{Sampler, Setup, build};
use spikeseek::search::space::{Domain, Prior, Space, Variable};
use spikeseek::study::record::{Finished, Outcome, Trial};
use spikeseek::study::toml_check::Document;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

const DIMENSIONS: usize = 18;
const BATCH: u64 = 16;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize| -> anyhow::Result<u64> {
        let text = arguments.get(i).map_or("", String::as_str);
        text.parse()
            .map_err(|_| anyhow::anyhow!("usage: ask_time POINTS CANDIDATES REPEATS [FILE.csv]"))
    };
    let (points, candidates, repeats) = (number(0)?, number(1)?, number(2)?.max(1));
    let trials = trials(points);
    if let Some(file) = arguments.get(3) {
        write_csv(Path::new(file), &trials)?;
    }
    let parts = Parts::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(parts.clone()))?;
    let (first, next): (Vec<_>, Vec<_>) =
        (0..repeats).map(|repeat| asks(&trials, candidates, repeat, &parts)).unzip();
    println!(
        "{}",
        json!({"points": points, "batch": BATCH, "candidates": candidates, "threads": 1,
               "first": median(&first), "next": median(&next)})
    );
    Ok(())
}

fn median(seconds: &[Map<String, Value>]) -> Map<String, Value> {
    let of = |name: &String| {
        let mut values: Vec<f64> = seconds.iter().filter_map(|s| s[name].as_f64()).collect();
        values.sort_by(f64::total_cmp);
        (name.clone(), values[values.len() / 2].into())
    };
    seconds[0].keys().map(of).collect()
}

/// Seconds by part of the first ask and of the one after it, for which its points are pending.
fn asks(
    trials: &[Trial],
    candidates: u64,
    seed: u64,
    parts: &Parts,
) -> (Map<String, Value>, Map<String, Value>) {
    let settings = format!("[sampler]\nname = \"scbo\"\ncandidates = {candidates}\n");
    let document = Document::parse(Path::new("ask_time.toml"), &settings).expect("valid TOML");
    let space = space();
    let mut sampler: Box<dyn Sampler> =
        build(&Setup { space: &space, seed, document: &document }).expect("valid settings");
    trials.iter().for_each(|trial| sampler.tell(trial));
    let mut pending: Vec<Trial> = Vec::new();
    let mut ask = || {
        let first = (trials.len() + pending.len()) as u64;
        let start = Instant::now();
        let proposals = sampler.ask(first..first + BATCH, &pending.iter().collect::<Vec<_>>());
        let total = start.elapsed().as_secs_f64();
        for (proposal, number) in proposals.into_iter().zip(first..) {
            let (point, proposal) = (proposal.point, proposal.attributes);
            pending.push(Trial { number, point, proposal, finished: None, ..trials[0].clone() });
        }
        let mut seconds = std::mem::take(&mut *parts.0.lock().expect("no panic while it is held"));
        assert!(!seconds.is_empty(), "the models were not asked");
        seconds.insert("total".to_string(), total.into());
        seconds
    };
    (ask(), ask())
}

fn space() -> Space {
    let variable = |j: usize| Variable {
        name: format!("x{j}"),
        domain: Domain::Float { low: 0.0, high: 1.0, prior: Prior::Uniform },
    };
    Space { variables: (0..DIMENSIONS).map(variable).collect() }
}

/// Finished trials with the value 1 - |x - 0.4|/√d and the constraints x₀ + x₁x₂ ≤ 0.9, sin 5x₃ ≤ x₄.
fn trials(points: u64) -> Vec<Trial> {
    let mut stream = Key::new(1).stream(Purpose::Sampler);
    (0..points)
        .map(|number| {
            let (low, width) = if 2 * number < points { (0.0, 1.0) } else { (0.3, 0.4) };
            let x: Vec<f64> = (0..DIMENSIONS).map(|_| low + width * uniform(&mut stream)).collect();
            let square = x.iter().map(|x| (x - 0.4).powi(2)).sum::<f64>();
            let value = 1.0 - (square / DIMENSIONS as f64).sqrt();
            let constraints = vec![x[0] + x[1] * x[2] - 0.9, (5.0 * x[3]).sin() - x[4]];
            Trial {
                number,
                point: space().from_unit(&x),
                proposal: BTreeMap::new(),
                finished: Some(Finished {
                    outcome: Outcome::Complete,
                    value: Some(value),
                    constraints,
                    intermediate: Vec::new(),
                    attributes: BTreeMap::new(),
                }),
                started: String::new(),
                ended: None,
            }
        })
        .collect()
}

/// Header `x0,…,value,c0,c1`, a line a trial.
fn write_csv(file: &Path, trials: &[Trial]) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_path(file)?;
    let x = (0..DIMENSIONS).map(|j| format!("x{j}"));
    writer.write_record(x.chain(["value", "c0", "c1"].map(String::from)))?;
    for trial in trials {
        let finished = trial.finished.as_ref().expect("all have finished");
        let numbers = space().to_unit(&trial.point).into_iter().chain(finished.value);
        let numbers = numbers.chain(finished.constraints.iter().copied());
        writer.write_record(numbers.map(|number| number.to_string()))?;
    }
    Ok(writer.flush()?)
}

/// The seconds by part that the sampler logs.
#[derive(Clone, Default)]
struct Parts(Arc<Mutex<Map<String, Value>>>);

impl<S: Subscriber> Layer<S> for Parts {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut seconds = self.0.lock().expect("no panic while it is held");
        event.record(&mut Numbers(&mut seconds));
    }
}

struct Numbers<'a>(&'a mut Map<String, Value>);

impl Visit for Numbers<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_string(), value.into());
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
