//! The selected readouts together, in the prequential order.

use super::ReadoutKind;
use super::activity;
use super::assignment::Assignment;
use super::counts::Counts;
use super::logistic::Logistic;
use super::ngram::TwoGram;
use super::svm::Svm;
use crate::spikes::SpikeTrain;

/// The selected readouts of one network and what they have learned.
///
/// Neuron assignments are kept whatever is selected: `all` and `vote` share them, and reports show
/// them. The table of `2gram` and the fits of `log` and `svm` exist only if selected.
#[derive(Debug, Clone)]
pub struct ReadoutSet {
    pub(super) neurons: usize,
    pub(super) classes: usize,
    pub(super) kinds: Vec<ReadoutKind>,
    pub(super) assignment: Assignment,
    pub(super) two_gram: Option<TwoGram>,
    pub(super) logistic: Option<Logistic>,
    pub(super) svm: Option<Svm>,
}

impl ReadoutSet {
    /// Readouts that have learned nothing yet. `neurons` is the size of the output population,
    /// `classes` the number of classes, at least 1. Repeated kinds count once.
    ///
    /// # Panics
    /// If there is no class.
    pub fn new(kinds: &[ReadoutKind], neurons: usize, classes: usize) -> Self {
        assert!(classes > 0, "a readout needs at least one class");
        let mut kinds = kinds.to_vec();
        kinds.sort_unstable();
        kinds.dedup();
        let two_gram =
            kinds.contains(&ReadoutKind::TwoGram).then(|| TwoGram::new(neurons, classes));
        let assignment = Assignment::new(neurons, classes);
        ReadoutSet { neurons, classes, kinds, assignment, two_gram, logistic: None, svm: None }
    }

    /// The selected readouts, in the order of [`ReadoutKind::ALL`].
    pub fn kinds(&self) -> &[ReadoutKind] {
        &self.kinds
    }

