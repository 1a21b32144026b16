//! Kernels of the fused engine, on blocks of [`WIDTH`] neurons.
//!
//! # Layout
//!
//! The weights of a block are stored together, a row an input: `w[block][input][lane]`, 256 bytes a
//! row. A spike adds one contiguous row to sums that stay in registers. The rows of one block (for
//! 2312 inputs 0.6 MB) stay in the second-level cache while all samples and steps pass by; the
//! whole matrix is read from memory once a pass. Gradients have the same layout, with the roles
//! exchanged: the row of an input is the sum of the error rows of the steps in which it spiked, so
//! it is gathered in registers and written once.

use crate::engine::cpu::lanes::{LANES, Lanes, numbers, numbers_mut};

/// Cache lines in a block.
pub const LINES: usize = 4;
/// Neurons in a block.
pub const WIDTH: usize = LINES * LANES;

/// One value a neuron of a block.
pub type Row = [Lanes; LINES];

/// A row of zeros.
pub const ZERO: Row = [Lanes([0.0; LANES]); LINES];

/// One value a neuron of a layer, as blocks; the padding of the last block is 0.
pub fn to_rows(values: &[f32]) -> Vec<Row> {
    let mut rows = vec![ZERO; values.len().div_ceil(WIDTH)];
    numbers_mut(&mut rows)[..values.len()].copy_from_slice(values);
    rows
}

/// The inverse of [`to_rows`], padding included.
pub fn from_rows(rows: &[Row]) -> &[f32] {
    numbers(rows)
}

/// The lane of a neuron in the row of its block.
#[inline(always)]
pub fn lane_mut(row: &mut Row, id: u32) -> &mut f32 {
    let lane = id as usize % WIDTH;
    &mut row[lane / LANES].0[lane % LANES]
}

/// A matrix in the layout of the kernels.
#[derive(Debug, Clone)]
pub struct Blocked {
    /// Rows of each block.
    pub inputs: usize,
    neurons: usize,
    /// `[block][input]`.
    pub rows: Vec<Row>,
}

impl Blocked {
    /// Zeros.
    pub fn zeros(neurons: usize, inputs: usize) -> Self {
        Blocked { inputs, neurons, rows: vec![ZERO; neurons.div_ceil(WIDTH) * inputs] }
    }

    /// The rows of one block.
    pub fn block(&self, block: usize) -> &[Row] {
        &self.rows[block * self.inputs..][..self.inputs]
    }

    /// Place of (neuron j, input i) in the flat array.
    fn place(&self, j: usize, i: usize) -> usize {
        (j / WIDTH * self.inputs + i) * WIDTH + j % WIDTH
    }

    /// A `[neuron, input]` matrix as a flat array of this layout; padding 0.
    pub fn pack(&self, matrix: &[f32]) -> Vec<f32> {
        let mut flat = vec![0.0; self.rows.len() * WIDTH];
        for j in 0..self.neurons {
            for i in 0..self.inputs {
                flat[self.place(j, i)] = matrix[j * self.inputs + i];
            }
        }
        flat
    }

    /// The inverse of [`Blocked::pack`].
    pub fn unpack(&self, flat: &[f32]) -> Vec<f32> {
        let mut matrix = vec![0.0; self.neurons * self.inputs];
        for j in 0..self.neurons {
            for i in 0..self.inputs {
                matrix[j * self.inputs + i] = flat[self.place(j, i)];
            }
        }
        matrix
    }

    /// The flat array.
    pub fn numbers(&self) -> &[f32] {
        numbers(&self.rows)
    }

    /// The flat array, to write.
    pub fn numbers_mut(&mut self) -> &mut [f32] {
        numbers_mut(&mut self.rows)
    }
}

/// A row, line by line. Written out, since a loop over lines tempts the compiler to take one lane of each
/// line for its vectors, with gathers and scatters.
#[inline(always)]
fn row(line: impl Fn(usize) -> Lanes) -> Row {
    [line(0), line(1), line(2), line(3)]
}

/// A function of the lanes of two lines.
#[inline(always)]
fn zip(a: &Lanes, b: &Lanes, f: impl Fn(f32, f32) -> f32) -> Lanes {
    let mut out = *a;
    for (out, b) in out.0.iter_mut().zip(&b.0) {
        *out = f(*out, *b);
    }
    out
}

/// Adds the rows with these numbers, in this order.
#[inline(always)]
pub fn gather(sum: &mut Row, rows: &[Row], ids: &[u32]) {
    let mut sums = *sum;
    for &i in ids {
        add(&mut sums, &rows[i as usize]);
    }
    *sum = sums;
}

/// Constants of the neurons of a block.
#[derive(Debug, Clone, Copy)]
pub struct Neurons {
    /// d.
    pub decay: Row,
    /// c.
    pub gain: Row,
    /// θ₁, crossed by potentials strictly above.
    pub fire: f32,
}

/// v = d·u + c·current; u = 0 where v fires, else v. Gives v.
#[inline(always)]
pub fn membrane(p: &Neurons, current: &Row, u: &mut Row) -> Row {
    let (kept, new) = (product(&p.decay, u), product(&p.gain, current));
    let v = row(|g| zip(&kept[g], &new[g], |kept, new| kept + new));
    *u = row(|g| zip(&v[g], &v[g], |v, _| if v > p.fire { 0.0 } else { v }));
    v
}

/// Trace of the decay: p ← d·p + (u[t−1] − scale·current), the derivative of v with respect to d
/// along the neuron's own path. `u` is the potential before the step.
#[inline(always)]
pub fn decay_trace(p: &Neurons, scale: f32, u: &Row, current: &Row, trace: &mut Row) {
    let own = row(|g| zip(&u[g], &current[g], |u, current| u - scale * current));
    let kept = product(&p.decay, trace);
    *trace = row(|g| zip(&kept[g], &own[g], |kept, own| kept + own));
}

/// x ← d·x.
#[inline(always)]
pub fn scale(x: &mut Row, decay: &Row) {
    *x = product(x, decay);
}

/// x ← f(x).
#[inline(always)]
pub fn map(x: &mut Row, f: impl Fn(f32) -> f32) {
    *x = row(|g| zip(&x[g], &x[g], |x, _| f(x)));
}

/// x ← x + y.
#[inline(always)]
pub fn add(x: &mut Row, y: &Row) {
    *x = row(|g| zip(&x[g], &y[g], |x, y| x + y));
}

/// a·b, lane by lane.
#[inline(always)]
pub fn product(a: &Row, b: &Row) -> Row {
    row(|g| zip(&a[g], &b[g], |a, b| a * b))
}

/// Adds the products of two rows to partial sums, one a lane of the row.
#[inline(always)]
pub fn dot_into(sums: &mut Row, a: &Row, b: &Row) {
    for g in 0..LINES {
        for l in 0..LANES {
            sums[g].0[l] += a[g].0[l] * b[g].0[l];
        }
    }
}

/// Σ over the lines of a·b.
#[inline(always)]
pub fn line_product(a: &Row, b: &Row) -> Lanes {
    let mut sum = zip(&a[0], &b[0], |a, b| a * b);
    for g in 1..LINES {
        for l in 0..LANES {
            sum.0[l] = a[g].0[l].mul_add(b[g].0[l], sum.0[l]);
        }
    }
    sum
}
