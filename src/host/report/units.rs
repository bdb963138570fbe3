//! The hidden units of a network: their weights as pictures, their strength, and the distribution of weights and activations.

use super::html::Html;
use super::picture::signed;
use super::plot::{Plot, ends};
use crate::base::to_f64;
use crate::host::data::Set;
use crate::host::files::{FileError, OwnedWeights, Quantized};
use crate::int::level;
use crate::net::{Weights, WeightsPanel, network_input};

/// The most units that are shown, and the most weights in all.
const MAX_UNITS: usize = 48;
const MAX_WEIGHTS: usize = 80_000;

/// The most test images that activations are taken from, and the most multiplications.
const MAX_IMAGES: usize = 1000;
const MAX_OPERATIONS: usize = 800_000_000;

/// The bars of a distribution.
const BARS: usize = 60;

/// The weights of an integer network as numbers, to be shown; `None` where there are biases.
///
/// # Errors
///
/// If memory runs out.
pub fn integer_weights(quantized: &Quantized) -> Result<Option<OwnedWeights>, FileError> {
    let shape = quantized.shape();
    if shape.has_biases() {
        return Ok(None);
    }
    let (inputs, hidden, outputs) = (0..shape.inputs(), 0..shape.hidden(), 0..shape.outputs());
    let first = inputs.flat_map(|input| hidden.clone().map(move |unit| quantized.first(input, unit)));
    let first = first.map(|weight| i16::try_from(weight).map_or(0.0, f32::from));
    let second =
        hidden.clone().flat_map(|unit| outputs.clone().map(move |output| quantized.second(unit, output).into()));
    let mut weights = OwnedWeights::zeros(shape)?;
    let mut numbers = first.chain(second);
    weights.view_mut().fill_with(|| numbers.next().unwrap_or_default());
    Ok(Some(weights))
}

/// What the hidden units do on the first test images: the number of these images; of each unit the sum of its activations, and in
/// how many images it is active; and all activations that are not zero.
fn activity(weights: Weights<'_>, integers: bool, test: &Set) -> (usize, Vec<(f64, usize)>, Vec<f32>) {
    let shape = weights.shape();
    let (inputs, hidden) = (shape.inputs(), shape.hidden());
    let images = (MAX_OPERATIONS / (inputs * hidden)).clamp(10, MAX_IMAGES).min(test.len());
    let mut units = vec![(0.0, 0); hidden];
    let mut activations = Vec::with_capacity(images * hidden / 2);
    let (mut room, mut z) = (vec![0; inputs], Vec::new());
    for image in test.images().chunks_exact(shape.pixels()).take(images) {
        let image = network_input(&shape, image, &mut room);
        let mut units = units.iter_mut();
        for WeightsPanel { w1, start, width, .. } in weights.panels() {
            z.clear();
            z.extend_from_slice(start.get(..width).unwrap_or(start));
            for (&pixel, row) in image.iter().zip(w1.chunks_exact(width)).filter(|(pixel, _)| **pixel != 0) {
                let pixel = if integers { f32::from(level(pixel)) } else { f32::from(pixel) };
                z.iter_mut().zip(row).for_each(|(z, weight)| *z += pixel * weight);
            }
            for (&z, (sum, count)) in z.iter().zip(units.by_ref()).filter(|(z, _)| **z > 0.0) {
                (*sum, *count) = (*sum + f64::from(z), *count + 1);
                activations.push(z);
            }
        }
    }
    (images, units, activations)
}