    /// Size of the output population.
    pub fn neurons(&self) -> usize {
        self.neurons
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Predicts a class for each sample with each selected readout. Before the first update `all`,
    /// `vote` and `2gram` give 0, `log` and `svm` give −1.
    ///
    /// # Panics
    /// If a train is over more neurons than [`ReadoutSet::neurons`].
    pub fn predict(&self, spikes: &[SpikeTrain]) -> Vec<(ReadoutKind, Vec<i32>)> {
        self.predict_counted(spikes, &Counts::new(self.neurons, spikes))
    }

    /// Learns from an interval; `labels[k]` belongs to `spikes[k]`. An empty interval teaches
    /// nothing.
    ///
    /// # Panics
    /// If the lengths differ, a label is not below [`ReadoutSet::classes`], or a train is over more
    /// neurons than [`ReadoutSet::neurons`].
    pub fn update(&mut self, spikes: &[SpikeTrain], labels: &[u16]) {
        self.update_counted(spikes, &Counts::new(self.neurons, spikes), labels);
    }

    /// One prequential step: predicts the interval with what is known, then learns from it. Gives
    /// the accuracy of each readout's predictions.
    ///
    /// # Panics
    /// As [`ReadoutSet::update`].
    pub fn predict_then_update(
        &mut self,
        spikes: &[SpikeTrain],
        labels: &[u16],
    ) -> Vec<(ReadoutKind, f64)> {
        let counts = Counts::new(self.neurons, spikes);
        let predicted = self.predict_counted(spikes, &counts);
        self.update_counted(spikes, &counts, labels);
        predicted.into_iter().map(|(kind, classes)| (kind, accuracy(&classes, labels))).collect()
    }

    fn predict_counted(
        &self,
        spikes: &[SpikeTrain],
        counts: &Counts,
    ) -> Vec<(ReadoutKind, Vec<i32>)> {
        let unfitted = || vec![-1; spikes.len()];
        let predict = |kind| match kind {
            ReadoutKind::All => {
                activity::predict(&activity::all_scores(&self.assignment, counts), self.classes)
            }
            ReadoutKind::Vote => {
                activity::predict(&activity::vote_scores(&self.assignment, counts), self.classes)
            }
            ReadoutKind::TwoGram => {
                self.two_gram.as_ref().map_or_else(unfitted, |table| table.predict(spikes))
            }
            ReadoutKind::Log => {
                self.logistic.as_ref().map_or_else(unfitted, |fit| fit.predict(counts))
            }
            ReadoutKind::Svm => self.svm.as_ref().map_or_else(unfitted, |fit| fit.predict(counts)),
        };
        self.kinds.iter().map(|&kind| (kind, predict(kind))).collect()
    }

    fn update_counted(&mut self, spikes: &[SpikeTrain], counts: &Counts, labels: &[u16]) {
        assert_eq!(spikes.len(), labels.len(), "each sample needs one label");
        if labels.is_empty() {
            return;
        }
        self.assignment.update(counts, labels);
        if let Some(table) = &mut self.two_gram {
            table.update(spikes, labels);
        }
        if self.kinds.contains(&ReadoutKind::Log) {
            self.logistic = Some(Logistic::fit(counts, labels));
        }
        if self.kinds.contains(&ReadoutKind::Svm) {
            self.svm = Some(Svm::fit(counts, labels));
        }
    }

    /// Rates, proportions and classes of the neurons.
    pub fn assignment(&self) -> &Assignment {
        &self.assignment
    }

    /// The table of `2gram`, if selected.
    pub fn two_gram(&self) -> Option<&TwoGram> {
        self.two_gram.as_ref()
    }

    /// The last fit of `log`, if selected and updated.
    pub fn logistic(&self) -> Option<&Logistic> {
        self.logistic.as_ref()
    }

    /// The last fit of `svm`, if selected and updated.
    pub fn svm(&self) -> Option<&Svm> {
        self.svm.as_ref()
    }
}

/// Share of the predictions that are right, in [0, 1]; 0 if there are none.
pub fn accuracy(predicted: &[i32], labels: &[u16]) -> f64 {
    let right = predicted.iter().zip(labels).filter(|&(&p, &l)| p == i32::from(l)).count();
    right as f64 / predicted.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn train(ids: &[u32]) -> SpikeTrain {
        let mut train = SpikeTrain::empty(4);
        ids.iter().for_each(|&id| train.push_step(&[id]));
        train
    }

    #[test]
    fn nothing_is_known_before_the_first_update() {
        let set = ReadoutSet::new(&ReadoutKind::ALL, 4, 3);
        let classes: Vec<_> =
            set.predict(&[train(&[0, 1, 2, 3]), train(&[])]).into_iter().map(|p| p.1).collect();
        assert_eq!(classes, [[0, 0], [0, 0], [0, 0], [-1, -1], [-1, -1]]);
    }

    #[test]
    fn accuracy_is_that_of_the_predictions_before_the_update() {
        let mut set = ReadoutSet::new(&ReadoutKind::ALL, 4, 3);
        let spikes = [train(&[0, 1, 0, 1]), train(&[2, 3, 2, 3]), train(&[2, 3, 2])];
        // Before: all 0 or −1, and one label of three is 0. After: learned by heart.
        let names = |set: &mut ReadoutSet| set.predict_then_update(&spikes, &[0, 2, 2]);
        let shares: Vec<f64> = names(&mut set).into_iter().map(|(_, share)| share).collect();
        assert_eq!(shares, [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0, 0.0]);
        assert!(names(&mut set).into_iter().all(|(_, share)| share == 1.0));
    }

    #[test]
    fn silent_samples_give_class_0_and_an_empty_interval_changes_nothing() {
        let mut set = ReadoutSet::new(&ReadoutKind::ALL, 4, 3);
        set.update(&[], &[]);
        assert!(set.logistic().is_none() && set.svm().is_none());
        assert_eq!(set.assignment().assigned(), [-1; 4]);
        set.update(&[train(&[0, 0]), train(&[3, 3])], &[1, 2]);
        for (kind, classes) in set.predict(&[train(&[])]).into_iter().take(3) {
            assert_eq!(classes, [0], "{kind}");
        }
    }

    #[test]
    fn kinds_are_ordered_and_counted_once() {
        use ReadoutKind::{All, Svm};
        assert_eq!(ReadoutSet::new(&[Svm, All, Svm], 1, 1).kinds(), [All, Svm]);
    }
}
