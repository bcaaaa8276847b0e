"""Where an equation reads: from a position and an access to the nodes of the unrolled network.

A node is a value at one position of its axes. This is the meaning of offsets, windows, `first`, `last` and
borders in one place; the interpreter computes with it and the unrolled graph draws it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from rnnc.model.forms import At
from rnnc.system.forms import Access, Border, Ctc, CtcGradient, Equation, Softmax, System, Value

Node = tuple[str, tuple[int, ...]]
Place = Mapping[str, int]


@dataclass(frozen=True)
class Positions:
    """The positions of one sequence: `lengths` gives every axis its number of positions."""

    system: System
    lengths: Mapping[str, int]

    @cached_property
    def values(self) -> dict[str, Value]:
        return {v.name: v for v in self.system.values}

    @cached_property
    def borders(self) -> dict[str, Border]:
        return {b.name: b for b in self.system.borders}

    @cached_property
    def equations(self) -> dict[str, Equation]:
        return {e.out: e for e in self.system.equations}

    def of(self, name: str) -> Iterator[tuple[int, ...]]:
        """Every position of a value, row-major."""
        return product(*(range(self.lengths[a]) for a in self.values[name].axes))

    def places(self, equation: Equation, position: tuple[int, ...]) -> Iterator[Place]:
        """Where the reads of an equation are taken for its output at `position`: once for every position of
        the axes that it gathers (those read "here" that the output lacks, and the axis of a softmax)."""
        out = self.values[equation.out]
        here = dict(zip(out.axes, position, strict=True))
        gathered = self.gathering[equation.out]
        for chosen in product(*(range(self.lengths[a]) for a in gathered)):
            yield {**here, **dict(zip(gathered, chosen, strict=True))}

    def readings(self, equation: Equation, position: tuple[int, ...]) -> Iterator[tuple[Access, Place]]:
        """Every read of an equation for its output at `position`, and where it is taken."""
        if isinstance(equation.op, Ctc | CtcGradient):
            for access in equation.reads:
                axes = tuple(at.axis for at in access.at)
                for chosen in product(*(range(self.lengths[a]) for a in axes)):
                    yield access, dict(zip(axes, chosen, strict=True))
            return
        for place in self.places(equation, position):
            for access in equation.reads:
                yield access, place

    @cached_property
    def gathering(self) -> dict[str, tuple[str, ...]]:
        """The gathered axes of every equation, in the system's order."""
        found = {e.out: self.gathered(e) for e in self.system.equations}
        return {out: tuple(a for a in self.system.axes if a in axes) for out, axes in found.items()}

    def gathered(self, equation: Equation) -> tuple[str, ...]:
        """The axes of which an equation needs every position to give one of its own."""
        out = self.values[equation.out]
        found = {at.axis for access in equation.reads for at in access.at if at.anchor == "here"}
        lacking = tuple(sorted(found - set(out.axes)))
        op = equation.op
        if isinstance(op, Softmax) and op.over not in equation.dims:
            return (*lacking, op.over)
        return lacking

    def taps(self, access: Access, place: Place) -> tuple[tuple[Node | None, ...], tuple[int, ...]]:
        """The nodes an access reads, row-major over its windows, and the windows' lengths; None reads as
        zero."""
        ranges = [self._range(at, place) for at in access.at]
        windows = tuple(len(r) for r, at in zip(ranges, access.at, strict=True) if at.high is not None)
        return tuple(self.node(access.name, position) for position in product(*ranges)), windows

    def _range(self, at: At, place: Place) -> range:
        origin = {"first": 0, "last": self.lengths[at.axis] - 1}.get(at.anchor)
        if origin is None:
            origin = place[at.axis]
        return range(origin + at.low, origin + (at.low if at.high is None else at.high) + 1)

    def node(self, name: str, position: tuple[int, ...]) -> Node | None:
        """The node that holds `name` at `position`, which may lie outside the sequence; None where it is
        zero."""
        axes = self.values[name].axes
        below = [max(0, -k) for k in position]
        beyond = [max(0, k - self.lengths[a] + 1) for k, a in zip(position, axes, strict=True)]
        if not any(below) and not any(beyond):
            return name, position
        border = self.borders.get(name)
        if border is None:
            return None
        starting = [b if side == "low" else e for side, b, e in zip(border.sides, below, beyond, strict=True)]
        ending = [e if side == "low" else b for side, b, e in zip(border.sides, below, beyond, strict=True)]
        if any(ending):
            return None
        source = dict(border.early).get(max(starting), border.default)
        return None if source is None else (source, ())

    def sources(self, node: Node) -> tuple[Node, ...]:
        """The nodes a node is computed from, each once; none for a value that is given."""
        name, position = node
        if name not in self.equations:
            return ()
        equation = self.equations[name]
        found: dict[Node, None] = {}
        for access, place in self.readings(equation, position):
            found.update((n, None) for n in self.taps(access, place)[0] if n is not None)
        return tuple(found)
