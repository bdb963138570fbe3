//! Plots, as SVG, by `plotters`. Its colours are placeholders, which the page's style sheet replaces, for light or dark.

use crate::base::to_f64;
use plotters::prelude::*;
use std::io;

/// The size that plots are laid out for; a page shows them as wide as there is room.
pub(super) const SIZE: (u32, u32) = (380, 240);

const TEXT: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
const MARK: RGBColor = RGBColor(3, 3, 3);

/// A plot of points by x, of which there is at least one.
#[derive(Clone, Copy)]
pub(super) struct Plot<'a> {
    /// What the axes are.
    pub(super) axes: [&'a str; 2],
    pub(super) points: &'a [(f64, f64)],
    /// Bars on a logarithmic scale, rather than a line: counts, each at the middle of its part of the axis; all parts are as wide.
    pub(super) bars: bool,
}

impl Plot<'_> {
    /// What the plot shows, for those who do not see it.
    pub(super) fn in_words(&self) -> String {
        let Self { axes: [x, y], points, .. } = self;
        let ([(x0, y0), ..], [.., (x1, y1)]) = (points, points) else { return String::new() };
        let [least, most] = ends(points.iter().map(|point| point.1));
        let [x0, y0, x1, y1, least, most] = [*x0, *y0, *x1, *y1, least, most].map(short);
        format!("{y} by {x}: from {y0} at {x0} to {y1} at {x1}; least {least}, most {most}")
    }

    /// The elements within `<svg>`.
    pub(super) fn svg(&self) -> String {
        let mut svg = String::new();
        // Drawing in memory fails only where there is nothing to draw.
        let drawn = self.draw(&mut svg);
        debug_assert!(drawn.is_ok(), "{drawn:?}");
        let inner = svg.split_once('>').map_or("", |(_, inner)| inner);
        // Its indentation, and what is so by default.
        let inner = inner.trim_end().trim_end_matches("</svg>").replace(" opacity=\"1\"", "");
        inner
            .replace(" font-family=\"sans-serif\"", "")
            .replace("13.709677419354838", "13.7")
            .replace(">\n", ">")
            .replace("\n<", "<")
    }

    fn draw(&self, svg: &mut String) -> Result<(), DrawingAreaErrorKind<io::Error>> {
        let Self { axes: [x, y], points, bars } = *self;
        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let [left, right] = ends(points.iter().map(|point| point.0));
        let [least, most] = ends(points.iter().map(|point| point.1));
        let mut chart = ChartBuilder::on(&root);
        chart.margin(6).margin_right(26).x_label_area_size(42).y_label_area_size(60);
        // One style for both kinds of axes, which are different types.
        macro_rules! mesh {
            ($chart:ident) => {
                $chart
                    .configure_mesh()
                    .disable_x_mesh()
                    .x_labels(points.len().clamp(2, 6))
                    .y_labels(6)
                    .x_label_formatter(&|it| short(*it))
                    .y_label_formatter(&|it| short(*it))
                    .light_line_style(TRANSPARENT)
                    .bold_line_style(GRID)
                    .axis_style(GRID)
                    .x_desc(x)
                    .y_desc(y)
                    .label_style(("sans-serif", 17).into_font().color(&TEXT))
                    .draw()?
            };
        }
        if bars {
            let half = (right - left) / to_f64(points.len().saturating_sub(1).max(1)) / 2.0;
            let mut chart =
                chart.build_cartesian_2d(left - half..right + half, (0.7..most.max(1.0) * 1.3).log_scale())?;
            mesh!(chart);
            let bar = |&(x, y): &(f64, f64)| Rectangle::new([(x - half, 0.7), (x + half, y)], MARK.filled());
            chart.draw_series(points.iter().filter(|point| point.1 > 0.0).map(bar))?;
        } else {
            let room = if most > least { (most - least) * 0.05 } else { 0.5 };
            let mut chart = chart.build_cartesian_2d(left..right, least - room..most + room)?;
            mesh!(chart);
            chart.draw_series(LineSeries::new(points.iter().copied(), MARK.stroke_width(2)))?;
            if points.len() <= 30 {
                chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, MARK.filled())))?;
            }
        }
        root.present()
    }
}

/// The least and the greatest; infinities, the wrong way round, of no numbers.
pub(super) fn ends(numbers: impl Iterator<Item = f64>) -> [f64; 2] {
    numbers.fold([f64::INFINITY, f64::NEG_INFINITY], |[least, most], it| [least.min(it), most.max(it)])
}

/// A number as an axis has room for it.
fn short(number: f64) -> String {
    let size = number.abs();
    let text = match size {
        _ if size >= 10_000.0 => return format!("{}k", short(number / 1000.0)),
        _ if size >= 1000.0 => format!("{number:.0}"),
        _ if size >= 0.0005 => format!("{number:.3}"),
        _ if size < 1e-9 => return "0".into(),
        _ => return format!("{number:.1e}"),
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plots_draw_what_they_are_given() {
        for points in [&[(1.0, 3.0)][..], &[(1.0, 3.0), (2.0, 3.0)], &[(0.0, 0.0), (1.0, 7.0), (2.0, 70_000.0)]] {
            for bars in [false, true] {
                let svg = Plot { axes: ["time", "loss"], points, bars }.svg();
                assert!(svg.contains("time") && svg.contains("loss") && !svg.contains("</svg>"), "{svg}");
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            }
        }
        let words = Plot { axes: ["epoch", "loss"], points: &[(1.0, 0.5), (2.0, 0.12345)], bars: false }.in_words();
        assert_eq!(words, "loss by epoch: from 0.5 at 1 to 0.123 at 2; least 0.123, most 0.5");
    }

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.0, "0"),
            (1.5, "1.5"),
            (97.4411, "97.441"),
            (60_000.0, "60k"),
            (1234.0, "1234"),
            (-0.006, "-0.006"),
            (-2e-5, "-2.0e-5"),
            (100.0, "100"),
        ];
        for (number, text) in cases {
            assert_eq!(short(number), text);
        }
    }
}
