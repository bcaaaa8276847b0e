"""The `Program`: a system in the order it runs, with a place in memory for every value.

Nothing here names a back end. A back end spells a `Kernel` (elementwise equations of one space), a `Step` (any other
equation), a `Loop` and a `Clear`; which buffers there are and where each value lies is decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rnnc.autodiff.ending import Across
from rnnc.autodiff.kept import Kept
from rnnc.model.forms import Kind
from rnnc.sizes import Shape, Size
from rnnc.system.forms import Equation, System


@dataclass(frozen=True)
class Extent:
    """One axis of a buffer: `low` rows before the first position and `high` past the last (the halo that offsets read).

    `kept` is how many positions are held at once inside the scan along this axis: None all of them, 0 the current
    one only (no dimension), 1 also the one before until it is overwritten (no dimension either), d a ring of d rows
    that positions share in turn. `strip`: the positions of one
    strip alone, and its halo.
    """

    axis: str
    low: int = 0
    high: int = 0
    kept: int | None = None
    strip: bool = False


@dataclass(frozen=True)
class Buffer:
    """An array: axes, then the batch, then unit dimensions. With `plane`, the first of these is cut into planes of that
    size, which come before the batch (`rnnc.program.planes`)."""

    name: str
    extents: tuple[Extent, ...]
    batched: bool
    shape: Shape
    kind: Kind
    plane: Size | None = None


@dataclass(frozen=True)
class Home:
    """Where a value lies: a whole buffer, or `rows` (start, stop) of its first unit dimension."""

    buffer: str
    rows: tuple[Size, Size] | None = None


@dataclass(frozen=True)
class Kernel:
    """Elementwise equations over one space, in order; one fused kernel on a GPU."""

    equations: tuple[Equation, ...]


@dataclass(frozen=True)
class Step:
    """One equation that is not elementwise."""

    equation: Equation


@dataclass(frozen=True)
class Clear:
    """Put the border's value (zero without one) where a value lies past the end of its own sequence."""

    value: str


@dataclass(frozen=True)
class Loop:
    """`body` for every position of `axis`, forwards (1) or backwards (-1)."""

    axis: str
    direction: int
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Strips:
    """`body` for one strip of positions of `axis` after the other. `sums` are what is added up over the strips."""

    axis: str
    direction: int
    body: tuple[Statement, ...]
    sums: tuple[str, ...]


@dataclass(frozen=True)
class Given:
    """`body` only where one of the gradients `names` (of inputs) is asked for."""

    names: tuple[str, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Run:
    """Kernels, clears and moves in a row, with no product, reduction or loop between them: what a back end that writes
    kernels of its own does in as few launches as it can (`rnnc.program.runs`)."""

    body: tuple[Kernel | Clear | Step, ...]


Statement = Kernel | Step | Clear | Loop | Strips | Given | Run


@dataclass(frozen=True)
class Section:
    """A part of the program that a module runs by itself: `forward`, `loss` or `backward`, or `whole`, all that a rule
    takes. `values` are those it makes."""

    name: Literal["forward", "loss", "backward", "whole"]
    body: tuple[Statement, ...]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """`system` holds what every name means; `homes` says where each computed or cleaned value lies. `cleared`
    values are zero (or their border's) in the padding of a ragged batch. `held` are the influences that a loop carries,
    `across` those that a block of steps takes over and hands on; `along` is the axis whose rows a part of a
    call has, "" of a whole one. What a caller passes or gets of the values in
    `refined` has one dimension where they have two (`rnnc.system.refine`)."""

    system: System
    sections: tuple[Section, ...]
    buffers: tuple[Buffer, ...]
    homes: tuple[tuple[str, Home], ...]
    cleared: tuple[str, ...]
    held: tuple[Kept, ...] = ()
    across: tuple[Across, ...] = ()
    refined: frozenset[str] = frozenset()
    along: str = ""


def statements(body: tuple[Statement, ...]) -> Iterator[Statement]:
    """Every statement below, outer ones first."""
    for statement in body:
        yield statement
        if isinstance(statement, Loop | Strips | Given | Run):
            yield from statements(statement.body)


def equations(body: tuple[Statement, ...]) -> Iterator[Equation]:
    """Every equation below, in the order it runs."""
    for statement in statements(body):
        if isinstance(statement, Kernel):
            yield from statement.equations
        elif isinstance(statement, Step):
            yield statement.equation


def taken_apart(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """The statements with those of a run in its place."""
    return tuple(
        inner for statement in body for inner in (statement.body if isinstance(statement, Run) else (statement,))
    )
