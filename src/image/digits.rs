//! Synthetic handwritten digits, generated from a seed: a data set in MNIST's format that needs no download.
//!
//! Each digit starts from one of several common ways to write it (`forms`). The control points of its strokes are
//! jittered; the whole digit is stretched, slanted, rotated and bent; the strokes are drawn with a pen; and the image
//! is scaled and centred as in MNIST. This takes a few microseconds per digit.
//!
//! The bytes are the same on every machine: the generator uses only f32 `+ - * /` and `sqrt`, which IEEE 754 rounds
//! correctly, in a fixed order.

use crate::base::{Always, PlusPlus, violated};
use core::ops::Range;
use wide::f32x4;

/// Width and height of an image, in pixels.
pub(crate) const SIDE: usize = 28;

/// Width and height of the box that a digit is scaled to before it is centred in the image, in pixels.
const BOX: usize = 20;

/// Generates digit number `index` of the sequence of `seed`. Returns 28 × 28 pixels, row by row (0 is background, 255
/// is ink), and the label, 0 to 9.
///
/// The result depends on the arguments only, so digits can be generated in any order and on any thread.
///
/// ```
/// let (pixels, label) = twolayer::digit(1, 0);
/// for row in pixels.chunks(28) {
///     println!("{}", row.iter().map(|&pixel| if pixel > 127 { '#' } else { ' ' }).collect::<String>());
/// }
/// println!("a {label}");
/// # assert!(label < 10 && pixels.contains(&255));
/// ```
#[must_use]
pub fn digit(seed: u64, index: u32) -> ([u8; SIDE * SIDE], u8) {
    let mut random = generator(seed, index);
    let label = below(&mut random, 10);
    (draw(forms(label), &mut random), label)
}

/// Another digit of a label, 0 to 9, as it may be written anywhere: ones have a flag, and a foot or none, sevens are crossed, nines
/// have a curled tail, fours are open. The others are those of [`digit`]. 28 × 28 pixels.
///
/// American hands, such as those of MNIST, write few of these. A network that is to read others sees some of them in training.
///
/// ```
/// assert_ne!(twolayer::redraw(7, 1), twolayer::redraw(7, 2));
/// ```
#[must_use]
pub fn redraw(label: u8, seed: u64) -> [u8; SIDE * SIDE] {
    let mut random = PlusPlus::new(seed);
    let forms = match label {
        1 | 4 | 7 | 9 => european(label),
        _ => forms(label),
    };
    draw(forms, &mut random)
}

/// Draws one of the forms.
fn draw(forms: &'static [Form], random: &mut PlusPlus) -> [u8; SIDE * SIDE] {
    let nib = Nib::new(random);
    let mut path = sketch(pick(forms, random), random);
    let lines = path.lines();
    fit(lines, nib.radius + 0.3);
    centre(&rasterize(lines, &nib))
}

