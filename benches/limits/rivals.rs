//! Other ways to compute the same, as one would write them.

use crate::{ALPHA, INPUTS, OUTPUTS};
use ndarray::linalg::{general_mat_mul, general_mat_vec_mul};
use ndarray::{Array1, Array2, ArrayView2, Axis};

const HIDDEN: usize = 1000;
/// Which weights they are is no matter to the time.
const WEIGHT: f32 = 5e-5;

/// The recipe in plain loops over plain rows, left to the compiler (as this bench is compiled).
pub(crate) struct Loops {
    skip: bool,
    w1: Vec<f32>,
    w2: Vec<f32>,
    z: Vec<f32>,
    delta1: Vec<f32>,
}

impl Loops {
    pub(crate) fn new(skip: bool) -> Self {
        let (w1, w2) = (vec![WEIGHT; INPUTS * HIDDEN], vec![WEIGHT; OUTPUTS * HIDDEN]);
        Self { skip, w1, w2, z: vec![0.0; HIDDEN], delta1: vec![0.0; HIDDEN] }
    }

    pub(crate) fn outputs(&mut self, x: &[u8]) -> [f32; OUTPUTS] {
        self.z.fill(0.0);
        for (&x, w) in x.iter().zip(self.w1.chunks(HIDDEN)).filter(|&(&x, _)| !self.skip || x != 0) {
            self.z.iter_mut().zip(w).for_each(|(z, w)| *z += f32::from(x) * w);
        }
        self.z.iter_mut().for_each(|z| *z = z.max(0.0));
        core::array::from_fn(|o| self.z.iter().zip(&self.w2[o * HIDDEN..]).map(|(h, w)| h * w).sum())
    }

    pub(crate) fn step(&mut self, x: &[u8], label: u8) {
        let mut delta2 = self.outputs(x);
        delta2[usize::from(label)] -= 1.0;
        self.delta1.fill(0.0);
        for (d2, w2) in delta2.iter().zip(self.w2.chunks_mut(HIDDEN)) {
            for ((d1, w), h) in self.delta1.iter_mut().zip(w2).zip(&self.z) {
                *d1 += d2 * *w;
                *w -= ALPHA * d2 * h;
            }
        }
        self.delta1.iter_mut().zip(&self.z).for_each(|(d, h)| *d = if *h > 0.0 { ALPHA * *d } else { 0.0 });
        for (&x, w) in x.iter().zip(self.w1.chunks_mut(HIDDEN)).filter(|&(&x, _)| !self.skip || x != 0) {
            w.iter_mut().zip(&self.delta1).for_each(|(w, d)| *w -= f32::from(x) * d);
        }
    }
}

/// The recipe with `ndarray`, whose products are `matrixmultiply`'s.
pub(crate) struct Arrays {
    /// `[inputs][hidden]`.
    w1: Array2<f32>,
    /// `[hidden][outputs]`.
    w2: Array2<f32>,
}

impl Arrays {
    pub(crate) fn new() -> Self {
        Self { w1: Array2::from_elem((INPUTS, HIDDEN), WEIGHT), w2: Array2::from_elem((HIDDEN, OUTPUTS), WEIGHT) }
    }

    fn forward(&self, x: &Array1<f32>) -> (Array1<f32>, Array1<f32>) {
        let mut h = Array1::zeros(HIDDEN);
        general_mat_vec_mul(1.0, &self.w1.t(), x, 0.0, &mut h);
        h.mapv_inplace(|z: f32| z.max(0.0));
        let y = h.dot(&self.w2);
        (h, y)
    }

    pub(crate) fn outputs(&self, x: &[u8]) -> Array1<f32> {
        self.forward(&x.iter().map(|&x| f32::from(x)).collect()).1
    }

    pub(crate) fn batch(&self, images: &[u8]) -> Option<Array2<f32>> {
        let images: Vec<_> = images.iter().map(|&x| f32::from(x)).collect();
        let x = ArrayView2::from_shape((images.len() / INPUTS, INPUTS), &images).ok()?;
        let mut h = x.dot(&self.w1);
        h.mapv_inplace(|z| z.max(0.0));
        Some(h.dot(&self.w2))
    }

    pub(crate) fn step(&mut self, x: &[u8], label: u8) {
        let x: Array1<f32> = x.iter().map(|&x| f32::from(x)).collect();
        let (h, mut delta2) = self.forward(&x);
        delta2[usize::from(label)] -= 1.0;
        let mut delta1 = self.w2.dot(&delta2);
        delta1.zip_mut_with(&h, |d, &h| *d = if h > 0.0 { *d } else { 0.0 });
        let column = |v: &Array1<f32>| v.clone().insert_axis(Axis(1));
        general_mat_mul(-ALPHA, &column(&h), &delta2.insert_axis(Axis(0)), 1.0, &mut self.w2);
        general_mat_mul(-ALPHA, &column(&x), &delta1.insert_axis(Axis(0)), 1.0, &mut self.w1);
    }
}
