//! Radial basis functions between sparse samples.

use super::counts::Counts;

/// K(x, x_k) = exp(−γ ‖x − x_k‖²) of any sample x with each of the stored samples x_k.
///
/// The stored samples lie by columns: the scalar products of x with all of them come from the
/// columns of the neurons that fired in x, and nothing is done for the zeros. Counts are integers, so
/// the squared distances are exact.
#[derive(Debug, Clone)]
pub struct Rbf {
    gamma: f64,
    squares: Vec<f64>,
    offsets: Vec<usize>,
    samples: Vec<u32>,
    counts: Vec<f64>,
}

impl Rbf {
    /// Stores samples.
    pub fn new(gamma: f64, stored: &Counts) -> Self {
        let mut offsets = vec![0_usize; stored.neurons() + 1];
        let rows = || (0..stored.samples()).flat_map(|k| stored.row(k).map(move |e| (k, e)));
        for (_, (neuron, _)) in rows() {
            offsets[neuron + 1] += 1;
        }
        for neuron in 0..stored.neurons() {
            offsets[neuron + 1] += offsets[neuron];
        }
        let mut next = offsets.clone();
        let length = offsets[stored.neurons()];
        let (mut samples, mut counts) = (vec![0; length], vec![0.0; length]);
        for (k, (neuron, count)) in rows() {
            let slot = &mut next[neuron];
            samples[*slot] = k as u32;
            counts[*slot] = f64::from(count);
            *slot += 1;
        }
        let squares = (0..stored.samples()).map(|k| square(stored.row(k))).collect();
        Rbf { gamma, squares, offsets, samples, counts }
    }

    /// γ.
    pub fn gamma(&self) -> f64 {
        self.gamma
    }

    /// Number of stored samples.
    pub fn len(&self) -> usize {
        self.squares.len()
    }

    /// K of a sample with each stored one; `out` has their number.
    pub fn row(&self, sample: impl Iterator<Item = (usize, u32)> + Clone, out: &mut [f64]) {
        let square = square(sample.clone());
        out.fill(0.0);
        for (neuron, count) in sample {
            let column = self.offsets[neuron]..self.offsets[neuron + 1];
            let x = f64::from(count);
            for (&k, y) in self.samples[column.clone()].iter().zip(&self.counts[column]) {
                out[k as usize] += x * y;
            }
        }
        for (out, stored) in out.iter_mut().zip(&self.squares) {
            *out = (-self.gamma * (square + stored - 2.0 * *out)).exp();
        }
    }
}

/// Squared length.
fn square(row: impl Iterator<Item = (usize, u32)>) -> f64 {
    row.map(|(_, count)| f64::from(count) * f64::from(count)).sum()
}
