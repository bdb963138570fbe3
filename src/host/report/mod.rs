//! A run as one HTML page that loads nothing else: training curves, mistakes and their confidence, the hidden units, the
//! distribution of weights and activations, the speed, and the command that repeats the run.
//!
//! The figures of the hidden units take a thousand images in plain loops: a quarter of a second for MNIST. The page is the same
//! every time except for what is marked as `class="time"`.

mod comparison;
mod html;
mod learning;
mod picture;
mod plot;
mod speed;
mod units;

use crate::host::data::Set;
use crate::host::files::{FileError, printable, reserve, write_atomically};
use crate::host::train::Evaluation;
use crate::net::{Shape, Weights};
pub use comparison::ComparisonReport;
use html::{Html, percent};
pub use learning::Learning;
use plot::Plot;
pub use speed::{Work, peak_rate};
use std::io::Write;
use std::path::Path;
pub use units::integer_weights;

/// The most classes for which the confusion matrix is a table of all.
const MAX_MATRIX_CLASSES: usize = 20;

/// Where there are more, so many of the most frequent mistakes are listed.
const MAX_CONFUSIONS: usize = 40;

/// The most images that are shown, and the most pixels in all.
const MAX_IMAGES: usize = 30;
const MAX_PIXELS: usize = 50_000;

/// What a page says besides the evaluation of the network.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The heading.
    pub title: &'a str,
    /// The images, after their number, such as `test images of MNIST`.
    pub images: &'a str,
    /// The speed, below the accuracy. It differs from run to run.
    pub glance: &'a str,
    /// The training curves, after a training run.
    pub learning: Option<&'a Learning>,
    /// The weights, if they are to be shown.
    pub weights: Option<Weights<'a>>,
    /// Whether these are [`integer_weights`].
    pub integers: bool,
    /// Names and values of settings and results.
    pub facts: &'a [(&'a str, String)],
    /// Names and values of what differs from run to run.
    pub times: &'a [(&'a str, String)],
    /// The command that repeats it.
    pub command: &'a str,
    /// Decimals of a margin.
    pub decimals: usize,
    /// Of each image the picture that it was made of, to be shown beside it; none, or fewer than images, for images of a data set.
    pub originals: &'a [Option<Original>],
}

/// A picture that an image was made of.
#[derive(Clone, Debug)]
pub struct Original {
    /// Its file.
    pub name: String,
    /// Its grey levels, row by row.
    pub pixels: Vec<u8>,
    /// Its columns.
    pub width: usize,
}

impl Report<'_> {
    /// Checks that a page can be written to `path`. For use before a long computation.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn check_writable(path: &Path) -> Result<(), FileError> {
        reserve(path, 0).map(drop)
    }

    /// Writes the page atomically, as model files are written. `evaluation` is that of a network of this shape on `test`.
    ///
    /// # Errors
    ///
    /// If the file cannot be written; an existing one is then left unchanged.
    pub fn write(&self, path: &Path, shape: Shape, test: &Set, evaluation: &Evaluation) -> Result<(), FileError> {
        let page = Page { report: self, shape, test, evaluation }.html();
        write_atomically(path, |mut file| file.write_all(page.as_bytes()))
    }
}

/// A page to be made.
struct Page<'a> {
    report: &'a Report<'a>,
    shape: Shape,
    test: &'a Set,
    evaluation: &'a Evaluation,
}

