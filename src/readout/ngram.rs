//! The readout `2gram`: which neuron fires after which.

use super::argmax;
use crate::spikes::SpikeTrain;
use std::collections::HashMap;

/// Largest count: the reference adds ones in float32, which stops here.
const LARGEST_COUNT: f32 = 16_777_216.0;

/// Largest population whose pairs are found through a table of all pairs (64 MiB of indices);
/// larger ones use a hash map.
const LARGEST_DENSE: usize = 4096;

/// Counts of ordered pairs of neurons for each class (spec stdp.md section 8).
///
/// *Update*, per sample: list the steps with at least one spike; for two consecutive ones (silent
/// steps between them do not matter) every pair (i of the first, j of the second) adds 1 to
/// `table[(i, j)][label]`. Spikes of one step make no pair among themselves.
///
/// *Prediction*: all spikes in time order, by neuron within a step, f_0 … f_{F−1}; the rows of the
/// pairs (f_q, f_{q+1}) for q = 0 … F−3 are added. So here spikes of one step do make pairs, and the
/// last pair of the sample is left out. This asymmetry is the reference's.
///
/// Memory: one row of 4·classes + 12 bytes for each pair that occurred, so at most neurons² of them
/// (2000 neurons that all fire together, 11 classes: 224 MB), and the index below.
#[derive(Debug, Clone)]
pub struct TwoGram {
    classes: usize,
    neurons: usize,
    keys: Vec<[u32; 2]>,
    counts: Vec<f32>,
    index: Index,
}

/// Finds the row of a pair.
#[derive(Debug, Clone)]
enum Index {
    /// `[neurons × neurons]`, row + 1, 0 where there is none.
    Dense(Vec<u32>),
    Hashed(HashMap<[u32; 2], u32>),
}

impl TwoGram {
    /// An empty table.
    pub fn new(neurons: usize, classes: usize) -> Self {
        let index = if neurons <= LARGEST_DENSE {
            Index::Dense(vec![0; neurons * neurons])
        } else {
            Index::Hashed(HashMap::new())
        };
        TwoGram { classes, neurons, keys: Vec::new(), counts: Vec::new(), index }
    }

    /// Learns the pairs of an interval.
    ///
    /// # Panics
    /// If a label is not below the number of classes.
    pub fn update(&mut self, spikes: &[SpikeTrain], labels: &[u16]) {
        for (train, &label) in spikes.iter().zip(labels) {
            let class = usize::from(label);
            assert!(class < self.classes, "label {class} of {} classes", self.classes);
            let steps: Vec<&[u32]> =
                (0..train.steps()).map(|t| train.step(t)).filter(|ids| !ids.is_empty()).collect();
            let pairs: usize = steps.windows(2).map(|w| w[0].len() * w[1].len()).sum();
            let active = active_neurons(self.neurons, train);
            let words = active.len() * active.len() * steps.len().div_ceil(64);
            // Networks that fire everywhere at every step have far more pairs than neurons²; their
            // cost per pair and step is then a bit, not a table entry.
            if pairs <= 2 * words {
                self.add_one_by_one(&steps, class);
            } else {
                self.add_by_masks(&steps, &active, class);
            }
        }
    }

    /// Adds each pair of consecutive active steps as it comes.
    fn add_one_by_one(&mut self, steps: &[&[u32]], class: usize) {
        for step in steps.windows(2) {
            for &first in step[0] {
                for &second in step[1] {
                    self.add([first, second], class, 1.0);
                }
            }
        }
    }

