//! Readouts: every array and every recorded fact of the decoder cases.

use crate::support::{Case, Golden, Kind, assert_close};
use serde_json::Value;
use spikeseek::readout::{Counts, ReadoutKind, ReadoutSet, activity};
use spikeseek::spikes::SpikeTrain;

const KINDS: [ReadoutKind; 3] = [ReadoutKind::All, ReadoutKind::Vote, ReadoutKind::TwoGram];

/// Samples and labels of a part of a case (`c0`, …, `test`).
fn samples(case: &Case<'_>, part: &str) -> (Vec<SpikeTrain>, Vec<u16>) {
    let spikes = case.array::<u8>(&format!("{part}.spikes"));
    let (steps, neurons) = (spikes.shape()[1], spikes.shape()[2]);
    let dense: Vec<u8> = spikes.iter().copied().collect();
    let trains: Vec<_> = dense
        .chunks_exact(steps * neurons)
        .map(|sample| SpikeTrain::from_dense(neurons, sample))
        .collect();
    let labels: Vec<u16> = case
        .flat::<i32>(&format!("{part}.labels"))
        .into_iter()
        .map(|label| u16::try_from(label).expect("a label"))
        .collect();
    assert_eq!(trains.len(), labels.len());
    (trains, labels)
}

fn check_predictions(case: &Case<'_>, part: &str, set: &ReadoutSet, spikes: &[SpikeTrain]) {
    for (kind, got) in set.predict(spikes) {
        let want = case.flat::<i32>(&format!("{part}.pred_{kind}"));
        assert_eq!(got, want, "{} {part}: predictions of {kind}", case.name);
    }
}

fn check_state(case: &Case<'_>, part: &str, set: &ReadoutSet) {
    let what = |array: &str| format!("{} {part}: {array}", case.name);
    let assignment = set.assignment();
    let rates = case.flat::<f32>(&format!("{part}.rates"));
    assert_eq!(assignment.rates(), rates, "{}", what("rates"));
    // Proportions lie in [0, 1]; the reference sums rows in another order: two ulp of 1.
    let proportions = case.flat::<f32>(&format!("{part}.proportions"));
    assert_close(&what("proportions"), assignment.proportions(), &proportions, 1.2e-7);
    let assigned = case.flat::<i32>(&format!("{part}.assignments"));
    assert_eq!(assignment.assigned(), assigned, "{}", what("assignments"));
    let table = set.two_gram().expect("2gram is selected");
    let keys: Vec<i32> = table.keys().as_flattened().iter().map(|&id| id as i32).collect();
    assert_eq!(keys, case.flat::<i32>(&format!("{part}.ngram_keys")), "{}", what("keys"));
    let counts = case.flat::<f32>(&format!("{part}.ngram_counts"));
    assert_eq!(table.counts(), counts, "{}", what("counts"));
}

/// The numbers that the manifest gives for the test samples after the last update.
fn check_facts(case: &Case<'_>, set: &ReadoutSet, spikes: &[SpikeTrain], labels: &[u16]) {
    let fact = |key: &str| {
        case.meta.get(key).unwrap_or_else(|| panic!("{}: no `{key}` in the manifest", case.name))
    };
    for (kind, share) in set.clone().predict_then_update(spikes, labels) {
        let want = fact("accuracy")[kind.name()].as_f64().expect("an accuracy");
        assert!((share - want).abs() < 1e-12, "{}: accuracy of {kind}: {share}", case.name);
    }
    let silent = spikes.iter().filter(|train| train.count() == 0).count();
    assert_eq!(silent, case.usize("silent_test_samples"), "{}", case.name);
    let assignment = set.assignment();
    let unassigned: Vec<usize> =
        (0..set.classes()).filter(|&class| assignment.members()[class] == 0).collect();
    let want: Vec<usize> = fact("unassigned_classes")
        .as_array()
        .expect("a list")
        .iter()
        .map(|class| class.as_u64().expect("a class") as usize)
        .collect();
    assert_eq!(unassigned, want, "{}: classes without neurons", case.name);
    let silent = assignment
        .rates()
        .chunks_exact(set.classes())
        .filter(|rates| rates.iter().all(|&rate| rate == 0.0))
        .count();
    assert_eq!(silent, case.usize("silent_neurons"), "{}: silent neurons", case.name);
}

/// Class scores of the test samples, how many have an exact tie at the top, and the smallest gap
/// between the two best of the others.
fn check_scores(case: &Case<'_>, name: &str, got: &[f32], classes: usize) {
    let want = case.flat::<f32>(&format!("test.rates_{name}"));
    let largest = want.iter().fold(0.0_f32, |m, &score| m.max(score.abs()));
    // float32 sums of some dozen terms in another order: a few ulp of the largest score.
    let tolerance = 4.0 * f64::from(f32::EPSILON) * f64::from(largest);
    assert_close(&format!("{} scores of {name}", case.name), got, &want, tolerance);
    let gap = |row: &[f32]| {
        let mut sorted = row.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        f64::from(sorted[0] - sorted[1])
    };
    let gaps: Vec<f64> = got.chunks_exact(classes).map(gap).collect();
    // Rounding can make or break a tie between sums of fractions, not between counts.
    let blurred = if name == "vote" { 2.0 * tolerance } else { 0.0 };
    let ties = gaps.iter().filter(|&&gap| gap <= blurred).count() as u64;
    let silent = got.chunks_exact(classes).filter(|row| row.iter().all(|&s| s == 0.0)).count();
    let want = case.meta["exact_ties_in_test"][name].as_u64().expect("a number of ties");
    let fewest = if blurred > 0.0 { silent as u64 } else { ties };
    assert!((fewest..=ties).contains(&want), "{}: {ties} ties of {name}, not {want}", case.name);
    let smallest = gaps.into_iter().filter(|&gap| gap > blurred).min_by(f64::total_cmp);
    match (smallest, &case.meta["smallest_nonzero_top2_gap"][name]) {
        (None, Value::Null) => {}
        (got, want) => {
            let (got, want) = (got.unwrap_or(0.0), want.as_f64().unwrap_or(0.0));
            let close = (got - want).abs() <= 2.0 * tolerance || want <= blurred;
            assert!(close, "{}: smallest gap of {name} {got}, not {want}", case.name);
        }
    }
}

#[test]
fn readouts_agree_with_every_decoder_case() {
    let golden = Golden::open();
    let cases = golden.of_kind(Kind::Decoders);
    assert!(!cases.is_empty(), "no decoder case in the manifest");
    for case in cases {
        let (neurons, classes) = (case.usize("neurons"), case.usize("classes"));
        let mut set = ReadoutSet::new(&KINDS, neurons, classes);
        let chunks = case.usize("chunks");
        for chunk in 0..chunks {
            let part = format!("c{chunk}");
            let (spikes, labels) = samples(&case, &part);
            check_predictions(&case, &part, &set, &spikes);
            set.update(&spikes, &labels);
            check_state(&case, &part, &set);
        }
        let (spikes, labels) = samples(&case, "test");
        check_predictions(&case, "test", &set, &spikes);
        check_facts(&case, &set, &spikes, &labels);
        let counts = Counts::new(neurons, &spikes);
        let all = activity::all_scores(set.assignment(), &counts);
        let vote = activity::vote_scores(set.assignment(), &counts);
        check_scores(&case, "all", &all, classes);
        check_scores(&case, "vote", &vote, classes);
        case.finish();
        println!(
            "{}: {neurons} neurons, {classes} classes, {chunks} chunks, {} arrays",
            case.name,
            case.arrays().len()
        );
    }
}
