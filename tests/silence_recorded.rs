//! The silence criterion on the released evaluations of the reference study.
//!
//! The tables are not part of this project. The folder that holds them is taken from
//! `SPIKESEEK_RESULTS`, else `../shared/results` beside the crate; without it these tests say so and
//! pass. Settings as run: spec hpo.md section 2.3; columns: section 7 there.

use spikeseek::random::{Key, Purpose, Stream, shuffle, uniform};
use spikeseek::silence::{
    Criterion, Decision, Plan, Rule, Sequential, Settings, Silent, Stop, StopRule, Total,
};
use std::path::{Path, PathBuf};

const LAYERS: [&str; 2] = ["exc", "inh"];

/// What is known of an experiment beside its table.
struct Experiment {
    number: u32,
    proportions: &'static [f64],
    total: u32,
    update_interval: usize,
    train: usize,
    /// Hold-out samples, where `processed_images` includes them.
    hold_out: usize,
}

const EXPERIMENTS: [Experiment; 3] = [
    Experiment {
        number: 1,
        proportions: &[0.1, 0.1],
        total: 48_000,
        update_interval: 1000,
        train: 48_000,
        hold_out: 12_000,
    },
    Experiment {
        number: 2,
        proportions: &[0.1, 0.3],
        total: 862,
        update_interval: 35,
        train: 689,
        hold_out: 173,
    },
    Experiment {
        number: 4,
        proportions: &[0.3],
        total: 862,
        update_interval: 40,
        train: 861,
        hold_out: 0,
    },
];

/// One evaluated network.
struct Network {
    stopped: bool,
    epochs: usize,
    batch: usize,
    /// Training samples of all epochs.
    samples: usize,
    constraints: Vec<f64>,
    /// Silent samples of the last epoch, a leaf each.
    silent: Vec<usize>,
}

impl Experiment {
    fn settings(&self) -> Settings {
        let leaf = |(layer, &proportion): (&&str, &f64)| {
            let total = Total::Samples(u64::from(self.total));
            // Networks are replayed as fired or silent, so one spike stands for "fired".
            Rule::Silent(Silent { layer: layer.to_string(), threshold: 1, proportion, total })
        };
        let mut leaves: Vec<Rule> = LAYERS.iter().zip(self.proportions).map(leaf).collect();
        let rule = if leaves.len() == 1 { leaves.remove(0) } else { Rule::Or(leaves) };
        Settings { update_interval: self.update_interval, rule: Some(rule), sequential: None }
    }

    fn plan(&self, network: &Network) -> Plan {
        Plan { samples: self.train, batch: network.batch }
    }

    /// Samples of the last epoch that were looked at: up to the stop, or the last full update.
    fn judged(&self, network: &Network) -> usize {
        let last = (network.samples - 1) % self.train + 1;
        if network.stopped {
            return last;
        }
        let batches = (self.update_interval + 1).div_ceil(network.batch);
        let (updates, rest) = (last / (batches * network.batch), last % (batches * network.batch));
        if rest > self.update_interval { last } else { updates * batches * network.batch }
    }

    fn read(&self, folder: &Path) -> Vec<Network> {
        let name = format!("experiment_{}_all_evaluations.csv", self.number);
        let mut reader = csv::Reader::from_path(folder.join(name)).unwrap();
        let header = reader.headers().unwrap().clone();
        let column = |name: &str| header.iter().position(|h| h == name);
        let images = column("processed_images").or(column("processed_images_train")).unwrap();
        let row = |row: Result<csv::StringRecord, csv::Error>| {
            let row = row.unwrap();
            let number = |column: usize| row[column].parse::<f64>().unwrap();
            let constraint = |i: usize| number(column(&format!("constraint_{i}")).unwrap());
            let constraints: Vec<f64> = (0..self.proportions.len()).map(constraint).collect();
            let count = |(c, p): (&f64, &f64)| ((c + p) * f64::from(self.total)).round() as usize;
            Network {
                stopped: &row[column("stopped").unwrap()] == "True",
                epochs: number(column("epochs").unwrap()) as usize,
                batch: column("batch_size").map_or(1, |c| number(c) as usize),
                samples: number(images) as usize - self.hold_out,
                silent: constraints.iter().zip(self.proportions).map(count).collect(),
                constraints,
            }
        };
        reader.records().map(row).collect()
    }
}

