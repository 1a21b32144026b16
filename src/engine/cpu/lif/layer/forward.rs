//! Forward pass of one layer over a stretch of steps.

use super::blocks::{
    Candidates, Neurons, Row, WIDTH, ZERO, add, collect, decay_trace, gather, lane_mut, membrane,
};
use super::{Layer, Stretch};
use crate::engine::cpu::lif::select::{RowKey, Selector};
use crate::engine::lif::{LayerActivity, SpikeList};
use crate::network::Reset;
use crate::numerics::vector::{Vectors, prefetch, widest_with};
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
    /// Lists of each sample. Row 0 holds the spikes of the step before the stretch, row k + 1 step
    /// k of the stretch.
    pub lists: Vec<SpikeList<f32>>,
    /// Candidates of each block with their decay traces; empty where decays are not learned.
    pub traced: Vec<Candidates>,
    /// Σ_t of the decay trace, `[block][sample]`; empty unless potentials are summed.
    pub trace_sums: Vec<Row>,
    /// v, `[block][row]`; empty unless asked for.
    pub states: Vec<Row>,
    /// What happened.
    pub activity: LayerActivity,
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
    out: Candidates,
    potential: Vec<Row>,
    trace_sums: Vec<Row>,
    states: Vec<Row>,
}

impl<'a> Block<'a> {
    fn new(layer: &'a Layer, number: usize) -> Self {
        let neurons =
            Neurons { decay: layer.decay[number], gain: layer.gain[number], fire: layer.fire };
        let bias = layer.bias.get(number).copied().unwrap_or(ZERO);
        let out = Candidates::default();
        let (potential, trace_sums, states) = (vec![], vec![], vec![]);
        Block { layer, number, neurons, bias, out, potential, trace_sums, states }
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
        let lanes = self.layer.neurons - self.number * WIDTH;
        let first = (self.number * WIDTH) as u32;
        let lanes = (first, lanes.min(WIDTH));
        collect(&v, self.layer.candidate, lanes, trace, &mut self.out, vectors);
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
            let mut block = Block::new(layer, number);
            // The weights of the next block are fetched meanwhile, a row a step.
            let next = if number + 1 < layer.blocks() { layer.w.block(number + 1) } else { &[] };
            // Enough for most layers: to move long lists while they grow takes time.
            block.out.ends.reserve(stretch.rows());
            block.out.entries.reserve(2 * stretch.rows());
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

    let chosen: Vec<(SpikeList<f32>, LayerActivity)> = (0..samples)
        .into_par_iter()
        .map(|b| {
            let mut selector = selector.clone();
            let (first, length) = (stretch.starts[b], stretch.lengths[b]);
            let (mut list, mut activity) = (SpikeList::default(), LayerActivity::default());
            let of_sample =
                |block: &Block<'_>| block.out.end(first + length) - block.out.end(first);
            let entries =
                blocks.iter().map(of_sample).sum::<usize>().min(length * selector.capacity);
            list.reserve(length + 1, carry.last[b].len() + entries);
            push_ids(&mut list, &carry.last[b]);
            let mut candidates = Vec::new();
            for k in 0..length {
                candidates.clear();
                for block in &blocks {
                    block.out.append(first + k, &mut candidates);
                }
                activity.add(selector.select(&candidates, key(keyed, stretch, b, k), &mut list));
            }
            (list, activity)
        })
        .collect();
    let traced = if carry.trace.is_empty() {
        vec![]
    } else {
        blocks.iter_mut().map(|block| std::mem::take(&mut block.out)).collect()
    };
    let done = Done {
        lists: vec![],
        traced,
        trace_sums: blocks.iter().flat_map(|block| &block.trace_sums).copied().collect(),
        states: blocks.iter().flat_map(|block| &block.states).copied().collect(),
        activity: LayerActivity::default(),
    };
    carry.potential = blocks.iter().flat_map(|block| &block.potential).copied().collect();
    finish(done, chosen, carry)
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
            let mut selector = selector.clone();
            let (mut list, mut activity) = (SpikeList::default(), LayerActivity::default());
            push_ids(&mut list, &carry.last[b]);
            let pick = |rows: &[Row]| -> Vec<Row> {
                rows.iter().skip(b).step_by(samples).copied().collect()
            };
            let (mut u, mut trace) = (pick(&carry.u), pick(&carry.trace));
            let mut run: Vec<Block<'_>> = (0..blocks).map(|n| Block::new(layer, n)).collect();
            for (n, block) in run.iter_mut().enumerate() {
                block.begin_sample(carry.potential.get(n * samples + b));
            }
            let mut candidates = Vec::new();
            for k in 0..stretch.lengths[b] {
                widest_with(
                    #[inline(always)]
                    |vectors| {
                        for (n, block) in run.iter_mut().enumerate() {
                            let recurrent = list.spikes(k);
                            let trace = trace.get_mut(n);
                            let input = stretch.input(b, k);
                            block.step(input, recurrent, &mut u[n], trace, watch, vectors);
                        }
                    },
                );
                candidates.clear();
                for block in &run {
                    block.out.append(k, &mut candidates);
                }
                activity.add(selector.select(&candidates, key(keyed, stretch, b, k), &mut list));
                if layer.reset == Reset::Emitted {
                    keep_dropped(&candidates, list.spikes(k + 1), layer.fire, &mut u);
                }
            }
            (list, activity, u, trace, run)
        })
        .collect();

    let mut chosen = Vec::with_capacity(samples);
    let mut runs = Vec::with_capacity(samples);
    for (b, (list, activity, u, trace, run)) in results.into_iter().enumerate() {
        for (n, u) in u.into_iter().enumerate() {
            carry.u[n * samples + b] = u;
        }
        for (n, trace) in trace.into_iter().enumerate() {
            carry.trace[n * samples + b] = trace;
        }
        chosen.push((list, activity));
        runs.push(run);
    }
    // From [sample][block] to [block][sample].
    let mut done = Done {
        lists: vec![],
        traced: vec![],
        trace_sums: vec![],
        states: vec![],
        activity: LayerActivity::default(),
    };
    carry.potential.clear();
    for n in 0..blocks {
        let mut all = Candidates::default();
        for run in &runs {
            let block = &run[n];
            carry.potential.extend_from_slice(&block.potential);
            done.trace_sums.extend_from_slice(&block.trace_sums);
            done.states.extend_from_slice(&block.states);
            let offset = all.entries.len() as u32;
            all.entries.extend_from_slice(&block.out.entries);
            all.traces.extend_from_slice(&block.out.traces);
            all.ends.extend(block.out.ends.iter().map(|end| offset + end));
        }
        if !carry.trace.is_empty() {
            done.traced.push(all);
        }
    }
    finish(done, chosen, carry)
}

