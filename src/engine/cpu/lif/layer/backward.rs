//! Backward pass of one layer over a stretch of steps (spec sparse_lif_ipu, section 1.4).

use super::blocks::{
    Blocked, Row, WIDTH, ZERO, add, dot_into, from_rows, gather, lane_mut, line_product, product,
    scale,
};
use super::forward::Done;
use super::{Layer, LayerGradients, Stretch};
use crate::engine::cpu::lanes::{LANES, Lanes};
use crate::engine::lif::{SpikeList, logit_gradient};
use crate::numerics::vector::{Vectors, widest, widest_with};
use rayon::prelude::*;

/// What the backward pass of a layer takes along to the stretch before.
#[derive(Debug, Clone)]
pub struct BackCarry {
    /// g = dL/dv of the first step of the stretch that was done, `[block][sample]`.
    g: Vec<Row>,
    /// h = c·g of the same step.
    h: Vec<Row>,
    /// Σ over steps and samples of what reaches d, `[block]`.
    decay: Vec<Row>,
}

impl BackCarry {
    /// Nothing comes from after the last step.
    pub fn new(layer: &Layer, samples: usize) -> Self {
        let zeros = vec![ZERO; layer.blocks() * samples];
        BackCarry { g: zeros.clone(), h: zeros, decay: vec![ZERO; layer.blocks()] }
    }
}

/// Errors h = c·dL/dv of a layer.
pub struct Errors {
    /// `[block][row]`; empty where nobody needs them.
    pub h: Vec<Row>,
    /// First step after the stretch, `[block][sample]`.
    after: Vec<Row>,
}

/// Gradient of the loss with respect to what a layer gives, `[sample, neuron]`; empty for zeros.
#[derive(Debug, Clone, Copy)]
pub struct Outside<'a> {
    /// With respect to the spike counts.
    pub counts: &'a [f32],
    /// With respect to the potential of every step, `[block][sample]`.
    pub potential: &'a [Row],
}

/// The steps at which each input spiked, as row numbers of the stretch.
struct Columns {
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl Columns {
    /// Sorts by counting; rows of an input ascend.
    fn new<'a>(
        inputs: usize,
        stretch: &Stretch<'_>,
        spikes: impl Fn(usize, usize) -> &'a [u32],
    ) -> Self {
        let mut starts = vec![0_u32; inputs + 1];
        for (b, &length) in stretch.lengths.iter().enumerate() {
            for k in 0..length {
                for &i in spikes(b, k) {
                    starts[i as usize + 1] += 1;
                }
            }
        }
        for i in 0..inputs {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut rows = vec![0; starts[inputs] as usize];
        for (b, &length) in stretch.lengths.iter().enumerate() {
            for k in 0..length {
                let row = (stretch.starts[b] + k) as u32;
                for &i in spikes(b, k) {
                    let place = &mut next[i as usize];
                    rows[*place as usize] = row;
                    *place += 1;
                }
            }
        }
        Columns { starts, rows }
    }

    fn of(&self, input: usize) -> &[u32] {
        &self.rows[self.starts[input] as usize..self.starts[input + 1] as usize]
    }
}

/// For each sample and step the products e = Σ_k W\[k, id\]·h\[k\] of the ids that `ids` gives,
/// with h of `delay` steps later.
pub fn slot_errors<'a>(
    upper: &Layer,
    errors: &Errors,
    stretch: &Stretch<'_>,
    delay: usize,
    ids: impl Fn(usize, usize) -> &'a [u32] + Sync,
) -> Vec<Vec<f32>> {
    let (rows, samples) = (stretch.rows(), stretch.lengths.len());
    let mut slots: Vec<Slots> = (0..samples)
        .into_par_iter()
        .map(|b| Slots::new((0..stretch.lengths[b]).map(|k| ids(b, k))))
        .collect();
    // A thread's samples pass by the weights of one block, which stay in the cache, then by the next.
    let share = samples.div_ceil(rayon::current_num_threads()).max(1);
    slots.par_chunks_mut(share).enumerate().for_each(|(chunk, slots)| {
        widest_with(
            #[inline(always)]
            |vectors| {
                for n in 0..upper.blocks() {
                    for (b, slots) in (chunk * share..).zip(slots.iter_mut()) {
                        let h = &errors.h[n * rows + stretch.starts[b]..][..stretch.lengths[b]];
                        let h = h.get(delay..).unwrap_or(&[]);
                        slots.add(upper.w.block(n), h, &errors.after[n * samples + b], vectors);
                    }
                }
            },
        );
    });
    slots.into_iter().map(Slots::into_sums).collect()
}

