//! T6: properties of the selection rules.

use crate::support::stream;
use proptest::prelude::*;
use spikeseek::engine::cpu::lif::select::{RowKey, Selector};
use spikeseek::engine::lif::{RowActivity, SpikeList};
use spikeseek::network::{Capacity, Lif, Selection};
use spikeseek::random::{below, uniform};

const RULES: [Selection; 5] = [
    Selection::LowestIds,
    Selection::Random,
    Selection::HighestPotential,
    Selection::OneThreshold,
    Selection::OneThresholdFromStart,
];

fn network(neurons: usize, k: usize, selection: Selection) -> Lif {
    let mut network = Lif::new(&[1, neurons]);
    network.selection = selection;
    network.layers[0].second_threshold = 0.9;
    network.layers[0].capacity = Capacity::Fixed(k);
    network
}

fn row(sample: usize) -> RowKey {
    RowKey { pass: 0, layer: 0, sample, step: 0 }
}

/// The list of one row: spikes, gradient-only entries, and what happened.
fn select(v: &[f64], k: usize, rule: Selection, key: RowKey) -> (Vec<u32>, Vec<u32>, RowActivity) {
    let mut selector = Selector::new(&network(v.len(), k, rule), 0, k);
    let all: Vec<(u32, f64)> = v.iter().enumerate().map(|(j, &v)| (j as u32, v)).collect();
    let mut list = SpikeList::default();
    let activity = selector.select(&all, key, &mut list);
    let spikes = list.spikes(0).to_vec();
    let near = list.row(0)[spikes.len()..].to_vec();
    (spikes, near, activity)
}

