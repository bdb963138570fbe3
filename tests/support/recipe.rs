//! The article's training algorithm in f64, and bounds on the rounding error of f32 code.

use twolayer::{LossFunction, Shape};

/// The relative error of one f32 operation: half a unit in the last place.
pub(crate) const EPS: f64 = 1.0 / 16_777_216.0;
/// The additional absolute error of a subnormal result: half the smallest subnormal, rounded up.
const TINY: f64 = 1e-45;

/// Trains sample by sample, without blocks, lanes or skipped pixels.
#[derive(Clone)]
pub(crate) struct Recipe {
    shape: Shape,
    /// `[inputs][hidden]`.
    pub(crate) w1: Vec<f64>,
    /// `[hidden][outputs]`.
    pub(crate) w2: Vec<f64>,
    /// `[hidden]` and `[outputs]`; zero where there are none.
    pub(crate) b1: Vec<f64>,
    pub(crate) b2: Vec<f64>,
}

/// The squares of the inputs of the biases, 256 and 16.
const BIAS_SQUARES: [f64; 2] = [65_536.0, 256.0];

impl Recipe {
    pub(crate) fn new(shape: Shape, weights: &[f32]) -> Self {
        let (w1, w2) = split(shape, weights, f64::from);
        let (b1, b2) = biases(shape, weights, f64::from);
        Self { shape, w1, w2, b1, b2 }
    }

    /// All numbers, in the order of `Weights::iter`.
    pub(crate) fn numbers_mut(&mut self) -> impl Iterator<Item = &mut f64> {
        let biases = usize::from(self.shape.has_biases());
        let (b1, b2) = (self.b1.iter_mut(), self.b2.iter_mut());
        self.w1
            .iter_mut()
            .chain(&mut self.w2)
            .chain(b1.chain(b2).take(biases * (self.shape.hidden() + self.shape.outputs())))
    }

    /// What a step is for each of [`numbers_mut`](Self::numbers_mut), where the gradient and the learning rate are 1.
    pub(crate) fn squares(&self) -> impl Iterator<Item = f64> {
        let ones = core::iter::repeat_n(1.0, self.w1.len() + self.w2.len());
        let [first, second] = BIAS_SQUARES;
        ones.chain(core::iter::repeat_n(first, self.b1.len())).chain(core::iter::repeat_n(second, self.b2.len()))
    }

    fn hidden(&self, image: &[u8]) -> Vec<f64> {
        let units = self.shape.hidden();
        let mut z = self.b1.clone();
        for (&x, row) in image.iter().zip(self.w1.chunks(units)) {
            for (z, w) in z.iter_mut().zip(row) {
                *z += f64::from(x) * w;
            }
        }
        z
    }

    /// The least absolute pre-activation: the distance to the kink of ReLU.
    pub(crate) fn nearest_kink(&self, image: &[u8]) -> f64 {
        self.hidden(image).iter().fold(f64::INFINITY, |least, z| least.min(z.abs()))
    }

    pub(crate) fn outputs(&self, image: &[u8]) -> Vec<f64> {
        let h = self.hidden(image);
        let rows = self.w2.chunks(self.shape.outputs());
        let mut y = self.b2.clone();
        for (h, row) in h.iter().zip(rows) {
            for (y, w) in y.iter_mut().zip(row) {
                *y += h.max(0.0) * w;
            }
        }
        y
    }

    /// `−Σ t ln p`, with `p` the softmax of the outputs.
    pub(crate) fn cross_entropy(&self, image: &[u8], targets: &[f32]) -> f64 {
        let y = self.outputs(image);
        let largest = y.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total = y.iter().map(|y| (y - largest).exp()).sum::<f64>().ln() + largest;
        y.iter().zip(targets).map(|(y, &t)| f64::from(t) * (total - y)).sum()
    }

