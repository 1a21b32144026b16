//! Backward pass of one layer over a stretch of steps (spec sparse_lif_ipu, section 1.4).

use super::blocks::{
    Blocked, Row, WIDTH, ZERO, add, dot_into, from_rows, gather, line_product, map, product, scale,
    to_rows,
};
use super::entries::{Entries, pack, unpack};
use super::forward::Done;
use super::{Layer, LayerGradients, Stretch};
use crate::engine::cpu::lanes::{LANES, Lanes};
use crate::engine::lif::logit_gradient;
use crate::numerics::vector::{Vectors, widest, widest_with};
use rayon::prelude::*;
use std::ops::Range;

/// Errors smaller than this, 2⁻¹⁰⁰, count as 0. They would decay to subnormal numbers and remain such (the least one
/// times 0.95 is itself again), and processors take a hundred times as long with these.
const TINY: f32 = 1.0 / (1_u128 << 100) as f32;

/// g is looked through for tiny errors every so many steps.
const LOOK_EVERY: usize = 16;

/// 0 for a tiny error.
#[inline(always)]
fn kept(error: f32) -> f32 {
    if error.abs() < TINY { 0.0 } else { error }
}

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

/// The rows at which each input spiked, counted from the first of some rows that follow each other.
#[derive(Default)]
struct Columns {
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl Columns {
    /// Sorts the spikes of one row after the other by counting; rows of an input ascend.
    fn new<'a>(inputs: usize, spikes: impl Iterator<Item = &'a [u32]> + Clone) -> Self {
        let mut starts = vec![0_u32; inputs + 1];
        for spikes in spikes.clone() {
            for &i in spikes {
                starts[i as usize + 1] += 1;
            }
        }
        for i in 0..inputs {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut rows = vec![0; starts[inputs] as usize];
        for (row, spikes) in spikes.enumerate() {
            for &i in spikes {
                let place = &mut next[i as usize];
                rows[*place as usize] = row as u32;
                *place += 1;
            }
        }
        Columns { starts, rows }
    }

    fn of(&self, input: usize) -> &[u32] {
        &self.rows[self.starts[input] as usize..self.starts[input + 1] as usize]
    }
}

/// Most rows whose errors are kept in the second-level cache: 1 MiB.
const CACHED: usize = 4096;

/// Rows that follow each other: some whole samples, or some steps of one.
struct Piece {
    /// Sample and its steps.
    parts: Vec<(usize, Range<usize>)>,
    rows: Range<usize>,
    columns: Columns,
}

impl Piece {
    /// The stretch in pieces of at most [`CACHED`] rows, later steps of a sample first.
    fn all(inputs: usize, stretch: &Stretch<'_>) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for (b, &length) in stretch.lengths.iter().enumerate() {
            let mut end = length;
            loop {
                let steps = end.saturating_sub(CACHED)..end;
                let first = stretch.starts[b];
                let rows = first + steps.start..first + steps.end;
                end = steps.start;
                match pieces.last_mut() {
                    Some(piece)
                        if piece.rows.end == rows.start
                            && rows.end - piece.rows.start <= CACHED =>
                    {
                        piece.rows.end = rows.end;
                        piece.parts.push((b, steps));
                    }
                    _ => {
                        let columns = Columns::default();
                        pieces.push(Piece { parts: vec![(b, steps)], rows, columns });
                    }
                }
                if end == 0 {
                    break;
                }
            }
        }
        for piece in &mut pieces {
            let steps = piece.parts.iter().flat_map(|(b, steps)| steps.clone().map(|k| (*b, k)));
            piece.columns = Columns::new(inputs, steps.map(|(b, k)| stretch.input(b, k)));
        }
        pieces
    }
}

