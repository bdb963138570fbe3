//! The hidden units of a network: their weights as pictures, their strength, and the distribution of weights and activations.

use super::html::Html;
use super::picture::signed;
use super::plot::Plot;
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
    let mut weights = OwnedWeights::zeros(shape)?;
    let mut view = weights.view_mut();
    for unit in 0..shape.hidden() {
        for input in 0..shape.inputs() {
            if let (Some(weight), Ok(first)) = (view.w1_mut(input, unit), i16::try_from(quantized.first(input, unit))) {
                *weight = first.into();
            }
        }
        for output in 0..shape.outputs() {
            if let Some(weight) = view.w2_mut(unit, output) {
                *weight = quantized.second(unit, output).into();
            }
        }
    }
    Ok(Some(weights))
}

/// What is known of the hidden units.
pub(super) struct Units {
    /// The strongest first.
    strongest: Vec<Unit>,
    /// The columns of their pictures.
    width: usize,
    /// How often numbers of each size occur.
    first: Histogram,
    second: Histogram,
    activations: Histogram,
    /// The images that the activations are of.
    images: usize,
    hidden: usize,
    /// The mean share of units that are active for an image, and the number of those that never are.
    active: f64,
    never: usize,
    /// Whether the network is one of integers.
    integers: bool,
}

/// A hidden unit.
struct Unit {
    number: usize,
    /// The mean activation times the length of the weights to the outputs: by how far it moves the outputs.
    strength: f64,
    /// The outputs that it raises most and least.
    raises: usize,
    lowers: usize,
    /// In how many images it is active.
    active: usize,
    picture: Vec<f32>,
}

impl Units {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2⁵²")]
    pub(super) fn new(weights: Weights<'_>, integers: bool, test: &Set) -> Self {
        let shape = weights.shape();
        let (inputs, hidden, outputs) = (shape.inputs(), shape.hidden(), shape.outputs());
        let images = (MAX_OPERATIONS / (inputs * hidden)).clamp(10, MAX_IMAGES).min(test.len());
        let (mut sums, mut counts) = (vec![0.0_f64; hidden], vec![0_usize; hidden]);
        let mut activations = Vec::with_capacity(images * hidden / 2);
        let mut halved = vec![0; inputs];
        let mut z = Vec::new();
        for image in test.images().chunks_exact(shape.pixels()).take(images) {
            let image = network_input(shape, image, &mut halved);
            let mut first_unit = 0;
            for WeightsPanel { w1, start, width, .. } in weights.panels() {
                z.clear();
                z.extend_from_slice(start.get(..width).unwrap_or(start));
                for (&pixel, row) in image.iter().zip(w1.chunks_exact(width)).filter(|(pixel, _)| **pixel != 0) {
                    let pixel = if integers { f32::from(level(pixel)) } else { f32::from(pixel) };
                    z.iter_mut().zip(row).for_each(|(z, weight)| *z += pixel * weight);
                }
                for ((&z, sum), count) in z.iter().zip(&mut sums[first_unit..]).zip(&mut counts[first_unit..]) {
                    if z > 0.0 {
                        (*sum, *count) = (*sum + f64::from(z), *count + 1);
                        activations.push(z);
                    }
                }
                first_unit = (first_unit + width).min(hidden);
            }
        }
        let second = |unit: usize| (0..outputs).filter_map(move |output| weights.w2(unit, output));
        let mut units: Vec<_> = (0..hidden)
            .map(|unit| {
                let length = second(unit).map(|it| f64::from(it).powi(2)).sum::<f64>().sqrt();
                (unit, sums[unit] / images.max(1) as f64 * length)
            })
            .collect();
        units.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        units.truncate(MAX_UNITS.min(MAX_WEIGHTS / inputs).max(1));
        let unit = |(number, strength): (usize, f64)| {
            let raised = |a: &(usize, f32), b: &(usize, f32)| a.1.total_cmp(&b.1);
            let output = |found: Option<(usize, f32)>| found.map_or(0, |(output, _)| output);
            let looks: Vec<_> = (0..inputs).filter_map(|input| weights.w1(input, number)).collect();
            let largest = looks.iter().fold(f32::MIN_POSITIVE, |most, it| most.max(it.abs()));
            Unit {
                number,
                strength,
                raises: output(second(number).enumerate().max_by(raised)),
                lowers: output(second(number).enumerate().min_by(raised)),
                active: counts[number],
                picture: looks.into_iter().map(|it| it / largest).collect(),
            }
        };
        let width = test.width();
        let all = (0..hidden).flat_map(|unit| (0..inputs).filter_map(move |input| weights.w1(input, unit)));
        Self {
            strongest: units.into_iter().map(unit).collect(),
            width: if shape.halved_image().is_some() { width / 2 } else { width },
            first: Histogram::new(all),
            second: Histogram::new((0..hidden).flat_map(second)),
            active: activations.len() as f64 / (images * hidden).max(1) as f64,
            activations: Histogram::new(activations.into_iter()),
            images,
            hidden,
            integers,
            never: counts.iter().filter(|count| **count == 0).count(),
        }
    }

