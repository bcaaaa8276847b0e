"""What a derivation is written in: sums and products of values read at positions and unit indices.

The constructors `add`, `mul`, `power` and `total` keep a normal form as a reader expects it (numbers first, like terms and
factors collected, no sign inside a product); they know algebra and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from rnnc.sizes import Size


@dataclass(frozen=True)
class Index:
    """A unit index: symbols times their strides, plus an offset. A constant has no symbols; `only` is the one index of a
    dimension of size 1, which nobody writes."""

    terms: tuple[tuple[str, Size], ...]
    offset: Size = Size.of(0)
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
    """A position on `axis`: `base` (a variable, or first or last) plus an offset and, inside a window, a tap."""

    axis: str
    base: str
    offset: int = 0
    tap: Index | None = None


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
    """`kind` (sum, max or min) over the bound variables, of positions and of indices, where `where` is not 0."""

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


def scaled(term: Expr) -> tuple[Fraction, tuple[Expr, ...]]:
    """A term as a number times other factors."""
    if isinstance(term, Num):
        return term.value, ()
    if isinstance(term, Mul):
        if isinstance(term.factors[0], Num):
            return term.factors[0].value, term.factors[1:]
        return Fraction(1), term.factors
    return Fraction(1), (term,)


def add(terms: Iterable[Expr]) -> Expr:
    """The sum, like terms collected; a bracketed sum that is only added or subtracted is opened."""
    collected: dict[tuple[Expr, ...], Fraction] = {}
    for term in _opened(terms):
        coefficient, rest = scaled(term)
        collected[rest] = collected.get(rest, Fraction(0)) + coefficient
    kept = [_product(c, rest) for rest, c in collected.items() if c]
    if not kept:
        return ZERO
    return kept[0] if len(kept) == 1 else Add(tuple(kept))


def _opened(terms: Iterable[Expr]) -> Iterator[Expr]:
    for term in terms:
        coefficient, rest = scaled(term)
        if len(rest) == 1 and isinstance(rest[0], Add):
            for inner in rest[0].terms:
                c, factors = scaled(inner)
                yield _product(c * coefficient, factors)
        else:
            yield term


def _product(coefficient: Fraction, rest: tuple[Expr, ...]) -> Expr:
    if not rest:
        return Num(coefficient)
    if coefficient == 1:
        return rest[0] if len(rest) == 1 else Mul(rest)
    return Mul((Num(coefficient), *rest))


def mul(factors: Iterable[Expr]) -> Expr:
    """The product, powers collected; brackets first, then values, factors that are sums, derivatives by units, sums over
    something."""
    coefficient = Fraction(1)
    powers: dict[Expr, Expr] = {}
    waiting = list(factors)
    while waiting:
        factor = waiting.pop(0)
        if isinstance(factor, Num):
            coefficient *= factor.value
        elif isinstance(factor, Mul):
            waiting[:0] = factor.factors
        elif isinstance(factor, Bracket):
            powers[factor] = ONE
        elif isinstance(factor, Add) and all(scaled(t)[0] < 0 for t in factor.terms):
            coefficient = -coefficient
            waiting.insert(0, add(mul((MINUS, t)) for t in factor.terms))
        else:
            operand, exponent = _as_power(factor)
            powers[operand] = add((powers.get(operand, ZERO), exponent))
    if coefficient == 0:
        return ZERO
    kept = [power(operand, exponent) for operand, exponent in powers.items() if exponent != ZERO]
    return _product(coefficient, tuple(sorted(kept, key=_rank)))


def _as_power(factor: Expr) -> tuple[Expr, Expr]:
    if isinstance(factor, Power) and isinstance(factor.exponent, Num):
        return factor.operand, factor.exponent
    return factor, ONE


def _rank(factor: Expr) -> int:
    if isinstance(factor, Bracket):
        return 0
    if isinstance(factor, Ref):
        return 5 if is_gradient(factor.name) else 2 if factor.at or factor.name.startswith("d(") else 1
    if isinstance(factor, Add | Choice):
        return 4
    return 6 if isinstance(factor, Reduce) else 3


def is_gradient(name: str) -> bool:
    """The derivative by a unit, an input or a parameter; the one by a net input is a delta and reads as a value."""
    return name.startswith("d(") and ":" not in name


def power(operand: Expr, exponent: Expr) -> Expr:
    if exponent == ONE:
        return operand
    if exponent == ZERO:
        return ONE
    whole = isinstance(exponent, Num) and exponent.value.denominator == 1
    if isinstance(operand, Num) and whole and isinstance(exponent, Num) and operand.value:
        return Num(operand.value ** int(exponent.value))
    if isinstance(operand, Mul) and whole:
        return mul(power(f, exponent) for f in operand.factors)
    if isinstance(operand, Power) and whole:
        return power(operand.operand, mul((operand.exponent, exponent)))
    return Power(operand, exponent)


def total(bound: tuple[str, ...], body: Expr) -> Expr:
    """The sum over the bound variables; what does not vary with them stands before it."""
    if not bound or body == ZERO:
        return body
    coefficient, factors = scaled(body)
    if not factors:
        return Reduce("sum", bound, body) if coefficient == 1 else mul((Num(coefficient), Reduce("sum", bound, ONE)))
    names = set(bound)
    outside = tuple(f for f in factors if not names & symbols(f))
    inside = tuple(f for f in factors if names & symbols(f))
    sums = [f for f in inside if isinstance(f, Reduce) and f.kind == "sum"]
    if len(sums) == 1:
        bound = (*bound, *sums[0].bound)
        inner = mul((*(f for f in inside if f is not sums[0]), sums[0].body))
        number_of, rest = scaled(inner)
        coefficient, inner = coefficient * number_of, _product(Fraction(1), rest)
    else:
        inner = _product(Fraction(1), inside) if inside else ONE
    return mul((Num(coefficient), *outside, Reduce("sum", bound, inner)))


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
