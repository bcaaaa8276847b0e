"""How a string of digits was read, as an SVG: image, posteriors, lattice and alignment of the right labelling."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.decode import Alignment

Floats = NDArray[np.float64]

COLUMN, ROW, LEFT, GAP, CURVES = 16, 16, 74, 34, 110
COLOURS = ("#1b6ca8", "#c1440e", "#2e7d32", "#7b3fa0", "#b8860b", "#00838f", "#ad1457", "#5d4037", "#455a64", "#6a8a00")
INK, QUIET = "#222222", "#888888"


def picture(title: str, columns: Floats, probs: Floats, alignment: Alignment) -> str:
    """The SVG file's text. `columns` (T, 8) is the image, `probs` (T, 11) the posteriors with the blank as label 0."""
    frames, states = len(columns), alignment.lattice.shape[1]
    width = LEFT + COLUMN * frames + 20
    image_top = 52
    curves_top = image_top + ROW * columns.shape[1] + GAP
    lattice_top = curves_top + CURVES + GAP
    height = lattice_top + ROW * states + 24
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}" role="img" aria-labelledby="title">',
        f'<title id="title">{escape(title)}</title>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="24" font-size="16" font-weight="bold">{escape(title)}</text>',
        *_image(columns, alignment, image_top),
        *_curves(probs, alignment, curves_top),
        *_lattice(alignment, lattice_top),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _image(columns: Floats, alignment: Alignment, top: int) -> Iterator[str]:
    """The writing, and over it each digit from its first to its last column in the most probable path."""
    yield _caption("image", top + 12)
    for t, column in enumerate(columns):
        for row, ink in enumerate(column):
            if ink > 0.0:
                yield _cell(t, top + ROW * row, 1.0 - float(ink))
    bottom = top + ROW * columns.shape[1]
    for label, (first, last) in zip(alignment.labels, alignment.spans, strict=True):
        x, wide = LEFT + COLUMN * first, COLUMN * (last - first + 1)
        colour = _colour(label)
        yield f'<rect x="{x}" y="{top - 4}" width="{wide}" height="{bottom - top + 8}" fill="{colour}" opacity="0.3"/>'
        yield f'<text x="{x + wide / 2:g}" y="{top - 8}" text-anchor="middle" fill="{colour}">{label - 1}</text>'


def _curves(probs: Floats, alignment: Alignment, top: int) -> Iterator[str]:
    """The network's posterior of each digit that is right somewhere or ever reaches a tenth, and of the blank."""
    yield _caption("posteriors", top + 12)
    bottom, right = top + CURVES, LEFT + COLUMN * len(probs)
    for y in (top, bottom):
        yield f'<line x1="{LEFT}" y1="{y}" x2="{right}" y2="{y}" stroke="#dddddd"/>'
    shown = [k for k in range(1, probs.shape[1]) if k in alignment.labels or probs[:, k].max() > 0.1]
    for label in (0, *shown):
        points = " ".join(f"{_middle(t):g},{bottom - CURVES * float(p):.1f}" for t, p in enumerate(probs[:, label]))
        colour, dash = (_colour(label), "") if label else (QUIET, ' stroke-dasharray="3 3"')
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"{dash}/>'
        if label:
            peak = int(probs[:, label].argmax())
            y = bottom - CURVES * float(probs[peak, label]) - 3
            yield f'<text x="{_middle(peak):g}" y="{y:.1f}" text-anchor="middle" fill="{colour}">{label - 1}</text>'


def _lattice(alignment: Alignment, top: int) -> Iterator[str]:
    """The probability of each state of the right labelling at each column, and the most probable path through it."""
    yield _caption("lattice", top - 10)
    for state in range(alignment.lattice.shape[1]):
        y = top + ROW * state
        label = alignment.labels[state // 2] if state % 2 else 0
        name, colour = (str(label - 1), _colour(label)) if label else ("blank", QUIET)
        yield f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end" font-size="11" fill="{colour}">{name}</text>'
        for t, p in enumerate(alignment.lattice[:, state]):
            if p >= 0.005:
                yield _cell(t, y, 1.0 - float(p))
    points = " ".join(f"{_middle(t):g},{top + ROW * int(s) + ROW // 2}" for t, s in enumerate(alignment.route))
    yield f'<polyline points="{points}" fill="none" stroke="{COLOURS[1]}" stroke-width="2"/>'


def _caption(text: str, y: int) -> str:
    return f'<text x="16" y="{y}" font-size="11" fill="{QUIET}">{text}</text>'


def _cell(t: int, y: int, light: float) -> str:
    level = round(255 * min(1.0, max(0.0, light)))
    return (
        f'<rect x="{LEFT + COLUMN * t}" y="{y}" width="{COLUMN}" height="{ROW}" fill="rgb({level},{level},{level})"/>'
    )


def _middle(t: int) -> float:
    return LEFT + COLUMN * (t + 0.5)


def _colour(label: int) -> str:
    return COLOURS[(label - 1) % len(COLOURS)]