/// Products that are asked for: id and step of each, and the sums so far, padded to whole lines.
struct Slots {
    entries: Vec<(u32, u32)>,
    sums: Vec<f32>,
    length: usize,
}

impl Slots {
    /// Zeros for the ids of each step.
    fn new<'a>(steps: impl Iterator<Item = &'a [u32]> + Clone) -> Self {
        let length: usize = steps.clone().map(<[u32]>::len).sum();
        let padded = length.next_multiple_of(LANES);
        let mut entries = Vec::with_capacity(padded);
        for (k, ids) in steps.enumerate() {
            entries.extend(ids.iter().map(|&id| (id, k as u32)));
        }
        entries.resize(padded, (0, 0));
        Slots { entries, sums: vec![0.0; padded], length }
    }

    /// Adds w\[id\]·h\[step\], where a step that `h` does not have is the one `after`.
    #[inline(always)]
    fn add(&mut self, w: &[Row], h: &[Row], after: &Row, vectors: Vectors) {
        let lines = self.sums.as_chunks_mut::<LANES>().0.iter_mut();
        for (sums, entries) in lines.zip(self.entries.as_chunks::<LANES>().0) {
            let mut products = [Lanes::default(); LANES];
            for (product, &(id, k)) in products.iter_mut().zip(entries) {
                *product = line_product(&w[id as usize], h.get(k as usize).unwrap_or(after));
            }
            let totals = vectors.totals(products.each_ref().map(|product| &product.0));
            sums.iter_mut().zip(totals).for_each(|(sum, total)| *sum += total);
        }
    }

    fn into_sums(mut self) -> Vec<f32> {
        self.sums.truncate(self.length);
        self.sums
    }
}

/// The backward pass. `from_above` has e of every list entry of the stretch (row 0 left out), or
/// is empty for the last layer. Adds to the gradients, or writes them where they are `fresh`. `needed` says
/// whether somebody asks for the [`slot_errors`] of this layer.
#[expect(clippy::too_many_arguments)]
pub fn run(
    layer: &Layer,
    stretch: &Stretch<'_>,
    done: &Done,
    from_above: &[Vec<f32>],
    outside: Outside<'_>,
    carry: &mut BackCarry,
    gradients: &mut LayerGradients,
    fresh: bool,
    needed: bool,
) -> Errors {
    let samples = stretch.lengths.len();
    let after = carry.h.clone();
    let injected: Vec<Vec<f32>> = (0..samples)
        .into_par_iter()
        .map(|b| inject(layer, &done.lists[b], from_above.get(b), outside.counts, b))
        .collect();
    // Memory that was used before needs no fresh pages; every row is written.
    let mut h = std::mem::take(&mut gradients.errors);
    let needed = needed || layer.recurrent.is_some() || !gradients.bias.is_empty();
    h.resize(if needed { layer.blocks() * stretch.rows() } else { 0 }, ZERO);
    let columns = Columns::new(layer.w.inputs, stretch, |b, k| stretch.input(b, k));
    let sweep = Sweep { layer, stretch, done, outside, injected };
    if let Some(recurrent) = &layer.recurrent {
        sweep.step_by_step(recurrent, carry, &mut h);
    } else {
        sweep.block_by_block(carry, &mut h, &mut gradients.w, &columns, fresh);
    }
    if let Some(recurrent) = &mut gradients.recurrent {
        add_outers(&mut gradients.w, &h, stretch.rows(), &columns, fresh);
        let columns = Columns::new(layer.neurons, stretch, |b, k| done.lists[b].spikes(k));
        add_outers(recurrent, &h, stretch.rows(), &columns, fresh);
    }
    for (n, bias) in gradients.bias.iter_mut().enumerate() {
        let mut sum = if fresh { ZERO } else { *bias };
        for h in &h[n * stretch.rows()..][..stretch.rows()] {
            add(&mut sum, h);
        }
        *bias = sum;
    }
    if !layer.decay_logit.is_empty() {
        let decay = &from_rows(&layer.decay)[..layer.neurons];
        let of_decay = &from_rows(&carry.decay)[..layer.neurons];
        gradients.decay_logit = logit_gradient(decay, of_decay, layer.decay_logit.len());
    }
    Errors { h, after }
}

/// (e + dL/dcount)·σ′(v) of every list entry of the stretch.
fn inject(
    layer: &Layer,
    list: &SpikeList<f32>,
    from_above: Option<&Vec<f32>>,
    counts: &[f32],
    b: usize,
) -> Vec<f32> {
    let first = list.range(0).end;
    let entries = list.ids()[first..].iter().zip(&list.potentials()[first..]);
    entries
        .enumerate()
        .map(|(slot, (&id, &v))| {
            let mut error = from_above.map_or(0.0, |e| e[slot]);
            if !counts.is_empty() {
                error += counts[b * layer.neurons + id as usize];
            }
            error * layer.slope_at(v)
        })
        .collect()
}

