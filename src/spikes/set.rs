//! Spike trains with labels: what event data sets become and what networks are trained on.

use super::{BinningCounts, SpikeTrain};

/// Labelled spike trains over one population, packed.
///
/// Sample i is the words `starts[i]..starts[i + 1]`: its number of steps T, then the T + 1 offsets and
/// the ids of its [`SpikeTrain`].
#[derive(Debug)]
pub struct SpikeSet {
    neurons: usize,
    steps: usize,
    classes: usize,
    labels: Vec<u16>,
    starts: Vec<usize>,
    words: Vec<u32>,
    counts: BinningCounts,
}

impl SpikeSet {
    /// No samples yet, over `neurons` neurons and with labels below `classes`.
    pub fn new(neurons: usize, classes: usize) -> Self {
        SpikeSet {
            neurons,
            steps: 0,
            classes,
            labels: Vec::new(),
            starts: vec![0],
            words: Vec::new(),
            counts: BinningCounts::default(),
        }
    }

    /// Appends a sample, and what was lost on the way to it.
    ///
    /// # Panics
    /// If the train is over another population or the label is not below the number of classes.
    pub fn push(&mut self, train: &SpikeTrain, label: u16, counts: BinningCounts) {
        assert_eq!(train.neurons(), self.neurons, "a train over another population");
        assert!(usize::from(label) < self.classes, "label {label} of {} classes", self.classes);
        self.words.push(train.steps() as u32);
        self.words.extend_from_slice(train.offsets());
        self.words.extend_from_slice(train.ids());
        self.starts.push(self.words.len());
        self.labels.push(label);
        self.steps = self.steps.max(train.steps());
        self.counts += counts;
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True where there is no sample.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Size of the population.
    pub fn neurons(&self) -> usize {
        self.neurons
    }

    /// Time steps of the longest sample.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Number of classes; every label is below it.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Class of sample `i`.
    pub fn label(&self, i: usize) -> u16 {
        self.labels[i]
    }

    /// Classes of all samples.
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// Spikes of sample `i`.
    pub fn train(&self, i: usize) -> SpikeTrain {
        let words = &self.words[self.starts[i]..self.starts[i + 1]];
        let (offsets, ids) = words[1..].split_at(words[0] as usize + 1);
        SpikeTrain::from_parts(self.neurons, offsets.to_vec(), ids.to_vec())
            .expect("only trains are pushed")
    }

    /// Spikes and class of sample `i`.
    pub fn sample(&self, i: usize) -> (SpikeTrain, u16) {
        (self.train(i), self.label(i))
    }

    /// What became of the events of all samples.
    pub fn counts(&self) -> BinningCounts {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_back_as_they_went_in() {
        let trains = [
            SpikeTrain::from_dense(3, &[1, 0, 1, 0, 0, 0, 0, 1, 0]),
            SpikeTrain::from_dense(3, &[]),
            SpikeTrain::from_dense(3, &[0, 0, 1]),
        ];
        let mut set = SpikeSet::new(3, 5);
        for (train, label) in trains.iter().zip([4, 0, 2]) {
            set.push(
                train,
                label,
                BinningCounts { spikes: train.count() as u64, ..Default::default() },
            );
        }
        assert_eq!((set.len(), set.steps(), set.classes(), set.neurons()), (3, 3, 5, 3));
        assert_eq!(set.labels(), [4, 0, 2]);
        assert_eq!(set.counts().spikes, 4);
        for (i, train) in trains.iter().enumerate() {
            assert_eq!(&set.train(i), train);
        }
        assert_eq!(set.sample(2), (trains[2].clone(), 2));
    }

    #[test]
    #[should_panic(expected = "label 5 of 5 classes")]
    fn a_label_beyond_the_classes_is_refused() {
        SpikeSet::new(3, 5).push(&SpikeTrain::empty(3), 5, BinningCounts::default());
    }
}