/// One way to write a digit: how often it is used, in per cent, and its strokes.
struct Form(u8, &'static [Stroke]);

/// The control points of a quadratic B-spline, from the first to the last; a repeated point makes a corner.
type Stroke = &'static [Control];

/// `[x, y, dx, dy]`: a position, and how far it moves along x and y per unit of the writer's style (from -1.4 to 1.4).
type Control = [i8; 4];

/// The ways to write a digit, in a box about 70 wide and 100 high; y points down.
#[rustfmt::skip]
const fn forms(label: u8) -> &'static [Form] {
    match label {
        0 => &[ // round; started further down; closed across its inside
            Form(70, &[&[[50,2,8,6], [18,-4,4,0], [0,28,0,0], [-8,72,0,0], [6,104,-4,0], [48,104,4,0], [66,72,0,0],
                [74,28,0,0], [60,-4,0,4], [38,4,-10,8]]]),
            Form(20, &[&[[36,6,8,6], [8,20,4,0], [-8,70,0,0], [6,104,-4,0], [48,104,4,0], [70,60,0,0], [72,10,0,4],
                [46,-4,0,4], [28,10,-8,10]]]),
            Form(10, &[&[[50,2,8,6], [18,-4,4,0], [0,28,0,0], [-8,72,0,0], [6,104,-4,0], [48,104,4,0], [66,72,0,0],
                [74,28,0,0], [64,-6,0,4], [44,20,8,8], [30,54,0,20]]]),
        ],
        1 => &[ // a stick; with a flag; with a flag and a foot
            Form(90, &[&[[58,0,0,0], [53,30,5,0], [47,70,-5,0], [42,100,0,0]]]),
            Form(5, &[&[[36,22,8,-6], [56,0,0,0], [56,0,0,0], [50,50,0,0], [44,100,0,0]]]),
            Form(5, &[&[[32,18,8,-6], [50,0,0,0], [50,0,0,0], [50,50,0,0], [50,100,0,0]],
                &[[22,100,-10,0], [50,100,0,0], [78,98,10,0]]]),
        ],
        2 => &[ // with a corner; with a small loop; with a wide loop; like a Z
            Form(35, &[&[[4,22,0,12], [14,-4,0,0], [64,-6,0,4], [62,38,0,8], [34,70,5,5], [0,98,0,0], [0,98,0,0],
                [30,97,0,-6], [80,97,16,8]]]),
            Form(20, &[&[[14,20,18,8], [24,-4,14,0], [62,-4,0,4], [60,40,4,4], [40,84,5,5], [14,104,0,0], [-10,92,-8,0],
                [4,70,0,-8], [32,84,6,-6], [52,102,0,0], [78,90,12,-12]]]),
            Form(25, &[&[[6,20,0,10], [16,-4,0,0], [62,-6,0,4], [70,44,4,4], [46,92,4,4], [10,108,0,0], [-14,86,-6,0],
                [4,58,0,-8], [36,70,4,-8], [58,92,0,0], [80,94,12,14]]]),
            Form(20, &[&[[2,16,0,10], [26,-4,0,0], [68,2,0,6], [54,44,0,0], [18,74,0,0], [0,92,0,0], [4,96,0,0],
                [36,84,0,6], [84,94,10,8]]]),
        ],
        3 => &[ // round; with a flat top; with a short tail; with a loop
            Form(45, &[&[[4,12,0,10], [20,-4,0,0], [64,-4,4,0], [60,38,0,4], [28,46,16,8], [28,47,16,8], [70,46,0,6],
                [72,100,4,0], [28,106,0,0], [-6,88,8,10]]]),
            Form(15, &[&[[5,2,0,5], [62,0,0,0], [62,2,0,0], [28,40,12,6], [28,42,12,6], [72,40,0,0], [72,100,0,0],
                [28,106,0,0], [-2,88,0,10]]]),
            Form(25, &[&[[4,8,0,10], [30,-2,0,0], [68,0,4,0], [46,36,8,6], [32,44,12,6], [64,44,0,6], [68,86,0,0],
                [36,104,-16,4]]]),
            Form(15, &[&[[4,10,0,8], [24,-4,0,0], [66,-4,4,0], [56,36,0,4], [22,58,0,0], [20,42,0,0], [56,42,0,0],
                [72,64,0,0], [62,106,0,0], [20,104,0,0], [-4,88,0,10]]]),
        ],
        4 => &[ // open; closed; in one stroke
            Form(55, &[&[[16,2,12,0], [2,35,4,0], [0,58,0,8], [0,58,0,8], [30,58,0,0], [68,54,12,-4]],
                &[[62,5,12,12], [54,50,0,0], [45,100,-8,0]]]),
            Form(25, &[&[[52,0,0,0], [20,40,-5,0], [0,64,0,0], [0,64,0,0], [40,64,0,0], [75,63,8,0]],
                &[[52,0,0,10], [53,50,0,0], [52,100,0,0]]]),
            Form(20, &[&[[10,6,10,0], [-4,46,0,6], [16,66,0,0], [52,50,0,0], [60,6,6,8], [60,4,6,8], [54,50,0,0],
                [46,100,-6,0]]]),
        ],
        5 => &[ // the bar last; in one stroke; like an S
            Form(50, &[&[[18,4,6,0], [12,25,0,0], [8,44,0,10], [8,44,0,10], [35,32,0,8], [68,48,0,0], [64,100,0,0],
                [25,106,0,0], [-6,92,8,-8]],
                &[[16,2,6,4], [42,1,0,0], [76,-4,16,-4]]]),
            Form(30, &[&[[74,-2,14,-3], [40,1,0,0], [18,2,6,0], [18,2,6,0], [12,42,4,10], [12,42,4,10], [40,40,0,0],
                [62,62,6,0], [46,102,6,0], [20,106,0,0], [-6,93,8,-8]]]),
            Form(20, &[&[[70,4,10,-4], [40,-4,0,0], [10,2,4,0], [2,38,0,0], [42,42,0,0], [66,62,0,0], [54,102,0,0],
                [18,106,0,0], [-4,88,0,8]]]),
        ],
        6 => &[ // curved; with a straight back
            Form(55, &[&[[46,0,14,4], [22,14,0,0], [0,45,0,0], [-2,85,0,0], [16,106,0,0], [52,104,0,0], [62,74,0,-10],
                [44,50,0,-10], [18,62,0,-6], [2,88,-10,4]]]),
            Form(45, &[&[[18,0,20,2], [4,40,4,0], [-2,76,0,0], [8,106,0,0], [52,106,0,0], [70,78,6,0], [56,50,0,-10],
                [26,56,4,-8], [6,86,-12,0]]]),
        ],
        7 => &[ // plain; with a hook; with a bar
            Form(55, &[&[[0,8,0,10], [25,3,0,6], [60,0,4,0], [60,2,4,0], [52,40,8,0], [40,70,8,0], [36,100,8,0]]]),
            Form(30, &[&[[0,26,0,10], [2,2,0,0], [30,4,0,6], [64,-2,0,0], [64,10,6,0], [48,50,6,0], [42,100,8,0]]]),
            Form(15, &[&[[0,6,0,10], [25,3,0,6], [62,0,0,0], [62,2,0,0], [52,40,6,0], [38,70,6,0], [34,100,6,0]],
                &[[14,54,0,4], [40,50,0,0], [70,48,8,0]]]),
        ],
        8 => &[ // in one stroke; two rings; with loose ends
            Form(50, &[&[[58,14,0,0], [44,-4,0,0], [14,-4,0,0], [6,28,0,4], [32,48,0,8], [56,66,4,4], [50,104,4,0],
                [10,104,-4,0], [2,74,-4,4], [30,50,0,8], [58,28,0,4], [62,8,6,-8]]]),
            Form(15, &[&[[34,0,0,4], [8,0,0,0], [6,44,0,0], [34,48,0,0], [60,44,0,0], [58,0,0,0], [34,0,0,4]],
                &[[34,46,0,0], [4,46,0,0], [0,102,0,0], [34,102,0,0], [66,102,0,0], [64,46,0,0], [34,46,0,0]]]),
            Form(35, &[&[[56,8,10,6], [40,-6,0,0], [8,2,-4,0], [6,30,-4,4], [32,46,0,8], [52,68,0,4], [42,104,0,0],
                [8,104,0,0], [4,78,0,4], [30,52,0,8], [54,26,4,0], [76,-2,12,-6]]]),
        ],
        _ => &[ // straight; curved; with an open head
            Form(50, &[&[[56,12,0,4], [40,-4,0,0], [10,2,0,0], [-2,36,0,10], [16,56,0,12], [46,44,0,10], [56,12,4,0],
                [58,12,4,0], [54,55,0,0], [46,100,10,0]]]),
            Form(25, &[&[[56,14,0,4], [42,-4,0,0], [10,2,0,0], [0,38,0,6], [16,54,0,6], [48,44,0,4], [56,14,0,0],
                [60,30,0,0], [62,74,0,0], [45,104,0,0], [12,96,0,-10]]]),
            Form(25, &[&[[66,4,8,6], [36,-6,0,0], [-2,8,0,6], [-2,50,0,6], [30,54,0,6], [52,28,0,4], [56,22,2,6],
                [52,55,0,0], [40,100,12,0]]]),
        ],
    }
}

