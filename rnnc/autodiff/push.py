"""Forward mode along given directions: what one step of a network makes of a change of what it carries.

For a value v of the step and directions t(c) of the carried values c, t(v) = sum over c of (d v / d c) t(c), equation
by equation, so that no derivative of one value by another is ever formed (Wengert 1964). Directions may be many,
numbered by a label behind those of the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rnnc.autodiff.factors import mask, share
from rnnc.autodiff.passing import NotWithinStep, within_step
from rnnc.autodiff.symbols import OUT, partials
from rnnc.model.forms import At
from rnnc.ops.formula import (
    UNIT,
    ZERO,
    Constant,
    Formula,
    Operand,
    Operation,
    operands,
    plus,
    substitute,
    sum_of,
    times,
)
from rnnc.sizes import Shape, Size
from rnnc.system import forms as s
from rnnc.system.extension import Extension
from rnnc.system.reach import downstream


@dataclass(frozen=True)
class Direction:
    """The directions of a value: `name` read at `at`; `labels` number them, behind those of the value (none: there is
    one direction)."""

    name: str
    at: tuple[At, ...]
    labels: tuple[str, ...] = ()

    def read(self, dims: tuple[str | int, ...]) -> s.Access:
        """The directions at the labels `dims` of their value."""
        return s.Access(self.name, self.at, (*dims, *self.labels))


class Push:
    """Adds to `extension` the equations of directions; `given` are those of the carried values, `columns` the label and
    the size of their number (none: one direction). `slopes` are the derivatives of single equations that another `Push`
    made."""

    def __init__(
        self,
        extension: Extension,
        given: Mapping[str, Direction],
        columns: tuple[tuple[str, ...], Shape] = ((), ()),
        slopes: dict[tuple[str, Formula], s.Access] | None = None,
    ) -> None:
        self.x = extension
        self.known: dict[str, Direction | None] = dict(given)
        self.labels, self.width = columns
        self.slopes = {} if slopes is None else slopes
        whole = replace(extension.system, equations=tuple(extension.equations.values()), borders=())
        self.moving = downstream(whole, given)
        self.made: list[str] = []
        """The values that change with the directions, in the order they were made."""

    def of(self, name: str) -> Direction | None:
        """The directions of a value, None where they are zero. What no given direction moves is left alone: recurrences
        of data are still whole."""
        waiting = [name]
        while waiting:
            last = waiting[-1]
            e = self.x.equations.get(last) if last in self.moving else None
            missing = [r.name for r in e.reads if r.name not in self.known] if e and last not in self.known else []
            if missing:
                waiting.extend(missing)
                continue
            waiting.pop()
            if last not in self.known:
                self.known[last] = None if e is None else self._pushed(e)
        return self.known[name]

    def _pushed(self, e: s.Equation) -> Direction | None:
        reached = {k: d for k, r in enumerate(e.reads) if (d := self.known[r.name]) is not None}
        if not reached or self.x.values[e.out].kind != "real":
            return None
        for k in reached:
            if not within_step(e, e.reads[k], self.x.values[e.out].axes):
                raise NotWithinStep(e, e.reads[k])
        op = e.op
        match op:
            case s.Pointwise():
                return self._pointwise(e, op, reached)
            case s.Contract():
                return self._product(e, e.reads, reached)
            case s.Dropout():
                return self._product(e, (e.reads[0], mask(self.x, e, op)), reached)
            case s.Extreme():
                return self._product(e, (e.reads[0], share(self.x, e)), {0: reached[0]} if 0 in reached else {})
            case s.Softmax():
                return self._softmax(e, op, reached)
            case s.Slice() | s.Reshape() | s.Gather():
                first = reached[0].read(e.reads[0].dims)
                return self._made(e, op, (first, *e.reads[1:]))
            case s.Take():
                return self._taken(e, reached[0])
            case s.Concat():
                return self._concat(e, op, reached)
        raise AssertionError(f"no direction behind {type(op).__name__}")

    def _made(
        self, e: s.Equation, op: s.Op, reads: tuple[s.Access, ...], dims: tuple[str, ...] | None = None
    ) -> Direction:
        v = self.x.values[e.out]
        dims = (*(e.dims if dims is None else dims), *self.labels)
        name = self.x.add(f"moved({e.out})", v.axes, True, (*v.shape, *self.width), op, reads, dims)
        self.made.append(name)
        return Direction(name, tuple(At(a) for a in v.axes), self.labels)

    def _pointwise(self, e: s.Equation, op: s.Pointwise, reached: Mapping[int, Direction]) -> Direction | None:
        found = partials(op.formula, len(e.reads))
        total: Formula = ZERO
        reads: list[s.Access] = []
        for k, direction in reached.items():
            if found[k] == ZERO:
                continue
            factor = self._coefficient(e, found[k], reads)
            reads.append(direction.read(e.reads[k].dims))
            here = Operand(len(reads) - 1)
            negative = factor in (Constant(-1.0), Operation("neg", (UNIT,)))
            total = plus(total, Operation("neg", (here,)) if negative else times(factor, here))
        if total == Operand(0) and reads[0].dims == (*e.dims, *self.labels):
            return next(iter(reached.values()))
        return None if total == ZERO else self._made(e, s.Pointwise(total), tuple(reads))

    def _coefficient(self, e: s.Equation, partial: Formula, reads: list[s.Access]) -> Formula:
        """A partial derivative as a formula over `reads`: where it is more than one of them, over a value of its own,
        which does not change with the directions."""
        used = operands(partial)
        v = self.x.values[e.out]
        own = s.Access(e.out, tuple(At(a) for a in v.axes), e.dims)
        accesses = tuple(own if j == OUT.index else e.reads[j] for j in used)
        if not used:
            return partial
        if isinstance(partial, Operand):
            reads.append(accesses[0])
            return Operand(len(reads) - 1)
        if (e.out, partial) not in self.slopes:
            formula = substitute(partial, {j: Operand(i) for i, j in enumerate(used)})
            sizes = self.x.sizes(accesses)
            dims = tuple(d for d in e.dims if d in sizes)
            name = self.x.make(f"slope({e.out})", tuple(sizes[d] for d in dims), s.Pointwise(formula), accesses, dims)
            self.slopes[e.out, partial] = self.x.here(name, dims)
        reads.append(self.slopes[e.out, partial])
        return Operand(len(reads) - 1)

    def _product(
        self, e: s.Equation, factors: tuple[s.Access, ...], reached: Mapping[int, Direction]
    ) -> Direction | None:
        """The sum over the factors of the product with the direction of one in its place."""
        if not reached:
            return None
        parts = []
        for k, direction in reached.items():
            reads = tuple(direction.read(r.dims) if j == k else r for j, r in enumerate(factors))
            parts.append(self._made(e, s.Contract(), reads))
        return self._sum(e, parts)

    def _sum(self, e: s.Equation, parts: list[Direction]) -> Direction:
        if len(parts) == 1:
            return parts[0]
        return self._made(e, s.Pointwise(sum_of(len(parts))), tuple(p.read(e.dims) for p in parts))

    def _softmax(self, e: s.Equation, op: s.Softmax, reached: Mapping[int, Direction]) -> Direction | None:
        """p (t - sum p t), or t - sum p t for the logarithm."""
        if 0 not in reached:
            return None
        v = self.x.values[e.out]
        here = tuple(At(a) for a in v.axes)
        p = s.Access(e.out, here, e.dims)
        if op.log:
            p = self.x.here(self.x.make(f"exp({e.out})", v.shape, s.Pointwise(_exp()), (p,), e.dims), e.dims)
        t = reached[0].read(e.reads[0].dims)
        dims = tuple(d for d in e.dims if d != op.over)
        shape = tuple(z for z, d in zip(v.shape, e.dims, strict=True) if d != op.over)
        total = self.x.add(
            f"moved({e.out}:sum)", v.axes, True, (*shape, *self.width), s.Contract(), (p, t), (*dims, *self.labels)
        )
        self.made.append(total)
        less: Formula = Operation("-", (Operand(1), Operand(2)))
        reads = (p, t, s.Access(total, here, (*dims, *self.labels)))
        return self._made(e, s.Pointwise(less if op.log else times(Operand(0), less)), reads)

    def _taken(self, e: s.Equation, direction: Direction) -> Direction:
        """Entries of a vector by a table of columns."""
        vector, table = e.reads
        assert not self.labels, "many directions are pushed where every parameter is in a product: none is sparse"
        return self._made(e, s.Take(), (direction.read(vector.dims), table))

    def _concat(self, e: s.Equation, op: s.Concat, reached: Mapping[int, Direction]) -> Direction:
        reads: list[s.Access] = []
        parts: list[tuple[Size, int | None]] = []
        for size, index in op.parts:
            if index is not None and index in reached:
                reads.append(reached[index].read(e.reads[index].dims))
                parts.append((size, len(reads) - 1))
            else:
                parts.append((size, None))
        return self._made(e, replace(op, parts=tuple(parts)), tuple(reads))


def _exp() -> Formula:
    return Operation("exp", (Operand(0),))
