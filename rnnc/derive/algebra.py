"""Sums and products in the normal form a reader expects: numbers first, like terms and factors collected, no
sign inside a product. They know algebra and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from rnnc.derive.expression import (
    MINUS,
    ONE,
    ZERO,
    Add,
    Bracket,
    Call,
    Expr,
    Mul,
    Num,
    Power,
    Reduce,
    Ref,
    symbols,
)


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
    collected: dict[frozenset[Expr], Fraction] = {}
    first: dict[frozenset[Expr], tuple[Expr, ...]] = {}
    for term in _opened(terms):
        coefficient, rest = scaled(term)
        # no factor of a product occurs twice in it: powers are collected
        key = frozenset(rest)
        first.setdefault(key, rest)
        collected[key] = collected.get(key, Fraction(0)) + coefficient
    kept = [_product(c, first[key]) for key, c in collected.items() if c]
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
    """The product, powers collected; brackets first, then values, factors that are sums, derivatives by
    units, sums over something.
    """
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
    if isinstance(factor, Call):
        return 4
    return 6 if isinstance(factor, Reduce) else 3


def is_gradient(name: str) -> bool:
    """The derivative by a unit, an input or a parameter, or an influence; the derivative by a net input is a delta
    and reads as a value.
    """
    return name.startswith(("p(", "q(")) or (name.startswith("d(") and ":" not in name)


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
