//! Which neurons of a layer enter the spike list of a step (spec sparse_lif_ipu, section 2).
//!
//! Whatever the rule, the spikes of a list and its gradient-only entries are put into ascending
//! order, so that sums over a list do not depend on the rule that filled it.

use crate::engine::lif::{Real, RowActivity, SpikeList};
use crate::network::{Comparison, Lif, Selection};
use crate::random::{Key, Purpose, Stream, below, uniform};

/// Parts into which rule R1 deals a layer, at most.
const MOST_PARTS: usize = 6;

/// A neuron that may enter the list: id and potential.
pub type Candidate<T> = (u32, T);

/// Address of a row, for rules that draw.
#[derive(Debug, Clone, Copy)]
pub struct RowKey {
    /// Number of the forward pass.
    pub pass: u64,
    /// Layer, from 0.
    pub layer: usize,
    /// Sample of the batch.
    pub sample: usize,
    /// Time step.
    pub step: usize,
}

impl RowKey {
    fn stream(self) -> Stream {
        let sample = (self.sample as u64) << 32 | self.step as u64;
        Key { seed: 0, trial: self.pass, epoch: self.layer as u64, sample }
            .stream(Purpose::SpikeSelection)
    }
}

/// Whether a potential crosses a threshold.
pub fn crosses<T: Real>(v: T, threshold: T, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Strict => v > threshold,
        Comparison::Inclusive => v >= threshold,
    }
}

/// The rule of one layer, with room to work in.
#[derive(Debug, Clone)]
pub struct Selector<T> {
    selection: Selection,
    comparison: Comparison,
    threshold: T,
    second_threshold: T,
    neurons: usize,
    /// Most ids a row holds.
    pub capacity: usize,
    spikes: Vec<Candidate<T>>,
    near: Vec<Candidate<T>>,
}

impl<T: Real> Selector<T> {
    /// The rule of layer `l`.
    pub fn new(network: &Lif, l: usize, capacity: usize) -> Self {
        Selector {
            selection: network.selection,
            comparison: network.comparison,
            threshold: T::real(network.layers[l].threshold),
            second_threshold: T::real(network.gradient_threshold(l)),
            neurons: network.layers[l].neurons,
            capacity,
            spikes: Vec::new(),
            near: Vec::new(),
        }
    }

    /// Whether a potential crosses θ₁.
    pub fn fires(&self, v: T) -> bool {
        crosses(v, self.threshold, self.comparison)
    }

    /// Whether the rule asks for every neuron, not only for those above θ₂.
    pub fn wants_all(&self) -> bool {
        matches!(self.selection, Selection::OneThreshold | Selection::OneThresholdFromStart)
    }

    /// Whether the rule keeps the lowest ids where there is too little room.
    pub fn keeps_lowest(&self) -> bool {
        self.selection == Selection::LowestIds
    }

    /// Appends the row of one step to `list`. `candidates` holds, in ascending order of their ids,
    /// at least the neurons above θ₂, and all of them for rules that want all.
    pub fn select(
        &mut self,
        candidates: &[Candidate<T>],
        key: RowKey,
        list: &mut SpikeList<T>,
    ) -> RowActivity {
        let above = |v, threshold| crosses(v, threshold, self.comparison);
        // Each candidate is written to both and counted in one: which it will be cannot be predicted, and a
        // branch would be taken wrongly about as often as rightly.
        self.spikes.resize(candidates.len(), (0, T::zero()));
        self.near.resize(candidates.len(), (0, T::zero()));
        let (mut crossed, mut near) = (0, 0);
        for &candidate in candidates {
            self.spikes[crossed] = candidate;
            self.near[near] = candidate;
            let fires = above(candidate.1, self.threshold);
            crossed += usize::from(fires);
            near += usize::from(!fires & above(candidate.1, self.second_threshold));
        }
        self.spikes.truncate(crossed);
        self.near.truncate(near);
        let room = self.capacity;
        match self.selection {
            Selection::LowestIds => {
                self.spikes.truncate(room);
                self.near.truncate(room - self.spikes.len());
            }
            Selection::Random if crossed + near > room => {
                let mut stream = key.stream();
                random_subset(&mut self.spikes, room, &mut stream);
                random_subset(&mut self.near, room - self.spikes.len(), &mut stream);
            }
            Selection::HighestPotential if crossed + near > room => {
                highest(&mut self.spikes, room);
                highest(&mut self.near, room - self.spikes.len());
            }
            Selection::Random | Selection::HighestPotential => {}
            Selection::OneThreshold => self.one_threshold(candidates, Some(key.stream())),
            Selection::OneThresholdFromStart => self.one_threshold(candidates, None),
        }
        list.push_row(&self.spikes, &self.near);
        RowActivity { crossed, near, emitted: self.spikes.len(), gradient_only: self.near.len() }
    }

    /// Rule R1 (section 2.3): each part of the layer is scanned cyclically from its start until K
    /// neurons are taken; a neuron is taken above θ₂, or where all that remain are needed.
    fn one_threshold(&mut self, all: &[Candidate<T>], mut random: Option<Stream>) {
        assert_eq!(all.len(), self.neurons, "the one-threshold rule scans every neuron");
        let (n, k) = (self.neurons, self.capacity);
        let parts = (n / k).min(MOST_PARTS);
        let mut fillers: Vec<Vec<Candidate<T>>> = vec![Vec::new(); parts];
        self.spikes.clear();
        self.near.clear();
        let mut first = 0;
        for (part, fillers) in fillers.iter_mut().enumerate() {
            let length = n / parts + usize::from(part < n % parts);
            let start = random.as_mut().map_or(0, |stream| below(stream, n / parts + 1));
            let mut taken = 0;
            for scanned in 0..length {
                let candidate = all[first + (start + scanned) % length];
                let needed = length - scanned <= k - taken;
                if !(needed || crosses(candidate.1, self.second_threshold, self.comparison)) {
                    continue;
                }
                if crosses(candidate.1, self.threshold, self.comparison) {
                    self.spikes.push(candidate);
                } else {
                    fillers.push(candidate);
                }
                taken += 1;
                if taken == k {
                    break;
                }
            }
            first += length;
        }
        self.spikes.truncate(k);
        let mut turn = 0;
        while self.spikes.len() + self.near.len() < k {
            if let Some(&filler) = fillers[turn % parts].get(turn / parts) {
                self.near.push(filler);
            }
            turn += 1;
        }
        self.spikes.sort_unstable_by_key(|c| c.0);
        self.near.sort_unstable_by_key(|c| c.0);
    }
}

/// Keeps `room` of the candidates, each subset equally likely, in their order (selection sampling:
/// D. E. Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S).
fn random_subset<T: Copy>(candidates: &mut Vec<Candidate<T>>, room: usize, stream: &mut Stream) {
    let mut unseen = candidates.len();
    let mut missing = room.min(unseen);
    candidates.retain(|_| {
        let take = uniform(stream) * (unseen as f64) < missing as f64;
        unseen -= 1;
        missing -= usize::from(take);
        take
    });
}

/// Keeps the `room` highest potentials, lower ids first where they are equal, in order of the ids.
fn highest<T: Real>(candidates: &mut Vec<Candidate<T>>, room: usize) {
    if candidates.len() <= room {
        return;
    }
    candidates.sort_unstable_by(|a, b| {
        b.1.partial_cmp(&a.1).expect("a potential that crossed is a number").then(a.0.cmp(&b.0))
    });
    candidates.truncate(room);
    candidates.sort_unstable_by_key(|c| c.0);
}