    /// The derivative of a loss by every weight and bias, by central differences.
    pub(crate) fn gradient(&mut self, h: f64, loss: impl Fn(&Self) -> f64) -> Vec<f64> {
        let count = self.numbers_mut().count();
        let mut moved = |place: usize, by: f64| {
            let before = *self.numbers_mut().nth(place).unwrap();
            *self.numbers_mut().nth(place).unwrap() += by;
            let loss = loss(self);
            *self.numbers_mut().nth(place).unwrap() = before;
            loss
        };
        (0..count).map(|place| (moved(place, h) - moved(place, -h)) / (2.0 * h)).collect()
    }

    /// `Σ (y − t)²`.
    pub(crate) fn error(&self, image: &[u8], label: u8) -> f64 {
        let square = |(o, y): (usize, &f64)| (y - f64::from(u8::from(o == usize::from(label)))).powi(2);
        self.outputs(image).iter().enumerate().map(square).sum()
    }

    /// Trains on one sample, and returns the error before the step.
    pub(crate) fn step(&mut self, image: &[u8], label: u8, alpha: f64) -> f64 {
        let (units, outputs) = (self.shape.hidden(), self.shape.outputs());
        let error = self.error(image, label);
        let h: Vec<f64> = self.hidden(image).iter().map(|z| z.max(0.0)).collect();
        let mut delta2 = self.outputs(image);
        delta2[usize::from(label)] -= 1.0;
        let mut delta1 = vec![0.0; units];
        for ((delta1, &h), row) in delta1.iter_mut().zip(&h).zip(self.w2.chunks(outputs)) {
            if h > 0.0 {
                *delta1 = delta2.iter().zip(row).map(|(d, w)| d * w).sum();
            }
        }
        for (&h, row) in h.iter().zip(self.w2.chunks_mut(outputs)) {
            for (w, d) in row.iter_mut().zip(&delta2) {
                *w -= alpha * h * d;
            }
        }
        for (&x, row) in image.iter().zip(self.w1.chunks_mut(units)) {
            for (w, d) in row.iter_mut().zip(&delta1) {
                *w -= alpha * f64::from(x) * d;
            }
        }
        if self.shape.has_biases() {
            let steps = |square: f64, deltas: Vec<f64>| deltas.into_iter().map(move |d| alpha * square * d);
            self.b1.iter_mut().zip(steps(BIAS_SQUARES[0], delta1)).for_each(|(b, step)| *b -= step);
            self.b2.iter_mut().zip(steps(BIAS_SQUARES[1], delta2)).for_each(|(b, step)| *b -= step);
        }
        error
    }
}

/// A number with a bound on the error of an f32 computation of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Approx {
    pub(crate) value: f64,
    pub(crate) error: f64,
}

impl Approx {
    pub(crate) const ZERO: Self = Self { value: 0.0, error: 0.0 };

    pub(crate) fn exact(value: impl Into<f64>) -> Self {
        Self { value: value.into(), error: 0.0 }
    }

    /// `self + Σ a b`, where each term undergoes at most `roundings` roundings, that of its product included.
    ///
    /// Each rounding changes a term by at most one part in 2²⁴. In any order of summation, rounding therefore adds at
    /// most `γ (|self| + Σ |a b|)` with `γ = n u / (1 − n u)` to the errors of `a`, `b` and `self` (Higham, *Accuracy
    /// and Stability*, section 3.1). One more rounding than given covers the rounding of f64 here.
    pub(crate) fn sum(self, roundings: usize, terms: impl IntoIterator<Item = (Self, Self)>) -> Self {
        let (mut value, mut error, mut most, mut count) = (self.value, self.error, self.most(), 1.0);
        for (a, b) in terms {
            value += a.value * b.value;
            error += a.value.abs() * b.error + a.error * b.value.abs() + a.error * b.error;
            most += a.most() * b.most();
            count += 1.0;
        }
        let n = f64::from(u32::try_from(roundings).unwrap() + 1) * EPS;
        Self { value, error: error + n / (1.0 - n) * most + count * TINY }
    }