/// Gives neurons that fired but were not emitted their potential back.
fn keep_dropped(candidates: &[(u32, f32)], emitted: &[u32], fire: f32, u: &mut [Row]) {
    let mut emitted = emitted.iter().peekable();
    for &(id, v) in candidates {
        if emitted.next_if_eq(&&id).is_none() && v > fire {
            *lane_mut(&mut u[id as usize / WIDTH], id) = v;
        }
    }
}

fn key((pass, layer): (u64, usize), stretch: &Stretch<'_>, sample: usize, k: usize) -> RowKey {
    RowKey { pass, layer, sample, step: stretch.first + k }
}

/// A row of spikes whose potentials nobody asks for.
fn push_ids(list: &mut SpikeList<f32>, ids: &[u32]) {
    let spikes: Vec<(u32, f32)> = ids.iter().map(|&id| (id, 0.0)).collect();
    list.push_row(&spikes, &[]);
}

fn finish(mut done: Done, chosen: Vec<(SpikeList<f32>, LayerActivity)>, carry: &mut Carry) -> Done {
    for (b, (list, of_sample)) in chosen.into_iter().enumerate() {
        done.activity.merge(&of_sample);
        carry.last[b].clear();
        carry.last[b].extend_from_slice(list.spikes(list.rows() - 1));
        done.lists.push(list);
    }
    done
}
