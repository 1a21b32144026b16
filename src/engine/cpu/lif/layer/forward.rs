//! Forward pass of one layer over a stretch of steps.

use super::blocks::{Neurons, Row, WIDTH, ZERO, add, decay_trace, gather, lane_mut, membrane};
use super::entries::{Entries, Marks, bits};
use super::{Layer, Stretch};
use crate::engine::cpu::lif::select::{Candidate, RowKey, Selector};
use crate::engine::lif::{LayerActivity, RowActivity, SpikeList};
use crate::network::Reset;
use crate::numerics::vector::{Vectors, prefetch, widest_with};
use crate::spikes::SpikeTrain;
use rayon::prelude::*;

/// What a layer takes along from one stretch of steps to the next.
#[derive(Debug, Clone)]
pub struct Carry {
    /// Potential after the reset, `[block][sample]`.
    pub u: Vec<Row>,
    /// Decay trace, `[block][sample]`; empty where decays are not learned.
    pub trace: Vec<Row>,
    /// Spikes of the last step of each sample.
    pub last: Vec<Vec<u32>>,
    /// Σ v so far, `[block][sample]`; empty where nobody asks for it.
    pub potential: Vec<Row>,
}

/// What a layer did in a stretch.
pub struct Done {
    /// Spikes of each sample. Step 0 is the step before the stretch, step k + 1 step k of the stretch.
    pub spikes: Vec<SpikeTrain>,
    /// List entries of each block.
    pub entries: Vec<Entries>,
    /// Σ_t of the decay trace, `[block][sample]`; empty unless potentials are summed.
    pub trace_sums: Vec<Row>,
    /// v, `[block][row]`; empty unless asked for.
    pub states: Vec<Row>,
    /// What happened.
    pub activity: LayerActivity,
}

impl Done {
    /// Neuron and number within `rows` of each list entry, block by block, then in ascending order.
    pub fn places(&self, rows: std::ops::Range<usize>) -> Vec<(u32, u32)> {
        let count: usize =
            self.entries.iter().map(|entries| entries.places(rows.clone()).len()).sum();
        let mut places = Vec::with_capacity(count + WIDTH);
        for (n, entries) in self.entries.iter().enumerate() {
            entries.append_places((n * WIDTH) as u32, rows.clone(), &mut places);
        }
        places
    }

    /// Appends the list of one row to `list`.
    pub fn append_list(&self, row: usize, list: &mut SpikeList<f32>) {
        let (mut spikes, mut near) = (Vec::new(), Vec::new());
        for (n, entries) in self.entries.iter().enumerate() {
            let marks = entries.marks(row);
            for candidate in candidates(n, entries, row) {
                let fired = marks.fired >> (candidate.0 as usize % WIDTH) & 1 == 1;
                if fired { &mut spikes } else { &mut near }.push(candidate);
            }
        }
        list.push_row(&spikes, &near);
    }
}

/// Id and potential of the entries of block `n` in a row.
fn candidates(
    n: usize,
    entries: &Entries,
    row: usize,
) -> impl Iterator<Item = Candidate<f32>> + use<'_> {
    let potentials = entries.potentials(row..row + 1);
    let ids = bits(entries.marks(row).listed).map(move |lane| (n * WIDTH) as u32 + lane);
    ids.zip(potentials.iter().copied())
}

/// What to watch beside the lists.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    /// Σ_t v.
    pub potential: bool,
    /// Every v.
    pub states: bool,
}

/// One block of neurons and what it gives.
struct Block<'a> {
    layer: &'a Layer,
    number: usize,
    neurons: Neurons,
    bias: Row,
    /// Lanes that are neurons.
    valid: u64,
    out: Entries,
    potential: Vec<Row>,
    trace_sums: Vec<Row>,
    states: Vec<Row>,
}

impl<'a> Block<'a> {
    fn new(layer: &'a Layer, number: usize, rows: usize) -> Self {
        let neurons =
            Neurons { decay: layer.decay[number], gain: layer.gain[number], fire: layer.fire };
        let bias = layer.bias.get(number).copied().unwrap_or(ZERO);
        let lanes = (layer.neurons - number * WIDTH).min(WIDTH);
        let valid = u64::MAX >> (WIDTH - lanes);
        let out = Entries::with_room(rows, !layer.decay_logit.is_empty());
        let (potential, trace_sums, states) = (vec![], vec![], vec![]);
        Block { layer, number, neurons, bias, valid, out, potential, trace_sums, states }
    }