/// dW\[i\] = Σ h over the rows in which input i spiked, for one block of neurons.
#[inline(always)]
fn add_outer(gradient: &mut [Row], h: &[Row], columns: &Columns, fresh: bool) {
    for (i, row) in gradient.iter_mut().enumerate() {
        let mut sum = if fresh { ZERO } else { *row };
        gather(&mut sum, h, columns.of(i));
        *row = sum;
    }
}

/// [`add_outer`] for all blocks of a layer.
fn add_outers(gradient: &mut Blocked, h: &[Row], rows: usize, columns: &Columns, fresh: bool) {
    let blocks = gradient.rows.par_chunks_mut(gradient.inputs).zip(h.par_chunks(rows));
    blocks.for_each(|(gradient, h)| {
        widest(
            #[inline(always)]
            || add_outer(gradient, h, columns, fresh),
        );
    });
}

/// The entries of a sample's list and their errors, block by block: (step, id, error), steps
/// ascending.
struct ByBlock {
    starts: Vec<u32>,
    entries: Vec<(u32, u32, f32)>,
}

impl ByBlock {
    /// Sorts by counting.
    fn new(list: &SpikeList<f32>, errors: &[f32], blocks: usize) -> Self {
        let first = list.range(0).end;
        let mut starts = vec![0_u32; blocks + 1];
        for &id in &list.ids()[first..] {
            starts[id as usize / WIDTH + 1] += 1;
        }
        for n in 0..blocks {
            starts[n + 1] += starts[n];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, 0, 0.0); errors.len()];
        for row in 1..list.rows() {
            let range = list.range(row);
            let errors = &errors[range.start - first..range.end - first];
            for (&id, &error) in list.row(row).iter().zip(errors) {
                let place = &mut next[id as usize / WIDTH];
                entries[*place as usize] = (row as u32 - 1, id, error);
                *place += 1;
            }
        }
        ByBlock { starts, entries }
    }

    fn of(&self, block: usize) -> &[(u32, u32, f32)] {
        &self.entries[self.starts[block] as usize..self.starts[block + 1] as usize]
    }
}

/// The recursion g ← d·g + injected errors, backwards over the steps.
struct Sweep<'a> {
    layer: &'a Layer,
    stretch: &'a Stretch<'a>,
    done: &'a Done,
    outside: Outside<'a>,
    injected: Vec<Vec<f32>>,
}

