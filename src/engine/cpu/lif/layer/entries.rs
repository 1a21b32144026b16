//! List entries of a block of neurons, as bits and packed values.
//!
//! A step of a block is a word with one bit a neuron; values of the neurons whose bit is set follow
//! each other, step after step. Both are written, and turned into a vector of the block again,
//! without a branch that would depend on how many neurons are listed, which nobody can predict.

use super::blocks::{LINES, Row, WIDTH, ZERO};
use crate::engine::cpu::lanes::{LANES, Lanes};
use crate::numerics::vector::Vectors;
use std::ops::Range;

/// The neurons of a block at one step: bit l stands for lane l.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// Entries of the list.
    pub listed: u64,
    /// Those of them that spike.
    pub fired: u64,
}

/// Entries of one block, row by row; a row is one step of one sample.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    /// Marks of each row and the place of its first value.
    rows: Vec<(Marks, u32)>,
    /// Number of values.
    end: usize,
    /// Values, and room for more.
    potentials: Vec<f32>,
    /// Decay traces beside the potentials; empty where decays are not learned.
    traces: Vec<f32>,
}

impl Entries {
    /// No rows, with room for `rows`.
    pub fn with_room(rows: usize, traced: bool) -> Self {
        // Room for two entries a row: enough for most layers.
        let potentials = vec![0.0; 2 * rows + WIDTH];
        let traces = if traced { potentials.clone() } else { vec![] };
        Entries { rows: Vec::with_capacity(rows), end: 0, potentials, traces }
    }

    /// Marks of a row.
    #[inline(always)]
    pub fn marks(&self, row: usize) -> Marks {
        self.rows[row].0
    }

    /// Place of the first value of a row, or the end of all values.
    #[inline(always)]
    pub fn start(&self, row: usize) -> usize {
        self.rows.get(row).map_or(self.end, |row| row.1 as usize)
    }

    /// Places of the values of some rows.
    pub fn places(&self, rows: Range<usize>) -> Range<usize> {
        self.start(rows.start)..self.start(rows.end)
    }

    /// Potentials of the entries of some rows, in ascending order of row and lane.
    pub fn potentials(&self, rows: Range<usize>) -> &[f32] {
        &self.potentials[self.places(rows)]
    }

    /// Decay traces of the entries from a row on and at least [`WIDTH`] values, for [`unpack`]; none where
    /// decays are not learned.
    #[inline(always)]
    pub fn traces_from(&self, row: usize) -> Option<&[f32]> {
        (!self.traces.is_empty()).then(|| &self.traces[self.start(row)..])
    }

    /// Neuron (lane 0 is neuron `first`) and number within `rows` of each entry of these rows. Appends to
    /// `out`.
    pub fn append_places(
        &self,
        first: u32,
        rows: Range<usize>,
        out: &mut Vec<(u32, u32)>,
    ) {
        /// Entries written whether or not there are so many, which is faster than to find out.
        const UNASKED: usize = 4;
        let mut end = out.len();
        out.resize(end + self.places(rows.clone()).len() + UNASKED, (0, 0));
        for (k, (marks, _)) in self.rows[rows].iter().enumerate() {
            let mut left = marks.listed;
            for place in &mut out[end..end + UNASKED] {
                *place = (first + left.trailing_zeros(), k as u32);
                left &= left.wrapping_sub(1);
            }
            for (place, lane) in out[end..].iter_mut().skip(UNASKED).zip(bits(left)) {
                *place = (first + lane, k as u32);
            }
            end += marks.listed.count_ones() as usize;
        }
        out.truncate(end);
    }

    /// Appends a row: the lanes with v > `candidate` of those that are `valid`, of which those with
    /// v > `fire` spike.
    #[inline(always)]
    pub fn push(
        &mut self,
        v: &Row,
        (candidate, fire): (f32, f32),
        valid: u64,
        trace: Option<&Row>,
        vectors: Vectors,
    ) {
        let start = self.end;
        if self.potentials.len() < start + WIDTH {
            self.grow();
        }
        let listed = valid & above(v, candidate, vectors);
        let fired = listed & above(v, fire, vectors);
        self.rows.push((Marks { listed, fired }, start as u32));
        self.end = start + listed.count_ones() as usize;
        pack(v, listed, &mut self.potentials[start..], vectors);
        if let Some(trace) = trace {
            pack(trace, listed, &mut self.traces[start..], vectors);
        }
    }

