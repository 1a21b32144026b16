//! How well the sequential decision on silence agrees with the reference rule, measured on the
//! networks of a study (`benchmarking/silence/README.md` holds results).
//!
//! ```sh
//! cargo run --release --example silence_agreement -- STUDY.toml NETWORKS SEED [OUTPUT.json [JOURNAL...]]
//! cargo run --release --example silence_agreement -- OUTPUT.json
//! ```
//!
//! Draws networks at random from the study's space, or from those near the limit of silence that
//! searches of this space have proposed, and trains each as a trial does (same random
//! streams, the `epochs` of `[training]`, batch size 1), but without readouts and to the end of the
//! epoch in which the reference rule stops it, so that what would have come after an early stop is
//! known. Every network is then replayed through both rules, the sequential one with a grid of
//! settings. The second form replays what the first has written, after a change of the rule.

use serde::{Deserialize, Serialize};
use spikeseek::engine::cpu::stdp::{build, initial_weights};
use spikeseek::random::{Key, Purpose, below, shuffle, uniform};
use spikeseek::search::space::{Point, Space};
use spikeseek::silence::{
    Criterion, Decision, Plan, Recording, Replay, Sequential, Settings as SilenceSettings, StopRule,
};
use spikeseek::study::journal;
use spikeseek::study::settings::StudySettings;
use spikeseek::train::{LAYERS, Task};
use spikeseek::{Error, Result};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

const USAGE: &str = "usage: silence_agreement STUDY.toml NETWORKS SEED [OUTPUT.json [JOURNAL...]]\n\
                     or:    silence_agreement OUTPUT.json";

/// A network whose first so many samples are silent is silent from the start, and should be known
/// by then.
const FROM_THE_START: usize = 100;

/// Largest constraint values of networks that are near the limit.
const NEAR: std::ops::RangeInclusive<f64> = -0.035..=0.08;

/// The recorded networks of a study.
#[derive(Serialize, Deserialize)]
struct Measured {
    study: String,
    seed: u64,
    silence: SilenceSettings,
    networks: Vec<Recording>,
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let measured = match arguments.as_slice() {
        [recorded] => serde_json::from_str(&std::fs::read_to_string(recorded)?)?,
        [study, networks, seed, rest @ ..] => {
            let (output, journals) = rest.split_at(rest.len().min(1));
            let measured = measure(Path::new(study), networks.parse()?, seed.parse()?, journals)?;
            if let Some(output) = output.first() {
                std::fs::write(output, serde_json::to_string(&measured)?)?;
            }
            measured
        }
        _ => return Err(USAGE.into()),
    };
    print_tables(&measured)
}

/// Trains `networks` networks of the study, on all cores.
fn measure(path: &Path, networks: usize, seed: u64, journals: &[String]) -> Result<Measured> {
    let mut settings = StudySettings::read(path)?;
    settings.frame.study.seed = seed;
    settings.silence.sequential = None;
    let task = settings.task()?;
    let no_space = || Error::Usage("no [space] in the study".into());
    let space = settings.frame.space.clone().ok_or_else(no_space)?;
    let points = match journals {
        [] => random(&space, networks, seed),
        _ => near_the_limit(&space, networks, seed, journals)?,
    };
    let next = AtomicU64::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(point) = points.get(number as usize) else {
                return Ok(done);
            };
            let key = Key::new(seed).trial(number);
            done.push((number, record(&settings, &task, &space, point, key)?));
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut recorded = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let done = threads.into_iter().map(|thread| thread.join().expect("a worker panicked"));
        done.collect::<Result<Vec<_>>>()
    })?
    .concat();
    recorded.sort_by_key(|(number, _)| *number);
    Ok(Measured {
        study: settings.frame.study.name,
        seed,
        silence: settings.silence,
        networks: recorded.into_iter().map(|(_, recording)| recording).collect(),
    })
}

/// Random points.
fn random(space: &Space, networks: usize, seed: u64) -> Vec<Point> {
    let point = |number| {
        let mut draw = Key::new(seed).trial(number as u64).stream(Purpose::Sampler);
        let unit: Vec<f64> = (0..space.dimensions()).map(|_| uniform(&mut draw)).collect();
        space.from_unit(&unit)
    };
    (0..networks).map(point).collect()
}