    pub(super) fn show(&self, html: &mut Html) {
        let Self { strongest, width, images, hidden, active, never, .. } = self;
        html.section("Hidden units", |html| {
            html.element(
                "p",
                &format!(
                    "The {} strongest of {hidden} hidden units: the weights from each pixel, blue where ink raises the \
                     unit's activation and orange where it lowers it, scaled to the largest weight. The strength is the mean \
                     activation times the norm of the weights to the outputs. Below each picture: the output that the unit \
                     raises most, the one that it raises least or lowers most, and the share of test images for which it is \
                     active.",
                    strongest.len()
                ),
            );
            html.raw("<ol class=\"pictures\">");
            for unit in strongest {
                let Unit { number, strength, raises, lowers, active, .. } = unit;
                let about = format!("Weights of hidden unit {number}");
                html.raw("<li><figure>").picture(&about, &signed(&unit.picture, *width));
                html.raw("<figcaption>").element("b", &format!("for {raises}, not {lowers}"));
                let digits = if self.integers { 0 } else { 3 };
                let active = 100 * active / (*images).max(1);
                html.raw(" <small>").text(&format!("unit {number}, strength {strength:.digits$}, active {active} %"));
                html.raw("</small></figcaption></figure></li>\n");
            }
            html.raw("</ol>");
        });
        html.section("Weights and activations", |html| {
            html.element(
                "p",
                &format!(
                    "On average, {:.1} % of the hidden units are active for an image; {never} of {hidden} are active for none \
                     of the first {images} test images. Counts are on a logarithmic scale.",
                    100.0 * active
                ),
            );
            html.raw("<div class=\"plots\">");
            let activations =
                if self.integers { "Positive sums of the hidden units, before they are shifted to 8 bits" } else { "Positive activations" };
            for (histogram, caption, x) in [
                (&self.first, "Weights from the pixels to the hidden units", "weight"),
                (&self.second, "Weights from the hidden units to the outputs", "weight"),
                (&self.activations, activations, "activation"),
            ] {
                if histogram.0.is_empty() {
                    continue;
                }
                html.figure(caption, |html| html.plot(&Plot::bars([x, "count"], &histogram.0)));
            }
            html.raw("</div>\n");
        });
    }
}

/// How many numbers there are in each part of their range: the middle of the part, and the count.
struct Histogram(Vec<(f64, f64)>);

impl Histogram {
    fn new(numbers: impl Iterator<Item = f32> + Clone) -> Self {
        let ends = numbers.clone().fold(None, |ends: Option<[f32; 2]>, it| {
            Some(ends.map_or([it, it], |[least, most]| [least.min(it), most.max(it)]))
        });
        let Some([least, most]) = ends.map(|ends| ends.map(f64::from)) else { return Self(Vec::new()) };
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
        Self(middles.zip(counts).collect())
    }
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
        assert_eq!(Histogram::new([-1.0, 2.0, 2.0].into_iter()).0, [(-1.0, 1.0), (0.0, 0.0), (1.0, 0.0), (2.0, 2.0)]);
        let counts = Histogram::new(numbers.into_iter()).0;
        assert_eq!((counts.len(), counts[0], counts[1], counts[59]), (BARS, (0.5, 1.0), (1.5, 1.0), (59.5, 2.0)));
        assert!((counts.iter().map(|it| it.1).sum::<f64>() - 5.0).abs() < 1e-9);
        assert_eq!(Histogram::new([7.0; 3].into_iter()).0[0], (7.0, 3.0));
        assert!(Histogram::new([].into_iter()).0.is_empty());
    }
}
