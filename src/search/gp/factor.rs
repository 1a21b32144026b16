//! Cholesky factor, solutions and inverse of a symmetric matrix, by `faer` on one thread.
//!
//! Matrices are column-major with `ld` ≥ n rows stored a column; only the lower triangle is read or
//! written.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::{factor, solve};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::linalg::triangular_inverse::invert_lower_triangular;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, MatMut, MatRef, Par};

/// Shape of a matrix in a slice.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Rows and columns.
    pub n: usize,
    /// Rows stored a column.
    pub ld: usize,
}

impl Layout {
    fn view(self, matrix: &[f64], columns: usize) -> MatRef<'_, f64> {
        let stored = &matrix[..self.ld * columns];
        MatRef::from_column_major_slice_with_stride(stored, self.n, columns, self.ld)
    }

    fn view_mut(self, matrix: &mut [f64], columns: usize) -> MatMut<'_, f64> {
        let stored = &mut matrix[..self.ld * columns];
        MatMut::from_column_major_slice_with_stride_mut(stored, self.n, columns, self.ld)
    }

    /// Replaces the lower triangle by the Cholesky factor L. False if a pivot is not positive; the
    /// matrix is spoilt then.
    pub fn cholesky(self, matrix: &mut [f64]) -> bool {
        let scratch =
            factor::cholesky_in_place_scratch::<f64>(self.n, Par::Seq, Default::default());
        factor::cholesky_in_place(
            self.view_mut(matrix, self.n),
            Default::default(),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
            Default::default(),
        )
        .is_ok()
    }

    /// ln det of the matrix with this factor.
    pub fn log_det(self, factor: &[f64]) -> f64 {
        (0..self.n).map(|i| 2.0 * factor[i * self.ld + i].ln()).sum()
    }

    /// Replaces each column b of `rhs` by the solution of L Lᵀ x = b.
    pub fn solve(self, factor: &[f64], rhs: &mut [f64]) {
        let columns = rhs.len() / self.ld;
        let scratch = solve::solve_in_place_scratch::<f64>(self.n, columns, Par::Seq);
        solve::solve_in_place(
            self.view(factor, self.n),
            self.view_mut(rhs, columns),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
        );
    }

    /// Replaces each column b of `rhs` by the solution of L x = b.
    pub fn solve_lower(self, factor: &[f64], rhs: &mut [f64]) {
        let columns = rhs.len() / self.ld;
        solve_lower_triangular_in_place(
            self.view(factor, self.n),
            self.view_mut(rhs, columns),
            Par::Seq,
        );
    }

    /// The lower triangle of (L Lᵀ)⁻¹ = L⁻ᵀ L⁻¹ into `inverse`. `scratch` and `inverse` are as long as the
    /// factor.
    pub fn invert(self, factor: &[f64], scratch: &mut [f64], inverse: &mut [f64]) {
        invert_lower_triangular(
            self.view_mut(scratch, self.n),
            self.view(factor, self.n),
            Par::Seq,
        );
        let of_factor = self.view(scratch, self.n);
        matmul(
            self.view_mut(inverse, self.n),
            BlockStructure::TriangularLower,
            Accum::Replace,
            of_factor.transpose(),
            BlockStructure::TriangularUpper,
            of_factor,
            BlockStructure::TriangularLower,
            1.0,
            Par::Seq,
        );
    }
}

/// Aᵀ B for the columns of `a` and `b`, lower triangle where `a` and `b` are one: n_a × n_b,
/// column-major.
pub fn transposed_product(layout: Layout, a: &[f64], b: &[f64]) -> Vec<f64> {
    let (rows, columns) = (a.len() / layout.ld, b.len() / layout.ld);
    let mut out = vec![0.0; rows * columns];
    faer::linalg::matmul::matmul(
        MatMut::from_column_major_slice_mut(&mut out, rows, columns),
        Accum::Replace,
        layout.view(a, rows).transpose(),
        layout.view(b, columns),
        1.0,
        Par::Seq,
    );
    out
}

/// A B, for A with the rows of `layout` and as many columns as B, whose columns are stored one after
/// the other, has rows. The columns of the product begin `stride` after each other in `out`.
pub fn product(layout: Layout, a: &[f64], b: &[f64], out: &mut [f64], stride: usize) {
    let inner = a.len() / layout.ld;
    let columns = b.len() / inner;
    faer::linalg::matmul::matmul(
        MatMut::from_column_major_slice_with_stride_mut(out, layout.n, columns, stride),
        Accum::Replace,
        MatRef::from_column_major_slice_with_stride(a, layout.n, inner, layout.ld),
        MatRef::from_column_major_slice(b, inner, columns),
        1.0,
        Par::Seq,
    );
}