impl Sweep<'_> {
    /// Adds the error of a list entry to the row of its block and step.
    #[inline(always)]
    fn inject(
        &self,
        (n, b, k): (usize, usize, usize),
        (id, error): (u32, f32),
        row: &mut Row,
        decay_gradient: &mut Row,
    ) {
        *lane_mut(row, id) += error;
        if let Some(traced) = self.done.traced.get(n) {
            let range = traced.range(self.stretch.starts[b] + k);
            let entries = &traced.entries[range.clone()];
            let place = entries.partition_point(|entry| entry.0 < id);
            *lane_mut(decay_gradient, id) += error * traced.traces[range.start + place];
        }
    }

    /// One step of one block of one sample: turns the injected errors into h.
    #[inline(always)]
    fn step(&self, (n, b): (usize, usize), g: &mut Row, row: &mut Row) {
        let samples = self.stretch.lengths.len();
        scale(g, &self.layer.decay[n]);
        add(g, row);
        if let Some(of_potential) = self.outside.potential.get(n * samples + b) {
            add(g, of_potential);
        }
        *row = product(&self.layer.gain[n], g);
    }

    /// Errors of row k + 1 of a sample's list.
    fn errors_of(&self, b: usize, k: usize) -> &[f32] {
        let list = &self.done.lists[b];
        let first = list.range(0).end;
        let range = list.range(k + 1);
        &self.injected[b][range.start - first..range.end - first]
    }

    /// What the potentials' own gradient adds to that of the decay, in this stretch.
    fn decay_of_potential(&self, n: usize, b: usize, decay_gradient: &mut Row) {
        let samples = self.stretch.lengths.len();
        if let (Some(of_potential), Some(sums)) =
            (self.outside.potential.get(n * samples + b), self.done.trace_sums.get(n * samples + b))
        {
            dot_into(decay_gradient, of_potential, sums);
        }
    }

    /// The recursion of one block for all samples and steps, then, while the errors of the block
    /// are in the cache, its weight gradient.
    fn block_by_block(
        &self,
        carry: &mut BackCarry,
        h: &mut [Row],
        gradient: &mut Blocked,
        columns: &Columns,
        fresh: bool,
    ) {
        let (rows, samples) = (self.stretch.rows(), self.stretch.lengths.len());
        let by_block: Vec<ByBlock> = (0..samples)
            .into_par_iter()
            .map(|b| ByBlock::new(&self.done.lists[b], &self.injected[b], self.layer.blocks()))
            .collect();
        let mut kept: Vec<Option<&mut [Row]>> = h.chunks_mut(rows).map(Some).collect();
        kept.resize_with(self.layer.blocks(), || None);
        kept.par_iter_mut()
            .zip(gradient.rows.par_chunks_mut(gradient.inputs))
            .zip(carry.g.par_chunks_mut(samples))
            .zip(carry.h.par_chunks_mut(samples))
            .zip(carry.decay.par_iter_mut())
            .enumerate()
            .for_each_init(Vec::new, |scratch, (n, block)| {
                let ((((h, gradient), carried_g), carried_h), decay_gradient) = block;
                // Errors that nobody needs later: the same memory for one block after the other stays
                // in the cache.
                let h = match h {
                    Some(h) => &mut **h,
                    None => {
                        scratch.resize(rows, ZERO);
                        &mut scratch[..]
                    }
                };
                widest(
                    #[inline(always)]
                    || {
                        for b in 0..samples {
                            let own = &mut h[self.stretch.starts[b]..][..self.stretch.lengths[b]];
                            own.fill(ZERO);
                            for &(k, id, error) in by_block[b].of(n) {
                                let k = k as usize;
                                self.inject((n, b, k), (id, error), &mut own[k], decay_gradient);
                            }
                            let mut g = carried_g[b];
                            for row in own.iter_mut().rev() {
                                self.step((n, b), &mut g, row);
                            }
                            carried_g[b] = g;
                            if let Some(first) = own.first() {
                                carried_h[b] = *first;
                            }
                            self.decay_of_potential(n, b, decay_gradient);
                        }
                        add_outer(gradient, h, columns, fresh);
                    },
                );
            });
    }

    /// Sample by sample, since a step needs the errors of all blocks one step later:
    /// e\[t\] has the part Rᵀ h\[t+1\].
    fn step_by_step(&self, weights: &Blocked, carry: &mut BackCarry, h: &mut [Row]) {
        let (rows, samples) = (self.stretch.rows(), self.stretch.lengths.len());
        let blocks = self.layer.blocks();
        let pick = |rows: &[Row], b: usize| -> Vec<Row> {
            rows.iter().skip(b).step_by(samples).copied().collect()
        };
        let results: Vec<_> = (0..samples)
            .into_par_iter()
            .map(|b| {
                let list = &self.done.lists[b];
                let (mut g, mut later) = (pick(&carry.g, b), pick(&carry.h, b));
                let mut decay_gradient = vec![ZERO; blocks];
                let mut out = vec![ZERO; blocks * self.stretch.lengths[b]];
                let mut errors = Vec::new();
                for k in (0..self.stretch.lengths[b]).rev() {
                    let mut slots = Slots::new(std::iter::once(list.row(k + 1)));
                    widest_with(
                        #[inline(always)]
                        |vectors| {
                            for (n, h) in later.iter().enumerate() {
                                slots.add(weights.block(n), &[], h, vectors);
                            }
                        },
                    );
                    let fed_back = slots.into_sums();
                    errors.clear();
                    let potentials = &list.potentials()[list.range(k + 1)];
                    let parts = self.errors_of(b, k).iter().zip(&fed_back).zip(potentials);
                    errors.extend(parts.map(|((e, r), &v)| e + r * self.layer.slope_at(v)));
                    for n in 0..blocks {
                        let entries = list.row(k + 1).iter().copied().zip(errors.iter().copied());
                        let row = &mut out[n * self.stretch.lengths[b] + k];
                        for entry in entries.filter(|(id, _)| *id as usize / WIDTH == n) {
                            self.inject((n, b, k), entry, row, &mut decay_gradient[n]);
                        }
                        self.step((n, b), &mut g[n], row);
                        later[n] = *row;
                    }
                }
                for (n, decay_gradient) in decay_gradient.iter_mut().enumerate() {
                    self.decay_of_potential(n, b, decay_gradient);
                }
                (g, later, decay_gradient, out)
            })
            .collect();
        for (b, (g, first, decay_gradient, out)) in results.into_iter().enumerate() {
            let length = self.stretch.lengths[b];
            for n in 0..blocks {
                carry.g[n * samples + b] = g[n];
                carry.h[n * samples + b] = first[n];
                add(&mut carry.decay[n], &decay_gradient[n]);
                h[n * rows + self.stretch.starts[b]..][..length]
                    .copy_from_slice(&out[n * length..][..length]);
            }
        }
    }
}
