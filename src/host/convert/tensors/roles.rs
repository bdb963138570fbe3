//! Which tensor is which: W1, b1, W2 and b2, by their names where the caller gives them, otherwise by their shapes.
//!
//! Every way to give the tensors these roles, in either layout, is tried. Exactly one has to fit: nothing is guessed where
//! two do, but of `fc1.weight` and `fc2.weight`, and of any names that differ in one number, the lower is W1.

use super::error::TensorError;
use super::{TensorFiles, TensorInfo};
use crate::net::Shape;
use core::cmp::Ordering;
use core::fmt;

/// How the weights of a layer lie in a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A row for each unit: PyTorch.
    OutIn,
    /// A row for each input: NumPy and Keras.
    InOut,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutIn => "[out, in]",
            Self::InOut => "[in, out]",
        })
    }
}

/// What the caller knows of the tensors: names, and the layout.
///
/// With both matrices named, other tensors are ignored, and a bias that is not named is not there. Otherwise all tensors
/// must be the network's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names explain themselves")]
pub struct Roles {
    pub w1: Option<String>,
    pub b1: Option<String>,
    pub w2: Option<String>,
    pub b2: Option<String>,
    pub layout: Option<Layout>,
}

/// One way to read the tensors as a network. The numbers are indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) w1: usize,
    pub(super) b1: Option<usize>,
    pub(super) w2: usize,
    pub(super) b2: Option<usize>,
    pub(super) layout: Layout,
    /// Inputs, hidden units and outputs.
    sizes: [usize; 3],
}

/// The most tensors of a network.
const MOST: usize = 4;

impl Roles {
    /// The only way to read the tensors as a network that fits, and its shape (without biases).
    pub(super) fn find(&self, files: &TensorFiles) -> Result<(Reading, Shape), TensorError> {
        let tensors: Vec<_> = files.infos().cloned().collect();
        let place = |name: &Option<String>| match name {
            None => Ok(None),
            Some(name) => match tensors.iter().position(|tensor| tensor.name == *name) {
                None => Err(TensorError::Missing { name: name.clone(), tensors: tensors.clone() }),
                place => Ok(place),
            },
        };
        let [w1, b1, w2, b2] = [place(&self.w1)?, place(&self.b1)?, place(&self.w2)?, place(&self.b2)?];
        let all_named = w1.is_some() && w2.is_some();
        if !all_named && tensors.len() > MOST {
            return Err(TensorError::Unnamed { tensors });
        }
        let matrices = |named: Option<usize>| match named {
            Some(place) => place..place + 1,
            None => 0..tensors.len(),
        };
        let biases = |named: Option<usize>| match named {
            Some(place) => vec![Some(place)],
            None if all_named => vec![None],
            None => (0..tensors.len()).map(Some).chain([None]).collect(),
        };
        let mut readings = Vec::new();
        for w1 in matrices(w1) {
            for w2 in matrices(w2) {
                for b1 in biases(b1) {
                    for &b2 in &biases(b2) {
                        let mut used: Vec<_> = [Some(w1), b1, Some(w2), b2].into_iter().flatten().collect();
                        used.sort_unstable();
                        used.dedup();
                        let distinct = used.len() == 2 + usize::from(b1.is_some()) + usize::from(b2.is_some());
                        if distinct && (all_named || used.len() == tensors.len()) {
                            let layouts = [Layout::OutIn, Layout::InOut].into_iter();
                            let layouts = layouts.filter(|it| self.layout.is_none_or(|wanted| wanted == *it));
                            readings.extend(layouts.filter_map(|layout| {
                                let sizes = sizes(&tensors, w1, b1, w2, b2, layout)?;
                                Some(Reading { w1, b1, w2, b2, layout, sizes })
                            }));
                        }
                    }
                }
            }
        }
        let shape = |it: &Reading| Shape::new(it.sizes[0], it.sizes[1], it.sizes[2]);
        let mut possible: Vec<_> = readings.iter().filter_map(|it| Some((*it, shape(it).ok()?))).collect();
        if possible.iter().any(|(it, _)| it.is_in_order(&tensors)) {
            possible.retain(|(it, _)| it.is_in_order(&tensors));
        }
        match (possible.as_slice(), readings.first().map(shape)) {
            (&[only], _) => Ok(only),
            ([], None) => Err(TensorError::NoFit { tensors: if all_named { self.named(&tensors) } else { tensors } }),
            ([], Some(Err(error))) => Err(TensorError::Size { error }),
            _ => {
                Err(TensorError::Ambiguous { readings: possible.iter().map(|(it, _)| it.describe(&tensors)).collect() })
            }
        }
    }