/// The ways to write a one, a four, a seven or a nine that are rare in America.
#[rustfmt::skip]
const fn european(label: u8) -> &'static [Form] {
    match label {
        1 => &[ // with a long flag; like a roof; with a short flag; with a flag and a foot; with a foot
            Form(35, &[&[[16,44,12,12], [50,0,4,0], [50,0,4,0], [48,50,0,0], [46,100,0,0]]]),
            Form(20, &[&[[0,66,10,16], [46,0,4,0], [46,0,4,0], [48,50,0,0], [50,100,0,0]]]),
            Form(15, &[&[[30,22,8,-6], [52,0,0,0], [52,0,0,0], [50,50,0,0], [48,100,0,0]]]),
            Form(20, &[&[[20,34,12,12], [50,0,0,0], [50,0,0,0], [50,50,0,0], [50,100,0,0]],
                &[[22,100,-10,0], [50,100,0,0], [78,98,10,0]]]),
            Form(10, &[&[[50,0,0,0], [50,50,0,0], [50,100,0,0]],
                &[[26,100,-10,0], [50,100,0,0], [74,98,10,0]]]),
        ],
        4 => &[ // open: with a short second stroke; as in America; narrow
            Form(40, &[&[[30,0,8,0], [0,62,0,8], [0,62,0,8], [40,62,0,0], [74,60,10,0]],
                &[[48,34,8,10], [46,70,0,0], [42,100,-8,0]]]),
            Form(40, &[&[[16,2,12,0], [2,35,4,0], [0,58,0,8], [0,58,0,8], [30,58,0,0], [68,54,12,-4]],
                &[[62,5,12,12], [54,50,0,0], [45,100,-8,0]]]),
            Form(20, &[&[[44,0,10,0], [20,30,0,0], [0,60,0,6], [0,60,0,6], [40,60,0,0], [78,58,8,0]],
                &[[54,40,6,10], [52,70,0,0], [50,104,-4,0]]]),
        ],
        7 => &[ // with a bar; with a hook and a bar; with a hook
            Form(45, &[&[[0,6,0,10], [25,3,0,6], [62,0,0,0], [62,2,0,0], [52,40,6,0], [38,70,6,0], [34,100,6,0]],
                &[[14,54,0,4], [40,50,0,0], [70,48,8,0]]]),
            Form(35, &[&[[0,24,0,8], [2,2,0,0], [30,4,0,6], [64,-2,0,0], [64,10,6,0], [46,50,6,0], [36,100,8,0]],
                &[[16,54,6,6], [42,51,0,0], [70,47,8,-4]]]),
            Form(20, &[&[[0,26,0,10], [2,2,0,0], [30,4,0,6], [64,-2,0,0], [64,10,6,0], [48,50,6,0], [42,100,8,0]]]),
        ],
        _ => &[ // with a curved tail; with a curled one; with a slanted one
            Form(50, &[&[[56,14,0,4], [42,-4,0,0], [10,2,0,0], [0,38,0,6], [16,54,0,6], [48,44,0,4], [56,14,0,0],
                [60,30,0,0], [62,78,0,0], [45,104,0,0], [10,102,0,-10]]]),
            Form(30, &[&[[56,14,0,4], [42,-4,0,0], [10,2,0,0], [0,34,0,6], [16,52,0,6], [48,44,0,4], [56,14,0,0],
                [60,30,0,0], [60,96,0,4], [24,112,0,0], [0,84,0,10]]]),
            Form(20, &[&[[56,10,0,4], [34,-6,0,0], [4,4,0,0], [0,40,0,6], [30,54,0,6], [56,40,0,4], [58,10,0,0],
                [56,50,0,0], [40,90,0,0], [10,104,0,-8]]]),
        ],
    }
}