/// Shows the hidden units of a network, which is one of `integers` or not, and how they answer to test images.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2⁵²")]
pub(super) fn show(html: &mut Html, weights: Weights<'_>, integers: bool, test: &Set) {
    let shape = weights.shape();
    let (inputs, hidden, outputs) = (shape.inputs(), shape.hidden(), shape.outputs());
    let (images, units, activations) = activity(weights, integers, test);
    let first = |unit: usize| (0..inputs).filter_map(move |input| weights.w1(input, unit));
    let second = |unit: usize| (0..outputs).filter_map(move |output| weights.w2(unit, output));
    // The mean activation times the length of the weights to the outputs: by how far the unit moves the outputs.
    let strength = |(unit, &(sum, count)): (usize, &(f64, usize))| {
        let length = second(unit).map(|it| f64::from(it).powi(2)).sum::<f64>().sqrt();
        (unit, sum / images.max(1) as f64 * length, count)
    };
    let mut strongest: Vec<_> = units.iter().enumerate().map(strength).collect();
    strongest.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    strongest.truncate(MAX_UNITS.min(MAX_WEIGHTS / inputs).max(1));
    let width = if shape.halved_image().is_some() { test.width() / 2 } else { test.width() };
    html.section("Hidden units", |html| {
        let words = format!(
            "The {} strongest of {hidden} hidden units: the weights from each pixel, blue where ink raises the unit's \
             activation and orange where it lowers it, scaled to the largest weight. The strength is the mean activation \
             times the norm of the weights to the outputs. Below each picture: the output that the unit raises most, the \
             one that it raises least or lowers most, and the share of test images for which it is active.",
            strongest.len()
        );
        html.element("p", &words).raw("<ol class=\"pictures\">");
        for (unit, strength, count) in strongest {
            let largest = first(unit).fold(f32::MIN_POSITIVE, |most, it| most.max(it.abs()));
            let scaled: Vec<_> = first(unit).map(|it| it / largest).collect();
            let by_weight = |a: &(usize, f32), b: &(usize, f32)| a.1.total_cmp(&b.1);
            let (raises, _) = second(unit).enumerate().max_by(by_weight).unwrap_or_default();
            let (lowers, _) = second(unit).enumerate().min_by(by_weight).unwrap_or_default();
            let digits = if integers { 0 } else { 3 };
            let active = 100 * count / images.max(1);
            html.picture(
                &[(format!("Weights of hidden unit {unit}"), signed(&scaled, width))],
                &format!("for {raises}, not {lowers}"),
                &format!("unit {unit}, strength {strength:.digits$}, active {active} %"),
            );
        }
        html.raw("</ol>");
    });
    html.section("Weights and activations", |html| {
        let active = activations.len() as f64 / (images * hidden).max(1) as f64;
        let never = units.iter().filter(|(_, count)| *count == 0).count();
        let words = format!(
            "On average, {:.1} % of the hidden units are active for an image; {never} of {hidden} are active for none of \
             the first {images} test images. Counts are on a logarithmic scale.",
            100.0 * active
        );
        html.element("p", &words).raw("<div class=\"plots\">");
        let positive = if integers {
            "Positive sums of the hidden units, before they are shifted to 8 bits"
        } else {
            "Positive activations"
        };
        for (caption, x, counts) in [
            ("Weights from the pixels to the hidden units", "weight", histogram((0..hidden).flat_map(first))),
            ("Weights from the hidden units to the outputs", "weight", histogram((0..hidden).flat_map(second))),
            (positive, "activation", histogram(activations.into_iter())),
        ] {
            if !counts.is_empty() {
                html.plot(caption, &Plot { axes: [x, "count"], points: &counts, bars: true });
            }
        }
        html.raw("</div>\n");
    });
}

/// How many numbers there are in each part of their range: the middle of the part, and the count.
fn histogram(numbers: impl Iterator<Item = f32> + Clone) -> Vec<(f64, f64)> {
    let [least, most] = ends(numbers.clone().map(f64::from));
    if least > most {
        return Vec::new();
    }
    // Integers of a small range have a bar each; and all numbers may be equal.
    let whole = most - least <= 256.0 && numbers.clone().all(|number| number.fract() == 0.0);
    let least = if whole { least - 0.5 } else { least };
    let bars = if whole { index(most - least) + 1 } else { BARS };
    let width = if whole || most <= least { 1.0 } else { (most - least) / to_f64(bars) };
    let mut counts = vec![0.0; bars];
    for number in numbers {
        counts[index((f64::from(number) - least) / width).min(bars - 1)] += 1.0;
    }
    let middles = (0_u32..).map(|bar| least + (f64::from(bar) + 0.5) * width);
    middles.zip(counts).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number, and `as` saturates")]
fn index(number: f64) -> usize {
    number as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_counted_once() {
        let numbers = [0.0, 1.0, 59.9, 60.0, 30.5];
        // Integers have a bar each.
        assert_eq!(histogram([-1.0, 2.0, 2.0].into_iter()), [(-1.0, 1.0), (0.0, 0.0), (1.0, 0.0), (2.0, 2.0)]);
        let counts = histogram(numbers.into_iter());
        assert_eq!((counts.len(), counts[0], counts[1], counts[59]), (BARS, (0.5, 1.0), (1.5, 1.0), (59.5, 2.0)));
        assert!((counts.iter().map(|it| it.1).sum::<f64>() - 5.0).abs() < 1e-9);
        assert_eq!(histogram([7.0; 3].into_iter())[0], (7.0, 3.0));
        assert!(histogram([].into_iter()).is_empty());
    }
}
