//! The loops over pairs of points: Matérn 5/2 and its derivative by the lengthscales.
//!
//! # Layout
//!
//! Points are dealt into blocks of [`LANES`], a block holds one run of lanes a dimension:
//! `blocks[block · d + dimension][lane]`. Coordinates are scaled by √5/ℓ, so that the squared distance
//! of two scaled points is s². Lanes past the last point are padding. A matrix with a row a point has
//! its columns padded to whole blocks as well: `ld` = [`Points::padded`] numbers a column.
//!
//! Squared distances are sums of squared differences, not |a|² + |b|² − 2ab: in a trust region all
//! points are near each other, and that difference would cancel.

use crate::numerics::vector::{LANES, Lanes, exp_negative, widest};

/// Points scaled by √5/ℓ, in blocks.
#[derive(Debug, Clone)]
pub struct Points {
    /// Number of points.
    pub n: usize,
    d: usize,
    lengthscales: Vec<f64>,
    blocks: Vec<Lanes>,
}

impl Points {
    /// Scales the points of `x` (n × d, row-major).
    pub fn new(x: &[f64], lengthscales: &[f64]) -> Self {
        let d = lengthscales.len();
        let n = x.len() / d;
        let mut blocks = vec![[0.0; LANES]; n.div_ceil(LANES) * d];
        for (i, point) in x.chunks_exact(d).enumerate() {
            for (k, (x, l)) in point.iter().zip(lengthscales).enumerate() {
                blocks[i / LANES * d + k][i % LANES] = x * (5.0_f64.sqrt() / l);
            }
        }
        Points { n, d, lengthscales: lengthscales.to_vec(), blocks }
    }

    /// ℓ.
    pub fn lengthscales(&self) -> &[f64] {
        &self.lengthscales
    }

    /// The scaled coordinates, in the layout of this file.
    pub fn blocks(&self) -> &[Lanes] {
        &self.blocks
    }

    /// Number of points, rounded up to whole blocks.
    pub fn padded(&self) -> usize {
        self.n.next_multiple_of(LANES)
    }

    /// Copies out the coordinates of one point.
    fn copy_point(&self, i: usize, to: &mut [f64]) {
        for (k, to) in to.iter_mut().enumerate() {
            *to = self.blocks[i / LANES * self.d + k][i % LANES];
        }
    }
}

/// s² between a point and each of a block.
#[inline(always)]
fn squared_distance(point: &[f64], block: &[Lanes]) -> Lanes {
    let mut sum = [0.0; LANES];
    for (p, lanes) in point.iter().zip(block) {
        for l in 0..LANES {
            let t = lanes[l] - p;
            sum[l] = t.mul_add(t, sum[l]);
        }
    }
    sum
}

/// k = (1 + s + s²/3) e⁻ˢ and −dk/d(s²/2) = (1 + s) e⁻ˢ/3.
#[inline(always)]
fn matern(squared: Lanes) -> (Lanes, Lanes) {
    let mut s = [0.0; LANES];
    for l in 0..LANES {
        // Past 700 the exponential is 1e-304, which is as good as its limit.
        s[l] = squared[l].sqrt().min(700.0);
    }
    let e = exp_negative(s);
    let (mut value, mut slope) = ([0.0; LANES], [0.0; LANES]);
    for l in 0..LANES {
        let third = (1.0 / 3.0) * e[l];
        let linear = 1.0 + s[l];
        slope[l] = linear * third;
        value[l] = linear.mul_add(e[l], s[l] * s[l] * third);
    }
    (value, slope)
}

/// Length of the buffer for [`symmetric`]'s slopes.
pub fn slopes_len(padded: usize) -> usize {
    let blocks = padded / LANES;
    LANES * LANES * blocks * (blocks + 1) / 2
}

/// Fills the lower triangle of R = k(X, X) + `ratio` I into `matrix` (column-major, `padded` rows a
/// column; what stands above the diagonal and in the padding is finite and of no use), and
/// (1 + s) e⁻ˢ/3 below the diagonal into `slopes`: column after column from the block of the diagonal
/// on, 0 where the row is not below the diagonal or is padding.
pub fn symmetric(points: &Points, ratio: f64, matrix: &mut [f64], slopes: &mut [f64]) {
    widest(
        #[inline(always)]
        || {
            let (n, d, ld) = (points.n, points.d, points.padded());
            let mut point = vec![0.0; d];
            let mut slopes = slopes.as_chunks_mut::<LANES>().0.iter_mut();
            for (j, column) in matrix.chunks_exact_mut(ld).take(n).enumerate() {
                points.copy_point(j, &mut point);
                let first = j / LANES;
                let column = column.as_chunks_mut::<LANES>().0;
                for (b, out) in column.iter_mut().enumerate().skip(first) {
                    let block = &points.blocks[b * d..][..d];
                    let (value, mut slope) = matern(squared_distance(&point, block));
                    *out = value;
                    if b == first {
                        slope[..=j % LANES].fill(0.0);
                    }
                    if (b + 1) * LANES > n {
                        slope[n % LANES..].fill(0.0);
                    }
                    if let Some(to) = slopes.next() {
                        *to = slope;
                    }
                }
                column[first][j % LANES] = 1.0 + ratio;
            }
        },
    );
}

