//! Whether tensors are those of a network of more than two layers: matrices, each of which takes what another gives.

use super::TensorInfo;
use super::roles::{Layout, natural_order, number_order};

/// The most steps of the search for an order of the matrices. Ten of any shapes take fewer.
const MOST_STEPS: usize = 20_000;

/// A number of layers, in words.
pub(super) fn in_words(count: usize) -> String {
    let words = ["no layers", "one layer", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    match words.get(count) {
        Some(word) if count < 2 => (*word).into(),
        Some(word) => format!("{word} layers"),
        None => format!("{count} layers"),
    }
}

/// What the tensors are, if all their matrices follow each other and there are more than two.
pub(super) fn too_many(tensors: &[TensorInfo], layouts: &[Layout]) -> Option<String> {
    let mut matrices: Vec<_> = tensors.iter().filter(|it| is_matrix(it)).collect();
    matrices.sort_by(|a, b| natural_order(&a.name, &b.name));
    if matrices.len() < 3 || !are_distinct(&matrices) {
        return None;
    }
    let chains = layouts.iter().filter_map(|&layout| {
        let sizes: Vec<_> = matrices.iter().filter_map(|it| sizes(it, layout)).collect();
        let order = chain(&sizes)?;
        let through: Vec<_> = order.iter().map(|&place| sizes[place]).collect();
        Some((order, through))
    });
    // In the order of the numbers in their names, or from many inputs to few outputs.
    let numbered = are_numbered(&matrices);
    let (order, through) = chains.max_by_key(|(order, through)| {
        (numbered && order.is_sorted(), through.first().map(|it| it.0) >= through.last().map(|it| it.1))
    })?;
    let widths: Vec<_> = through.first().map(|it| it.0).into_iter().chain(through.iter().map(|it| it.1)).collect();
    let names: Vec<_> = order.iter().map(|&place| matrices[place].name.as_str()).collect();
    Some(format!(
        "these tensors are a network of {}, {} ({}); twolayer runs two",
        in_words(order.len()),
        widths.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → "),
        names.join(", ")
    ))
}

/// What a third matrix is, if it takes the outputs of the two that are chosen, or gives their inputs.
pub(super) fn third(
    tensors: &[TensorInfo],
    [w1, w2]: [usize; 2],
    biases: [Option<usize>; 2],
    layouts: &[Layout],
) -> Option<String> {
    let (first, second) = (tensors.get(w1)?, tensors.get(w2)?);
    layouts.iter().find_map(|&layout| {
        let (a, b) = (sizes(first, layout)?, sizes(second, layout)?);
        let is_chosen = |place| place == w1 || place == w2 || biases.contains(&Some(place));
        let others = tensors.iter().enumerate().filter(|&(place, it)| !is_chosen(place) && is_matrix(it));
        let mut fitting = others.filter(|(_, it)| are_distinct(&[first, second, it]));
        fitting.find_map(|(_, it)| {
            let (inputs, outputs) = sizes(it, layout).filter(|_| a.1 == b.0)?;
            let how = if inputs == b.1 {
                format!("{} {:?} takes what {} gives", it.name, it.shape, second.name)
            } else if outputs == a.0 {
                format!("{} takes what {} {:?} gives", first.name, it.name, it.shape)
            } else {
                return None;
            };
            Some(format!(
                "these tensors are a part of a network of three layers or more: {how}; twolayer runs two. If the part is wanted, \
                 save its tensors in a file of their own"
            ))
        })
    })
}

/// Whether a tensor is a layer's weights: two dimensions, and no bias of one row or column.
fn is_matrix(tensor: &TensorInfo) -> bool {
    let last = tensor.name.rsplit(['.', '/', ':']).find(|it| it.parse::<u64>().is_err()).unwrap_or_default();
    let is_bias = last.to_lowercase().starts_with('b') || tensor.name.to_lowercase().contains("bias");
    tensor.shape.len() == 2 && !(tensor.shape.contains(&1) && is_bias)
}

/// Whether matrices can only be several layers: their names differ in a number, or their shapes. What an optimiser keeps has the
/// shape of what it is kept for.
fn are_distinct(matrices: &[&TensorInfo]) -> bool {
    let is_new = |(place, it): (usize, &&TensorInfo)| matrices[..place].iter().all(|before| before.shape != it.shape);
    are_numbered(matrices) || matrices.iter().enumerate().all(is_new)
}

/// Whether the names of matrices differ in a number only.
fn are_numbered(matrices: &[&TensorInfo]) -> bool {
    matrices.windows(2).all(|it| number_order(&it[0].name, &it[1].name).is_some())
}

/// Inputs and outputs of a matrix.
fn sizes(tensor: &TensorInfo, layout: Layout) -> Option<(usize, usize)> {
    match (tensor.shape.as_slice(), layout) {
        (&[inputs, outputs], Layout::InOut) | (&[outputs, inputs], Layout::OutIn) => Some((inputs, outputs)),
        _ => None,
    }
}

/// An order of all matrices in which each takes what the one before gives.
fn chain(sizes: &[(usize, usize)]) -> Option<Vec<usize>> {
    fn extend(sizes: &[(usize, usize)], order: &mut Vec<usize>, steps: &mut usize) -> bool {
        if order.len() == sizes.len() {
            return true;
        }
        let open = order.last().map(|&last| sizes[last].1);
        for place in 0..sizes.len() {
            if order.contains(&place) || open.is_some_and(|outputs| outputs != sizes[place].0) {
                continue;
            }
            *steps += 1;
            order.push(place);
            if *steps > MOST_STEPS || extend(sizes, order, steps) {
                return *steps <= MOST_STEPS;
            }
            order.pop();
        }
        false
    }
    // No network has more; the search goes as deep.
    const MOST: usize = 64;
    let mut order = Vec::new();
    (sizes.len() <= MOST && extend(sizes, &mut order, &mut 0)).then_some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors(of: &[(&str, &[usize])]) -> Vec<TensorInfo> {
        of.iter()
            .map(|(name, shape)| TensorInfo { name: (*name).into(), shape: shape.to_vec(), ..TensorInfo::default() })
            .collect()
    }

    const BOTH: [Layout; 2] = [Layout::OutIn, Layout::InOut];

    #[test]
    fn matrices_that_follow_each_other_are_layers() {
        for (of, expected) in [
            (
                &[("fc1.weight", &[128, 784][..]), ("fc2.weight", &[64, 128]), ("fc3.weight", &[10, 64])][..],
                "three layers, 784 → 128 → 64 → 10",
            ),
            (&[("c", &[784, 128]), ("a", &[64, 10]), ("b", &[128, 64])], "three layers, 784 → 128 → 64 → 10"),
            // The third could be a bias of one row, by its shape.
            (
                &[("fc1.weight", &[128, 784]), ("fc2.weight", &[64, 128]), ("fc3.weight", &[1, 64])],
                "three layers, 784 → 128 → 64 → 1",
            ),
            // By numbers in names, not by their letters, and with equal shapes.
            (
                &[("l.10", &[10, 32]), ("l.2", &[32, 784]), ("l.4", &[32, 32]), ("l.6", &[32, 32])],
                "four layers, 784 → 32 → 32 → 32 → 10",
            ),
            (
                &[
                    ("b1", &[1, 128]),
                    ("b2", &[1, 64]),
                    ("b3", &[1, 10]),
                    ("w1", &[784, 128]),
                    ("w2", &[128, 64]),
                    ("w3", &[64, 10]),
                ],
                "three layers, 784 → 128",
            ),
        ] {
            let found = too_many(&tensors(of), &BOTH).unwrap();
            assert!(found.starts_with(&format!("these tensors are a network of {expected}")), "{found}");
        }
        for other in [
            &[("fc1.weight", &[128, 784][..]), ("fc2.weight", &[10, 128])][..],
            &[("fc1.weight", &[4, 5]), ("fc2.weight", &[3, 4]), ("momentum", &[4, 5])],
            &[("a", &[2, 2]), ("b", &[2, 2]), ("c", &[2, 2])],
            &[("w1", &[784, 128]), ("w2", &[128, 10]), ("b1", &[1, 128]), ("b2", &[1, 10])],
            &[("a", &[5, 4]), ("b", &[4, 3]), ("c", &[9, 8])],
        ] {
            assert_eq!(too_many(&tensors(other), &BOTH), None);
        }
        let many: Vec<_> = (0..200).map(|n| (format!("{n}"), [9, 9])).collect();
        let many: Vec<_> = many.iter().map(|(name, shape)| (name.as_str(), &shape[..])).collect();
        assert_eq!(too_many(&tensors(&many), &BOTH), None);
        // No order, after many steps.
        let mut shapes = vec![(9, 9); 20];
        shapes.push((7, 8));
        assert_eq!(chain(&shapes), None);
    }

    #[test]
    fn a_third_matrix_beside_the_chosen_two_is_seen() {
        let three = tensors(&[("fc1", &[128, 784]), ("fc2", &[64, 128]), ("fc3", &[10, 64]), ("m", &[128, 784])]);
        let found = |pair| third(&three, pair, [None; 2], &BOTH);
        assert!(found([0, 1]).unwrap().contains("fc3 [10, 64] takes what fc2 gives"));
        assert!(found([1, 2]).unwrap().contains("fc2 takes what fc1 [128, 784] gives"));
        assert_eq!(found([0, 2]), None);
        assert_eq!(third(&three, [0, 1], [None; 2], &[Layout::InOut]), None);
        assert_eq!(third(&three, [0, 1], [None, Some(2)], &BOTH), None);
        let two = tensors(&[("fc1", &[128, 784]), ("fc2", &[10, 128]), ("m1", &[128, 784]), ("m2", &[10, 128])]);
        assert_eq!(third(&two, [0, 1], [None; 2], &BOTH), None);
    }
}