/// Picks the strokes of one of the forms at random, by their frequencies.
fn pick(forms: &'static [Form], random: &mut PlusPlus) -> &'static [Stroke] {
    let mut ticket = below(random, 100);
    for &Form(share, strokes) in forms {
        match ticket.checked_sub(share) {
            Some(rest) => ticket = rest,
            None => return strokes,
        }
    }
    &[]
}

type Point = (f32, f32);

/// A straight segment of a curve.
type Line = (Point, Point);

/// A random distortion of a digit: stretch, slant and rotation (linear terms), and bending (quadratic terms).
fn distortion(random: &mut PlusPlus) -> impl Fn(Point) -> Point + use<> {
    let stretch = random.between(0.7, 1.6);
    let slant = 0.1 + bell(random, 0.8);
    let turn = bell(random, 0.35);
    let cos = 1.0 / sqrt(1.0 + turn * turn);
    let sin = turn * cos;
    let bend_x = [bell(random, 0.38), bell(random, 0.38), bell(random, 0.38)];
    let bend_y = [bell(random, 0.38), bell(random, 0.38), bell(random, 0.38)];
    move |(x, y)| {
        let bent = |[a, b, c]: [f32; 3]| a * x * x + b * x * y + c * y * y;
        let (wide, tall) = (stretch * x - slant * y, y);
        (wide * cos - tall * sin + bent(bend_x), wide * sin + tall * cos + bent(bend_y))
    }
}

/// Line segments, in the order in which they were appended.
struct Path {
    lines: [Line; Self::CAPACITY],
    len: usize,
}

impl Path {
    /// No form has more segments; a test counts them.
    const CAPACITY: usize = 30;

    const fn new() -> Self {
        Self { lines: [((0.0, 0.0), (0.0, 0.0)); Self::CAPACITY], len: 0 }
    }

    fn push(&mut self, line: Line) {
        let Some(next) = self.lines.get_mut(self.len) else { violated!("no form has more segments", return) };
        *next = line;
        self.len += 1;
    }

    fn lines(&mut self) -> &mut [Line] {
        self.lines.get_mut(..self.len).always("there are no more than were pushed")
    }
}

/// Jitters and distorts the strokes at random, and flattens them to line segments.
fn sketch(strokes: &[Stroke], random: &mut PlusPlus) -> Path {
    let distort = distortion(random);
    let style = (random.between(-1.4, 1.4), random.between(-1.4, 1.4));
    let mut path = Path::new();
    for stroke in strokes {
        let start = (bell(random, 8.0), bell(random, 8.0));
        let mut points = stroke.iter().map(|control| {
            let [x, y, dx, dy] = control.map(f32::from);
            let x = x + dx * style.0 + start.0 + bell(random, 15.0);
            let y = y + dy * style.1 + start.1 + bell(random, 15.0);
            distort((x / 50.0 - 0.7, y / 50.0 - 1.0))
        });
        spline(&mut points, &mut path);
    }
    path
}

/// Appends a quadratic B-spline: a chain of Bézier curves that meet halfway between the control points.
fn spline(points: &mut dyn Iterator<Item = Point>, path: &mut Path) {
    let (Some(mut from), Some(mut control), Some(mut end)) = (points.next(), points.next(), points.next()) else {
        return;
    };
    for next in points {
        let joint = between(control, end, 0.5);
        bezier(from, control, joint, path);
        (from, control, end) = (joint, end, next);
    }
    bezier(from, control, end, path);
}

/// Appends a quadratic Bézier curve as three line segments, which is smooth enough at this size.
fn bezier(from: Point, control: Point, to: Point, path: &mut Path) {
    let mut last = from;
    for t in [1.0 / 3.0, 2.0 / 3.0, 1.0] {
        let point = between(between(from, control, t), between(control, to, t), t);
        path.push((last, point));
        last = point;
    }
}

/// Linear interpolation: `a` at `t = 0`, `b` at `t = 1`.
fn between(a: Point, b: Point, t: f32) -> Point {
    (a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1))
}

