#!/usr/bin/env python3
"""Draws the charts of README.md, for light and dark pages, from the figures in speed.tsv and accuracy.tsv, and writes the table of
the latter in small-models.md.

    docs/charts.py          writes them
    docs/charts.py --check  fails if the files are not what it would write
"""

import math
import statistics
import sys
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).parent
# `page` is GitHub's background, which shows through the gap in a bar that is cut.
THEMES = {
    "": {"ink": "#1f2328", "dim": "#59636e", "line": "#d1d9e0", "ours": "#0b6bcb", "other": "#a8b1bb", "third": "#b35900", "page": "#ffffff"},
    "-dark": {"ink": "#f0f6fc", "dim": "#9198a1", "line": "#3d444d", "ours": "#4aa3ff", "other": "#6e7781", "third": "#f0883e", "page": "#0d1117"},
}
WIDTH = 720


def figures(name):
    lines = (HERE / name).read_text("utf-8").splitlines()
    header, *rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [dict(zip(header, row, strict=True)) for row in rows]


def text(x, y, words, color, anchor="start", size=14, weight="normal"):
    return (f'<text x="{x:g}" y="{y:g}" fill="{color}" text-anchor="{anchor}" font-size="{size}" '
            f'font-weight="{weight}">{escape(words)}</text>')


def page(height, title, parts, width=WIDTH):
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
            f'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">\n'
            f"<title>{escape(title)}</title>\n{body}\n</svg>\n")


def speed(colors):
    rows = figures("speed.tsv")
    left, right, top, step, bar = 280, 620, 44, 32, 20
    most = 50  # seconds; longer bars are cut, and show it
    scale = (right - left) / most
    title = "Five epochs of MNIST on one core: seconds"
    parts = [text(0, 18, title, colors["ink"], size=16, weight="600")]
    ours = float(rows[0]["seconds"])
    for number, row in enumerate(rows):
        seconds, y = float(row["seconds"]), top + number * step
        end = left + min(seconds, most) * scale
        color = colors["ours" if number == 0 else "other"]
        parts.append(text(left - 10, y + 15, row["name"], colors["ink"], "end", weight="600" if number == 0 else "normal"))
        parts.append(f'<rect x="{left}" y="{y}" width="{end - left:.1f}" height="{bar}" rx="2" fill="{color}"/>')
        if seconds > most:
            x = end - 40
            parts.append(f'<path d="M{x} {y + bar + 2} l6 -{bar + 4} h7 l-6 {bar + 4} z" fill="{colors["page"]}"/>')
        ratio = f"  ({seconds / ours:.1f} ×)" if seconds / ours < 10 else f"  ({seconds / ours:.0f} ×)"
        parts.append(text(end + 8, y + 15, row["seconds"] + ("" if number == 0 else ratio), colors["ink"]))
    height = top + len(rows) * step + 18
    parts.append(text(0, height - 6, "AMD EPYC (Zen 4), November 2026. The last bar is cut. Figures and commands: docs/speed.tsv.",
                      colors["dim"], size=12))
    return page(height, title, parts)


def of_seeds(words):
    """The mean of the accuracies of some seeds and its standard error; `99.25 ± 0.04` as it stands."""
    mean, _, error = words.partition(" ± ")
    values = [float(value) for value in mean.split()]
    if error or len(values) == 1:
        return values[0], float(error or "nan")
    return statistics.mean(values), statistics.stdev(values) / math.sqrt(len(values))


def short(number):
    """21594 as 22 k, 1161458 as 1.2 M."""
    return f"{number / 1e6:.1f} M" if number >= 999_500 else f"{number / 1e3:.0f} k"


