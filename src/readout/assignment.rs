//! Which class each neuron speaks for: the state that `all` and `vote` share.

use super::argmax;
use super::counts::Counts;

/// Accumulated class rates of each neuron, and what follows from them.
///
/// For each class c present in an interval (spec stdp.md section 8):
///
/// ```text
/// rates[j, c]      += mean of n[k, j] over the samples k of class c      spikes per sample
/// proportions[j, c] = rates[j, c] / Σ_c rates[j, c],  0 if the sum is 0
/// assigned[j]       = argmax_c proportions[j, c],     lowest class on ties
/// ```
///
/// so a neuron that never fired is assigned to class 0. Rates accumulate over intervals without
/// forgetting. Everything is float32, as in the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    neurons: usize,
    classes: usize,
    rates: Vec<f32>,
    proportions: Vec<f32>,
    assigned: Vec<i32>,
    members: Vec<u32>,
}

impl Assignment {
    /// Before the first update: rates 0, assignments −1.
    pub fn new(neurons: usize, classes: usize) -> Self {
        Assignment {
            neurons,
            classes,
            rates: vec![0.0; neurons * classes],
            proportions: vec![0.0; neurons * classes],
            assigned: vec![-1; neurons],
            members: vec![0; classes],
        }
    }

    /// The state after an update that led to these rates, `[neurons × classes]`.
    pub(super) fn from_rates(neurons: usize, classes: usize, rates: Vec<f32>) -> Self {
        let mut assignment = Assignment { rates, ..Assignment::new(neurons, classes) };
        assignment.derive();
        assignment
    }

    /// Adds the mean rates of an interval.
    ///
    /// # Panics
    /// If a label is not below the number of classes.
    pub fn update(&mut self, counts: &Counts, labels: &[u16]) {
        let classes = self.classes;
        let mut samples = vec![0_u32; classes];
        let mut spikes = vec![0_u32; self.neurons * classes];
        for (k, &label) in labels.iter().enumerate() {
            let class = usize::from(label);
            samples[class] += 1;
            for (neuron, count) in counts.row(k) {
                spikes[neuron * classes + class] += count;
            }
        }
        let rates = self.rates.chunks_exact_mut(classes).zip(spikes.chunks_exact(classes));
        for (rates, spikes) in rates {
            for class in (0..classes).filter(|&c| samples[c] > 0) {
                rates[class] += spikes[class] as f32 / samples[class] as f32;
            }
        }
        self.derive();
    }

    /// Proportions, assignments and group sizes from the rates.
    fn derive(&mut self) {
        self.members.fill(0);
        let rows = self
            .rates
            .chunks_exact(self.classes)
            .zip(self.proportions.chunks_exact_mut(self.classes))
            .zip(&mut self.assigned);
        for ((rates, proportions), assigned) in rows {
            let total: f32 = rates.iter().sum();
            for (proportion, &rate) in proportions.iter_mut().zip(rates) {
                *proportion = if total == 0.0 { 0.0 } else { rate / total };
            }
            let class = argmax(proportions);
            *assigned = class as i32;
            self.members[class] += 1;
        }
    }

    /// Size of the population.
    pub fn neurons(&self) -> usize {
        self.neurons
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Accumulated rates in spikes per sample, `[neurons × classes]`.
    pub fn rates(&self) -> &[f32] {
        &self.rates
    }

    /// Proportions, `[neurons × classes]`.
    pub fn proportions(&self) -> &[f32] {
        &self.proportions
    }

    /// Class of each neuron; −1 before the first update.
    pub fn assigned(&self) -> &[i32] {
        &self.assigned
    }

    /// Number of neurons assigned to each class.
    pub fn members(&self) -> &[u32] {
        &self.members
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spikes::SpikeTrain;

    /// One step a spike, in which only the given neuron fires.
    fn train(neurons: usize, ids: &[u32]) -> SpikeTrain {
        let mut train = SpikeTrain::empty(neurons);
        ids.iter().for_each(|&id| train.push_step(&[id]));
        train
    }

    #[test]
    fn rates_are_means_and_accumulate() {
        let counts = Counts::new(3, &[train(3, &[0, 0, 1]), train(3, &[0]), train(3, &[1])]);
        let mut assignment = Assignment::new(3, 2);
        assert_eq!(assignment.assigned(), [-1, -1, -1]);
        assignment.update(&counts, &[1, 1, 0]);
        // By hand: class 0 has one sample, class 1 two.
        assert_eq!(assignment.rates(), [0.0, 1.5, 1.0, 0.5, 0.0, 0.0]);
        assignment.update(&Counts::new(3, &[train(3, &[0, 0, 0])]), &[0]);
        assert_eq!(assignment.rates(), [3.0, 1.5, 1.0, 0.5, 0.0, 0.0]);
        assert_eq!(assignment.assigned(), [0, 0, 0], "a silent neuron belongs to class 0");
        assert_eq!(assignment.members(), [3, 0]);
    }

    #[test]
    fn equal_rates_go_to_the_lowest_class() {
        let counts = Counts::new(1, &[train(1, &[0]), train(1, &[0]), train(1, &[])]);
        let mut assignment = Assignment::new(1, 3);
        assignment.update(&counts, &[2, 1, 0]);
        assert_eq!(assignment.assigned(), [1]);
    }
}
