"""Size expressions: `+ - * /` of size names and whole numbers, in a normal form so that equal means equal.

A `Size` is a polynomial in its names with rational coefficients and whole exponents (negative after a
division), kept as sorted terms. `2*H + H == 3*H` and `H*D/D == H` hold by comparison alone. Division by a sum
is kept as an opaque name, and so is a size rounded to a whole number, `ceil(N/8)` or `max(1, round(D/10))`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

Powers = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Size:
    """Sum of `coefficient * product of name**power`; terms sorted, no zero coefficient. `quotients` names
    divided sums.
    """

    terms: tuple[tuple[Powers, Fraction], ...]
    quotients: tuple[tuple[str, Size], ...] = ()

    @staticmethod
    def of(value: int | Fraction) -> Size:
        return _normal({(): Fraction(value)}, {})

    @staticmethod
    def named(name: str) -> Size:
        return _normal({((name, 1),): Fraction(1)}, {})

    @property
    def constant(self) -> int | None:
        """The whole number this is, or None if it holds a name (or is not whole)."""
        if not self.terms:
            return 0
        if len(self.terms) == 1 and self.terms[0][0] == () and self.terms[0][1].denominator == 1:
            return int(self.terms[0][1])
        return None

    @property
    def names(self) -> tuple[str, ...]:
        """The size names it depends on, sorted."""
        inner = dict(self.quotients)
        found: set[str] = set()
        for powers, _ in self.terms:
            for name, _power in powers:
                found.update(inner[name].names if name in inner else (name,))
        return tuple(sorted(found))

    def __add__(self, other: Size) -> Size:
        terms = dict(self.terms)
        for powers, c in other.terms:
            terms[powers] = terms.get(powers, Fraction(0)) + c
        return _normal(terms, {**dict(self.quotients), **dict(other.quotients)})

    def __neg__(self) -> Size:
        return Size(tuple((p, -c) for p, c in self.terms), self.quotients)

    def __sub__(self, other: Size) -> Size:
        return self + (-other)

    def __mul__(self, other: Size) -> Size:
        terms: dict[Powers, Fraction] = {}
        for p, c in self.terms:
            for q, d in other.terms:
                powers = _multiply(p, q)
                terms[powers] = terms.get(powers, Fraction(0)) + c * d
        return _normal(terms, {**dict(self.quotients), **dict(other.quotients)})

    def __truediv__(self, other: Size) -> Size:
        """Raises `ZeroDivisionError` where `other` is zero."""
        if not other.terms:
            raise ZeroDivisionError("a size divided by zero")
        if self == other:
            return Size.of(1)
        if len(other.terms) == 1:
            powers, c = other.terms[0]
            inverse = {tuple((n, -k) for n, k in powers): 1 / c}
            return self * _normal(inverse, dict(other.quotients))
        key = f"({other})"
        return self * _normal({((key, -1),): Fraction(1)}, {**dict(other.quotients), key: other})

    def value(self, sizes: Mapping[str, int]) -> Fraction:
        """The number this is for the given sizes (a caller checks that it is whole and positive)."""
        inner = {name: _opened(name, size.value(sizes)) for name, size in self.quotients}
        total = Fraction(0)
        for powers, c in self.terms:
            product = c
            for name, k in powers:
                base = inner[name] if name in inner else Fraction(sizes[name])
                product *= base**k
            total += product
        return total

    def bind(self, sizes: Mapping[str, Size]) -> Size:
        """This size with names replaced by other sizes."""
        result = Size.of(0)
        inner = dict(self.quotients)
        for powers, c in self.terms:
            product = Size.of(c)
            for name, k in powers:
                base = _rebound(name, inner[name], sizes) if name in inner else sizes.get(name, Size.named(name))
                for _ in range(abs(k)):
                    product = product * base if k > 0 else product / base
            result = result + product
        return result

    def __str__(self) -> str:
        """As an author writes it: `2*H + 1`, `H/4`."""
        return self.spelled({})

    def spelled(self, names: Mapping[str, str]) -> str:
        """The expression with every size name replaced by `names[name]` where given."""
        text = ""
        ordered = sorted(self.terms, key=lambda t: (-sum(k for _, k in t[0]), t[0]))
        for powers, c in ordered:
            term = _spell(powers, abs(c), names, dict(self.quotients))
            if not text:
                text = ("-" if c < 0 else "") + term
            else:
                text += (" - " if c < 0 else " + ") + term
        return text or "0"


def _spell(powers: Powers, c: Fraction, names: Mapping[str, str], inner: Mapping[str, Size]) -> str:
    over: list[str] = []
    under: list[str] = []
    for name, k in powers:
        spelled = names.get(name, name)
        if name in inner:
            spelled = _within(_opening(name) or "(", inner[name].spelled(names))
        (over if k > 0 else under).extend([spelled] * abs(k))
    if c.numerator != 1 or not over:
        over.insert(0, str(c.numerator))
    if c.denominator != 1:
        under.insert(0, str(c.denominator))
    return "*".join(over) + "".join(f"/{u}" for u in under)


_ROUNDINGS: Mapping[str, Callable[[Fraction], int]] = {
    "ceil(": math.ceil,
    "max(1, round(": lambda value: max(1, round(value)),
}
"""How a rounded size is written up to what is rounded, and the number that it is."""


def begun_of(size: Size) -> Size:
    """`ceil(size)`: how many parts are begun where `size` of them are filled."""
    return _rounded("ceil(", size)


def kept_of(share: Fraction, size: Size) -> Size:
    """`max(1, round(share * size))`: how many of `size` things a share (above 0, at most 1) keeps: the nearest whole
    number, of a half the even one, and at least one."""
    return _rounded("max(1, round(", Size.of(share) * size)


def _rounded(opening: str, inner: Size) -> Size:
    if len(inner.terms) == 1 and inner.terms[0][0] == ():
        return Size.of(_ROUNDINGS[opening](inner.terms[0][1]))
    if all(c.denominator == 1 and all(k > 0 for _, k in p) for p, c in inner.terms) and not inner.quotients:
        return inner
    key = _within(opening, str(inner))
    return _normal({((key, 1),): Fraction(1)}, {key: inner})


def _within(opening: str, text: str) -> str:
    return opening + text + ")" * opening.count("(")


def _opening(name: str) -> str | None:
    """How an opaque name rounds; None where it is a plain divisor."""
    return next((x for x in _ROUNDINGS if name.startswith(x)), None)


def _opened(name: str, value: Fraction) -> Fraction:
    opening = _opening(name)
    return value if opening is None else Fraction(_ROUNDINGS[opening](value))


def _rebound(name: str, inner: Size, sizes: Mapping[str, Size]) -> Size:
    opening = _opening(name)
    bound = inner.bind(sizes)
    return bound if opening is None else _rounded(opening, bound)


def _multiply(p: Powers, q: Powers) -> Powers:
    powers = dict(p)
    for name, k in q:
        powers[name] = powers.get(name, 0) + k
    return tuple(sorted((n, k) for n, k in powers.items() if k))


def _normal(terms: Mapping[Powers, Fraction], quotients: Mapping[str, Size]) -> Size:
    kept = tuple(sorted((p, c) for p, c in terms.items() if c))
    used = {name for p, _ in kept for name, _ in p}
    return Size(kept, tuple(sorted((k, v) for k, v in quotients.items() if k in used)))


ONE = Size.of(1)
Shape = tuple[Size, ...]


def number(shape: Iterable[Size]) -> Size:
    """How many entries a shape has."""
    result = ONE
    for z in shape:
        result = result * z
    return result


def show_shape(shape: Shape) -> str:
    """`(H, 2*D)`, `H`, or `1` for a scalar, as an author writes it."""
    if not shape:
        return "1"
    if len(shape) == 1:
        return str(shape[0])
    return "(" + ", ".join(str(s) for s in shape) + ")"
