//! The parts that samples are split into.

use crate::data;
use proptest::prelude::*;
use spikeseek::spikes::{SpikeSet, SpikeTrain};
use spikeseek::train::lif::Samples;
use std::collections::BTreeSet;

fn trains(set: &SpikeSet) -> Vec<(SpikeTrain, u16)> {
    (0..set.len()).map(|i| set.sample(i)).collect()
}

/// Samples that can be told apart: sample i has the bits of i.
fn numbered(samples: usize) -> SpikeSet {
    let mut set = SpikeSet::new(16, 3);
    for i in 0..samples {
        let mut train = SpikeTrain::empty(16);
        train.push_step(&(0..16).filter(|bit| i >> bit & 1 == 1).collect::<Vec<_>>());
        set.push(&train, (i % 3) as u16, Default::default());
    }
    set
}

fn numbers(set: &SpikeSet) -> Vec<usize> {
    (0..set.len()).map(|i| set.train(i).step(0).iter().map(|&bit| 1 << bit).sum()).collect()
}

proptest! {
    #[test]
    fn parts_are_disjoint_and_whole(
        samples in 1_usize..80,
        tests in 1_usize..20,
        hold_out in 0.0_f64..0.9,
        limited in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let (all, test) = (numbered(samples), numbered(tests));
        let limit = limited.then_some(samples.div_ceil(2));
        let used = limit.unwrap_or(samples);
        let expected = ((1.0 - hold_out) * used as f64 + 1e-9) as usize;
        let split = Samples::split(&all, &test, [limit, None], hold_out, seed);
        let Ok(split) = split else {
            prop_assert_eq!(expected, 0);
            return Ok(());
        };
        prop_assert_eq!(split.train.len(), expected);
        prop_assert_eq!(split.validation.len(), used - expected);
        let mut seen: Vec<usize> = numbers(&split.train);
        seen.extend(numbers(&split.validation));
        prop_assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), used);
        prop_assert!(seen.iter().all(|&i| i < samples));
        for (i, number) in numbers(&split.validation).into_iter().enumerate() {
            prop_assert_eq!(usize::from(split.validation.label(i)), number % 3);
        }
        let of_test: BTreeSet<usize> = numbers(&split.test).into_iter().collect();
        prop_assert_eq!(of_test, (0..tests).collect::<BTreeSet<_>>());
    }
}

#[test]
fn the_seed_decides() {
    let (train, test) = data(1, 30);
    let split = |seed| Samples::split(&train, &test, [None, Some(10)], 0.2, seed).unwrap();
    let (one, again, other) = (split(1), split(1), split(2));
    assert_eq!(trains(&one.validation), trains(&again.validation));
    assert_eq!(trains(&one.test), trains(&again.test));
    assert_ne!(trains(&one.validation), trains(&other.validation));
    assert_ne!(trains(&one.test), trains(&other.test));
}

#[test]
fn more_than_there_are_is_refused() {
    let (all, test) = (numbered(5), numbered(4));
    let refusal = |limits, hold_out| {
        Samples::split(&all, &test, limits, hold_out, 1).unwrap_err().to_string()
    };
    assert!(refusal([Some(6), None], 0.0).contains("there are 5"));
    assert!(refusal([None, Some(5)], 0.0).contains("`data.test`"));
    assert!(refusal([None, None], 0.9).contains("hold_out"));
}