    /// The tensors that have been named.
    fn named(&self, tensors: &[TensorInfo]) -> Vec<TensorInfo> {
        let names = [&self.w1, &self.b1, &self.w2, &self.b2];
        tensors.iter().filter(|it| names.into_iter().flatten().any(|name| *name == it.name)).cloned().collect()
    }
}

/// Inputs, hidden units and outputs, if the tensors fit each other in these roles.
fn sizes(
    tensors: &[TensorInfo],
    w1: usize,
    b1: Option<usize>,
    w2: usize,
    b2: Option<usize>,
    layout: Layout,
) -> Option<[usize; 3]> {
    let shape = |place: usize| tensors.get(place).map(|tensor| tensor.shape.as_slice());
    let matrix = |place| match (shape(place)?, layout) {
        (&[inputs, outputs], Layout::InOut) | (&[outputs, inputs], Layout::OutIn) => Some((inputs, outputs)),
        _ => None,
    };
    // A vector, or a matrix of one row or column.
    let bias = |place: Option<usize>, expected| match place.map(|place| shape(place).unwrap_or_default()) {
        None => true,
        Some(&[len] | &[len, 1] | &[1, len]) => len == expected,
        Some(_) => false,
    };
    let ((inputs, hidden), (middle, outputs)) = (matrix(w1)?, matrix(w2)?);
    (hidden == middle && bias(b1, hidden) && bias(b2, outputs)).then_some([inputs, hidden, outputs])
}

/// The order of two names that differ in one number only.
fn number_order(a: &str, b: &str) -> Option<Ordering> {
    let is_digit = |it: char| it.is_ascii_digit();
    let texts = |name| str::split(name, is_digit).filter(|it| !it.is_empty());
    let numbers = |name| str::split(name, |it: char| !is_digit(it)).filter(|it| !it.is_empty());
    let mut order = numbers(a).zip(numbers(b)).filter(|(a, b)| a != b);
    match (order.next(), order.next()) {
        (Some((first, second)), None) if texts(a).eq(texts(b)) && numbers(a).count() == numbers(b).count() => {
            Some(first.parse::<u64>().ok()?.cmp(&second.parse().ok()?))
        }
        _ => None,
    }
}

impl Reading {
    /// The tensors in the order W1, b1, W2, b2.
    pub(super) fn tensors(&self) -> impl Iterator<Item = usize> {
        [Some(self.w1), self.b1, Some(self.w2), self.b2].into_iter().flatten()
    }

    /// Whether the numbers in the tensors' names do not say that the layers are the other way round.
    fn is_in_order(&self, tensors: &[TensorInfo]) -> bool {
        let name = |place: usize| tensors.get(place).map(|tensor| tensor.name.as_str());
        let reversed = |first: Option<usize>, second: Option<usize>| {
            let names = first.and_then(name).zip(second.and_then(name));
            names.is_some_and(|(first, second)| number_order(first, second) == Some(Ordering::Greater))
        };
        !reversed(Some(self.w1), Some(self.w2)) && !reversed(self.b1, self.b2)
    }

    /// For example `W1 = a, b1 = b, W2 = c, b2 = d, [out, in], 784 → 128 → 10`.
    fn describe(&self, tensors: &[TensorInfo]) -> String {
        let name = |place: usize| tensors.get(place).map_or("", |tensor| tensor.name.as_str());
        let roles = [("W1", Some(self.w1)), ("b1", self.b1), ("W2", Some(self.w2)), ("b2", self.b2)];
        let roles = roles.into_iter().filter_map(|(role, place)| Some(format!("{role} = {}, ", name(place?))));
        let [inputs, hidden, outputs] = self.sizes;
        format!("{}{}, {inputs} → {hidden} → {outputs}", roles.collect::<String>(), self.layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_one_number_have_an_order() {
        use Ordering::{Greater, Less};
        for (a, b, order) in [
            ("fc1.weight", "fc2.weight", Some(Less)),
            ("net.10.weight", "net.2.weight", Some(Greater)),
            ("2/w1.npy", "2/w2.npy", Some(Less)),
            ("0", "2", Some(Less)),
            ("dense", "dense_1", None),
            ("a1b2", "a2b1", None),
            ("a1", "b2", None),
            ("a1", "a1", None),
            ("a99999999999999999999", "a1", None),
        ] {
            assert_eq!(number_order(a, b), order, "{a} {b}");
            assert_eq!(number_order(b, a), order.map(Ordering::reverse), "{b} {a}");
        }
    }
}
