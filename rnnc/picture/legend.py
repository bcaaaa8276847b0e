"""The line below a picture that says what its shapes and lines mean; only what occurs in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from rnnc.picture.curve import line
from rnnc.picture.drawing import Drawing, Shape, Stroke
from rnnc.picture.measure import text_width
from rnnc.picture.wiring import Kind


@dataclass(frozen=True)
class Key:
    """A sample and its text, in a row of the legend. Positions count from the legend's left end; the sample's
    own from `left`."""

    text: str
    row: int
    left: float
    text_left: float
    right: float
    shape: Shape | None = None
    stroke: Stroke | None = None


def legend(drawing: Drawing) -> tuple[Key, ...]:
    """Kinds of nodes and lines that the drawing has, wrapped to its width."""
    kinds = {s.kind for s in drawing.shapes}
    samples: list[tuple[str, Shape | None, Stroke | None]] = [
        (kind, Shape("", kind, "", "", kind, 13, 0, 26, 14), None) for kind in get_args(Kind) if kind in kinds
    ]
    flat = line((0, 0), (26, 0))
    if any(e.recurrent and not e.feeds for e in drawing.edges):
        samples.append(("recurrent", None, Stroke(flat, "recurrent", recurrent=True)))
    if any(e.feeds for e in drawing.edges):
        samples.append(("fed back", None, Stroke(flat, "fed back", recurrent=True, feeds=True)))
    if any(e.multiplies for e in drawing.edges):
        samples.append(("multiplies", None, Stroke(flat, "multiplies", multiplies=True)))
    if any(e.begins for e in drawing.edges):
        samples.append(("before the first step", None, Stroke(flat, "start", begins=True)))
    limit = max(drawing.right - drawing.left, 420.0)
    keys: list[Key] = []
    at, row = 0.0, 0
    for text, shape, stroke in samples:
        wide = 26 + 6 + text_width(text, 11)
        if at and at + wide > limit:
            at, row = 0.0, row + 1
        keys.append(Key(text, row, at, at + 32, at + wide, shape, stroke))
        at += wide + 18
    return tuple(keys)