/// The products e = Σ_k W\[k, id\]·h\[k\] that `asked` names for each sample as pairs of id and step,
/// with h of `delay` steps later.
pub fn slot_errors(
    upper: &Layer,
    errors: &Errors,
    stretch: &Stretch<'_>,
    delay: usize,
    asked: impl Fn(usize) -> Vec<(u32, u32)> + Sync,
) -> Vec<Vec<f32>> {
    let (rows, samples) = (stretch.rows(), stretch.lengths.len());
    let mut slots: Vec<Slots> =
        (0..samples).into_par_iter().map(|b| Slots::new(asked(b))).collect();
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
    /// Zeros.
    fn new(mut entries: Vec<(u32, u32)>) -> Self {
        let length = entries.len();
        entries.resize(length.next_multiple_of(LANES), (0, 0));
        let mut sums = Vec::with_capacity(entries.len() + WIDTH);
        sums.resize(entries.len(), 0.0);
        Slots { sums, entries, length }
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

/// The backward pass. `from_above` has e of every list entry of each sample in the order of [`Done::places`], or
/// is empty for the last layer. Adds to the gradients, or writes them where they are `fresh`. `needed` says
/// whether somebody asks for the [`slot_errors`] of this layer.
#[expect(clippy::too_many_arguments)]
pub fn run(
    layer: &Layer,
    stretch: &Stretch<'_>,
    done: &Done,
    mut from_above: Vec<Vec<f32>>,
    outside: Outside<'_>,
    carry: &mut BackCarry,
    gradients: &mut LayerGradients,
    fresh: bool,
    needed: bool,
) -> Errors {
    let samples = stretch.lengths.len();
    let after = carry.h.clone();
    from_above.resize_with(samples, Vec::new);
    let injected: Vec<Injected> = from_above
        .into_par_iter()
        .enumerate()
        .map(|(b, from_above)| {
            let counts = outside.counts.chunks_exact(layer.neurons).nth(b).unwrap_or(&[]);
            Injected::new(layer, &done.entries, stretch.rows_of(b), from_above, counts)
        })
        .collect();
    // Memory that was used before needs no fresh pages; every row is written.
    let mut h = std::mem::take(&mut gradients.errors);
    let needed = needed || layer.recurrent.is_some() || !gradients.bias.is_empty();
    h.resize(if needed { layer.blocks() * stretch.rows() } else { 0 }, ZERO);
    let sweep = Sweep { layer, stretch, done, outside, injected };
    if let Some(recurrent) = &layer.recurrent {
        sweep.step_by_step(recurrent, carry, &mut h);
    } else {
        sweep.block_by_block(carry, &mut h, &mut gradients.w, fresh);
    }
    if let Some(recurrent) = &mut gradients.recurrent {
        let steps =
            stretch.lengths.iter().enumerate().flat_map(|(b, &n)| (0..n).map(move |k| (b, k)));
        let arrived = steps.clone().map(|(b, k)| stretch.input(b, k));
        let own = steps.map(|(b, k)| done.spikes[b].step(k));
        let columns = Columns::new(layer.w.inputs, arrived);
        add_outers(&mut gradients.w, &h, stretch.rows(), &columns, fresh);
        add_outers(recurrent, &h, stretch.rows(), &Columns::new(layer.neurons, own), fresh);
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

/// (e + dL/dcount)·σ′(v) of every list entry of one sample, block by block in the order of [`Done::places`].
struct Injected {
    /// Where each block begins, and the end of the last.
    starts: Vec<usize>,
    /// Errors, and room for a row.
    errors: Vec<f32>,
}

impl Injected {
    /// `errors` has e of each entry, or is empty for zeros.
    fn new(
        layer: &Layer,
        blocks: &[Entries],
        rows: Range<usize>,
        mut errors: Vec<f32>,
        counts: &[f32],
    ) -> Self {
        let mut starts = vec![0];
        starts.extend(blocks.iter().scan(0, |end, entries| {
            *end += entries.places(rows.clone()).len();
            Some(*end)
        }));
        errors.resize(starts[blocks.len()] + WIDTH, 0.0);
        let counts = to_rows(counts);
        widest_with(
            #[inline(always)]
            |vectors| {
                for (n, entries) in blocks.iter().enumerate() {
                    if let Some(counts) = counts.get(n) {
                        let mut packed = [0.0; WIDTH];
                        let mut place = starts[n];
                        for row in rows.clone() {
                            let listed = entries.marks(row).listed;
                            pack(counts, listed, &mut packed, vectors);
                            let listed = listed.count_ones() as usize;
                            for (error, count) in errors[place..].iter_mut().zip(&packed[..listed])
                            {
                                *error += count;
                            }
                            place += listed;
                        }
                    }
                    let potentials = entries.potentials(rows.clone());
                    for (error, &v) in errors[starts[n]..].iter_mut().zip(potentials) {
                        *error = kept(*error * layer.slope_at(v));
                    }
                }
            },
        );
        Injected { starts, errors }
    }
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

/// The recursion g ← d·g + injected errors, backwards over the steps.
struct Sweep<'a> {
    layer: &'a Layer,
    stretch: &'a Stretch<'a>,
    done: &'a Done,
    outside: Outside<'a>,
    injected: Vec<Injected>,
}

impl Sweep<'_> {
    /// One step of one block of one sample: h from the errors of its list entries, which stand at the
    /// beginning of `packed`.
    #[inline(always)]
    fn step(
        &self,
        (n, b, k): (usize, usize, usize),
        packed: &[f32],
        g: &mut Row,
        decay_gradient: &mut Row,
        vectors: Vectors,
    ) -> Row {
        let (entries, row) = (&self.done.entries[n], self.stretch.starts[b] + k);
        let listed = entries.marks(row).listed;
        let errors = unpack(packed, listed, vectors);
        if let Some(traces) = entries.traces_from(row) {
            add(decay_gradient, &product(&errors, &unpack(traces, listed, vectors)));
        }
        scale(g, &self.layer.decay[n]);
        add(g, &errors);
        let samples = self.stretch.lengths.len();
        if let Some(of_potential) = self.outside.potential.get(n * samples + b) {
            add(g, of_potential);
        }
        if k % LOOK_EVERY == 0 {
            map(g, kept);
        }
        product(&self.layer.gain[n], g)
    }

    /// Errors of the list entries of a step and what comes after them, at least a whole row.
    #[inline(always)]
    fn errors_of(&self, n: usize, b: usize, k: usize) -> &[f32] {
        let (entries, first) = (&self.done.entries[n], self.stretch.starts[b]);
        let before = entries.start(first + k) - entries.start(first);
        &self.injected[b].errors[self.injected[b].starts[n] + before..]
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

    /// The recursion of one block for a piece of the rows, then, while the errors are in the cache, what they
    /// add to its weight gradient, then the next piece.
    fn block_by_block(
        &self,
        carry: &mut BackCarry,
        h: &mut [Row],
        gradient: &mut Blocked,
        fresh: bool,
    ) {
        let (rows, samples) = (self.stretch.rows(), self.stretch.lengths.len());
        let pieces = Piece::all(gradient.inputs, self.stretch);
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
                widest_with(
                    #[inline(always)]
                    |vectors| {
                        for (p, piece) in pieces.iter().enumerate() {
                            // Errors that nobody needs later: the same memory for one block after the other stays
                            // in the cache.
                            let h = match h {
                                Some(h) => &mut h[piece.rows.clone()],
                                None => {
                                    scratch.resize(piece.rows.len(), ZERO);
                                    &mut scratch[..]
                                }
                            };
                            let mut left = &mut *h;
                            for (b, steps) in &piece.parts {
                                let (own, others) = left.split_at_mut(steps.len());
                                left = others;
                                let mut g = carried_g[*b];
                                for (k, row) in steps.clone().zip(own.iter_mut()).rev() {
                                    let (at, errors) = ((n, *b, k), self.errors_of(n, *b, k));
                                    *row = self.step(at, errors, &mut g, decay_gradient, vectors);
                                }
                                carried_g[*b] = g;
                                if steps.start == 0 {
                                    if let Some(first) = own.first() {
                                        carried_h[*b] = *first;
                                    }
                                    self.decay_of_potential(n, *b, decay_gradient);
                                }
                            }
                            add_outer(gradient, h, &piece.columns, fresh && p == 0);
                        }
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
                let (mut g, mut later) = (pick(&carry.g, b), pick(&carry.h, b));
                let mut decay_gradient = vec![ZERO; blocks];
                let length = self.stretch.lengths[b];
                let mut out = vec![ZERO; blocks * length];
                for k in (0..length).rev() {
                    let row = self.stretch.starts[b] + k;
                    let mut slots = Slots::new(self.done.places(row..row + 1));
                    widest_with(
                        #[inline(always)]
                        |vectors| {
                            for (n, h) in later.iter().enumerate() {
                                slots.add(weights.block(n), &[], h, vectors);
                            }
                        },
                    );
                    let mut fed_back = slots.into_sums().into_iter();
                    for n in 0..blocks {
                        let potentials = self.done.entries[n].potentials(row..row + 1);
                        let mut errors = [0.0; WIDTH];
                        let parts = self.errors_of(n, b, k).iter().zip(&mut fed_back);
                        for ((error, &v), (e, r)) in errors.iter_mut().zip(potentials).zip(parts) {
                            *error = kept(e + r * self.layer.slope_at(v));
                        }
                        let h = widest_with(
                            #[inline(always)]
                            |vectors| {
                                self.step(
                                    (n, b, k),
                                    &errors,
                                    &mut g[n],
                                    &mut decay_gradient[n],
                                    vectors,
                                )
                            },
                        );
                        (out[n * length + k], later[n]) = (h, h);
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
