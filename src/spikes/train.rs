//! The sparse spike train of one sample.

/// Spikes of one sample over a population of `neurons` neurons and `steps` time steps.
///
/// Struct of arrays: the spikes of step t are `ids[offsets[t]..offsets[t+1]]`, sorted and without
/// repetition. Nothing in spikeseek blows this up to a dense time × neuron array except an engine
/// that was asked to be dense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpikeTrain {
    neurons: u32,
    offsets: Vec<u32>,
    ids: Vec<u32>,
}

impl SpikeTrain {
    /// A train of no steps yet; [`SpikeTrain::push_step`] adds them.
    pub fn empty(neurons: usize) -> Self {
        SpikeTrain { neurons: neurons as u32, offsets: vec![0], ids: Vec::new() }
    }

    /// Appends one step. `ids` must be strictly ascending and below the number of neurons.
    pub fn push_step(&mut self, ids: &[u32]) {
        debug_assert!(ids.windows(2).all(|w| w[0] < w[1]), "ids of a step must ascend");
        debug_assert!(ids.last().is_none_or(|&id| id < self.neurons), "id beyond the population");
        self.ids.extend_from_slice(ids);
        self.offsets.push(self.ids.len() as u32);
    }

    /// Sorts (step, id) pairs into a train by counting. Ids of equal step must come in ascending
    /// order and without repetition (an encoder that walks its inputs in order does that); pairs at
    /// or past `steps` are dropped.
    pub fn from_events(neurons: usize, steps: usize, events: &[(u32, u32)]) -> Self {
        let mut offsets = vec![0_u32; steps + 1];
        for &(step, _) in events {
            if (step as usize) < steps {
                offsets[step as usize + 1] += 1;
            }
        }
        for t in 0..steps {
            offsets[t + 1] += offsets[t];
        }
        let mut next = offsets.clone();
        let mut ids = vec![0_u32; offsets[steps] as usize];
        for &(step, id) in events {
            if (step as usize) < steps {
                let slot = &mut next[step as usize];
                ids[*slot as usize] = id;
                *slot += 1;
            }
        }
        let train = SpikeTrain { neurons: neurons as u32, offsets, ids };
        debug_assert!((0..steps).all(|t| train.step(t).windows(2).all(|w| w[0] < w[1])));
        train
    }

    /// Reads a dense `[steps × neurons]` array; any value but 0 is a spike.
    pub fn from_dense(neurons: usize, dense: &[u8]) -> Self {
        let mut train = SpikeTrain::empty(neurons);
        let mut ids = Vec::new();
        for row in dense.chunks_exact(neurons.max(1)) {
            ids.clear();
            ids.extend((0..neurons as u32).filter(|&id| row[id as usize] != 0));
            train.push_step(&ids);
        }
        train
    }

    /// Puts a train together from its parts, see [`SpikeTrain`]. None unless `offsets` starts at 0,
    /// never falls and ends at the number of ids, and the ids of each step ascend strictly and are
    /// below `neurons`.
    pub fn from_parts(neurons: usize, offsets: Vec<u32>, ids: Vec<u32>) -> Option<Self> {
        let ends_right = offsets.first() == Some(&0) && *offsets.last()? as usize == ids.len();
        let rises = offsets.windows(2).all(|pair| pair[0] <= pair[1]);
        if !ends_right || !rises || ids.iter().any(|&id| id as usize >= neurons) {
            return None;
        }
        let train = SpikeTrain { neurons: u32::try_from(neurons).ok()?, offsets, ids };
        let ascends = |t| train.step(t).windows(2).all(|pair| pair[0] < pair[1]);
        (0..train.steps()).all(ascends).then_some(train)
    }

    /// Where the spikes of each step begin in [`SpikeTrain::ids`]: one number more than steps.
    pub fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    /// Size of the population.
    pub fn neurons(&self) -> usize {
        self.neurons as usize
    }

    /// Number of time steps.
    pub fn steps(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Ids that fire at step `t`, ascending.
    pub fn step(&self, t: usize) -> &[u32] {
        &self.ids[self.offsets[t] as usize..self.offsets[t + 1] as usize]
    }

    /// Number of spikes over all steps.
    pub fn count(&self) -> usize {
        self.ids.len()
    }

    /// All ids in time order, ascending within a step.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Adds each neuron's spikes to `counts`, of length [`SpikeTrain::neurons`].
    pub fn add_counts(&self, counts: &mut [u32]) {
        for &id in &self.ids {
            counts[id as usize] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_parts_that_are_a_train_make_one() {
        let make = |offsets: &[u32], ids: &[u32]| {
            SpikeTrain::from_parts(4, offsets.to_vec(), ids.to_vec())
        };
        let train = make(&[0, 2, 2, 3], &[1, 3, 0]).unwrap();
        assert_eq!((train.step(0), train.step(1), train.step(2)), (&[1, 3][..], &[][..], &[0][..]));
        assert_eq!(make(train.offsets(), train.ids()), Some(train));
        assert_eq!(make(&[0], &[]), Some(SpikeTrain::empty(4)));
        for (offsets, ids) in [
            (&[][..], &[][..]), // no offsets
            (&[1, 1], &[0]),    // does not start at 0
            (&[0, 2, 1], &[0]), // falls
            (&[0, 1], &[0, 1]), // does not end at the number of ids
            (&[0, 9], &[0]),    // beyond it
            (&[0, 1], &[4]),    // no such neuron
            (&[0, 2], &[1, 1]), // twice
            (&[0, 2], &[3, 1]), // falls within a step
        ] {
            assert_eq!(make(offsets, ids), None, "{offsets:?} {ids:?}");
        }
    }

    proptest! {
        #[test]
        fn dense_and_events_agree(neurons in 1_usize..20, steps in 0_usize..20, bits in prop::collection::vec(any::<bool>(), 400)) {
            let dense: Vec<u8> = (0..neurons * steps).map(|k| u8::from(bits[k])).collect();
            let from_dense = SpikeTrain::from_dense(neurons, &dense);
            let mut events = Vec::new();
            for id in 0..neurons {
                for t in 0..steps {
                    if dense[t * neurons + id] != 0 {
                        events.push((t as u32, id as u32));
                    }
                }
            }
            events.push((steps as u32, 0)); // past the end: dropped
            let from_events = SpikeTrain::from_events(neurons, steps, &events);
            prop_assert_eq!(&from_dense, &from_events);
            prop_assert_eq!(from_dense.steps(), steps);
            let mut counts = vec![0; neurons];
            from_dense.add_counts(&mut counts);
            prop_assert_eq!(counts.iter().sum::<u32>() as usize, from_dense.count());
        }
    }
}