/// Scales and moves a path so that its longer side, with `margin` on both ends, fills the box.
fn fit(path: &mut [Line], margin: f32) {
    let (mut low, mut high) = ((f32::MAX, f32::MAX), (f32::MIN, f32::MIN));
    for (a, b) in &*path {
        low = (low.0.min(a.0).min(b.0), low.1.min(a.1).min(b.1));
        high = (high.0.max(a.0).max(b.0), high.1.max(a.1).max(b.1));
    }
    let longer = (high.0 - low.0).max(high.1 - low.1).max(0.01);
    let scale = (20.0 - 2.0 * margin) / longer;
    let middle = between(low, high, 0.5);
    let place = |p: Point| ((p.0 - middle.0) * scale + 10.0, (p.1 - middle.1) * scale + 10.0);
    for (a, b) in path {
        (*a, *b) = (place(*a), place(*b));
    }
}

/// The tip of the pen: an upright or flat ellipse with a soft edge, as in images that were scaled down.
struct Nib {
    radius: f32,
    narrow: (f32, f32),
    hardness: f32,
}

impl Nib {
    /// A random nib: mostly thin, sometimes thick.
    fn new(random: &mut PlusPlus) -> Self {
        let flat = random.between(-1.0, 1.0);
        Self {
            radius: random.between(0.6, 1.45) + random.between(0.0, 1.4) * random.between(0.0, 1.0),
            narrow: (1.0 + flat.max(0.0), 1.0 + (-flat).max(0.0)),
            hardness: random.between(0.7, 1.05),
        }
    }

