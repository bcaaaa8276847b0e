"""A picture in place: what stands where, in pixels, y growing upward. Printers turn it into SVG or dot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnc.picture.curve import Curve, Point
from rnnc.picture.wiring import Kind

Tone = Literal["plain", "delay", "weight", "group", "step", "quiet"]


@dataclass(frozen=True)
class Shape:
    """A node: its centre, its size, and the name and size written in it."""

    key: str
    kind: Kind
    title: str
    subtitle: str
    tooltip: str
    x: float
    y: float
    width: float
    height: float
    group: str | None = None


@dataclass(frozen=True)
class Frame:
    """The box around the units of one cell."""

    key: str
    label: str
    left: float
    bottom: float
    width: float
    height: float


@dataclass(frozen=True)
class Edge:
    """One edge between two shapes, as the network has it; strokes show it, several edges may share one."""

    source: str
    target: str
    delay: str
    weights: tuple[str, ...]
    multiplies: bool
    recurrent: bool
    begins: bool
    feeds: bool = False


@dataclass(frozen=True)
class Stroke:
    """A line. `arrow` is False where it only leads to where others branch off."""

    curve: Curve
    tooltip: str
    multiplies: bool = False
    recurrent: bool = False
    begins: bool = False
    feeds: bool = False
    arrow: bool = True


@dataclass(frozen=True)
class Text:
    """A line of text centred on `at`."""

    text: str
    at: Point
    size: float
    tone: Tone


@dataclass(frozen=True)
class Drawing:
    """`left`, `bottom`, `right`, `top` bound everything but title and legend, which the printer adds."""

    title: str
    caption: str
    shapes: tuple[Shape, ...]
    frames: tuple[Frame, ...]
    strokes: tuple[Stroke, ...]
    texts: tuple[Text, ...]
    edges: tuple[Edge, ...]
    left: float
    bottom: float
    right: float
    top: float
