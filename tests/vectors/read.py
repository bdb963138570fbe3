#!/usr/bin/env python3
"""A reader of model files by docs/format.md alone, in plain Python, for all files beside it: the outputs must be those written there."""
import pathlib
import struct
import sys
import zlib

LANES = 16


def f32(number):
    """The nearest f32. A product of two f32 is exact in Python's floats; the sum of two is rounded twice, which changes nothing."""
    return struct.unpack("<f", struct.pack("<f", number))[0]


def read(data):
    """The parts of a model file, checked."""
    assert data[:8] == b"TWOLAYER", "not a model"
    version, kind, inputs, hidden, outputs, start, length = struct.unpack("<HHIIIQQ", data[8:40])
    width, height, flags, text_len, reserved, crc, header_crc = struct.unpack("<HHIIIII", data[40:64])
    assert zlib.crc32(data[:60]) == header_crc and zlib.crc32(data[64:]) == crc, "damaged"
    assert version in (1, 2) and start == 64 and reserved == 0 and len(data) == 64 + length + text_len
    text = data[64 + length :].decode()
    tables = [line.removeprefix("confidence: ") for line in text.splitlines() if line.startswith("confidence: ")]
    steps = [tuple(map(int, step.split(" "))) for step in tables[0].split(" | ")]
    return kind, (inputs, hidden, outputs), flags, width, data[64 : 64 + length], steps


def confidence(steps, kind, found):
    """How likely the answer is right, in per cent."""
    largest, second = sorted(found, reverse=True)[:2]
    margin = int(f32(largest - second) * 65536) if kind == 1 else largest - second
    return max(percent for start, percent in steps if start <= margin)


def halve(image, width):
    """The mean of each square of four pixels, rounded half up."""
    rows = [image[at : at + width] for at in range(0, len(image), width)]
    pairs = zip(rows[::2], rows[1::2])
    return [(a[x] + a[x + 1] + b[x] + b[x + 1] + 2) // 4 for a, b in pairs for x in range(0, width, 2)]


def deslant(image, width):
    """Rows moved sideways, so that the line through the ink is upright in the middle, in 256ths of a pixel."""
    rows = [image[at : at + width] for at in range(0, len(image), width)]
    ink = [(pixel, x, y) for y, row in enumerate(rows) for x, pixel in enumerate(row)]
    total = sum(image)
    if total == 0:
        return image
    moments = sum(pixel * x for pixel, x, y in ink), sum(pixel * y for pixel, x, y in ink)
    middle = [(64 * moment + total // 2) // total for moment in moments]
    x0, y0 = [(place + 32) >> 6 for place in middle]
    covariance = sum(pixel * (x - x0) * (y - y0) for pixel, x, y in ink)
    slant = abs(covariance) // (sum(pixel * (y - y0) ** 2 for pixel, x, y in ink) // 256 + 1)
    slant = min(slant, 256) if covariance > 0 else -min(slant, 256)
    upright = []
    for y, row in enumerate(rows):
        at = lambda x: row[x] if 0 <= x < width else 0
        for x in range(width):
            place = 256 * x + (slant * (64 * y - middle[1]) >> 6) + 4 * middle[0] - 256 * (width // 2)
            left, part = place >> 8, place & 255
            upright.append((at(left) * (256 - part) + at(left + 1) * part + 128) >> 8)
    return upright


def ask_f32(sizes, biased, payload, image):
    """The outputs of a network of f32 weights."""
    inputs, hidden, outputs = sizes
    rest = hidden % 128
    widths = [128] * (hidden // 128) + [width for width in (16, 32, 64, 128) if width >= rest > 0][:1]
    numbers = iter(struct.unpack(f"<{len(payload) // 4}f", payload))
    rows = lambda count, width: [[next(numbers) for _ in range(width)] for _ in range(count)]
    w1 = [rows(inputs, width) for width in widths]
    w2 = [rows(outputs, width) for width in widths]
    b1 = [next(numbers) if biased else 0.0 for _ in range(sum(widths))]
    b2 = [next(numbers) if biased else 0.0 for _ in range(outputs)]
    z = []
    for panel in range(len(widths)):
        for unit in range(widths[panel]):
            total = b1[len(z)]
            for pixel, row in zip(image, w1[panel]):
                if pixel:
                    total = f32(total + f32(pixel * row[unit]))
            z.append(total)
    found = []
    for output in range(outputs):
        weights = [weight for panel in w2 for weight in panel[output]]
        sums = [b2[output]] + [0.0] * (LANES - 1)
        for unit, (x, weight) in enumerate(zip(z, weights)):
            sums[unit % LANES] = f32(sums[unit % LANES] + f32(max(x, 0.0) * weight))
        for half in (8, 4, 2, 1):
            sums = [f32(sums[lane] + sums[lane + half]) for lane in range(half)]
        found.append(sums[0])
    return found


def ask_integers(bits, sizes, biased, payload, image):
    """The hidden units and the outputs of a network of integer weights."""
    inputs, hidden, outputs = sizes
    units = 128 // bits
    tiles, shift, at = -(-hidden // units), payload[0], 16
    b1, b2 = [0] * (units * tiles), [0] * outputs
    if biased:
        b2 = struct.unpack_from(f"<{outputs}i", payload, at)
        at += (4 * outputs + 15) // 16 * 16
        b1 = struct.unpack_from(f"<{units * tiles}i", payload, at)
        at += 4 * units * tiles
    second = at + 16 * inputs * tiles
    levels = [(i, (pixel + 32) >> 6) for i, pixel in enumerate(image) if pixel >= 32]
    active, found = [], list(b2)
    for unit in range(hidden):
        tile, place = divmod(unit, units)
        total = b1[unit]
        for i, level in levels:
            row = at + 16 * (inputs * tile + i)
            if bits == 8:
                weight = payload[row + place] - 128
            else:
                weight = (payload[row + place // 2] >> (4 * (place % 2)) & 15) - 8
            total += level * weight
        h = min(max((total + (1 << (shift - 1))) >> shift, 0), 255)
        active.append(h)
        for output in range(outputs):
            found[output] += h * struct.unpack_from("b", payload, second + outputs * unit + output)[0]
    return active, found


def main():
    files = sorted(pathlib.Path(__file__).parent.glob("*.twolayer"))
    checked = 0
    for file in files:
        kind, sizes, flags, width, payload, steps = read(file.read_bytes())
        for line in file.with_suffix(".txt").read_text().splitlines():
            name, *words = line.split()
            if name == "image":
                image = [int(word) for word in words]
                image = deslant(image, width) if flags & 4 else image
                image = halve(image, width) if flags & 2 else image
                ask = ask_f32 if kind == 1 else lambda *of: ask_integers({2: 8, 3: 4}[kind], *of)[1]
                found = ask(sizes, flags & 1, payload, image)
            elif name == "outputs":
                expected = [struct.unpack(">f", bytes.fromhex(word))[0] if kind == 1 else int(word) for word in words]
                assert found == expected, f"{file.name}: {found}, expected {expected}"
                checked += 1
            elif name == "class":
                assert found.index(max(found)) == int(words[0]), file.name
            else:
                assert name == "confidence" and confidence(steps, kind, found) == int(words[0]), file.name
    assert len(files) >= 18 and checked >= 144, f"{len(files)} models, {checked} images"
    print(f"{checked} images of {len(files)} models have the outputs that they must have")


if __name__ == "__main__":
    sys.exit(main())
