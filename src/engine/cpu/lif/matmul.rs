//! Products of a dense matrix and binary-sparse rows (spec sparse_lif_ipu, section 3).
//!
//! A list of up to K ids stands for a 0/1 row of width n_in. The matrix is stored transposed,
//! `[input, neuron]`, so that an id reads one contiguous row. Slots past the counts are never read.

use crate::numerics::vector::widest;
use rayon::prelude::*;

/// Neurons that one task of the weight gradient owns.
const COLUMNS: usize = 256;

/// The lists of one step: `ids[sample, slot]` and for each sample how many slots count.
#[derive(Debug, Clone, Copy)]
pub struct Lists<'a> {
    /// K.
    pub capacity: usize,
    /// `[sample, slot]`.
    pub ids: &'a [u32],
    /// `[sample]`.
    pub counts: &'a [u32],
}

impl<'a> Lists<'a> {
    /// The ids of a sample that count.
    pub fn row(self, sample: usize) -> &'a [u32] {
        &self.ids[sample * self.capacity..][..self.counts[sample] as usize]
    }
}

/// y\[b\] += Σ_q w\[ids\[b, q\]\], y `[sample, neuron]`.
pub fn product(w: &[f32], lists: Lists<'_>, neurons: usize, y: &mut [f32]) {
    y.par_chunks_mut(neurons).enumerate().for_each(|(b, y)| {
        widest(
            #[inline(always)]
            || {
                for &i in lists.row(b) {
                    let row = &w[i as usize * neurons..][..neurons];
                    y.iter_mut().zip(row).for_each(|(y, w)| *y += w);
                }
            },
        );
    });
}

/// dw\[i\] += Σ_b Σ_{q: ids\[b, q\] = i} dy\[b\].
pub fn weight_gradient(dy: &[f32], lists: Lists<'_>, neurons: usize, dw: &mut [f32]) {
    let samples = lists.counts.len();
    // A task owns some columns of every row, so that no two tasks add to the same number.
    let mut rows: Vec<Vec<&mut [f32]>> = (0..neurons.div_ceil(COLUMNS)).map(|_| vec![]).collect();
    for row in dw.chunks_exact_mut(neurons) {
        for (part, rows) in row.chunks_mut(COLUMNS).zip(&mut rows) {
            rows.push(part);
        }
    }
    rows.par_iter_mut().enumerate().for_each(|(part, rows)| {
        widest(
            #[inline(always)]
            || {
                for b in 0..samples {
                    let dy = &dy[b * neurons..][..neurons][part * COLUMNS..];
                    for &i in lists.row(b) {
                        rows[i as usize].iter_mut().zip(dy).for_each(|(dw, dy)| *dw += dy);
                    }
                }
            },
        );
    });
}

/// e\[b, q\] = Σ_k w\[ids\[b, q\], k\]·dy\[b, k\] for the slots that count; others keep their values.
pub fn slot_gradient(w: &[f32], dy: &[f32], lists: Lists<'_>, neurons: usize, e: &mut [f32]) {
    e.par_chunks_mut(lists.capacity).enumerate().for_each(|(b, e)| {
        let dy = &dy[b * neurons..][..neurons];
        widest(
            #[inline(always)]
            || {
                for (e, &i) in e.iter_mut().zip(lists.row(b)) {
                    *e = dot(&w[i as usize * neurons..][..neurons], dy);
                }
            },
        );
    });
}

/// Σ a·b in 32 partial sums.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const PARTS: usize = 32;
    let mut sums = [0.0_f32; PARTS];
    let (whole_a, rest_a) = a.as_chunks::<PARTS>();
    let (whole_b, rest_b) = b.as_chunks::<PARTS>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        for p in 0..PARTS {
            sums[p] += a[p] * b[p];
        }
    }
    let rest: f32 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
