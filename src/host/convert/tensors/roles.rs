//! Which tensor is which: W1, b1, W2 and b2.
//!
//! Either the caller names the matrices and the biases, or all tensors are the network's but for those that have no place in one,
//! such as a count of steps. Then the two matrices are W1 and W2, and the others biases: of `fc1.weight` and `fc2.weight`, and of any
//! names that differ in one number, the lower is the first layer's; otherwise the shapes must leave one possibility. Nothing is guessed.

use super::error::TensorError;
use super::{TensorFiles, TensorInfo, layers};
use crate::base::messages;
use crate::net::Shape;
use core::cmp::Ordering;

/// How a layer's weights are stored in a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A row for each unit, as in PyTorch.
    OutIn,
    /// A row for each input, as in NumPy and Keras.
    InOut,
}

messages! { Layout:
    Self::OutIn => "[out, in]";
    Self::InOut => "[in, out]";
}

/// What the caller knows of the tensors: their names and the layout.
///
/// With both matrices named, only named tensors are used: a bias without a name is absent. With no name at all, every tensor
/// that has a place in a network must be part of it, and their roles are inferred from shapes and from numbers in names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names explain themselves")]
pub struct Roles {
    pub w1: Option<String>,
    pub b1: Option<String>,
    pub w2: Option<String>,
    pub b2: Option<String>,
    pub layout: Option<Layout>,
}

/// The tensors of a network, as indices: W1 and W2, b1 and b2.
type Tensors = ([usize; 2], [Option<usize>; 2]);

/// A way to read the tensors as a network.
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
    /// The only way to read the tensors as a network, and its shape (without biases).
    pub(super) fn find(&self, files: &TensorFiles) -> Result<(Reading, Shape), TensorError> {
        let tensors: Vec<_> = files.infos().cloned().collect();
        let place = |name: &Option<String>| match name {
            None => Ok(None),
            Some(name) => match tensors.iter().position(|tensor| tensor.name == *name) {
                None => Err(TensorError::Missing { name: name.clone(), tensors: tensors.clone() }),
                place => Ok(place),
            },
        };
        let places = [place(&self.w1)?, place(&self.w2)?, place(&self.b1)?, place(&self.b2)?];
        let layouts = self.layout.map_or(vec![Layout::OutIn, Layout::InOut], |it| vec![it]);
        let deep = match places {
            [Some(w1), Some(w2), b1, b2] => layers::third(&tensors, [w1, w2], [b1, b2], &layouts),
            _ => layers::too_many(&tensors, &layouts),
        };
        if let Some(what) = deep {
            return Err(TensorError::Network { what });
        }
        let readings: Vec<_> = match places {
            [Some(w1), Some(w2), b1, b2] => self.readings(&tensors, ([w1, w2], [b1, b2])).collect(),
            [None, None, None, None] => match self.inferred_readings(files, &tensors) {
                Some(readings) => readings,
                None => return Err(TensorError::Unnamed { tensors }),
            },
            _ => return Err(TensorError::Unnamed { tensors }),
        };
        let shape = |it: &Reading| Shape::new(it.sizes[0], it.sizes[1], it.sizes[2]);
        let possible: Vec<_> = readings.iter().filter_map(|it| Some((*it, shape(it).ok()?))).collect();
        match (possible.as_slice(), readings.first().map(shape)) {
            (&[only], _) => Ok(only),
            ([], Some(Err(error))) => Err(TensorError::Size { error }),
            ([], _) => {
                let is_used = |place: usize| places == [None; 4] || places.contains(&Some(place));
                let used = tensors.iter().enumerate().filter(|&(place, _)| is_used(place));
                Err(TensorError::NoFit { tensors: used.map(|(_, tensor)| tensor.clone()).collect() })
            }
            _ => {
                Err(TensorError::Ambiguous { readings: possible.iter().map(|(it, _)| it.describe(&tensors)).collect() })
            }
        }
    }

    /// The ways to read all tensors as a network, but for those that have no place in any; `None` if there are too many.
    fn inferred_readings(&self, files: &TensorFiles, tensors: &[TensorInfo]) -> Option<Vec<Reading>> {
        let readings = |among: &[usize]| -> Option<Vec<Reading>> {
            let candidates = (among.len() <= MOST).then(|| inferred(tensors, among))?;
            Some(candidates.into_iter().flat_map(|it| self.readings(tensors, it)).collect())
        };
        // A number without dimensions has no place in any.
        let all: Vec<_> = (0..tensors.len()).filter(|&place| !tensors[place].shape.is_empty()).collect();
        let of_all = readings(&all);
        if of_all.as_ref().is_some_and(|it| !it.is_empty()) {
            return of_all;
        }
        // Counts, steps and sizes of other things: one number, or integers in a row, of a length that no bias has.
        let is_aside = |place: usize| {
            let shape = &tensors[place].shape;
            shape.iter().all(|&size| size == 1) || shape.len() == 1 && files.tensor(place).element.is_none()
        };
        let (aside, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|&place| is_aside(place));
        let is_bias = |size: usize| aside.iter().any(|&place| tensors[place].shape.contains(&size));
        let of_rest = readings(&rest)
            .filter(|it| !it.is_empty() && it.iter().all(|it| !it.sizes[1..].iter().any(|&size| is_bias(size))));
        of_rest.or(of_all)
    }

    /// The layouts in which the tensors fit each other.
    fn readings(&self, tensors: &[TensorInfo], ([w1, w2], [b1, b2]): Tensors) -> impl Iterator<Item = Reading> {
        let layouts = [Layout::OutIn, Layout::InOut].into_iter();
        let layouts = layouts.filter(|it| self.layout.is_none_or(|wanted| wanted == *it));
        layouts.filter_map(move |layout| {
            let sizes = sizes(tensors, ([w1, w2], [b1, b2]), layout)?;
            Some(Reading { w1, b1, w2, b2, layout, sizes })
        })
    }
}