/// Potentials in [0, 1.2], or all on one side of the thresholds.
fn potentials(seed: u64) -> (Vec<f64>, usize) {
    let s = &mut stream(seed);
    let n = 1 + below(s, 80);
    let (low, width) = [(0.0, 1.2), (0.5, 0.3), (1.1, 0.5), (0.85, 0.3)][below(s, 4)];
    let v = (0..n).map(|_| low + width * uniform(s)).collect();
    (v, [1 + below(s, n), n][below(s, 2)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// What every rule keeps: sizes, order, disjointness, membership, the counted overflow.
    #[test]
    fn every_rule_gives_a_list(seed in any::<u64>()) {
        let (v, k) = potentials(seed);
        let above = |low: f64, high: f64| v.iter().filter(|&&v| v > low && v <= high).count();
        let (a, g) = (above(1.0, f64::INFINITY), above(0.9, 1.0));
        for rule in RULES {
            let (spikes, near, activity) = select(&v, k, rule, row(seed as usize % 1000));
            prop_assert!(spikes.windows(2).all(|w| w[0] < w[1]));
            prop_assert!(near.windows(2).all(|w| w[0] < w[1]));
            prop_assert!(spikes.iter().all(|&j| v[j as usize] > 1.0));
            prop_assert!(near.iter().all(|&j| v[j as usize] <= 1.0));
            let full = rule == Selection::OneThreshold || rule == Selection::OneThresholdFromStart;
            if full {
                prop_assert_eq!(spikes.len() + near.len(), k, "{:?}: K ids always", rule);
                prop_assert!(spikes.len() <= a.min(k));
            } else {
                prop_assert!(near.iter().all(|&j| v[j as usize] > 0.9));
                prop_assert_eq!(spikes.len(), a.min(k), "{:?}: spikes come first", rule);
                prop_assert_eq!(near.len(), g.min(k - spikes.len()), "{:?}", rule);
            }
            prop_assert_eq!((activity.crossed, activity.near), (a, g));
            let listed = (activity.emitted, activity.gradient_only);
            prop_assert_eq!(listed, (spikes.len(), near.len()));
        }
    }

    /// R2: the lowest ids of A, then of G.
    #[test]
    fn lowest_ids_are_the_first(seed in any::<u64>()) {
        let (v, k) = potentials(seed);
        let ids = |low: f64, high: f64| -> Vec<u32> {
            (0..v.len() as u32).filter(|&j| v[j as usize] > low && v[j as usize] <= high).collect()
        };
        let (mut a, mut g) = (ids(1.0, f64::INFINITY), ids(0.9, 1.0));
        a.truncate(k);
        g.truncate(k - a.len());
        let (spikes, near, _) = select(&v, k, Selection::LowestIds, row(0));
        prop_assert_eq!((spikes, near), (a, g));
    }

    /// No neuron that is left out has a higher potential than one of its kind that is in.
    #[test]
    fn highest_potentials_stay(seed in any::<u64>()) {
        let (v, k) = potentials(seed);
        let (spikes, near, _) = select(&v, k, Selection::HighestPotential, row(0));
        for (kept, low, high) in [(&spikes, 1.0, f64::INFINITY), (&near, 0.9, 1.0)] {
            let lowest = kept.iter().map(|&j| v[j as usize]).fold(f64::INFINITY, f64::min);
            for (j, &v) in v.iter().enumerate() {
                if v > low && v <= high && !kept.is_empty() {
                    prop_assert!(kept.contains(&(j as u32)) || v <= lowest);
                }
            }
        }
    }

    /// R1: a part keeps all its spikes where its spikes and near ones have room, so that all are
    /// kept where all parts have room and all spikes together too; from the start it equals the
    /// rule written down again without cyclic scans.
    #[test]
    fn one_threshold_follows_the_rule(seed in any::<u64>()) {
        let (v, k) = potentials(seed);
        let n = v.len();
        let parts = (n / k).min(6);
        let mut first = 0;
        let (mut spikes, mut fillers) = (Vec::new(), Vec::new());
        let mut room = true;
        for part in 0..parts {
            let length = n / parts + usize::from(part < n % parts);
            let ids: Vec<u32> = (first..first + length).map(|j| j as u32).collect();
            room &= ids.iter().filter(|&&j| v[j as usize] > 0.9).count() <= k;
            let mut taken = Vec::new();
            for (place, &j) in ids.iter().enumerate() {
                if taken.len() < k && (v[j as usize] > 0.9 || length - place <= k - taken.len()) {
                    taken.push(j);
                }
            }
            prop_assert_eq!(taken.len(), k);
            let (fired, rest): (Vec<u32>, Vec<u32>) =
                taken.into_iter().partition(|&j| v[j as usize] > 1.0);
            spikes.extend(fired);
            fillers.push(rest);
            first += length;
        }
        spikes.truncate(k);
        let mut near = Vec::new();
        for turn in 0.. {
            for rest in &fillers {
                if spikes.len() + near.len() < k {
                    near.extend(rest.get(turn));
                }
            }
            if spikes.len() + near.len() == k {
                break;
            }
        }
        near.sort_unstable();
        let got = select(&v, k, Selection::OneThresholdFromStart, row(0));
        prop_assert_eq!((&got.0, &got.1), (&spikes, &near));
        let (random, ..) = select(&v, k, Selection::OneThreshold, row(seed as usize % 1000));
        let crossed = v.iter().filter(|&&v| v > 1.0).count();
        if room {
            prop_assert_eq!(random.len(), crossed.min(k), "room for all, and some were lost");
        }
    }
}

/// Which of ten spikes enters a list of three: by the random rule each equally often, by the lowest
/// ids always the same.
#[test]
fn the_random_rule_is_fair() {
    let v = vec![2.0; 10];
    let mut hits = [0_u32; 10];
    let rows = 20_000;
    for sample in 0..rows {
        let (spikes, near, _) = select(&v, 3, Selection::Random, row(sample));
        assert_eq!((spikes.len(), near.len()), (3, 0));
        spikes.iter().for_each(|&j| hits[j as usize] += 1);
    }
    // Mean 6000, standard deviation √(20000·0.3·0.7) = 65; five of them.
    assert!(hits.iter().all(|&h| (5_675..=6_325).contains(&h)), "{hits:?}");
}

/// The starts of R1 are uniform: all neurons are equal, K of each part are taken from the start on.
/// Of one part of 7 neurons with K = 4, start o takes o … o + 3, so neuron j is taken 4/8 of the time
/// from starts 0 … 6 and the clamped start 7 (which is start 0 again).
#[test]
fn starts_of_the_one_threshold_rule_are_uniform() {
    let v = vec![2.0; 7];
    let mut lists = std::collections::BTreeMap::new();
    let rows = 16_000;
    for sample in 0..rows {
        *lists.entry(select(&v, 4, Selection::OneThreshold, row(sample)).0).or_insert(0_u32) += 1;
    }
    assert_eq!(lists.len(), 7, "{lists:?}");
    for (list, hits) in lists {
        // 1/8 of the rows each, 2/8 for the list that two starts give; five standard deviations.
        let share = if list == [0, 1, 2, 3] { 0.25 } else { 0.125 };
        let mean = f64::from(rows as u32) * share;
        let deviation = (mean * (1.0 - share)).sqrt();
        assert!((f64::from(hits) - mean).abs() < 5.0 * deviation, "{list:?}: {hits}");
    }
}