    /// The amount of ink, from 0 to 1, at this offset from the centre of the nib.
    fn ink(&self, (x, y): Point) -> f32 {
        let distance = sqrt(x * x * self.narrow.0 + y * y * self.narrow.1);
        (0.5 + (self.radius - distance) * self.hardness).clamp(0.0, 1.0)
    }

    /// The rows or columns of the box that the nib may touch while it moves from `p` to `q`.
    fn reach(&self, p: f32, q: f32) -> Range<u8> {
        let reach = self.radius + 0.7;
        to_u8(p.min(q) - reach)..to_u8(p.max(q) + reach + 1.0)
    }
}

/// Draws the path with the nib. A pixel gets the maximum over all segments, so that crossings are not darker.
fn rasterize(path: &[Line], nib: &Nib) -> [[f32; BOX]; BOX] {
    let mut canvas = [[0.0_f32; BOX]; BOX];
    for &(a, b) in path {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let per_length = 1.0 / (dx * dx + dy * dy).max(1e-6);
        let (columns, rows) = (nib.reach(a.0, b.0), nib.reach(a.1, b.1));
        for (y, row) in rows.clone().zip(canvas.iter_mut().skip(rows.start.into())) {
            let y = f32::from(y) + 0.5 - a.1;
            for (x, pixel) in columns.clone().zip(row.iter_mut().skip(columns.start.into())) {
                let x = f32::from(x) + 0.5 - a.0;
                let t = ((x * dx + y * dy) * per_length).clamp(0.0, 1.0);
                *pixel = pixel.max(nib.ink((x - t * dx, y - t * dy)));
            }
        }
    }
    canvas
}

/// Scales the darkest pixel to 255, and places the box in the image so that the centre of mass is at pixel (14, 14).
fn centre(canvas: &[[f32; BOX]; BOX]) -> [u8; SIDE * SIDE] {
    let peak = canvas.as_flattened().iter().fold(0.01, |peak: f32, &ink| peak.max(ink));
    let canvas = canvas.map(|row| row.map(|ink| to_u8(ink / peak * 255.0 + 0.5)));
    let (mut mass, mut moment_x, mut moment_y) = (0, 0, 0);
    for (y, row) in (0..).zip(&canvas) {
        for (x, &pixel) in (0..).zip(row) {
            mass += u32::from(pixel);
            moment_x += x * u32::from(pixel);
            moment_y += y * u32::from(pixel);
        }
    }
    // 14 - moment / mass, rounded, and limited so that the box stays within the image.
    let offset = |moment: u32| {
        let rounded = (29 * mass).saturating_sub(2 * moment) / (2 * mass).max(1);
        usize::try_from(rounded).map_or(SIDE - BOX, |offset| offset.min(SIDE - BOX))
    };
    let mut image = [0; SIDE * SIDE];
    for (row, line) in image.chunks_exact_mut(SIDE).skip(offset(moment_y)).zip(&canvas) {
        for (pixel, &ink) in row.iter_mut().skip(offset(moment_x)).zip(line) {
            *pixel = ink;
        }
    }
    image
}