/// What the tensors can be if all of these are the network's: of the two matrices either can be W1, and of one or two biases either
/// b1, unless numbers in their names tell.
fn inferred(tensors: &[TensorInfo], among: &[usize]) -> Vec<Tensors> {
    let split = |is_matrix: fn(&[usize]) -> bool| -> (Vec<_>, Vec<_>) {
        among.iter().partition(|&&place| is_matrix(&tensors[place].shape))
    };
    let (mut matrices, mut biases) = split(|shape| shape.len() == 2);
    if matrices.len() > 2 {
        // Some biases have one row or one column.
        (matrices, biases) = split(|shape| shape.len() == 2 && !shape.contains(&1));
    }
    let orders = |a: usize, b: usize| match number_order(&tensors[a].name, &tensors[b].name) {
        Some(Ordering::Less) => vec![[a, b]],
        Some(Ordering::Greater) => vec![[b, a]],
        _ => vec![[a, b], [b, a]],
    };
    let biases = match *biases {
        [] => vec![[None; 2]],
        [one] => vec![[Some(one), None], [None, Some(one)]],
        [a, b] => orders(a, b).into_iter().map(|order| order.map(Some)).collect(),
        _ => vec![],
    };
    let matrices = if let [a, b] = *matrices { orders(a, b) } else { vec![] };
    matrices.into_iter().flat_map(|weights| biases.iter().map(move |&biases| (weights, biases))).collect()
}

/// Inputs, hidden units and outputs, if the tensors fit each other.
fn sizes(tensors: &[TensorInfo], ([w1, w2], [b1, b2]): Tensors, layout: Layout) -> Option<[usize; 3]> {
    let matrix = |place: usize| match (tensors[place].shape.as_slice(), layout) {
        (&[inputs, outputs], Layout::InOut) | (&[outputs, inputs], Layout::OutIn) => Some((inputs, outputs)),
        _ => None,
    };
    // A vector, or a matrix of one row or column.
    let bias = |place: Option<usize>, expected| match place.map(|place| tensors[place].shape.as_slice()) {
        None => true,
        Some(&[len] | &[len, 1] | &[1, len]) => len == expected,
        Some(_) => false,
    };
    let ((inputs, hidden), (middle, outputs)) = (matrix(w1)?, matrix(w2)?);
    let distinct = w1 != w2 && (b1 != b2 || b1.is_none());
    (distinct && hidden == middle && bias(b1, hidden) && bias(b2, outputs)).then_some([inputs, hidden, outputs])
}

/// The order of two names, with numbers in them by their value.
pub(super) fn natural_order(a: &str, b: &str) -> Ordering {
    let values = |name| numbers(name).map(|it| it.parse::<u64>().unwrap_or(u64::MAX));
    texts(a).cmp(texts(b)).then_with(|| values(a).cmp(values(b)))
}

fn texts(name: &str) -> impl Iterator<Item = &str> {
    name.split(|it: char| it.is_ascii_digit()).filter(|it| !it.is_empty())
}

fn numbers(name: &str) -> impl Iterator<Item = &str> {
    name.split(|it: char| !it.is_ascii_digit()).filter(|it| !it.is_empty())
}

/// The order of two names that differ in one number only.
pub(super) fn number_order(a: &str, b: &str) -> Option<Ordering> {
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