    /// Makes room for the next sample, whose potentials sum up to `potential` so far.
    fn begin_sample(&mut self, potential: Option<&Row>) {
        if let Some(&sum) = potential {
            self.potential.push(sum);
            self.trace_sums.push(ZERO);
        }
    }

    /// One step of one sample.
    #[inline(always)]
    fn step(
        &mut self,
        spikes: &[u32],
        recurrent: &[u32],
        u: &mut Row,
        trace: Option<&mut Row>,
        watch: Watch,
        vectors: Vectors,
    ) {
        let mut current = self.bias;
        gather(&mut current, self.layer.w.block(self.number), spikes);
        if let Some(weights) = &self.layer.recurrent {
            gather(&mut current, weights.block(self.number), recurrent);
        }
        let trace = trace.map(|trace| {
            decay_trace(&self.neurons, self.layer.input_scale, u, &current, trace);
            &*trace
        });
        let v = membrane(&self.neurons, &current, u);
        let thresholds = (self.layer.candidate, self.layer.fire);
        self.out.push(&v, thresholds, self.valid, trace, vectors);
        if watch.potential {
            add(self.potential.last_mut().expect("a sum for the sample"), &v);
            if let Some(trace) = trace {
                add(self.trace_sums.last_mut().expect("a sum for the sample"), trace);
            }
        }
        if watch.states {
            self.states.push(v);
        }
    }
}

/// Runs a layer over a stretch. `keyed` is (pass, layer).
pub fn run(
    layer: &Layer,
    stretch: &Stretch<'_>,
    selector: &Selector<f32>,
    keyed: (u64, usize),
    carry: &mut Carry,
    watch: Watch,
) -> Done {
    if layer.recurrent.is_some() || layer.reset == Reset::Emitted {
        step_by_step(layer, stretch, selector, keyed, carry, watch)
    } else {
        block_by_block(layer, stretch, selector, keyed, carry, watch)
    }
}

/// All steps of all samples in one block, then the next block: the weights of a block stay in the
/// cache. For layers whose potentials do not depend on the lists.
fn block_by_block(
    layer: &Layer,
    stretch: &Stretch<'_>,
    selector: &Selector<f32>,
    keyed: (u64, usize),
    carry: &mut Carry,
    watch: Watch,
) -> Done {
    let samples = stretch.lengths.len();
    let mut no_traces: Vec<Row> = Vec::new();
    let traces = if carry.trace.is_empty() { &mut no_traces } else { &mut carry.trace };
    let mut traces: Vec<Option<&mut [Row]>> = if traces.is_empty() {
        (0..layer.blocks()).map(|_| None).collect()
    } else {
        traces.chunks_mut(samples).map(Some).collect()
    };
    let potential = &carry.potential;
    let mut blocks: Vec<Block<'_>> = carry
        .u
        .par_chunks_mut(samples)
        .zip(traces.par_iter_mut())
        .enumerate()
        .map(|(number, (u, traces))| {
            let mut block = Block::new(layer, number, stretch.rows());
            // The weights of the next block are fetched meanwhile, a row a step.
            let next = if number + 1 < layer.blocks() { layer.w.block(number + 1) } else { &[] };
            widest_with(
                #[inline(always)]
                |vectors| {
                    for b in 0..samples {
                        block.begin_sample(potential.get(number * samples + b));
                        let mut state = u[b];
                        for k in 0..stretch.lengths[b] {
                            let trace = traces.as_mut().map(|traces| &mut traces[b]);
                            let input = stretch.input(b, k);
                            if let Some(row) = next.get(stretch.starts[b] + k) {
                                prefetch(row);
                            }
                            block.step(input, &[], &mut state, trace, watch, vectors);
                        }
                        u[b] = state;
                    }
                },
            );
            block
        })
        .collect();

    let chosen: Vec<Chosen> = (0..samples)
        .into_par_iter()
        .map(|b| {
            let mut chosen = Chosen::new(layer, selector, &carry.last[b]);
            for k in 0..stretch.lengths[b] {
                let (row, key) = (stretch.starts[b] + k, key(keyed, stretch, b, k));
                if chosen.choose(&blocks, row, key) {
                    chosen.cut.push(row);
                    chosen.left.extend_from_slice(&chosen.marks);
                }
            }
            chosen
        })
        .collect();
    if chosen.iter().any(|chosen| !chosen.cut.is_empty()) {
        blocks.par_iter_mut().enumerate().for_each(|(n, block)| {
            let left = chosen.iter().flat_map(|chosen| {
                let marks = chosen.left.iter().skip(n).step_by(layer.blocks());
                chosen.cut.iter().copied().zip(marks.copied())
            });
            block.out.keep(0, left);
        });
    }
    let done = Done {
        spikes: vec![],
        trace_sums: blocks.iter().flat_map(|block| &block.trace_sums).copied().collect(),
        states: blocks.iter().flat_map(|block| &block.states).copied().collect(),
        activity: LayerActivity::default(),
        entries: blocks.iter_mut().map(|block| std::mem::take(&mut block.out)).collect(),
    };
    carry.potential = blocks.iter().flat_map(|block| &block.potential).copied().collect();
    finish(done, chosen, carry)
}

