"""What a picture shows, before anything has a place: nodes, the links between them, and cells as groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnc.model.forms import At

Kind = Literal["input", "target", "unit", "gate", "output", "loss", "start"]


@dataclass(frozen=True)
class Node:
    """One thing to draw. `group` is the use of a cell it belongs to; `border` says in a word what it is
    before its first step (None: zero, without the author having said so)."""

    key: str
    kind: Kind
    title: str
    subtitle: str
    tooltip: str
    axes: tuple[str, ...]
    group: str | None = None
    border: str | None = None


@dataclass(frozen=True)
class Link:
    """`target` reads `source` at `at`. `over` are the axes it is read along whole (`sum over s`); `weights`
    the keys of the parameters it passes through; `multiplies` is set where it acts as a factor of other
    values, `recurrent` where it closes a cycle, `begins` where it belongs to a `start`, `feeds` where it is a
    `feedback`, which the network has only while it generates."""

    source: str
    target: str
    at: tuple[At, ...] = ()
    over: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    multiplies: bool = False
    recurrent: bool = False
    begins: bool = False
    feeds: bool = False


@dataclass(frozen=True)
class Wiring:
    """A network as a graph; nodes and links in the model's order. `groups` are (use, cell) pairs."""

    name: str
    sizes: str
    axes: tuple[str, ...]
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    groups: tuple[tuple[str, str], ...]


def label(link: Link) -> str:
    """What stands beside a link: its delay, or that it is a `feedback`."""
    return "fed back" if link.feeds else delay(link.at)


def delay(at: tuple[At, ...]) -> str:
    """What an edge says about time: `n-1`, `n-5..n-1`, `last`, or nothing where it reads the current
    position."""
    return ", ".join(text for text in map(_one, at) if text)


def _one(at: At) -> str:
    base = at.axis if at.anchor == "here" else at.anchor
    if at.high is not None:
        return f"{base}{_signed(at.low)}..{base}{_signed(at.high)}"
    if at.anchor == "here" and not at.low:
        return ""
    return base + _signed(at.low)


def _signed(offset: int) -> str:
    return f"{offset:+d}" if offset else ""


def moves(at: tuple[At, ...]) -> int:
    """The direction an edge comes from: -1 from earlier steps, +1 from later ones, 0 from neither."""
    for a in at:
        if a.anchor == "here" and (a.low < 0 or (a.high or 0) > 0):
            return -1 if a.low < 0 else 1
        if a.anchor == "here" and a.low > 0:
            return 1
    return 0