fn results() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/results");
    let folder = std::env::var_os("SPIKESEEK_RESULTS").map_or_else(beside, PathBuf::from);
    let found = folder.join("experiment_1_all_evaluations.csv").is_file();
    if !found {
        println!("skipped: no released evaluations in {} (SPIKESEEK_RESULTS)", folder.display());
    }
    found.then_some(folder)
}

/// Spec hpo.md section 10: `stopped` is "some c > 0" on all 1867 rows, and every constraint value
/// lies on the grid k/total − proportion.
#[test]
fn recorded_constraints_follow_the_rule() {
    let Some(folder) = results() else { return };
    let mut rows = 0;
    for experiment in &EXPERIMENTS {
        for network in experiment.read(&folder) {
            rows += 1;
            let violated = network.constraints.iter().any(|&c| c > 0.0);
            assert_eq!(network.stopped, violated);
            let judged = experiment.judged(&network);
            let leaves = network.constraints.iter().zip(experiment.proportions);
            for ((&c, &p), &silent) in leaves.zip(&network.silent) {
                let on_grid = silent as f64 / f64::from(experiment.total) - p;
                // The reference computed the same expression in double precision.
                assert!((c - on_grid).abs() < 1e-15, "{c} {on_grid}");
                assert!(silent <= judged, "{silent} of {judged}");
            }
            if !network.stopped {
                assert_eq!(network.samples, network.epochs * experiment.train);
            }
        }
    }
    assert_eq!(rows, 1867);
}

/// Where a leaf was silent in every sample there is no doubt about the order: the reference rule
/// stops at the recorded sample. What the other leaf counted is put at the end, as late as it can be.
#[test]
fn fully_silent_networks_stop_at_the_recorded_sample() {
    let Some(folder) = results() else { return };
    let mut found = 0;
    for experiment in &EXPERIMENTS {
        for network in experiment.read(&folder) {
            let judged = experiment.judged(&network);
            if network.stopped && network.silent.contains(&judged) {
                found += 1;
                let late = |&s: &usize| (0..judged).map(|i| i >= judged - s).collect();
                let samples: Vec<Vec<bool>> = network.silent.iter().map(late).collect();
                let settings = experiment.settings();
                let stop = follow(&settings, experiment.plan(&network), &samples);
                let expected = Stop { rule: StopRule::Threshold, after_samples: judged };
                assert_eq!(stop, Some(expected));
            }
        }
    }
    assert!(found > 400, "{found}");
}

/// How the silent samples of an epoch are laid out; the tables hold only their number.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    /// Any order is as likely as any other.
    Random,
    /// The silent share falls linearly to 0 over the epoch (networks that were not stopped).
    Falling,
}

fn lay_out(order: Order, stream: &mut Stream, samples: usize, silent: usize) -> Vec<bool> {
    let mut laid: Vec<bool> = (0..samples).map(|i| i < silent).collect();
    if order == Order::Random {
        shuffle(stream, &mut laid);
        return laid;
    }
    laid.fill(false);
    let mut left = silent;
    while left > 0 {
        // Inverse distribution function of the density 2(1 − x); taken places are drawn again.
        let i = ((1.0 - uniform(stream).sqrt()) * samples as f64) as usize;
        left -= usize::from(!std::mem::replace(&mut laid[i], true));
    }
    laid
}

fn follow(settings: &Settings, plan: Plan, silent: &[Vec<bool>]) -> Option<Stop> {
    let mut criterion = Criterion::new(settings, &LAYERS, plan).unwrap();
    for i in 0..silent[0].len() {
        let mut spikes = [1; 2];
        for (layer, leaf) in silent.iter().enumerate() {
            spikes[layer] = u32::from(!leaf[i]);
        }
        if let Decision::Stop(stop) = criterion.observe(&spikes) {
            return Some(stop);
        }
        let seen = i + 1;
        if (seen % plan.batch == 0 || seen == plan.samples)
            && criterion.update_due()
            && let Decision::Stop(stop) = criterion.at_update()
        {
            return Some(stop);
        }
    }
    None
}