/// Σ_{i>j} (α_i α_j − scale · R⁻¹_ij) · slope_ij · (x_i − x_j)² for each scaled coordinate.
///
/// `inverse` holds R⁻¹ as [`symmetric`] holds R, `slopes` are those of [`symmetric`], `alpha` is
/// padded. The squared differences are formed again: that costs as much as the two products with the
/// matrix which expanding them would take, and does not cancel.
pub fn lengthscale_sums(
    points: &Points,
    alpha: &[f64],
    inverse: &[f64],
    scale: f64,
    slopes: &[f64],
) -> Vec<f64> {
    let d = points.d;
    let mut sums = vec![[0.0; LANES]; d];
    widest(
        #[inline(always)]
        || {
            let ld = points.padded();
            let alphas = alpha.as_chunks::<LANES>().0;
            let mut point = vec![0.0; d];
            let mut slopes = slopes.as_chunks::<LANES>().0.iter();
            let mut weights = vec![[0.0; LANES]; ld / LANES];
            for (j, column) in inverse.chunks_exact(ld).take(points.n).enumerate() {
                points.copy_point(j, &mut point);
                let first = j / LANES;
                let weights = &mut weights[first..];
                let rows = column.as_chunks::<LANES>().0[first..].iter().zip(&alphas[first..]);
                for ((weight, (inverse, alphas)), slope) in
                    weights.iter_mut().zip(rows).zip(&mut slopes)
                {
                    for l in 0..LANES {
                        weight[l] = (alphas[l] * alpha[j] - scale * inverse[l]) * slope[l];
                    }
                }
                // A coordinate at a time, so that its sum stays in registers.
                for (k, sum) in sums.iter_mut().enumerate() {
                    let mut own = *sum;
                    let blocks = points.blocks[first * d + k..].iter().step_by(d);
                    for (weight, x) in weights.iter().zip(blocks) {
                        for l in 0..LANES {
                            let t = x[l] - point[k];
                            own[l] = weight[l].mul_add(t * t, own[l]);
                        }
                    }
                    *sum = own;
                }
            }
        },
    );
    sums.iter().map(|lanes| lanes.iter().sum()).collect()
}

/// Fills k(X, x) for each test point x of `xs` (scaled alike) into a column of `matrix`.
pub fn cross(points: &Points, xs: &Points, matrix: &mut [f64]) {
    widest(
        #[inline(always)]
        || {
            let d = points.d;
            let mut point = vec![0.0; d];
            for (j, column) in matrix.chunks_exact_mut(points.padded()).take(xs.n).enumerate() {
                xs.copy_point(j, &mut point);
                let blocks = points.blocks.chunks_exact(d);
                for (out, block) in column.as_chunks_mut::<LANES>().0.iter_mut().zip(blocks) {
                    *out = matern(squared_distance(&point, block)).0;
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose, uniform};

    /// The formula as it stands in the table of notation.
    fn plain(a: &[f64], b: &[f64], lengthscales: &[f64]) -> f64 {
        let terms = a.iter().zip(b).zip(lengthscales).map(|((a, b), l)| ((a - b) / l).powi(2));
        let s = (5.0 * terms.sum::<f64>()).sqrt();
        (1.0 + s + s * s / 3.0) * (-s).exp()
    }

    fn points(n: usize, d: usize, seed: u64) -> Vec<f64> {
        let mut stream = Key::new(seed).stream(Purpose::Synthetic);
        (0..n * d).map(|_| uniform(&mut stream)).collect()
    }

    #[test]
    fn matrices_equal_the_formula() {
        // Sizes around the width of a block.
        for n in [1, 2, 15, 16, 17, 40] {
            let lengthscales = [0.3, 1.7, 0.02];
            let (x, xs) = (points(n, 3, 1), points(7, 3, 2));
            let p = Points::new(&x, &lengthscales);
            let q = Points::new(&xs, &lengthscales);
            let ld = p.padded();
            let (mut r, mut slopes) = (vec![0.0; n * ld], vec![0.0; slopes_len(ld)]);
            symmetric(&p, 0.5, &mut r, &mut slopes);
            let mut k = vec![0.0; 7 * ld];
            cross(&p, &q, &mut k);
            let row = |x: &[f64], i: usize| x[3 * i..][..3].to_vec();
            for j in 0..n {
                for i in j..n {
                    let noise = if i == j { 0.5 } else { 0.0 };
                    let expected = plain(&row(&x, i), &row(&x, j), &lengthscales) + noise;
                    assert!((r[j * ld + i] - expected).abs() < 1e-14, "{n}: {i} {j}");
                }
            }
            for j in 0..7 {
                for i in 0..n {
                    let expected = plain(&row(&x, i), &row(&xs, j), &lengthscales);
                    assert!((k[j * ld + i] - expected).abs() < 1e-14, "{n}: {i} {j}");
                }
            }
        }
    }

    #[test]
    fn far_points_do_not_overflow() {
        let p = Points::new(&[0.0, 1.0], &[1e-300]);
        let (mut r, mut slopes) = (vec![0.0; 2 * 16], vec![0.0; slopes_len(16)]);
        symmetric(&p, 0.0, &mut r, &mut slopes);
        assert_eq!(r[0], 1.0);
        assert!(r[1] >= 0.0 && r[1] < 1e-290, "{}", r[1]);
        assert!(slopes.iter().all(|s| s.is_finite()));
    }
}