/// The square root, which `core` does not have.
fn sqrt(value: f32) -> f32 {
    let [root, ..] = f32x4::splat(value).sqrt().to_array();
    root
}

/// Truncates to an integer, saturating at 0 and 255.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast from a float saturates")]
const fn to_u8(value: f32) -> u8 {
    value as u8
}

/// The random number generator of one digit. The multiplier is odd, so that every index gets a seed of its own, and differs from
/// the increment of `seed_from_u64`, with which neighbours would share half of their state.
fn generator(seed: u64, index: u32) -> PlusPlus {
    let place = u64::from(index).wrapping_mul(0xd134_2543_de82_ef95);
    PlusPlus::new(seed.wrapping_add(place))
}

/// A number from `-reach` to `reach`, concentrated near zero (the mean of three uniform numbers).
fn bell(random: &mut PlusPlus, reach: f32) -> f32 {
    (random.between(-reach, reach) + random.between(-reach, reach) + random.between(-reach, reach)) / 3.0
}

/// A uniform integer from 0 to `count - 1`.
fn below(random: &mut PlusPlus, count: u8) -> u8 {
    to_u8(random.between(0.0, f32::from(count))).min(count.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::fnv;

    fn digits(count: u32) -> impl Iterator<Item = ([u8; SIDE * SIDE], u8)> {
        (0..count).map(|index| digit(1, index))
    }

    #[test]
    fn bytes_are_the_same_on_every_machine() {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64; // FNV-1a
        for (pixels, label) in digits(1000) {
            for byte in pixels.into_iter().chain([label]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        assert_eq!(hash, 0x171b_d937_4980_2412, "{hash:#x}");
        let hash = fnv((0..1000_u16).flat_map(|number| redraw(number.to_le_bytes()[0] % 10, number.into())));
        assert_eq!(hash, 0x1d70_b176_3696_2d79, "{hash:#x}");
    }

    #[test]
    fn mass_is_centred() {
        let off_centre = digits(1000).filter(|(pixels, _)| {
            let sum =
                |weight: fn(u32) -> u32| -> u32 { (0..).zip(pixels).map(|(at, &p)| weight(at) * u32::from(p)).sum() };
            let (mass, x, y) = (sum(|_| 1), sum(|at| at % 28), sum(|at| at / 28));
            (14 * mass).abs_diff(x) > mass / 2 || (14 * mass).abs_diff(y) > mass / 2
        });
        assert!(off_centre.count() <= 1, "only extreme digits are limited by the edge of the image");
    }

    #[test]
    fn pixels_range_from_background_to_full_ink() {
        for (pixels, _) in digits(1000) {
            let paper: u32 = pixels.map(|pixel| u32::from(pixel == 0)).iter().sum();
            assert!(pixels.contains(&255) && (400..750).contains(&paper), "{paper}");
        }
    }

    #[test]
    fn labels_are_balanced() {
        let mut shares = [0_u32; 10];
        for (_, label) in digits(5000) {
            shares[usize::from(label)] += 1;
        }
        assert!(shares.iter().all(|share| (420..580).contains(share)), "{shares:?}");
    }

    #[test]
    fn frequencies_of_forms_add_up_to_100_percent() {
        for forms in (0..10).map(forms).chain([1, 4, 7, 9].map(european)) {
            assert_eq!(forms.iter().map(|form| u32::from(form.0)).sum::<u32>(), 100);
        }
    }

    #[test]
    fn the_longest_form_fits() {
        let segments = |form: &Form| form.1.iter().map(|stroke| 3 * (stroke.len() - 2)).sum::<usize>();
        assert_eq!((0..10).flat_map(forms).map(segments).max(), Some(Path::CAPACITY));
        assert!([1, 4, 7, 9].into_iter().flat_map(european).map(segments).max() <= Some(Path::CAPACITY));
    }
}