    /// Rounded to 16 significant bits: half a unit in the last of them.
    pub(crate) fn to_16_bits(self) -> Self {
        Self { error: self.error + self.most() * 256.0 * EPS + 256.0 * TINY, ..self }
    }

    /// `a × b`, rounded.
    pub(crate) fn product(a: Self, b: Self) -> Self {
        Self::ZERO.sum(1, [(a, b)])
    }

    pub(crate) fn negative(self) -> Self {
        Self { value: -self.value, error: self.error }
    }

    /// The crate's `e^x` of what should be no more than 0: within 2 units in the last place, and 0 where it would not be normal.
    fn exp(self) -> Self {
        let (value, grown) = (self.value.exp(), self.error.exp());
        Self { value, error: value * ((grown - 1.0) + 4.0 * EPS * grown) + 2.0 * f64::from(f32::MIN_POSITIVE) }
    }

    /// The crate's `ln x` of what is 1 or more: to within 2⁻²³ of the larger of the result and 1.
    fn ln(self) -> Self {
        let (value, least) = (self.value.ln(), self.value - self.error);
        Self { value, error: self.error / least + 2.0 * EPS * self.most().ln().max(1.0) }
    }

    /// `1 / x`, rounded.
    fn reciprocal(self) -> Self {
        let least = self.value - self.error;
        Self { value: 1.0 / self.value, error: (self.error / self.value + 2.0 * EPS) / least }
    }

    /// `max(x, 0)`, which does not increase the error.
    pub(crate) fn relu(self) -> Self {
        Self { value: self.value.max(0.0), error: self.error }
    }

    /// `self` if `z > 0`, else 0; both are admitted if the sign of `z` depends on rounding.
    pub(crate) fn where_positive(self, z: Self) -> Self {
        if z.value.abs() <= z.error {
            let value = if z.value > 0.0 { self.value } else { 0.0 };
            return Self { value, error: self.most() };
        }
        if z.value > 0.0 { self } else { Self::ZERO }
    }

    fn most(self) -> f64 {
        self.value.abs() + self.error
    }

    /// Whether a computed number is within the bound.
    pub(crate) fn admits(self, computed: f32) -> bool {
        (f64::from(computed) - self.value).abs() <= self.error
    }
}

/// The crate's block form of the algorithm, with an error bound for every number: a derived bound on the difference
/// between [`Recipe`] and f32 code.
pub(crate) struct Bounds {
    shape: Shape,
    /// `[inputs][hidden]`.
    pub(crate) w1: Vec<Approx>,
    /// `[hidden][outputs]`.
    pub(crate) w2: Vec<Approx>,
    /// `[hidden]` and `[outputs]`.
    pub(crate) b1: Vec<Approx>,
    pub(crate) b2: Vec<Approx>,
}

impl Bounds {
    /// Of weights that are [short](super::short).
    pub(crate) fn new(shape: Shape, weights: &[f32]) -> Self {
        let (w1, w2) = split(shape, weights, Approx::exact);
        let (b1, b2) = biases(shape, weights, Approx::exact);
        Self { shape, w1, w2, b1, b2 }
    }