def accuracy(colors):
    # Narrow, so that a phone does not shrink the words.
    width, left, right, top, bottom = 480, 56, 470, 96, 436
    low, high = 98.6, 99.7
    first, last = 1.5e3, 8e5

    def place(size, percent):
        x = left + math.log(size / first) / math.log(last / first) * (right - left)
        return x, bottom - (percent - low) / (high - low) * (bottom - top)

    def radius(instructions):
        return 0.028 * math.sqrt(instructions)

    def mark(x, y, instructions, color):
        return (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius(instructions):.1f}" fill="{color}" fill-opacity="0.3" '
                f'stroke="{color}" stroke-width="1.5"/>')

    title = "MNIST accuracy, bytes of weights, time"
    parts = [text(0, 18, title, colors["ink"], size=17, weight="600")]
    parts.append(text(0, 40, "Area and number: instructions an image, Cortex-M4F", colors["dim"], size=14))
    series = {"twolayer": (colors["ours"], "twolayer, int4"), "BitNetMCU": (colors["third"], "BitNetMCU"),
              "sketch": (colors["dim"], "a sketch")}
    x = 8
    for color, label in series.values():
        parts.append(mark(x, 62, 4e4, color))
        parts.append(text(x + 12, 67, label, colors["ink"]))
        x += 40 + 8 * len(label)
    for tenths in range(round(low * 10), round(high * 10) + 1, 2):
        percent = tenths / 10
        _, y = place(first, percent)
        parts.append(f'<path d="M{left} {y:.1f}H{right}" stroke="{colors["line"]}"/>')
        parts.append(text(left - 6, y + 5, f"{percent:.1f} %", colors["dim"], "end"))
    for kilobytes in (2, 5, 10, 20, 50, 100, 200, 500):
        x, _ = place(1000 * kilobytes, low)
        label = f"{kilobytes} kB" if kilobytes in (2, 500) else f"{kilobytes}"
        parts.append(f'<path d="M{x:.1f} {bottom}v5" stroke="{colors["dim"]}"/>')
        parts.append(text(x, bottom + 21, label, colors["dim"], "middle"))
    parts.append(f'<path d="M{left} {bottom}H{right}" stroke="{colors["dim"]}"/>')
    rows = [row for row in figures("accuracy.tsv") if row["label"] != "-"]
    # The large below the small.
    for row in sorted(rows, key=lambda row: -int(row["instructions"])):
        color, _ = series[row["by"]]
        mean, error = of_seeds(row["accuracy"])
        x, y = place(float(row["bytes"]), mean)
        instructions = int(row["instructions"])
        if not math.isnan(error):
            (_, lowest), (_, highest) = place(1, mean - error), place(1, mean + error)
            parts.append(f'<path d="M{x:.1f} {highest:.1f}V{lowest:.1f}" stroke="{color}" stroke-width="2"/>')
        parts.append(mark(x, y, instructions, color))
        side, words = row["label"].replace("{}", short(instructions)).split(" ", 1)
        before, distance = side == "<", radius(instructions) + 5
        parts.append(text(x - distance if before else x + distance, y + 5, words, colors["ink"], "end" if before else "start"))
    height = bottom + 62
    for line, words in enumerate(["Lines: standard error of three seeds. BitNetMCU's accuracy and bytes are",
                                  "its documents'. Figures and sources: docs/accuracy.tsv."]):
        parts.append(text(0, height - 22 + 17 * line, words, colors["dim"], size=13))
    return page(height, title, parts, width)


def table():
    """The rows of accuracy.tsv, for docs/small-models.md."""
    columns = ["", "accuracy", "weights", "RAM", "instructions, M4F", "cycles, M4F", "elsewhere"]
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for row in figures("accuracy.tsv"):
        accuracy, size = "-", int(row["bytes"]) / 1000
        if row["accuracy"] != "-":
            mean, error = of_seeds(row["accuracy"])
            accuracy = f"{mean:.2f} %" if math.isnan(error) else f"{mean:.2f} ± {error:.2f} %"
        cells = [accuracy, f"{size:.{0 if size > 99 else 1}f} kB", row["ram"]]
        if row["evidence"] == "quoted":
            cells = [cell if cell == "-" else f"*{cell}*" for cell in cells]
        counts = [row[name] if row[name] == "-" else f"{int(row[name]):,}" for name in ("instructions", "cycles")]
        cells = [f"{row['by']}: {row['network']}", *cells, *counts, row["elsewhere"]]
        lines.append(f"| {' | '.join('–' if cell == '-' else cell for cell in cells)} |")
    return "\n".join(lines)


def with_table(document):
    """The document with a new table between its two marks."""
    start, end = "<!-- by docs/charts.py -->\n\n", "\n\n<!-- end -->"
    before, rest = document.split(start)
    return before + start + table() + end + rest.split(end)[1]


def main():
    written = {f"{draw.__name__}{theme}.svg": draw(colors) for draw in (speed, accuracy) for theme, colors in THEMES.items()}
    written["small-models.md"] = with_table((HERE / "small-models.md").read_text("utf-8"))
    stale = []
    for name, content in written.items():
        path = HERE / name
        if sys.argv[1:] != ["--check"]:
            path.write_text(content, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != content:
            stale.append(name)
    if stale:
        sys.exit(f"{', '.join(stale)}: not what the figures say; run docs/charts.py")


main()