/// The lists of one sample.
struct Chosen {
    selector: Selector<f32>,
    spikes: SpikeTrain,
    activity: LayerActivity,
    /// Rows from which something was dropped.
    cut: Vec<usize>,
    /// What is left of them, `[row of cut][block]`.
    left: Vec<Marks>,
    /// What is left of the row that was chosen last, `[block]`, if something was dropped.
    marks: Vec<Marks>,
    /// Room for the ids of a step.
    ids: Vec<u32>,
    /// Room for the candidates of a step.
    candidates: Vec<Candidate<f32>>,
    /// Room for the list of a step.
    list: SpikeList<f32>,
}

impl Chosen {
    fn new(layer: &Layer, selector: &Selector<f32>, last: &[u32]) -> Self {
        let mut spikes = SpikeTrain::empty(layer.neurons);
        spikes.push_step(last);
        Chosen {
            selector: selector.clone(),
            spikes,
            activity: LayerActivity::default(),
            cut: vec![],
            left: vec![],
            marks: vec![],
            ids: vec![],
            candidates: vec![],
            list: SpikeList::default(),
        }
    }

    /// Appends the spikes of a row. Says whether the rule drops something, and leaves what it keeps in `marks`
    /// then.
    fn choose(&mut self, blocks: &[Block<'_>], row: usize, key: RowKey) -> bool {
        /// Spikes of a block written whether or not there are so many, which is faster than to find out.
        const UNASKED: usize = 2;
        let (mut crossed, mut wanted) = (0, 0);
        self.ids.resize(blocks.len() * WIDTH + UNASKED, 0);
        for (n, block) in blocks.iter().enumerate() {
            let Marks { listed, fired } = block.out.marks(row);
            let (first, mut left) = ((n * WIDTH) as u32, fired);
            for id in &mut self.ids[crossed..crossed + UNASKED] {
                *id = first + left.trailing_zeros();
                left &= left.wrapping_sub(1);
            }
            for (id, lane) in self.ids[crossed..].iter_mut().skip(UNASKED).zip(bits(left)) {
                *id = first + lane;
            }
            crossed += fired.count_ones() as usize;
            wanted += listed.count_ones() as usize;
        }
        let (room, near) = (self.selector.capacity, wanted - crossed);
        let fits = wanted <= room;
        if self.selector.wants_all() || !(fits || self.selector.keeps_lowest()) {
            self.select(blocks, row, key);
            return true;
        }
        let emitted = crossed.min(room);
        let gradient_only = near.min(room - emitted);
        self.spikes.push_step(&self.ids[..emitted]);
        self.activity.add(RowActivity { crossed, near, emitted, gradient_only });
        if !fits {
            let (mut spikes, mut others) = (emitted, gradient_only);
            self.marks.clear();
            for block in blocks {
                let Marks { listed, fired } = block.out.marks(row);
                let near = first_bits(listed & !fired, &mut others);
                let fired = first_bits(fired, &mut spikes);
                self.marks.push(Marks { listed: near | fired, fired });
            }
        }
        !fits
    }

    /// [`Chosen::choose`] by any rule.
    fn select(&mut self, blocks: &[Block<'_>], row: usize, key: RowKey) {
        let (all, list) = (&mut self.candidates, &mut self.list);
        all.clear();
        list.clear();
        for (n, block) in blocks.iter().enumerate() {
            let first = (n * WIDTH) as u32;
            let potentials = block.out.potentials(row..row + 1);
            let mut left = block.out.marks(row).listed;
            for &v in potentials {
                all.push((first + left.trailing_zeros(), v));
                left &= left.wrapping_sub(1);
            }
        }
        self.activity.add(self.selector.select(all, key, list));
        self.spikes.push_step(list.spikes(0));
        self.marks.clear();
        self.marks.resize(blocks.len(), Marks::default());
        let marks = &mut self.marks;
        let bit = |id: u32| 1_u64 << (id as usize % WIDTH);
        list.row(0).iter().for_each(|&id| marks[id as usize / WIDTH].listed |= bit(id));
        list.spikes(0).iter().for_each(|&id| marks[id as usize / WIDTH].fired |= bit(id));
    }
}

/// The lowest bits of a word, `room` at most, which is taken from.
fn first_bits(word: u64, room: &mut usize) -> u64 {
    let count = word.count_ones() as usize;
    let taken = count.min(*room);
    *room -= taken;
    if taken == count { word } else { bits(word).take(taken).fold(0, |all, lane| all | 1 << lane) }
}

/// All blocks of a step, then the selection, then the next step, sample by sample: for layers
/// whose potentials depend on what was emitted one step before.
fn step_by_step(
    layer: &Layer,
    stretch: &Stretch<'_>,
    selector: &Selector<f32>,
    keyed: (u64, usize),
    carry: &mut Carry,
    watch: Watch,
) -> Done {
    let samples = stretch.lengths.len();
    let blocks = layer.blocks();
    let results: Vec<_> = (0..samples)
        .into_par_iter()
        .map(|b| {
            let mut chosen = Chosen::new(layer, selector, &carry.last[b]);
            let pick = |rows: &[Row]| -> Vec<Row> {
                rows.iter().skip(b).step_by(samples).copied().collect()
            };
            let (mut u, mut trace) = (pick(&carry.u), pick(&carry.trace));
            let length = stretch.lengths[b];
            let mut run: Vec<Block<'_>> =
                (0..blocks).map(|n| Block::new(layer, n, length)).collect();
            for (n, block) in run.iter_mut().enumerate() {
                block.begin_sample(carry.potential.get(n * samples + b));
            }
            for k in 0..length {
                widest_with(
                    #[inline(always)]
                    |vectors| {
                        for (n, block) in run.iter_mut().enumerate() {
                            let recurrent = chosen.spikes.step(k);
                            let trace = trace.get_mut(n);
                            let input = stretch.input(b, k);
                            block.step(input, recurrent, &mut u[n], trace, watch, vectors);
                        }
                    },
                );
                if !chosen.choose(&run, k, key(keyed, stretch, b, k)) {
                    continue;
                }
                for (n, (block, &marks)) in run.iter_mut().zip(&chosen.marks).enumerate() {
                    if layer.reset == Reset::Emitted {
                        keep_dropped(n, &block.out, k, marks, &mut u[n]);
                    }
                    block.out.keep(k, std::iter::once((k, marks)));
                }
            }
            (chosen, u, trace, run)
        })
        .collect();

    let mut chosen = Vec::with_capacity(samples);
    let mut runs = Vec::with_capacity(samples);
    for (b, (of_sample, u, trace, run)) in results.into_iter().enumerate() {
        for (n, u) in u.into_iter().enumerate() {
            carry.u[n * samples + b] = u;
        }
        for (n, trace) in trace.into_iter().enumerate() {
            carry.trace[n * samples + b] = trace;
        }
        chosen.push(of_sample);
        runs.push(run);
    }
    // From [sample][block] to [block][sample].
    let mut done = Done {
        spikes: vec![],
        entries: vec![],
        trace_sums: vec![],
        states: vec![],
        activity: LayerActivity::default(),
    };
    carry.potential.clear();
    for n in 0..blocks {
        let mut all = Entries::with_room(0, !layer.decay_logit.is_empty());
        for run in &runs {
            let block = &run[n];
            carry.potential.extend_from_slice(&block.potential);
            done.trace_sums.extend_from_slice(&block.trace_sums);
            done.states.extend_from_slice(&block.states);
            all.append(&block.out);
        }
        done.entries.push(all);
    }
    finish(done, chosen, carry)
}

/// Gives neurons of block `n` that fired but were not emitted their potential back.
fn keep_dropped(n: usize, entries: &Entries, row: usize, kept: Marks, u: &mut Row) {
    let dropped = entries.marks(row).fired & !kept.fired;
    for (id, v) in candidates(n, entries, row) {
        if dropped >> (id as usize % WIDTH) & 1 == 1 {
            *lane_mut(u, id) = v;
        }
    }
}

fn key((pass, layer): (u64, usize), stretch: &Stretch<'_>, sample: usize, k: usize) -> RowKey {
    RowKey { pass, layer, sample, step: stretch.first + k }
}

fn finish(mut done: Done, chosen: Vec<Chosen>, carry: &mut Carry) -> Done {
    for (last, of_sample) in carry.last.iter_mut().zip(chosen) {
        done.activity.merge(&of_sample.activity);
        last.clear();
        last.extend_from_slice(of_sample.spikes.step(of_sample.spikes.steps() - 1));
        done.spikes.push(of_sample.spikes);
    }
    done
}