    /// All numbers, in the order of `Weights::iter`; the biases too where there are none.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = &Approx> {
        self.w1.iter().chain(&self.w2).chain(&self.b1).chain(&self.b2)
    }

    fn pre_activations(&self, image: &[u8]) -> Vec<Approx> {
        let units = self.shape.hidden();
        let pixels: Vec<(usize, u8)> = image.iter().copied().enumerate().filter(|(_, x)| *x != 0).collect();
        let of = |j: usize| {
            let terms = pixels.iter().map(|&(i, x)| (Approx::exact(x), self.w1[i * units + j]));
            self.b1[j].sum(pixels.len() + usize::from(self.shape.has_biases()), terms)
        };
        (0..units).map(of).collect()
    }

    pub(crate) fn outputs(&self, image: &[u8]) -> Vec<Approx> {
        outputs(self.shape, &self.pre_activations(image), &self.w2, &self.b2)
    }

    /// Trains in blocks, and returns the error `Σ (y − t)²` of each sample.
    pub(crate) fn train(&mut self, images: &[u8], labels: &[u8], alpha: f32, block: usize) -> Vec<Approx> {
        let inputs = self.shape.inputs();
        let blocks = images.chunks(block * inputs).zip(labels.chunks(block));
        blocks.flat_map(|(images, labels)| self.block(images, labels, alpha)).collect()
    }

    fn block(&mut self, images: &[u8], labels: &[u8], alpha: f32) -> Vec<Approx> {
        let units = self.shape.hidden();
        let alpha = Approx::exact(alpha);
        let images: Vec<&[u8]> = images.chunks(self.shape.inputs()).collect();
        let rows = images.iter().map(|image| self.pre_activations(image)).collect();
        let gram = |k: usize, s: usize| {
            let product: f64 = images[k].iter().zip(images[s]).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            let constant = if self.shape.has_biases() { BIAS_SQUARES[0] } else { 0.0 };
            Approx::product(Approx::exact(product + constant), Approx::exact(1.0))
        };
        let targets = one_hot(labels, self.shape.outputs());
        let loss = LossFunction::Squared;
        let (deltas, errors) = sequence(self.shape, alpha, loss, &targets, gram, rows, &mut self.w2, &mut self.b2);
        let step = Approx::exact(-BIAS_SQUARES[0]);
        for (j, b) in self.b1.iter_mut().enumerate().filter(|_| self.shape.has_biases()) {
            *b = b.sum(deltas.len(), deltas.iter().map(|delta| (step, delta[j])));
        }
        for (i, row) in self.w1.chunks_mut(units).enumerate() {
            let steps: Vec<(usize, Approx)> = (images.iter().enumerate())
                .filter(|(_, image)| image[i] != 0)
                .map(|(s, image)| (s, Approx::exact(image[i]).negative()))
                .collect();
            for (j, w) in row.iter_mut().enumerate().filter(|_| !steps.is_empty()) {
                *w = w.sum(steps.len(), steps.iter().map(|&(s, step)| (step, deltas[s][j]))).to_16_bits();
            }
        }
        errors
    }
}

/// The targets of labels: 1 for the label and 0 for the others.
pub(crate) fn one_hot(labels: &[u8], outputs: usize) -> Vec<f32> {
    let target = |label: u8| (0..outputs).map(move |output| f32::from(u8::from(output == usize::from(label))));
    labels.iter().flat_map(|&label| target(label)).collect()
}

/// From outputs to `softmax(y) − t`; gives `−Σ t ln p`.
fn cross_entropy(outputs: &mut [Approx], targets: &[Approx]) -> Approx {
    let count = outputs.len();
    let most = |of: &dyn Fn(&Approx) -> f64| outputs.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
    let largest = Approx { value: most(&|y| y.value), error: most(&|y| y.error) };
    for y in outputs.iter_mut() {
        *y = y.sum(1, [(largest, Approx::exact(-1.0))]);
    }
    let of_targets = Approx::ZERO.sum(count + 1, targets.iter().copied().zip(outputs.iter().copied()));
    for below in outputs.iter_mut() {
        *below = below.exp();
    }
    let total = Approx::ZERO.sum(count, outputs.iter().map(|&it| (it, Approx::exact(1.0))));
    for (p, &target) in outputs.iter_mut().zip(targets) {
        *p = Approx::product(*p, total.reciprocal()).sum(1, [(target, Approx::exact(-1.0))]);
    }
    total.ln().sum(1, [(of_targets, Approx::exact(-1.0))])
}