/// Different points of the journals' trials whose largest constraint value is near 0, in random order.
fn near_the_limit(
    space: &Space,
    networks: usize,
    seed: u64,
    journals: &[String],
) -> Result<Vec<Point>> {
    let mut points: Vec<Point> = Vec::new();
    for journal in journals {
        let study = journal::read(Path::new(journal))?;
        if study.space != *space {
            return Err(Error::Usage(format!("{journal}: its space is not that of the study")));
        }
        for trial in study.trials {
            let constraints = trial.finished.map_or(Vec::new(), |finished| finished.constraints);
            let largest = constraints.into_iter().reduce(f64::max);
            if largest.is_some_and(|c| NEAR.contains(&c)) && !points.contains(&trial.point) {
                points.push(trial.point);
            }
        }
    }
    shuffle(&mut Key::new(seed).stream(Purpose::Synthetic), &mut points);
    points.truncate(networks);
    Ok(points)
}

/// Trains one network; which of its samples were silent.
fn record(
    settings: &StudySettings,
    task: &Task,
    space: &Space,
    point: &Point,
    key: Key,
) -> Result<Recording> {
    let usage = |text: String| Error::Usage(text);
    let trial = settings
        .trial(space, point)
        .map_err(|(name, message)| usage(format!("{name}: {message}")))?;
    let plan = Plan { samples: task.train_len(), batch: 1 };
    let mut criterion = Criterion::new(&trial.silence, &LAYERS, plan)
        .map_err(|problems| usage(format!("[silence] {}", problems[0])))?;
    let mut recording = Recording::new(&trial.silence, plan);
    let mut engine = build(&trial.network, &initial_weights(&trial.network, task.inputs(), key), 1);
    for epoch in 0..settings.training.epochs {
        let key = key.epoch(u64::from(epoch));
        recording.start_epoch();
        criterion.start_epoch();
        let mut stopped = false;
        for image in task.epoch_order(key) {
            let key = key.sample(u64::from(image));
            let (train, _) = task.train_sample(image, key);
            let mut stream = key.stream(Purpose::OneSpikeTrain);
            let mut choose =
                |_: usize, _: usize, crossed: &[u32]| crossed[below(&mut stream, crossed.len())];
            for spikes in engine.run(&[train], true, &mut choose, None) {
                let counts = [spikes.exc.count() as u32, spikes.inh.count() as u32];
                recording.push(&criterion.silent(&counts));
                // Without a sequential table a sample alone does not stop.
                criterion.observe(&counts);
            }
            stopped |= criterion.update_due() && criterion.at_update() != Decision::Continue;
        }
        if stopped {
            break;
        }
    }
    Ok(recording)
}

/// What one setting of the sequential decision does on all networks.
struct Row {
    settings: Sequential,
    replays: Vec<Replay>,
}

impl Row {
    fn new(measured: &Measured, settings: Sequential) -> Self {
        let silence =
            SilenceSettings { sequential: Some(settings.clone()), ..measured.silence.clone() };
        let replay = |recording: &Recording| {
            recording.replay(&silence).expect("the recording was made with this rule")
        };
        Row { settings, replays: measured.networks.iter().map(replay).collect() }
    }

    /// Samples of the whole training up to either rule's stop, of networks that both stop.
    fn samples(&self, samples: usize) -> Vec<(usize, usize)> {
        let both = |replay: &Replay| {
            let (epoch, stop) = replay.reference?;
            let (early_epoch, early) = replay.sequential?;
            let total = |epoch: usize, after: usize| epoch * samples + after;
            Some((total(epoch, stop.after_samples), total(early_epoch, early.after_samples)))
        };
        self.replays.iter().filter_map(both).collect()
    }

    fn false_stops(&self) -> impl Iterator<Item = (usize, &Replay)> {
        self.replays.iter().enumerate().filter(|(_, replay)| !replay.agrees())
    }

