//! Spike counts of an interval, sparse by rows.

use crate::spikes::SpikeTrain;

/// How often each neuron fired in each sample: n\[k, j\] of spec stdp.md section 8.
///
/// Compressed rows: of some hundred neurons a few dozen fire in a sample, and every count that is
/// not stored is 0. Within a row the neurons ascend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    neurons: usize,
    offsets: Vec<usize>,
    ids: Vec<u32>,
    counts: Vec<u32>,
}

impl Counts {
    /// Counts the spikes of samples over `neurons` neurons.
    ///
    /// # Panics
    /// If a train is over more neurons than that.
    pub fn new(neurons: usize, spikes: &[SpikeTrain]) -> Self {
        let mut counts = Counts { neurons, offsets: vec![0], ids: vec![], counts: vec![] };
        let mut total = vec![0_u32; neurons];
        let mut fired = Vec::new();
        for train in spikes {
            for &id in train.ids() {
                let slot = &mut total[id as usize];
                if *slot == 0 {
                    fired.push(id);
                }
                *slot += 1;
            }
            fired.sort_unstable();
            for &id in &fired {
                counts.ids.push(id);
                counts.counts.push(std::mem::take(&mut total[id as usize]));
            }
            fired.clear();
            counts.offsets.push(counts.ids.len());
        }
        counts
    }

    /// Puts stored rows together. The caller has checked that `offsets` ascend from 0 to the
    /// length of the other two and that ids ascend in a row and are below `neurons`.
    pub(super) fn from_rows(
        neurons: usize,
        offsets: Vec<usize>,
        ids: Vec<u32>,
        counts: Vec<u32>,
    ) -> Self {
        Counts { neurons, offsets, ids, counts }
    }

    /// Copies some rows, in the order asked for.
    pub(super) fn select(&self, rows: &[usize]) -> Self {
        let mut selected =
            Counts { neurons: self.neurons, offsets: vec![0], ids: vec![], counts: vec![] };
        for &k in rows {
            let range = self.offsets[k]..self.offsets[k + 1];
            selected.ids.extend_from_slice(&self.ids[range.clone()]);
            selected.counts.extend_from_slice(&self.counts[range]);
            selected.offsets.push(selected.ids.len());
        }
        selected
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Size of the population.
    pub fn neurons(&self) -> usize {
        self.neurons
    }

    /// The neurons that fired in sample `k` and how often, neurons ascending.
    pub fn row(&self, k: usize) -> impl Iterator<Item = (usize, u32)> + Clone + '_ {
        let range = self.offsets[k]..self.offsets[k + 1];
        self.ids[range.clone()]
            .iter()
            .map(|&id| id as usize)
            .zip(self.counts[range].iter().copied())
    }

    /// Row starts, ids and counts as stored.
    pub(super) fn parts(&self) -> (&[usize], &[u32], &[u32]) {
        (&self.offsets, &self.ids, &self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_hold_the_counts_of_the_trains(
            bits in prop::collection::vec(prop::collection::vec(any::<bool>(), 12 * 7), 0..6),
        ) {
            let trains: Vec<_> = bits
                .iter()
                .map(|b| SpikeTrain::from_dense(7, &b.iter().map(|&x| u8::from(x)).collect::<Vec<_>>()))
                .collect();
            let counts = Counts::new(7, &trains);
            prop_assert_eq!(counts.samples(), trains.len());
            for (k, train) in trains.iter().enumerate() {
                let mut want = vec![0; 7];
                train.add_counts(&mut want);
                let want: Vec<_> = want.into_iter().enumerate().filter(|&(_, n)| n > 0).collect();
                prop_assert_eq!(counts.row(k).collect::<Vec<_>>(), want);
            }
        }
    }
}
