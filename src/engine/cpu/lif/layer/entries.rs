//! List entries of a block of neurons, as bits and packed values.
//!
//! A step of a block is a word with one bit a neuron; values of the neurons whose bit is set follow
//! each other, step after step. Both are written, and turned into a vector of the block again,
//! without a branch that would depend on how many neurons are listed, which nobody can predict.

use super::blocks::{Row, WIDTH, ZERO};
use crate::engine::cpu::lanes::{LANES, Lanes};
use crate::numerics::vector::{Vectors, widest_with};
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
    pub fn append_places(&self, first: u32, rows: Range<usize>, out: &mut Vec<(u32, u32)>) {
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
    /// v > `fire` spike. With `candidate` = −∞ all that are valid, also where v is no number.
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
        let all = candidate == f32::NEG_INFINITY;
        let listed = if all { valid } else { valid & above(v, candidate, vectors) };
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
        widest_with(
            #[inline(always)]
            |vectors| {
                for (row, (marks, start)) in self.rows.iter_mut().enumerate().skip(first) {
                    let old = marks.listed;
                    if let Some((_, new)) = changed.next_if(|change| change.0 == row) {
                        debug_assert_eq!(new.listed & !old, 0, "a neuron that was not listed");
                        *marks = new;
                    }
                    *start = self.end as u32;
                    if self.end != place || marks.listed != old {
                        let kept = marks.listed;
                        repack(&mut self.potentials, (place, old), (self.end, kept), vectors);
                        if !self.traces.is_empty() {
                            repack(&mut self.traces, (place, old), (self.end, kept), vectors);
                        }
                    }
                    place += old.count_ones() as usize;
                    self.end += marks.listed.count_ones() as usize;
                }
            },
        );
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
    for (g, line) in values.iter().enumerate() {
        let (mask, place) = part(listed, g);
        let out = out[place..].first_chunk_mut().expect("a line for each line before");
        vectors.pack(&line.0, mask, out);
    }
}

/// Moves the values of a row to the place `to` before their own and leaves those out that are not listed there.
#[inline(always)]
fn repack(values: &mut [f32], from: (usize, u64), to: (usize, u64), vectors: Vectors) {
    let row = unpack(&values[from.0..], from.1, vectors);
    // Not in place: what follows the row is yet to be read.
    let mut packed = [0.0; WIDTH];
    pack(&row, to.1, &mut packed, vectors);
    let count = to.1.count_ones() as usize;
    for (value, packed) in values[to.0..to.0 + count].iter_mut().zip(&packed) {
        *value = *packed;
    }
}

/// The inverse of [`pack`]: the values that stand one after the other at the beginning of `packed`, in their
/// lanes, and 0 in those that are not listed. `packed` has [`WIDTH`] values or more.
#[inline(always)]
pub fn unpack(packed: &[f32], listed: u64, vectors: Vectors) -> Row {
    let packed = packed.first_chunk::<WIDTH>().expect("values up to a whole row");
    let mut row = ZERO;
    for (g, line) in row.iter_mut().enumerate() {
        let (mask, place) = part(listed, g);
        let packed = packed[place..].first_chunk().expect("a line for each line before");
        *line = Lanes(vectors.unpack(packed, mask));
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cpu::lanes::numbers_mut;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// Entries of these rows, traces the negative potentials, and what they should hold: lane and value of
    /// each entry, row by row.
    fn entries(rows: &[Vec<f32>], valid: u64) -> (Entries, Vec<Vec<(u32, f32)>>) {
        // Little room, so that it has to grow.
        let mut entries = Entries::with_room(0, true);
        let mut expected = Vec::new();
        for values in rows {
            let (mut v, mut trace) = (ZERO, ZERO);
            numbers_mut(std::slice::from_mut(&mut v)).copy_from_slice(values);
            let negative: Vec<f32> = values.iter().map(|v| -v).collect();
            numbers_mut(std::slice::from_mut(&mut trace)).copy_from_slice(&negative);
            widest_with(
                #[inline(always)]
                |vectors| entries.push(&v, (0.2, 0.8), valid, Some(&trace), vectors),
            );
            let listed = (0..WIDTH as u32).zip(values.iter().copied());
            expected.push(listed.filter(|(l, v)| *v > 0.2 && valid >> l & 1 == 1).collect());
        }
        (entries, expected)
    }

    /// What is stored, row by row, as the readers give it.
    fn stored(entries: &Entries, rows: usize) -> Vec<Vec<(u32, f32)>> {
        let mut places = vec![(7, 7)];
        entries.append_places(1000, 0..rows, &mut places);
        let mut places = places.into_iter().skip(1);
        let stored = (0..rows)
            .map(|row| {
                let listed = entries.marks(row).listed;
                let packed = entries.potentials(row..row + 1);
                let traces = entries.traces_from(row).expect("traces were given");
                let unpacked = widest_with(
                    #[inline(always)]
                    |vectors| unpack(traces, listed, vectors),
                );
                let dense = crate::engine::cpu::lanes::numbers(std::slice::from_ref(&unpacked));
                for (lane, value) in dense.iter().enumerate() {
                    assert!(listed >> lane & 1 == 1 || *value == 0.0, "lane {lane} is not listed");
                }
                let row_of = bits(listed).zip(packed.iter().copied());
                row_of
                    .map(|(lane, v)| {
                        assert_eq!(places.next(), Some((1000 + lane, row as u32)));
                        assert_eq!(dense[lane as usize], -v);
                        (lane, v)
                    })
                    .collect()
            })
            .collect();
        assert_eq!(places.next(), None);
        stored
    }

    proptest! {
        #[test]
        fn rows_are_read_as_they_were_written(
            rows in vec(vec(-1.0_f32..1.0, WIDTH), 1..20),
            others in vec(vec(-1.0_f32..1.0, WIDTH), 0..5),
            valid: u64,
            keep: u64,
            picks in vec(any::<bool>(), 25),
            first in 0_usize..20,
        ) {
            let (mut all, mut expected) = entries(&rows, valid);
            prop_assert_eq!(&stored(&all, rows.len()), &expected);
            for (row, values) in rows.iter().enumerate() {
                let fired = values.iter().enumerate().filter(|(_, v)| **v > 0.8);
                let fired = fired.fold(0, |word, (lane, _)| word | 1 << lane);
                prop_assert_eq!(all.marks(row).fired, fired & valid);
            }

            // Some rows lose some of their entries.
            let first = first.min(rows.len());
            let changed: Vec<(usize, Marks)> = (first..rows.len())
                .filter(|&row| picks[row])
                .map(|row| (row, Marks { listed: all.marks(row).listed & keep, fired: 0 }))
                .collect();
            if first < rows.len() {
                all.keep(first, changed.iter().copied());
            }
            for &(row, _) in &changed {
                expected[row].retain(|(lane, _)| keep >> lane & 1 == 1);
            }
            prop_assert_eq!(&stored(&all, rows.len()), &expected);

            let (more, expected_more) = entries(&others, valid);
            all.append(&more);
            expected.extend(expected_more);
            prop_assert_eq!(&stored(&all, rows.len() + others.len()), &expected);
        }
    }
}
