//! Spike trains with labels: what event data sets become and what networks are trained on.

use super::{BinningCounts, SpikeTrain};
use memmap2::Mmap;
use std::ops::Range;
use std::sync::Arc;

/// Labelled spike trains over one population, packed.
///
/// Sample i is the words `spans[i]`: its number of steps T, then the T + 1 offsets and the ids of its
/// [`SpikeTrain`].
#[derive(Debug)]
pub struct SpikeSet {
    neurons: usize,
    steps: usize,
    classes: usize,
    labels: Vec<u16>,
    spans: Vec<Range<usize>>,
    /// Shared with the sets that were chosen from this one.
    words: Arc<Words>,
    counts: BinningCounts,
}

/// Where the words are.
#[derive(Debug)]
enum Words {
    Owned(Vec<u32>),
    /// Little-endian, from byte `at` of a file on.
    Mapped {
        file: Mmap,
        at: usize,
    },
}

impl Words {
    fn read(&self, range: Range<usize>) -> Vec<u32> {
        match self {
            Words::Owned(words) => words[range].to_vec(),
            Words::Mapped { file, at } => {
                let bytes = &file[at + 4 * range.start..at + 4 * range.end];
                bytes.as_chunks().0.iter().map(|&word| u32::from_le_bytes(word)).collect()
            }
        }
    }
}

/// The words of a sample.
pub(crate) fn pack(train: &SpikeTrain) -> Vec<u32> {
    let mut words = Vec::with_capacity(2 + train.steps() + train.count());
    words.push(train.steps() as u32);
    words.extend_from_slice(train.offsets());
    words.extend_from_slice(train.ids());
    words
}

/// The train of a sample's words; None if they are none.
fn unpack(neurons: usize, mut words: Vec<u32>) -> Option<SpikeTrain> {
    let steps = *words.first()? as usize;
    let ids = words.get(steps.checked_add(2)?..)?.to_vec();
    words.truncate(steps + 2);
    words.remove(0);
    SpikeTrain::from_parts(neurons, words, ids)
}

impl SpikeSet {
    /// No samples yet, over `neurons` neurons and with labels below `classes`.
    pub fn new(neurons: usize, classes: usize) -> Self {
        SpikeSet {
            neurons,
            steps: 0,
            classes,
            labels: Vec::new(),
            spans: Vec::new(),
            words: Arc::new(Words::Owned(Vec::new())),
            counts: BinningCounts::default(),
        }
    }

    /// A set whose words lie in a file from byte `at` on. None unless the labels are below `classes` and
    /// the words of every sample are a train.
    pub(crate) fn mapped(
        neurons: usize,
        classes: usize,
        labels: Vec<u16>,
        starts: Vec<usize>,
        counts: BinningCounts,
        (file, at): (Mmap, usize),
    ) -> Option<Self> {
        let words = file.len().checked_sub(at)? / 4;
        let in_file = starts.first() == Some(&0)
            && starts.len() == labels.len() + 1
            && starts.windows(2).all(|pair| pair[0] <= pair[1])
            && starts.last().is_some_and(|&end| end <= words);
        if !in_file || labels.iter().any(|&label| usize::from(label) >= classes) {
            return None;
        }
        let words = Arc::new(Words::Mapped { file, at });
        let spans = starts.windows(2).map(|pair| pair[0]..pair[1]).collect();
        let mut set = SpikeSet { neurons, steps: 0, classes, labels, spans, words, counts };
        for i in 0..set.len() {
            let train = unpack(neurons, set.words.read(set.spans[i].clone()))?;
            set.steps = set.steps.max(train.steps());
        }
        Some(set)
    }

    /// Appends a sample, and what was lost on the way to it.
    ///
    /// # Panics
    /// If the train is over another population, the label is not below the number of classes, or the set
    /// lies in a file or shares its words with another.
    pub fn push(&mut self, train: &SpikeTrain, label: u16, counts: BinningCounts) {
        assert_eq!(train.neurons(), self.neurons, "a train over another population");
        assert!(usize::from(label) < self.classes, "label {label} of {} classes", self.classes);
        let Some(Words::Owned(words)) = Arc::get_mut(&mut self.words) else {
            panic!("a set that lies in a file or is shared does not grow");
        };
        let start = words.len();
        words.extend(pack(train));
        self.spans.push(start..words.len());
        self.labels.push(label);
        self.steps = self.steps.max(train.steps());
        self.counts += counts;
    }

    /// The samples of these indices, in their order, over the same words in memory or on disk. What
    /// became of events is not known sample by sample: [`SpikeSet::counts`] of the result is zeros.
    pub fn choose(&self, chosen: &[usize]) -> SpikeSet {
        let spans: Vec<_> = chosen.iter().map(|&i| self.spans[i].clone()).collect();
        SpikeSet {
            neurons: self.neurons,
            steps: spans
                .iter()
                .map(|span| self.words.read(span.start..span.start + 1)[0] as usize)
                .max()
                .unwrap_or(0),
            classes: self.classes,
            labels: chosen.iter().map(|&i| self.labels[i]).collect(),
            spans,
            words: Arc::clone(&self.words),
            counts: BinningCounts::default(),
        }
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
        unpack(self.neurons, self.words.read(self.spans[i].clone()))
            .expect("words are checked when a set is made, and nobody changes its file")
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

        let chosen = set.choose(&[2, 1, 2]);
        assert_eq!((chosen.len(), chosen.steps(), chosen.labels()), (3, 1, &[2, 0, 2][..]));
        for (i, k) in [2, 1, 2].into_iter().enumerate() {
            assert_eq!(chosen.train(i), trains[k]);
        }
        assert!(set.choose(&[]).is_empty());
    }

    #[test]
    #[should_panic(expected = "label 5 of 5 classes")]
    fn a_label_beyond_the_classes_is_refused() {
        SpikeSet::new(3, 5).push(&SpikeTrain::empty(3), 5, BinningCounts::default());
    }
}
