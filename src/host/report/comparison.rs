//! Two networks on the same images as one HTML page: who is right where, and the images that only one gets right.

use super::html::{Html, percent};
use super::{MAX_IMAGES, MAX_PIXELS, picture, run};
use crate::host::data::Set;
use crate::host::files::{FileError, write_atomically};
use crate::host::train::{Comparison, Pairs};
use std::io::Write;
use std::path::Path;

/// What a page says besides the comparison of two networks, which it calls A and B.
#[derive(Clone, Copy, Debug)]
pub struct ComparisonReport<'a> {
    /// The heading.
    pub title: &'a str,
    /// The images, after their number, such as `test images of MNIST`.
    pub images: &'a str,
    /// Names and values of settings, such as the two model files.
    pub facts: &'a [(&'a str, String)],
    /// The command that repeats it.
    pub command: &'a str,
}

impl ComparisonReport<'_> {
    /// Writes the page atomically, as model files are written. `comparison` is that of two networks on `test`.
    ///
    /// # Errors
    ///
    /// If the file cannot be written; an existing one is then left unchanged.
    pub fn write(&self, path: &Path, test: &Set, comparison: &Comparison) -> Result<(), FileError> {
        let page = self.html(test, comparison);
        write_atomically(path, |mut file| file.write_all(page.as_bytes()))
    }

    fn html(&self, test: &Set, comparison: &Comparison) -> String {
        let mut html = Html::begin(self.title);
        html.raw("<header>").element("h1", self.title).raw("<p class=\"accuracy\"><strong>");
        let (a, b) = (comparison.before.accuracy(), comparison.after.accuracy());
        html.text(&format!("A {}, B {}", percent(a), percent(b))).raw("</strong> ");
        html.text(&format!("of {} {}", test.len(), self.images)).raw("</p></header>\n");
        pairs(&mut html, comparison.pairs);
        differences(&mut html, test, comparison, false);
        differences(&mut html, test, comparison, true);
        run(&mut html, self.facts.iter(), &[], self.command);
        html.end()
    }
}

/// The numbers of images by who is right, and McNemar's test.
fn pairs(html: &mut Html, pairs: Pairs) {
    html.section("Right and wrong", |html| {
        html.table("Images by who is right", &["", "B right", "B wrong"], |html| {
            for (head, cells) in
                [("A right", [pairs.both, pairs.only_before]), ("A wrong", [pairs.only_after, pairs.neither])]
            {
                html.raw("<tr>").header_cell(head).cell(&cells[0].to_string()).cell(&cells[1].to_string()).raw("</tr>\n");
            }
        });
        html.element("p", &format!("McNemar's exact test, two-sided: p = {:.2e}. Two networks that are right equally often in the long run would differ as much as here, or more, with this probability. It says nothing of networks trained with other seeds.", pairs.mcnemar()));
    });
}

/// The images that only one network gets right: B if `after`. Those come first of which the other is surest.
fn differences(html: &mut Html, test: &Set, comparison: &Comparison, after: bool) {
    let (pixels, width) = (test.pixels(), test.width());
    let answers = comparison.before.answers().iter().zip(comparison.after.answers()).zip(test.labels()).enumerate();
    let mut found: Vec<_> = answers
        .filter(|(_, ((a, b), label))| (a.class == **label) != after && (b.class == **label) == after)
        .map(|(index, ((a, b), label))| (index, [a, b], *label))
        .collect();
    let wrong = usize::from(!after);
    found.sort_by(|x, y| y.1[wrong].margin.total_cmp(&x.1[wrong].margin).then(x.0.cmp(&y.0)));
    let all = found.len();
    found.truncate(MAX_IMAGES.min(MAX_PIXELS / pixels).max(1));
    let (right, other) = if after { ("B", "A") } else { ("A", "B") };
    html.section(&format!("Only {right} is right"), |html| {
        if all == 0 {
            html.element("p", &format!("No image is classified correctly by {right} only."));
            return;
        }
        html.element("p", &format!("Of {all} images, the {} with the largest margins of {other}'s mistake: the label, and what {other} predicts.", found.len()));
        html.raw("<ol class=\"pictures\">");
        for (index, [a, b], label) in found {
            let image = test.images().chunks_exact(pixels).nth(index).unwrap_or_default();
            let about = format!("Image {index}, labelled {label}, predicted {} by A and {} by B", a.class, b.class);
            let mistake = if after { a.class } else { b.class };
            html.picture(&[(about, picture::grey(image, width))], &format!("{label} → {mistake}"), &format!("image {index}"));
        }
        html.raw("</ol>");
    });
}
