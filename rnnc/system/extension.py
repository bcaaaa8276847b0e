"""A system while values and equations are added to it, each under a name of its own."""

from __future__ import annotations

from collections.abc import Iterable

from rnnc.model.forms import At
from rnnc.sizes import Shape, Size
from rnnc.system.forms import Access, Equation, Op, System, Value
from rnnc.system.lowering import labels_of
from rnnc.system.naming import unused


class Extension:
    """`values` and `equations` start as those of a system; `make` adds to them."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.values: dict[str, Value] = {v.name: v for v in system.values}
        self.equations: dict[str, Equation] = {e.out: e for e in system.equations}

    def fresh(self, base: str) -> str:
        """A name that no value has yet."""
        return unused(base, self.values)

    def make(
        self, base: str, shape: Shape, op: Op, reads: Iterable[Access], dims: tuple[str, ...] | None = None
    ) -> str:
        """The name of a new value with the axes that its reads are read at, batched where one of them is."""
        reads = tuple(reads)
        here = {a.axis for r in reads for a in r.at if a.anchor == "here"}
        axes = tuple(a for a in self.system.axes if a in here)
        return self.add(base, axes, any(self.values[r.name].batched for r in reads), shape, op, reads, dims)

    def add(
        self,
        base: str,
        axes: tuple[str, ...],
        batched: bool,
        shape: Shape,
        op: Op,
        reads: tuple[Access, ...],
        dims: tuple[str, ...] | None = None,
    ) -> str:
        """The name of a new value with the given axes and batch."""
        name = self.fresh(base)
        self.values[name] = Value(name, "part", axes, batched, shape)
        self.equations[name] = Equation(name, dims if dims is not None else labels_of(shape), op, reads)
        return name

    def here(self, name: str, dims: tuple[str | int, ...]) -> Access:
        """`name` at the current position of its axes."""
        return Access(name, tuple(At(a) for a in self.values[name].axes), dims)

    def sizes(self, reads: Iterable[Access]) -> dict[str, Size]:
        """The size of every label that the reads have."""
        found: dict[str, Size] = {}
        for r in reads:
            taps = tuple(Size.of(a.high - a.low + 1) for a in r.at if a.high is not None)
            for d, z in zip(r.dims, (*taps, *self.values[r.name].shape), strict=True):
                if isinstance(d, str):
                    found[d] = z
        return found