    /// The same through bit masks: bit t of a neuron's mask says that it fires in the t-th active
    /// step, so the number of times that j follows i is the number of bits common to mask i and
    /// mask j shifted down by one.
    fn add_by_masks(&mut self, steps: &[&[u32]], active: &[u32], class: usize) {
        let words = steps.len().div_ceil(64).max(1);
        let mut slot = vec![0_usize; self.neurons];
        for (s, &id) in active.iter().enumerate() {
            slot[id as usize] = s;
        }
        let mut first = vec![0_u64; active.len() * words];
        let mut second = vec![0_u64; active.len() * words];
        for (t, ids) in steps.iter().enumerate() {
            for &id in *ids {
                let start = slot[id as usize] * words;
                first[start + t / 64] |= 1 << (t % 64);
                if let Some(before) = t.checked_sub(1) {
                    second[start + before / 64] |= 1 << (before % 64);
                }
            }
        }
        // New rows must be made in the order in which their pairs first occur.
        let mut new: Vec<(usize, [u32; 2], f32)> = Vec::new();
        for (&i, first) in active.iter().zip(first.chunks_exact(words)) {
            for (&j, second) in active.iter().zip(second.chunks_exact(words)) {
                let common = || first.iter().zip(second).map(|(a, b)| a & b);
                let count: u32 = common().map(u64::count_ones).sum();
                if count == 0 {
                    continue;
                }
                if self.row([i, j]).is_some() {
                    self.add([i, j], class, count as f32);
                } else {
                    let earliest = common().enumerate().find(|&(_, bits)| bits != 0);
                    let (word, bits) = earliest.unwrap_or_default();
                    let t = word * 64 + bits.trailing_zeros() as usize;
                    new.push((t, [i, j], count as f32));
                }
            }
        }
        new.sort_unstable_by_key(|&(t, pair, _)| (t, pair));
        for (_, pair, count) in new {
            self.add(pair, class, count);
        }
    }

    /// Adds to a pair's count, in a new row if it has none.
    fn add(&mut self, pair: [u32; 2], class: usize, count: f32) {
        let row = match self.row(pair) {
            Some(row) => row,
            None => self.insert(pair),
        };
        let slot = &mut self.counts[row * self.classes + class];
        *slot = (*slot + count).min(LARGEST_COUNT);
    }

    /// Row of a pair.
    fn row(&self, [i, j]: [u32; 2]) -> Option<usize> {
        match &self.index {
            Index::Dense(rows) => {
                (rows[i as usize * self.neurons + j as usize] as usize).checked_sub(1)
            }
            Index::Hashed(rows) => rows.get(&[i, j]).map(|&row| row as usize),
        }
    }

    /// Appends a row of zeros for a pair that has none.
    fn insert(&mut self, [i, j]: [u32; 2]) -> usize {
        let row = self.keys.len();
        match &mut self.index {
            Index::Dense(rows) => rows[i as usize * self.neurons + j as usize] = row as u32 + 1,
            Index::Hashed(rows) => {
                rows.insert([i, j], row as u32);
            }
        }
        self.keys.push([i, j]);
        self.counts.resize(self.counts.len() + self.classes, 0.0);
        row
    }

    /// Scores of one sample, `[classes]`.
    pub fn scores(&self, train: &SpikeTrain) -> Vec<f32> {
        let mut scores = vec![0.0_f32; self.classes];
        let ids = train.ids();
        for pair in ids.windows(2).take(ids.len().saturating_sub(2)) {
            if let Some(row) = self.row([pair[0], pair[1]]) {
                let counts = &self.counts[row * self.classes..(row + 1) * self.classes];
                scores.iter_mut().zip(counts).for_each(|(score, count)| *score += count);
            }
        }
        scores
    }

    /// The class with the largest score of each sample, the lowest on ties; 0 if no pair is known.
    pub fn predict(&self, spikes: &[SpikeTrain]) -> Vec<i32> {
        spikes.iter().map(|train| argmax(&self.scores(train)) as i32).collect()
    }

    /// The pairs in the order in which they first occurred.
    pub fn keys(&self) -> &[[u32; 2]] {
        &self.keys
    }

    /// Counts of the pairs, `[pairs × classes]`.
    pub fn counts(&self) -> &[f32] {
        &self.counts
    }

