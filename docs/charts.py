#!/usr/bin/env python3
"""Draws the charts of README.md, for light and dark pages, from the figures in speed.tsv and accuracy.tsv.

    docs/charts.py          writes them
    docs/charts.py --check  fails if the files are not what it would write
"""

import math
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


def page(height, title, parts):
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
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


def accuracy(colors):
    left, right, top, bottom = 60, 712, 44, 330
    low, high = 98.6, 99.7
    first, last = 1e4, 1.2e7

    def place(size, percent):
        x = left + math.log(size / first) / math.log(last / first) * (right - left)
        return x, bottom - (percent - low) / (high - low) * (bottom - top)

    title = "MNIST accuracy by bytes of weights"
    parts = [text(0, 18, title, colors["ink"], size=16, weight="600")]
    for tenths in range(round(low * 10), round(high * 10) + 1, 2):
        percent = tenths / 10
        _, y = place(first, percent)
        parts.append(f'<path d="M{left} {y:.1f}H{right}" stroke="{colors["line"]}"/>')
        parts.append(text(left - 8, y + 4, f"{percent:.1f} %", colors["dim"], "end", 12))
    for size, label in [(1e4, "10 kB"), (1e5, "100 kB"), (1e6, "1 MB"), (1e7, "10 MB")]:
        x, _ = place(size, low)
        parts.append(f'<path d="M{x:.1f} {bottom}v5" stroke="{colors["dim"]}"/>')
        parts.append(text(x, bottom + 19, label, colors["dim"], "middle", 12))
    parts.append(f'<path d="M{left} {bottom}H{right}" stroke="{colors["dim"]}"/>')
    series = {"f32": colors["other"], "int4": colors["ours"], "BitNetMCU": colors["third"]}
    x = 400
    for name, color in series.items():
        parts.append(f'<circle cx="{x}" cy="13" r="5" fill="{color}"/>')
        label = {"int4": "twolayer, int4", "f32": "twolayer, f32"}.get(name, name)
        parts.append(text(x + 10, 18, label, colors["ink"], size=13))
        x += 112
    for row in figures("accuracy.tsv"):
        values = [float(value) for value in row["accuracies"].split()]
        color = series[row["series"]]
        mean = sum(values) / len(values)
        size = float(row["bytes"])
        x, y = place(size, mean)
        (_, lowest), (_, highest) = place(size, min(values)), place(size, max(values))
        parts.append(f'<path d="M{x:.1f} {highest:.1f}V{lowest:.1f}" stroke="{color}" stroke-width="2"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{color}"/>')
        # BitNetMCU lies beside another dot: its label goes below.
        dx, dy = (-5, 20) if row["series"] == "BitNetMCU" else (10, 4)
        parts.append(text(x + dx, y + dy, row["network"], colors["ink"], size=12))
    height = bottom + 48
    parts.append(text(0, height - 6, "Dots are means of three seeds, lines their range. Figures and commands: docs/accuracy.tsv.",
                      colors["dim"], size=12))
    return page(height, title, parts)


def main():
    stale = []
    for draw in (speed, accuracy):
        for theme, colors in THEMES.items():
            path = HERE / f"{draw.__name__}{theme}.svg"
            drawn = draw(colors)
            if sys.argv[1:] != ["--check"]:
                path.write_text(drawn, "utf-8")
            elif not path.exists() or path.read_text("utf-8") != drawn:
                stale.append(path.name)
    if stale:
        sys.exit(f"{', '.join(stale)}: not what the figures say; run docs/charts.py")


main()