    fn print(&self, samples: usize) {
        let Sequential { alpha, warm_up, persistence } = self.settings;
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole as f64;
        let (networks, disagree) = (self.replays.len(), self.false_stops().count());
        let agreement = share(networks - disagree, networks);
        print!("| {persistence} | {warm_up} | {alpha} | {agreement:.2} | {disagree} ");
        let taken = self.samples(samples);
        if taken.is_empty() {
            return println!("| | | | | |");
        }
        let early = self.replays.iter().filter(|replay| {
            replay.reference.is_some()
                && replay.sequential.is_some_and(|(_, stop)| stop.rule == StopRule::Sequential)
        });
        let mut ends: Vec<usize> = taken.iter().map(|&(_, sequential)| sequential).collect();
        ends.sort_unstable();
        let quantile = |q: f64| ends[((ends.len() - 1) as f64 * q).round() as usize];
        println!(
            "| {:.1} | {} | {} | {} | {:.1} |",
            share(early.count(), taken.len()),
            quantile(0.5),
            quantile(0.95),
            quantile(1.0),
            share(ends.iter().sum(), taken.iter().map(|&(reference, _)| reference).sum()),
        );
    }
}

fn print_tables(measured: &Measured) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let networks = &measured.networks;
    let samples = networks.first().ok_or("no networks")?.samples();
    let default = Row::new(measured, Sequential::default());
    let stopped = default.replays.iter().filter(|replay| replay.reference.is_some()).count();
    println!(
        "## {}\n\n{} networks of seed {}, {samples} samples an epoch, {} epochs. The reference rule \
         stops {stopped} and accepts {}.",
        measured.study,
        networks.len(),
        measured.seed,
        networks.iter().map(Recording::epochs).max().unwrap_or_default(),
        networks.len() - stopped,
    );
    print_silent_from_the_start(networks, &default);
    println!(
        "\n| persistence | warm_up | alpha | agreement [%] | false stops | decided early [%] \
         | samples: median | 95 % | max | all, of the reference's [%] |"
    );
    println!("|{}", "---:|".repeat(10));
    default.print(samples);
    for persistence in [0.3, 0.5, 0.7, 1.0] {
        for warm_up in [16, 32, 64, 90] {
            for alpha in [1e-2, 1e-3] {
                Row::new(measured, Sequential { alpha, warm_up, persistence }).print(samples);
            }
        }
    }
    print_false_stops(networks, &default);
    Ok(())
}

fn print_silent_from_the_start(networks: &[Recording], default: &Row) {
    let silent = |network: &Recording| {
        (0..network.leaves().len())
            .any(|leaf| network.silent_share(0, leaf, 0..FROM_THE_START) == Some(1.0))
    };
    let from_the_start: Vec<&Replay> = networks
        .iter()
        .zip(&default.replays)
        .filter(|(network, _)| silent(network))
        .map(|(_, replay)| replay)
        .collect();
    let known = |replay: &&&Replay| {
        let stop = replay.sequential;
        stop.is_some_and(|(epoch, stop)| epoch == 0 && stop.after_samples <= FROM_THE_START)
    };
    println!(
        "{} have a layer that is silent in each of the first {FROM_THE_START} samples; with the \
         defaults {} of them are stopped by then.",
        from_the_start.len(),
        from_the_start.iter().filter(known).count(),
    );
}

/// The silent share of wrongly stopped networks in each tenth of the epoch.
fn print_false_stops(networks: &[Recording], default: &Row) {
    println!("\nFirst row: the defaults. They stop, and the reference rule does not:\n");
    for (number, replay) in default.false_stops() {
        let (Some((epoch, stop)), network) = (replay.sequential, &networks[number]) else {
            continue;
        };
        println!("* network {number} in epoch {epoch}, {stop}; silent in each tenth of it [%]:");
        for (leaf, name) in network.leaves().iter().enumerate() {
            let edge = |tenth: usize| tenth * network.samples() / 10;
            let share = |tenth: usize| {
                let share = network.silent_share(epoch, leaf, edge(tenth)..edge(tenth + 1));
                share.map_or(String::new(), |share| format!("{:.1}", 100.0 * share))
            };
            println!("  {name} {}", (0..10).map(share).collect::<Vec<_>>().join(" "));
        }
    }
    if default.false_stops().next().is_none() {
        println!("* none");
    }
}