    #[cold]
    fn grow(&mut self) {
        let length = 2 * self.potentials.len() + WIDTH;
        self.potentials.resize(length, 0.0);
        if !self.traces.is_empty() {
            self.traces.resize(length, 0.0);
        }
    }

    /// Replaces the marks of rows from `first` on by what `changed` says (row and marks, ascending
    /// rows, no neuron that was not listed) and drops the values that are not listed any more.
    pub fn keep(&mut self, first: usize, changed: impl Iterator<Item = (usize, Marks)>) {
        let mut changed = changed.peekable();
        let mut place = self.start(first);
        self.end = place;
        for (row, (marks, start)) in self.rows.iter_mut().enumerate().skip(first) {
            let old = marks.listed;
            if let Some((_, new)) = changed.next_if(|change| change.0 == row) {
                debug_assert_eq!(new.listed & !old, 0, "a neuron that was not listed");
                *marks = new;
            }
            *start = self.end as u32;
            for lane in bits(old) {
                if marks.listed >> lane & 1 == 1 {
                    self.potentials[self.end] = self.potentials[place];
                    if !self.traces.is_empty() {
                        self.traces[self.end] = self.traces[place];
                    }
                    self.end += 1;
                }
                place += 1;
            }
        }
    }

    /// Appends the rows of another block of the same neurons.
    pub fn append(&mut self, other: &Entries) {
        let offset = self.end as u32;
        self.rows.extend(other.rows.iter().map(|(marks, start)| (*marks, offset + start)));
        let append = |values: &mut Vec<f32>, others: &[f32]| {
            values.truncate(self.end);
            values.extend_from_slice(&others[..other.end]);
            values.resize(self.end + other.end + WIDTH, 0.0);
        };
        append(&mut self.potentials, &other.potentials);
        if !self.traces.is_empty() {
            append(&mut self.traces, &other.traces);
        }
        self.end += other.end;
    }
}

/// Lanes of a word, ascending.
pub fn bits(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let lane = word.trailing_zeros();
        word &= word.wrapping_sub(1);
        (lane < u64::BITS).then_some(lane)
    })
}

/// Lanes above a threshold.
#[inline(always)]
fn above(v: &Row, threshold: f32, vectors: Vectors) -> u64 {
    let line = |g: usize| u64::from(vectors.above(&v[g].0, threshold)) << (g * LANES);
    line(0) | line(1) | line(2) | line(3)
}

/// Part of a word that belongs to a line, and the number of bits before it.
#[inline(always)]
fn part(listed: u64, g: usize) -> (u16, usize) {
    let before = listed & ((1 << (g * LANES)) - 1);
    ((listed >> (g * LANES)) as u16, before.count_ones() as usize)
}

/// Writes the listed lanes one after the other to the beginning of `out`, whose next [`WIDTH`] values may
/// all be written over.
#[inline(always)]
pub fn pack(values: &Row, listed: u64, out: &mut [f32], vectors: Vectors) {
    let out = out.first_chunk_mut::<WIDTH>().expect("room for a row");
    for g in 0..LINES {
        let (mask, place) = part(listed, g);
        let out = out[place..].first_chunk_mut().expect("a line for each line before");
        vectors.pack(&values[g].0, mask, out);
    }
}

/// The inverse of [`pack`]: the values that stand one after the other at the beginning of `packed`, in their
/// lanes, and 0 in those that are not listed. `packed` has [`WIDTH`] values or more.
#[inline(always)]
pub fn unpack(packed: &[f32], listed: u64, vectors: Vectors) -> Row {
    let packed = packed.first_chunk::<WIDTH>().expect("values up to a whole row");
    let mut row = ZERO;
    for g in 0..LINES {
        let (mask, place) = part(listed, g);
        let packed = packed[place..].first_chunk().expect("a line for each line before");
        row[g] = Lanes(vectors.unpack(packed, mask));
    }
    row
}
