//! Pictures of MNIST's test images come back as what the network was trained on.
//!
//! A choice of the slow pictures, in some ten seconds; all of them with `TWOLAYER_PICTURES_ALL=1`.

#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "run/mnist.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest")]
mod mnist;
#[path = "picture/numbers.rs"]
mod numbers;
mod pictures;

use pictures::Grey;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use twolayer::host::FileAccess;
use twolayer::host::dataset::Dataset;
use twolayer::host::training::{self, Recipe};
use twolayer::picture::{Ink, Picture, PictureError, Seen};
use twolayer::{Answer, Backend, Idx, Network};

const PIXELS: usize = 28 * 28;

/// MNIST's test images, a network that reads them, and what it takes them for.
struct Mnist {
    images: Vec<u8>,
    labels: Vec<u8>,
    classes: Vec<u8>,
    trained: training::Trained,
}

impl Mnist {
    /// All of it, where MNIST can be found.
    fn get(test: &str) -> Option<&'static Self> {
        static MNIST: OnceLock<Option<Mnist>> = OnceLock::new();
        let directory = mnist::directory(test)?;
        MNIST
            .get_or_init(|| {
                let dataset = Dataset::open(&directory, FileAccess::Map).unwrap();
                let trained = training::train(&dataset, &Recipe::default(), |_| ()).unwrap();
                let file = std::fs::read(dataset.test.images_path()).unwrap();
                let images = Idx::parse(&file).unwrap().data().to_vec();
                let labels = (0..dataset.test.len()).filter_map(|n| dataset.test.label(n)).collect();
                let mut mnist = Self { images, labels, classes: Vec::new(), trained };
                mnist.classes = mnist.read(&mnist.images);
                Some(mnist)
            })
            .as_ref()
    }

    /// The classes of images.
    fn read(&self, images: &[u8]) -> Vec<u8> {
        let network = Network::new(self.trained.weights.view(), Backend::detect());
        let mut classes = Vec::new();
        let mut scratch = vec![0.0; Network::batch_scratch_len(network.shape(), 64)];
        for images in images.chunks(64 * PIXELS) {
            let outputs = network.outputs_batch(images, &mut scratch).unwrap();
            classes.extend(outputs.chunks(10).map(|outputs| Answer::of(outputs).class));
        }
        classes
    }
}

fn normalize(grey: &Grey, ink: Ink) -> Result<([u8; PIXELS], Seen), PictureError> {
    let side = |side: usize| u32::try_from(side).unwrap();
    let (width, height) = (side(grey.width), side(grey.height));
    let picture = Picture::new(&grey.pixels, width, height, width)?;
    let mut scratch = vec![0xA5A5_A5A5; Picture::scratch_len(width, height, 28)];
    let mut input = [0xA5; PIXELS];
    let seen = picture.normalize(ink, &mut scratch, &mut input)?;
    Ok((input, seen))
}

/// What became of pictures.
#[derive(Debug, Default)]
struct Outcome {
    pictures: usize,
    errors: usize,
    /// Of the class that the network takes the image itself for.
    same_class: usize,
    /// No pixel off by more than one level: what was scaled to 254 becomes 255.
    same_pixels: usize,
    /// How many have which longer side.
    sides: BTreeMap<usize, usize>,
    /// The centre of mass not in [14, 15) in both directions.
    off_centre: usize,
}

/// The step for pictures that take long to make: every image only if asked for.
fn slow() -> usize {
    if std::env::var_os("TWOLAYER_PICTURES_ALL").is_some_and(|value| value == "1") { 1 } else { 10 }
}