    /// Puts a stored table together; `None` if a pair occurs twice. The caller has checked that the
    /// neurons of the pairs exist and that `counts` is `[keys × classes]`.
    pub(super) fn from_rows(
        neurons: usize,
        classes: usize,
        keys: &[[u32; 2]],
        counts: Vec<f32>,
    ) -> Option<Self> {
        let mut table = TwoGram::new(neurons, classes);
        for &pair in keys {
            if table.row(pair).is_some() {
                return None;
            }
            table.insert(pair);
        }
        table.counts = counts;
        Some(table)
    }
}

/// The neurons that fire at least once, ascending.
fn active_neurons(neurons: usize, train: &SpikeTrain) -> Vec<u32> {
    let mut fires = vec![false; neurons];
    train.ids().iter().for_each(|&id| fires[id as usize] = true);
    (0..neurons as u32).filter(|&id| fires[id as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn train(neurons: usize, steps: &[&[u32]]) -> SpikeTrain {
        let mut train = SpikeTrain::empty(neurons);
        steps.iter().for_each(|ids| train.push_step(ids));
        train
    }

    #[test]
    fn update_skips_silent_steps_and_prediction_the_last_pair() {
        let mut table = TwoGram::new(5, 3);
        table.update(&[train(5, &[&[0, 1], &[], &[2], &[1, 3]])], &[2]);
        // By hand: {0,1}×{2}, {2}×{1,3}.
        assert_eq!(table.keys(), [[0, 2], [1, 2], [2, 1], [2, 3]]);
        assert_eq!(table.scores(&train(5, &[&[0], &[2], &[3]])), [0.0, 0.0, 1.0]);
        assert_eq!(table.scores(&train(5, &[&[0], &[2]])), [0.0; 3], "its only pair is the last");
        assert_eq!(table.scores(&train(5, &[&[2, 3], &[4]])), [0.0, 0.0, 1.0], "pair in a step");
        assert_eq!(table.predict(&[train(5, &[&[0], &[2], &[4]]), train(5, &[])]), [2, 0]);
    }

    #[test]
    fn counts_stop_where_float32_does() {
        let mut table = TwoGram::new(2, 1);
        table.add([0, 1], 0, LARGEST_COUNT - 1.0);
        table.add([0, 1], 0, 3.0);
        assert_eq!(table.counts(), [LARGEST_COUNT]);
    }

    #[test]
    fn a_large_population_uses_the_hash_map() {
        let neurons = LARGEST_DENSE + 1;
        let mut table = TwoGram::new(neurons, 2);
        assert!(matches!(table.index, Index::Hashed(_)));
        let sample = train(neurons, &[&[4096], &[7], &[4096], &[7]]);
        table.update(std::slice::from_ref(&sample), &[1]);
        assert_eq!(table.keys(), [[4096, 7], [7, 4096]]);
        assert_eq!(table.scores(&sample), [0.0, 3.0]);
    }

    proptest! {
        #[test]
        fn masks_and_single_pairs_make_the_same_table(
            steps in 0_usize..140,
            rows in prop::collection::vec(prop::collection::vec(0_u8..3, 6), 140),
        ) {
            // Some steps are silent, most have several spikes.
            let dense: Vec<u8> = rows[..steps].concat().iter().map(|&v| u8::from(v == 0)).collect();
            let train = SpikeTrain::from_dense(6, &dense);
            let steps: Vec<&[u32]> =
                (0..train.steps()).map(|t| train.step(t)).filter(|ids| !ids.is_empty()).collect();
            let (mut single, mut masks) = (TwoGram::new(6, 2), TwoGram::new(6, 2));
            // Half of it first, so that some pairs have rows already.
            let half = &steps[..steps.len() / 2];
            single.add_one_by_one(half, 0);
            masks.add_one_by_one(half, 0);
            single.add_one_by_one(&steps, 1);
            masks.add_by_masks(&steps, &active_neurons(6, &train), 1);
            prop_assert_eq!(single.keys, masks.keys);
            prop_assert_eq!(single.counts, masks.counts);
        }
    }
}
