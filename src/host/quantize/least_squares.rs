//! Least squares with a Gram matrix that many right-hand sides share, solved in real numbers or in integers.
//!
//! Matrices are row-major; `n` is the number of features. Plain loops in f64, in a fixed order.

use core::iter;

/// The sums of products over the vectors of features and of targets seen so far.
pub(super) struct Gram {
    n: usize,
    columns: usize,
    /// `Σ f fᵀ`; the upper triangle only.
    matrix: Vec<f64>,
    /// `Σ f tᵀ`, `n` rows of as many columns as there are targets.
    pub(super) cross: Vec<f64>,
}

impl Gram {
    pub(super) fn new(n: usize, columns: usize) -> Self {
        Self { n, columns, matrix: vec![0.0; n * n], cross: vec![0.0; n * columns] }
    }

    /// Adds two vectors, given by their entries that are not zero, in ascending order of index.
    pub(super) fn add(&mut self, features: &[(usize, f64)], targets: &[(usize, f64)]) {
        for (start, &(i, a)) in features.iter().enumerate() {
            add_products(&mut self.matrix[i * self.n..][..self.n], a, &features[start..]);
            add_products(&mut self.cross[i * self.columns..][..self.columns], a, targets);
        }
    }

    /// The sum of the diagonal from row `first` on.
    pub(super) fn trace(&self, first: usize) -> f64 {
        self.matrix.iter().step_by(self.n + 1).skip(first).sum()
    }

    /// Adds the damping of each row, which is positive, to the diagonal and factorises.
    pub(super) fn factorize(mut self, damping: impl Fn(usize) -> f64) -> Factor {
        let n = self.n;
        for i in 0..n {
            let (done, rest) = self.matrix.split_at_mut(i * n);
            let row = &mut rest[i..n];
            row[0] += damping(i);
            for above in done.chunks_exact(n) {
                if above[i] != 0.0 {
                    subtract(row, above[i], &above[i..]);
                }
            }
            let root = row[0].sqrt();
            for entry in row.iter_mut() {
                *entry /= root;
            }
        }
        Factor { n, matrix: self.matrix }
    }
}

/// `R`, upper triangular, with `RᵀR` a damped Gram matrix.
pub(super) struct Factor {
    n: usize,
    matrix: Vec<f64>,
}

impl Factor {
    /// The row of R from its diagonal on.
    fn row(&self, i: usize) -> &[f64] {
        &self.matrix[i * self.n + i..(i + 1) * self.n]
    }

    /// The diagonal of R.
    pub(super) fn diagonal(&self) -> impl Iterator<Item = f64> {
        self.matrix.iter().step_by(self.n + 1).copied()
    }

    /// Replaces `b`, `n` rows of `columns` numbers, by the solution of `RᵀR x = b`.
    pub(super) fn solve(&self, columns: usize, b: &mut [f64]) {
        for i in 0..self.n {
            let (row, below) = b[i * columns..].split_at_mut(columns);
            let (diagonal, right) = (self.row(i)[0], &self.row(i)[1..]);
            for entry in row.iter_mut() {
                *entry /= diagonal;
            }
            for (&r, other) in right.iter().zip(below.chunks_exact_mut(columns)) {
                subtract(other, r, row);
            }
        }
        for i in (0..self.n).rev() {
            let (row, below) = b[i * columns..].split_at_mut(columns);
            let (diagonal, right) = (self.row(i)[0], &self.row(i)[1..]);
            for (&r, other) in right.iter().zip(below.chunks_exact(columns)) {
                subtract(row, r, other);
            }
            for entry in row.iter_mut() {
                *entry /= diagonal;
            }
        }
    }

    /// Finds integers `q` in the range of their row such that `‖R (x − scale · q)‖²` is small, column by column, and hands each to
    /// `take(row, column, q)`. `x` has `n` rows, as many columns as there are scales.
    ///
    /// From the last row to the first, each `q` is rounded from the value that best makes up for the rounding of those
    /// before it (Babai's nearest plane).
    pub(super) fn round(
        &self,
        x: &[f64],
        scales: &[f64],
        range: impl Fn(usize) -> (f64, f64),
        mut take: impl FnMut(usize, usize, f64),
    ) {
        let columns = scales.len();
        // x − scale · q of the rows done.
        let mut errors = x.to_vec();
        let mut centers = vec![0.0; columns];
        for i in (0..self.n).rev() {
            let (row, below) = errors[i * columns..].split_at_mut(columns);
            centers.copy_from_slice(row);
            let (diagonal, right) = (self.row(i)[0], &self.row(i)[1..]);
            let (low, high) = range(i);
            for (&r, other) in right.iter().zip(below.chunks_exact(columns)) {
                subtract(&mut centers, -r / diagonal, other);
            }
            for (j, (error, (&center, &scale))) in row.iter_mut().zip(centers.iter().zip(scales)).enumerate() {
                let q = (center / scale).round().clamp(low, high);
                *error -= scale * q;
                take(i, j, q);
            }
        }
    }
}

/// `row += factor · entries`.
fn add_products(row: &mut [f64], factor: f64, entries: &[(usize, f64)]) {
    for &(place, entry) in entries {
        row[place] += factor * entry;
    }
}

/// `row −= factor · other`.
fn subtract(row: &mut [f64], factor: f64, other: &[f64]) {
    iter::zip(row, other).for_each(|(entry, other)| *entry -= factor * other);
}
