"""What the recursions of random estimates share: their values, norms and scales, and the reads of what they carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from rnnc.autodiff.kept import Kept
from rnnc.autodiff.push import Direction
from rnnc.model.forms import At
from rnnc.ops.formula import UNIT, ZERO, Constant, Extent, Formula, Operand, Operation, plus, sum_of
from rnnc.sizes import ONE, Shape, Size, number
from rnnc.system.cut import Carried, Step
from rnnc.system.extension import Extension
from rnnc.system.forms import (
    Access,
    Border,
    Concat,
    Contract,
    Equation,
    Op,
    Pointwise,
    Products,
    Reshape,
    Signs,
    Term,
    Value,
)
from rnnc.system.lowering import labels_of
from rnnc.system.reach import downstream

EPSILON = 1e-7
"""For norms that are zero: Tallec and Ollivier (2017), algorithm 1."""


class Recursion:
    """Adds values that are made step by step along `axis` to `extension`; `loop` are their names. `kept` is what is
    carried, `borders` what that starts with, `added` what the past adds to the gradient of a parameter."""

    def __init__(self, extension: Extension, step: Step, axis: str) -> None:
        self.x = extension
        self.axis = axis
        self.carried = tuple(c for c in step.carried if c.axis == axis)
        self.states = tuple(s for s in step.states() if any(c.source == s for c in self.carried))
        self.within = replace(step.system, borders=())
        self.loop: list[str] = []
        self.kept: tuple[Kept, ...] = ()
        self.borders: list[Border] = []
        self.added: dict[str, str] = {}

    def depth(self, state: str) -> int:
        """How many steps back a state is read."""
        return max(c.delay for c in self.carried if c.source == state)

    def reached(self, names: Iterable[str]) -> frozenset[str]:
        """What depends on `names` within a step."""
        return downstream(self.within, names)

    # ---- values

    def named(self, base: str, shape: Shape) -> str:
        """A value whose equation is yet to come."""
        name = self.x.fresh(base)
        self.x.values[name] = Value(name, "part", (self.axis,), True, shape)
        self.loop.append(name)
        return name

    def made(self, base: str, shape: Shape, op: Op, reads: Iterable[Access], dims: tuple[str, ...] = ()) -> str:
        """A value and its equation."""
        name = self.x.add(base, (self.axis,), True, shape, op, tuple(reads), dims)
        self.loop.append(name)
        return name

    def products(self, name: str, dims: tuple[str, ...], pairs: Iterable[tuple[Access, Access]], about: str) -> None:
        """The equation of `name`: the sum of products of two."""
        reads = tuple(r for pair in pairs for r in pair)
        terms = (Term(2, dims),) * (len(reads) // 2)
        self.x.equations[name] = Equation(name, dims, Products(terms), reads, about)

    def signs(self, key: str, shape: Shape, axes: tuple[str, ...]) -> str:
        """Random signs of their own for every sequence (and position)."""
        return self.x.add(f"signs({key})", axes, True, shape, Signs(key), ())

    def last(self, name: str, dims: tuple[str, ...]) -> Access:
        """What was carried to this step."""
        return Access(name, (At(self.axis, -1),), dims)

    def now(self, name: str, dims: tuple[str | int, ...] = ()) -> Access:
        """What this step made."""
        return self.x.here(name, dims)

    def inverse(self, name: str) -> str:
        return self.made(f"1/{name}", (), Pointwise(INVERSE), (self.now(name),))

    # ---- norms

    def square(self, a: Access) -> Access:
        """The square of a norm."""
        return self.now(self.made("square", (), Contract(), (a, a)))

    def scale(self, base: str, above: Iterable[Access], below: Iterable[Access] | Size) -> str:
        """sqrt(|above| / (|below| + epsilon)) + epsilon; |below| is that of as many signs where it is a number."""
        top = [self.square(a) for a in above]
        bottom = [] if isinstance(below, Size) else [self.square(a) for a in below]
        size = below if isinstance(below, Size) else None
        return self.made(base, (), Pointwise(ratio(len(top), len(bottom), size)), (*top, *bottom))

    # ---- what is read of earlier steps

    def before(self, c: Carried, columns: tuple[str, ...], behind: tuple[tuple[str, ...], Shape]) -> Direction:
        """The direction of what the step reads of earlier steps, of a window all of them. `columns` are what is
        carried of its source, newest first, `behind` the label and number of its directions."""
        labels, width = behind
        if not c.windows:
            return Direction(columns[c.delay - 1], (At(self.axis, -1),), labels)
        shape = self.x.values[c.source].shape
        own = labels_of(shape)
        reads = []
        for k in range(c.delay, c.nearest - 1, -1):
            read = (self.last(columns[k - 1], (*own, *labels)),)
            dims = labels_of((ONE, *shape))
            one = self.made("tap", (ONE, *shape, *width), Reshape(), read, (*dims, *labels))
            reads.append(self.now(one, (*dims, *labels)))
        parts = tuple((ONE, k) for k in range(len(reads)))
        whole = (Size.of(len(reads)), *shape)
        name = self.made(f"directions({c.name})", (*whole, *width), Concat(parts), reads, (*labels_of(whole), *labels))
        return Direction(name, (At(self.axis),), labels)


INVERSE = Operation("/", (UNIT, Operand(0)))


def ratio(above: int, below: int, signs: Size | None = None) -> Formula:
    """sqrt(|a| / (|b| + epsilon)) + epsilon, of the squares of norms: the first `above` operands are those of a, the
    next `below` those of b, or b is as many `signs`."""
    square = Extent(signs) if signs is not None else sum_of(below, above)
    small = Constant(EPSILON)
    fraction = Operation("/", (_root(sum_of(above)), plus(_root(square), small)))
    return plus(_root(fraction), small)


def entries(x: Extension, names: Iterable[str]) -> Size:
    """How many entries values have in all."""
    total = Size.of(0)
    for name in names:
        total = total + number(x.values[name].shape)
    return total


def _root(formula: Formula) -> Formula:
    return formula if formula == ZERO else Operation("sqrt", (formula,))


def directions(given: Mapping[str, tuple[str, ...]], recursion: Recursion) -> dict[str, Direction]:
    """Of every carried value whose source is in `given` its one direction."""
    return {c.name: recursion.before(c, given[c.source], ((), ())) for c in recursion.carried if c.source in given}