impl Page<'_> {
    fn html(&self) -> String {
        let mut html = Html::begin(self.report.title);
        self.summary(&mut html);
        if let Some(learning) = self.report.learning {
            learning.show(&mut html);
        }
        self.confidence(&mut html);
        self.confusion(&mut html);
        self.mistakes(&mut html);
        if let Some(weights) = self.report.weights {
            units::show(&mut html, weights, self.report.integers, self.test);
        }
        self.facts(&mut html);
        html.end()
    }

    /// The heading and the accuracy.
    fn summary(&self, html: &mut Html) {
        let Report { title, images, glance, .. } = self.report;
        html.raw("<header>").element("h1", title);
        html.raw("<p class=\"accuracy\"><strong>").text(&percent(self.evaluation.accuracy())).raw("</strong> ");
        html.text(&format!("of {} {images}", self.evaluation.total()));
        html.raw("</p>\n<p class=\"time\">").text(glance).raw("</p></header>\n");
    }

    /// How accuracy depends on the margin.
    fn confidence(&self, html: &mut Html) {
        let at = |percent: u32| Some((percent, self.evaluation.at_coverage(f64::from(percent) / 100.0)?));
        let found: Vec<_> = (1..=100).filter_map(at).collect();
        let points: Vec<_> =
            found.iter().map(|(percent, found)| (f64::from(*percent), 100.0 * found.accuracy())).collect();
        let Report { decimals, .. } = *self.report;
        html.section("Accuracy by confidence", |html| {
            html.element("p", "The margin is the largest output minus the next largest. It measures confidence: the larger the margin, the more likely the predicted class is right. Coverage is the share of the images with the largest margins.");
            html.raw("<div class=\"plots\">");
            let caption = "Accuracy in percent of the images with the largest margins, by coverage";
            html.plot(caption, &Plot { axes: ["coverage, %", "accuracy, %"], points: &points, bars: false });
            html.raw("<div>");
            html.table("Accuracy by coverage", &["coverage", "accuracy", "errors", "least margin"], |html| {
                for (percent_of, found) in found.iter().rev().filter(|(it, _)| [100, 99, 98, 95, 90, 80, 70, 50].contains(it)) {
                    html.raw("<tr>").header_cell(&format!("{percent_of} %")).cell(&percent(found.accuracy()));
                    html.cell(&(found.total - found.correct).to_string());
                    html.cell(&format!("{:.decimals$}", found.min_margin)).raw("</tr>\n");
                }
            });
            html.raw("</div></div>\n");
        });
    }

    /// The confusion matrix.
    fn confusion(&self, html: &mut Html) {
        let evaluation = self.evaluation;
        let classes = evaluation.classes();
        let matrix = classes <= MAX_MATRIX_CLASSES;
        let labels = || (0..classes).filter(|&label| matrix || evaluation.of_label(label).0 > 0);
        let off = |label: usize| {
            (0..classes).filter(move |&class| class != label).map(move |class| evaluation.count(label, class))
        };
        let most = labels().flat_map(off).max().unwrap_or_default().max(1);
        let mut head = vec!["label".to_owned(), "accuracy".to_owned()];
        head.extend(labels().filter(|_| matrix).map(|class| self.class(class)));
        html.section("Confusion matrix", |html| {
            html.element("p", if matrix { "A row for each label: the share of its images that are classified correctly, and how many of them are predicted as each class." } else { "A row for each label: the share of its images that are classified correctly." });
            let caption = if matrix { "Rows are labels, columns are predicted classes" } else { "Accuracy by label" };
            html.table(caption, &head, |html| {
                for label in labels() {
                    let (total, correct) = evaluation.of_label(label);
                    html.raw("<tr>").header_cell(&self.class(label));
                    html.cell(&if total == 0 { "–".to_owned() } else { percent(f64::from(correct) / f64::from(total)) });
                    for class in (0..classes).filter(|_| matrix) {
                        let count = evaluation.count(label, class);
                        // The most frequent mistake is half covered.
                        let part = 8.0 + 42.0 * f64::from(count) / f64::from(most);
                        html.raw(&match count {
                            _ if class == label => "<td class=\"hit\">".to_owned(),
                            0 => "<td class=\"none\">".to_owned(),
                            _ => format!("<td class=\"miss\" style=\"--p:{part:.0}%\">"),
                        });
                        html.text(&count.to_string()).raw("</td>");
                    }
                    html.raw("</tr>\n");
                }
            });
            if !matrix {
                self.confusions(html);
            }
        });
    }

    /// The most frequent mistakes, where a matrix would be too large to read.
    fn confusions(&self, html: &mut Html) {
        let (evaluation, classes) = (self.evaluation, 0..self.evaluation.classes());
        let pairs = classes.clone().flat_map(|label| classes.clone().map(move |class| (label, class)));
        let count = |&(label, class): &(usize, usize)| evaluation.count(label, class);
        let mut wrong: Vec<_> = pairs.filter(|it| it.0 != it.1 && count(it) > 0).collect();
        // Of equal ones, in the order of classes.
        wrong.sort_by_key(|it| core::cmp::Reverse(count(it)));
        let (kinds, images) = (wrong.len(), wrong.iter().map(count).sum::<u32>());
        wrong.truncate(MAX_CONFUSIONS);
        if kinds == 0 {
            html.element("p", "No image is taken for one of another class.");
            return;
        }
        html.element(
            "p",
            &format!(
                "{} taken for one of another class, in {}; the most frequent:",
                if images == 1 { "One image is".to_owned() } else { format!("{images} images are") },
                if kinds == 1 {
                    "one pair of label and class".to_owned()
                } else {
                    format!("{kinds} pairs of label and class")
                }
            ),
        );
        html.table("Most frequent confusions", &["label", "predicted", "images", "of the label's"], |html| {
            for pair in &wrong {
                let (label, class) = *pair;
                let part = f64::from(count(pair)) / f64::from(evaluation.of_label(label).0.max(1));
                html.raw("<tr>").header_cell(&self.class(label)).cell(&self.class(class));
                html.cell(&count(pair).to_string()).cell(&percent(part)).raw("</tr>\n");
            }
        });
    }

    /// What a class is called: its name, or its number.
    fn class(&self, class: usize) -> String {
        self.test.class_names().get(class).map_or_else(|| class.to_string(), printable)
    }

    /// The wrongly classified images with the largest margins.
    fn mistakes(&self, html: &mut Html) {
        let labels = self.test.labels();
        let answers = self.evaluation.answers().iter().zip(labels).enumerate();
        let mut wrong: Vec<_> = answers.filter(|(_, (answer, label))| answer.class != **label).collect();
        wrong.sort_by(|a, b| b.1.0.margin.total_cmp(&a.1.0.margin).then(a.0.cmp(&b.0)));
        let all = wrong.len();
        let pixels = self.test.pixels();
        wrong.truncate(MAX_IMAGES.min(MAX_PIXELS / pixels).max(1));
        let width = self.test.width();
        let decimals = self.report.decimals;
        html.section("Confident mistakes", |html| {
            if all == 0 {
                html.element("p", "Every image is classified correctly.");
                return;
            }
            html.element("p", &format!("Of {all} wrongly classified image{}, the {} with the largest margins: the label and the predicted class.", if all == 1 { "" } else { "s" }, wrong.len()));
            if !self.report.originals.is_empty() {
                html.element("p", "Below each picture is what the network saw of it.");
            }
            html.raw("<ol class=\"pictures\">");
            for (index, (result, label)) in wrong {
                let image = self.test.images().chunks_exact(pixels).nth(index).unwrap_or_default();
                let [label, class] = [*label, result.class].map(|class| self.class(class.into()));
                let about = format!("Image {index}, labelled {label}, predicted {class}");
                let (heading, margin) = (format!("{label} → {class}"), result.margin);
                let seen = (about, picture::grey(image, width));
                match self.report.originals.get(index).and_then(Option::as_ref) {
                    Some(Original { name, pixels, width }) => {
                        let original = (format!("The picture {name}"), picture::grey(pixels, *width));
                        html.picture(&[original, seen], &heading, &format!("margin {margin:.decimals$}, {name}"));
                    }
                    None => html.picture(&[seen], &heading, &format!("margin {margin:.decimals$}, image {index}")),
                }
            }
            html.raw("</ol>");
        });
    }

    fn facts(&self, html: &mut Html) {
        let Report { facts, times, command, .. } = self.report;
        let network = [("network", self.shape.to_string())];
        run(html, network.iter().chain(*facts), times, command);
    }
}

/// What a run depends on, and the command that repeats it.
fn run<'a>(
    html: &mut Html,
    facts: impl Iterator<Item = &'a (&'a str, String)>,
    times: &[(&str, String)],
    command: &str,
) {
    html.section("The run", |html| {
        html.raw("<dl>");
        for (name, value) in facts {
            html.fact(name, value, "");
        }
        for (name, value) in times {
            html.fact(name, value, " class=\"time\"");
        }
        html.raw("</dl>\n");
        html.element("p", "This command repeats the run, with the same bits on every machine:");
        html.raw("<pre tabindex=\"0\"><code>").text(command).raw("</code></pre>\n");
    });
}