/// Every `step`-th test image as a picture, and what became of all.
fn outcome(mnist: &Mnist, name: &str, step: usize, make: impl Fn(&Grey, usize) -> Grey + Sync) -> Outcome {
    let numbers: Vec<usize> = (0..mnist.classes.len()).step_by(step).collect();
    let image = |number: usize| &mnist.images[number * PIXELS..][..PIXELS];
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let inputs: Vec<_> = std::thread::scope(|scope| {
        let one = |&number: &usize| normalize(&make(&Grey::mnist(image(number)), number), Ink::Auto);
        let parts = numbers.chunks(numbers.len().div_ceil(threads));
        let parts: Vec<_> = parts.map(|part| scope.spawn(move || part.iter().map(one).collect::<Vec<_>>())).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    let mut outcome = Outcome { pictures: numbers.len(), ..Outcome::default() };
    let seen: Vec<u8> =
        inputs.iter().flat_map(|input| input.as_ref().map_or([0; PIXELS], |(input, _)| *input)).collect();
    let classes = mnist.read(&seen);
    for ((&number, input), class) in numbers.iter().zip(&inputs).zip(classes) {
        let Ok((input, _)) = input else {
            outcome.errors += 1;
            continue;
        };
        assert_eq!(input.iter().max(), Some(&255), "{name}, {number}");
        outcome.same_class += usize::from(class == mnist.classes[number]);
        outcome.same_pixels += usize::from(input.iter().zip(image(number)).all(|(a, b)| a.abs_diff(*b) <= 1));
        *outcome.sides.entry(longer_side(input)).or_default() += 1;
        outcome.off_centre += usize::from(!centred(input));
    }
    println!("{name}: {outcome:?}");
    outcome
}

fn longer_side(input: &[u8; PIXELS]) -> usize {
    let inked = |line: &dyn Fn(usize) -> usize| {
        let inked = |&i: &usize| (0..28).any(|j| input[line(i * 28 + j)] > 0);
        let first = (0..28).find(inked).unwrap();
        (0..28).rfind(inked).unwrap() - first + 1
    };
    inked(&|i| i).max(inked(&|i| i % 28 * 28 + i / 28))
}

fn centred(input: &[u8; PIXELS]) -> bool {
    let mass: u64 = input.iter().map(|&p| u64::from(p)).sum();
    let moment = |place: &dyn Fn(usize) -> usize| -> u64 {
        input.iter().enumerate().map(|(i, &p)| u64::from(p) * (2 * place(i) as u64 + 1)).sum()
    };
    [moment(&|i| i % 28), moment(&|i| i / 28)].iter().all(|m| (28 * mass..30 * mass).contains(m))
}

/// At least `per_mille` of the pictures keep their class; hardly one is refused, and nearly all are as MNIST's images are.
fn assert_kept(outcome: &Outcome, per_mille: usize) {
    let pictures = outcome.pictures;
    assert!(1000 * outcome.same_class >= per_mille * pictures, "{outcome:?}");
    assert!(1000 * outcome.errors <= 4 * pictures, "{outcome:?}");
    let inputs = pictures - outcome.errors;
    assert!(outcome.sides.get(&20).is_some_and(|sides| 1000 * (inputs - sides) <= inputs), "{outcome:?}");
    assert!(outcome.sides.keys().all(|side| (18..=20).contains(side)), "{outcome:?}");
    // A digit that reaches the edge is not shifted out of the input.
    assert!(1000 * outcome.off_centre <= 2 * inputs, "{outcome:?}");
}

#[test]
fn an_image_comes_back_as_it_was() {
    let Some(mnist) = Mnist::get("an_image_comes_back_as_it_was") else { return };
    let same = outcome(mnist, "itself", 1, |image, _| image.clone());
    assert_kept(&same, 998);
    assert_eq!(same.errors, 0);
    // All but those with specks or lines so faint that they are taken for noise.
    assert!(same.same_pixels >= 9_750, "{same:?}");
    // On a larger sheet, elsewhere, dark on light: the same, but for specks, as the threshold depends on how much is paper.
    let elsewhere = outcome(mnist, "elsewhere", 1, |image, n| image.on(100, 80, n % 73, n % 53).inverted());
    assert!(elsewhere.same_class.abs_diff(same.same_class) + elsewhere.same_pixels.abs_diff(same.same_pixels) <= 10);
}

#[test]
fn enlarged_images() {
    let Some(mnist) = Mnist::get("enlarged_images") else { return };
    for (times, step) in [(2, 5), (3, 5), (8, slow()), (12, 40)] {
        assert_kept(&outcome(mnist, &format!("squares × {times}"), step, |image, _| image.doubled(times)), 997);
        assert_kept(&outcome(mnist, &format!("smooth × {times}"), step, |image, _| image.enlarged(times)), 995);
    }
    let paper = |image: &Grey, n| image.enlarged(3).on(300, 280, n % 201, n % 171).inverted();
    assert_kept(&outcome(mnist, "smooth × 3 on a large sheet", 10, paper), 995);
}

#[test]
fn photographs() {
    let Some(mnist) = Mnist::get("photographs") else { return };
    for (width, height, times, step, per_mille) in
        [(64, 64, 2.0, 5, 980), (160, 120, 3.5, slow(), 980), (320, 240, 4.0, 80, 980)]
    {
        let photograph = |image: &Grey, n| image.photographed(width, height, times, n as u64);
        assert_kept(&outcome(mnist, &format!("photograph {width} × {height}"), step, photograph), per_mille);
    }
    let small_file = |image: &Grey, n| image.photographed(160, 120, 3.5, n as u64).compressed(60);
    assert_kept(&outcome(mnist, "photograph 160 × 120, compressed", 40, small_file), 980);
}

#[test]
fn compressed_images() {
    let Some(mnist) = Mnist::get("compressed_images") else { return };
    for (times, step) in [(1, 1), (2, 5), (4, 10), (8, 40)] {
        let compressed = |image: &Grey, _| image.enlarged(times).inverted().compressed(60);
        assert_kept(&outcome(mnist, &format!("compressed × {times}"), step, compressed), 980);
    }
}

/// Makes a picture of an image and its number.
type Make<'a> = &'a (dyn Fn(&Grey, usize) -> Grey + Sync);

/// What is around a digit in people's pictures: 97 % of all that the plain picture gets, and nothing is refused.
#[test]
fn surroundings() {
    let Some(mnist) = Mnist::get("surroundings") else { return };
    let dark = |image: &Grey| image.doubled(6).inverted();
    let paper = |image: &Grey, n: usize| image.in_ink(190, 40).doubled(5).noisy(3.0, n as u64);
    let scenes: [(&str, Make<'_>); 16] = [
        ("a rectangle around", &|image, _| dark(image).framed(2, 2, 255).framed(3, 3, 0).framed(4, 4, 255)),
        ("a rectangle at the edge", &|image, _| {
            dark(image).painted(|x, y, level| if x.min(167 - x).min(y).min(167 - y) < 3 { 0 } else { level })
        }),
        ("ruled paper", &|image, _| dark(image).painted(|_, y, level| if y % 40 < 2 { level.min(225) } else { level })),
        ("squared paper", &|image, _| {
            dark(image).painted(|x, y, level| if x % 40 < 2 || y % 40 < 2 { level.min(230) } else { level })
        }),
        ("cut to the ink", &|image, _| dark(&image.tight())),
        ("a margin of a twentieth", &|image, _| {
            let tight = dark(&image.tight());
            let margin = tight.width.max(tight.height) / 20;
            tight.framed(margin, margin, 255)
        }),
        ("a narrow margin, noise, × 2", &|image, n| {
            image.tight().in_ink(190, 40).doubled(2).framed(3, 3, 190).noisy(3.0, n as u64)
        }),
        ("a narrow margin, noise, × 3", &|image, n| {
            image.tight().in_ink(190, 40).doubled(3).framed(3, 3, 190).noisy(3.0, n as u64)
        }),
        ("a narrow margin, noise, × 6", &|image, n| {
            image.tight().in_ink(190, 40).doubled(6).framed(3, 3, 190).noisy(3.0, n as u64)
        }),
        ("on a desk", &|image, n| image.in_ink(190, 40).doubled(5).framed(25, 25, 50).noisy(3.0, n as u64)),
        ("a dark strip", &|image, n| paper(image, n).painted(|x, _, level| if x < 14 { 50 } else { level })),
        ("a dark corner", &|image, n| paper(image, n).painted(|x, y, level| if x + y < 46 { 50 } else { level })),
        ("letterboxed", &|image, n| paper(image, n).framed(40, 0, 0)),
        ("padded", &|image, n| paper(image, n).framed(30, 30, 255)),
        ("a black frame around grey paper", &|image, n| paper(image, n).framed(12, 12, 190).framed(6, 6, 0)),
        ("light ink on a plate in a light frame", &|image, n| {
            image.in_ink(60, 220).doubled(4).framed(12, 12, 160).noisy(2.0, n as u64)
        }),
    ];
    for (name, make) in scenes {
        let outcome = outcome(mnist, name, 20, make);
        assert!(100 * outcome.same_class >= 97 * outcome.pictures && outcome.errors == 0, "{name}: {outcome:?}");
    }
}