#[derive(Default)]
struct Tally {
    rows: usize,
    agree: usize,
    /// Samples to the stop, of recorded stops.
    taken: Vec<usize>,
    /// Networks stopped that the reference did not stop.
    false_stops: usize,
    /// Samples that the reference took for the networks in `taken`.
    reference: usize,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.rows += other.rows;
        self.agree += other.agree;
        self.false_stops += other.false_stops;
        self.taken.extend(&other.taken);
        self.reference += other.reference;
    }

    fn quantile(&self, q: f64) -> usize {
        let mut taken = self.taken.clone();
        taken.sort_unstable();
        taken[((taken.len() - 1) as f64 * q).round() as usize]
    }

    fn agreement(&self) -> f64 {
        self.agree as f64 / self.rows as f64
    }

    fn print(&self, name: &str) {
        println!(
            "{name:<18} {:>5} {:>7} {:>6} {:>9.3} % {:>6} {:>6} {:>7} {:>8.1} % {:>9.2} %",
            self.rows,
            self.taken.len(),
            self.false_stops,
            100.0 * self.agreement(),
            self.quantile(0.5),
            self.quantile(0.95),
            self.quantile(1.0),
            100.0 * self.taken.iter().filter(|&&n| n <= 100).count() as f64
                / self.taken.len() as f64,
            100.0 * self.taken.iter().sum::<usize>() as f64 / self.reference as f64,
        );
    }
}

/// Simulated epochs with the recorded number of silent samples: the sequential decision agrees
/// with the recorded verdict on at least 99 % of the networks of every experiment.
///
/// The order of the samples was not recorded. A stopped network cannot disagree (the reference rule
/// stays in force), so the agreement is about the 491 others; of the stopped ones the test measures
/// how many samples the decision took, 50 % and 95 % quantiles, and which share of the samples of
/// the reference.
#[test]
fn sequential_decision_agrees_with_the_recorded_verdict() {
    let Some(folder) = results() else { return };
    println!(
        "{:<18} {:>5} {:>7} {:>6} {:>11} {:>6} {:>6} {:>7} {:>10} {:>11}",
        "experiment",
        "rows",
        "stopped",
        "false",
        "agreement",
        "50 %",
        "95 %",
        "max",
        "≤ 100",
        "samples"
    );
    for order in [Order::Random, Order::Falling] {
        let mut pooled = Tally::default();
        for experiment in &EXPERIMENTS {
            let mut settings = experiment.settings();
            settings.sequential = Some(Sequential::default());
            let mut tally = Tally::default();
            for (i, network) in experiment.read(&folder).iter().enumerate() {
                let key = Key::new(u64::from(experiment.number)).trial(i as u64);
                let mut stream = key.stream(Purpose::Synthetic);
                let judged = experiment.judged(network);
                // A stopped epoch was cut off: what came after is not known, so it has no trend.
                let order = if network.stopped { Order::Random } else { order };
                let counts = network.silent.iter();
                let silent: Vec<_> =
                    counts.map(|&s| lay_out(order, &mut stream, judged, s)).collect();
                let stop = follow(&settings, experiment.plan(network), &silent);
                tally.rows += 1;
                tally.false_stops += usize::from(stop.is_some() && !network.stopped);
                tally.agree += usize::from(stop.is_some() == network.stopped);
                if network.stopped {
                    let stop = stop.expect("the reference rule is in force");
                    tally.taken.push(stop.after_samples);
                    tally.reference += judged;
                    if network.silent.contains(&judged) {
                        assert!(stop.after_samples <= 100, "{stop}");
                    }
                }
            }
            tally.print(&format!("{} ({order:?})", experiment.number));
            assert!(tally.agreement() >= 0.99, "experiment {}", experiment.number);
            pooled.add(&tally);
        }
        pooled.print(&format!("pooled ({order:?})"));
        assert!(pooled.agreement() >= 0.99);
        assert!(pooled.quantile(0.5) <= 100);
    }
}