/// The sequential part of a block: computes α δ1 and losses from pre-activations and targets, `[samples][outputs]`. `gram(k, s)` is `x_k·x_s`; `b2` has
/// zeros where there are no biases.
#[allow(clippy::too_many_arguments, reason = "it is what a block has")]
pub(crate) fn sequence(
    shape: Shape,
    alpha: Approx,
    loss: LossFunction,
    targets: &[f32],
    gram: impl Fn(usize, usize) -> Approx,
    mut rows: Vec<Vec<Approx>>,
    w2: &mut [Approx],
    b2: &mut [Approx],
) -> (Vec<Vec<Approx>>, Vec<Approx>) {
    let count = shape.outputs();
    let mut errors = Vec::new();
    for (k, targets) in targets.chunks(count).enumerate() {
        let gram: Vec<Approx> = (0..k).map(|s| gram(k, s).negative()).collect();
        let (done, left) = rows.split_at_mut(k);
        let row = &mut left[0];
        for (j, z) in row.iter_mut().enumerate() {
            *z = z.sum(k + 1, gram.iter().zip(&*done).map(|(&gram, delta1)| (gram, delta1[j])));
        }
        let mut delta2 = outputs(shape, row, w2, b2);
        let targets: Vec<Approx> = targets.iter().map(|&target| Approx::exact(target)).collect();
        errors.push(match loss {
            LossFunction::CrossEntropy => cross_entropy(&mut delta2, &targets),
            LossFunction::Squared => {
                for (y, &target) in delta2.iter_mut().zip(&targets) {
                    *y = y.sum(1, [(target, Approx::exact(-1.0))]);
                }
                Approx::ZERO.sum(count + 1, delta2.iter().map(|&d| (d, d)))
            }
        });
        let steps: Vec<Approx> = delta2.iter().map(|&delta2| Approx::product(alpha, delta2)).collect();
        for (b, &step) in b2.iter_mut().zip(&steps).filter(|_| shape.has_biases()) {
            *b = b.sum(1, [(step, Approx::exact(-BIAS_SQUARES[1]))]);
        }
        for (z, w2) in row.iter_mut().zip(w2.chunks_mut(count)) {
            let delta1 = Approx::ZERO.sum(count + 1, steps.iter().copied().zip(w2.iter().copied()));
            for (w, &step) in w2.iter_mut().zip(&steps) {
                *w = w.sum(2, [(step.negative(), z.relu())]);
            }
            *z = delta1.to_16_bits().where_positive(*z);
        }
    }
    (rows, errors)
}

/// `y = max(z, 0) W2 + b2`. The roundings of a term: one product, one addition per vector of 16 units, four to sum 16 lanes.
pub(crate) fn outputs(shape: Shape, z: &[Approx], w2: &[Approx], b2: &[Approx]) -> Vec<Approx> {
    let roundings = 1 + shape.hidden_padded() / 16 + 4;
    let terms = |o: usize| z.iter().enumerate().map(move |(j, z)| (z.relu(), w2[j * shape.outputs() + o]));
    (0..shape.outputs()).map(|o| b2[o].sum(roundings, terms(o))).collect()
}

/// W1 as `[inputs][hidden]` and W2 as `[hidden][outputs]`.
pub(crate) fn split<T>(shape: Shape, weights: &[f32], from: impl Fn(f32) -> T) -> (Vec<T>, Vec<T>) {
    let mut w1: Vec<T> = super::weights(shape, weights).iter().map(from).collect();
    let mut w2 = w1.split_off(shape.inputs() * shape.hidden());
    w2.truncate(shape.hidden() * shape.outputs());
    (w1, w2)
}

/// The biases of the hidden units and of the outputs; zero where there are none.
fn biases<T>(shape: Shape, weights: &[f32], from: impl Fn(f32) -> T) -> (Vec<T>, Vec<T>) {
    let weights = super::weights(shape, weights);
    let b1 = (0..shape.hidden()).map(|h| from(weights.b1(h).unwrap_or(0.0))).collect();
    let b2 = (0..shape.outputs()).map(|o| from(weights.b2(o).unwrap_or(0.0))).collect();
    (b1, b2)
}
