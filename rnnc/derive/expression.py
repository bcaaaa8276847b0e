"""What a derivation is written in: values at positions and unit indices, in sums, products and choices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from rnnc.sizes import Size

NOWHERE = Size.of(0)


@dataclass(frozen=True)
class Index:
    """A unit index: symbols times their strides, plus an offset. A constant has no symbols; `only` is the
    one index of a dimension of size 1, which nobody writes.
    """

    terms: tuple[tuple[str, Size], ...]
    offset: Size = NOWHERE
    only: bool = False

    @staticmethod
    def symbol(name: str) -> Index:
        return Index(((name, Size.of(1)),))

    @staticmethod
    def constant(value: int) -> Index:
        return Index((), Size.of(value))


ONLY = Index((), only=True)
BLANK = Index.symbol("")
"""The index of a vector that is meant as a whole."""


@dataclass(frozen=True)
class Place:
    """A position on `axis`: `base` (a variable, or first or last) plus an offset and, inside a window, a tap.

    A window meant as a whole has the tap `BLANK` and goes to the offset `until`.
    """

    axis: str
    base: str
    offset: int = 0
    tap: Index | None = None
    until: int | None = None


@dataclass(frozen=True)
class Ref:
    """A value at positions and indices; an index may be the whole number another value holds."""

    name: str
    at: tuple[Place, ...]
    indices: tuple[Index | Ref, ...]


@dataclass(frozen=True)
class Num:
    value: Fraction


@dataclass(frozen=True)
class Extent:
    """A size as a number."""

    size: Size


@dataclass(frozen=True)
class Position:
    """A position as a number."""

    place: Place


@dataclass(frozen=True)
class Number:
    """A unit index as a number."""

    index: Index | Ref


@dataclass(frozen=True)
class Add:
    terms: tuple[Expr, ...]


@dataclass(frozen=True)
class Mul:
    """A number, if it is not 1, stands first."""

    factors: tuple[Expr, ...]


@dataclass(frozen=True)
class Power:
    operand: Expr
    exponent: Expr


@dataclass(frozen=True)
class Call:
    title: str
    args: tuple[Expr, ...]


@dataclass(frozen=True)
class Reduce:
    """`kind` (sum, max or min) over the bound variables, of positions and of indices, where `where` is not
    0.
    """

    kind: str
    bound: tuple[str, ...]
    body: Expr
    where: Expr | None = None


@dataclass(frozen=True)
class Choice:
    """`yes` where the condition holds, else `no`."""

    condition: Expr
    yes: Expr
    no: Expr


@dataclass(frozen=True)
class Bracket:
    """1 where the condition holds, else 0 (Iverson's bracket)."""

    condition: Expr


@dataclass(frozen=True)
class Compare:
    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Given:
    """The entry of a target is there (`missing`: is not)."""

    ref: Expr
    missing: bool = False


@dataclass(frozen=True)
class Both:
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Join:
    """Entry `index` of whole vectors side by side; an absent one is so many zeros."""

    parts: tuple[Expr | Size, ...]
    index: Index | Ref


Expr = (
    Ref
    | Num
    | Extent
    | Position
    | Number
    | Add
    | Mul
    | Power
    | Call
    | Reduce
    | Choice
    | Bracket
    | Compare
    | Given
    | Both
    | Join
)

ZERO = Num(Fraction(0))
ONE = Num(Fraction(1))
MINUS = Num(Fraction(-1))


def number(value: float) -> Num:
    """A float as the decimal its author wrote."""
    return Num(Fraction(repr(value)))


def children(e: Expr) -> tuple[Expr, ...]:
    """The expressions an expression is made of (not those inside its indices)."""
    if isinstance(e, Add):
        return e.terms
    if isinstance(e, Mul):
        return e.factors
    if isinstance(e, Power):
        return (e.operand, e.exponent)
    if isinstance(e, Call):
        return e.args
    if isinstance(e, Reduce):
        return (e.body,) if e.where is None else (e.body, e.where)
    if isinstance(e, Choice):
        return (e.condition, e.yes, e.no)
    if isinstance(e, Bracket):
        return (e.condition,)
    if isinstance(e, Compare | Both):
        return (e.left, e.right)
    if isinstance(e, Given):
        return (e.ref,)
    if isinstance(e, Join):
        return tuple(p for p in e.parts if not isinstance(p, Size))
    return ()


def walk(e: Expr) -> Iterator[Expr]:
    """Every expression in `e`, those used as an index included, outermost first."""
    yield e
    for inner in (*children(e), *_inside_indices(e)):
        yield from walk(inner)


def _inside_indices(e: Expr) -> tuple[Ref, ...]:
    return tuple(i for i in indices_of(e) if isinstance(i, Ref))


def indices_of(e: Expr) -> tuple[Index | Ref, ...]:
    if isinstance(e, Ref):
        return (*e.indices, *(p.tap for p in e.at if p.tap is not None))
    if isinstance(e, Position):
        return () if e.place.tap is None else (e.place.tap,)
    return (e.index,) if isinstance(e, Number | Join) else ()


def symbols(e: Expr) -> set[str]:
    """The variables of positions and of indices that occur in `e`."""
    found: set[str] = set()
    for node in walk(e):
        found.update(s for i in indices_of(node) if isinstance(i, Index) for s, _ in i.terms)
        places = node.at if isinstance(node, Ref) else (node.place,) if isinstance(node, Position) else ()
        found.update(p.base for p in places)
    return found
