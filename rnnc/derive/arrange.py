"""The order of terms and factors that papers use: in a sum the influences first, in a product the slope of a unit first
and what it multiplies after.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from rnnc.derive import algebra
from rnnc.derive import expression as x
from rnnc.derive.names import is_influence
from rnnc.derive.rewrite import through


def gathered(e: x.Expr) -> x.Expr:
    """Sums with what all their terms have in common before them, and the factors of one influence collected."""
    e = through(e, gathered)
    if not isinstance(e, x.Add):
        return e
    e = _collected(e)
    if not isinstance(e, x.Add):
        return e
    factors = [algebra.scaled(t)[1] for t in e.terms]
    common = [f for f in factors[0] if not isinstance(f, x.Bracket) and all(f in other for other in factors)]
    if not common:
        return e
    return algebra.mul((*common, algebra.add(_without(t, common) for t in e.terms)))


def _collected(e: x.Add) -> x.Expr:
    """a p + b p as (a + b) p."""
    groups: dict[x.Expr, list[x.Expr]] = {}
    for k, term in enumerate(e.terms):
        carried = [f for f in algebra.scaled(term)[1] if isinstance(f, x.Ref) and is_influence(f.name)]
        key: x.Expr = carried[0] if len(carried) == 1 else x.Num(Fraction(k))
        groups.setdefault(key, []).append(term)
    made = []
    for key, terms in groups.items():
        if len(terms) == 1:
            made.append(terms[0])
        else:
            made.append(algebra.mul((gathered(algebra.add(_without(t, [key]) for t in terms)), key)))
    return algebra.add(made)


def _without(term: x.Expr, common: Sequence[x.Expr]) -> x.Expr:
    number, factors = algebra.scaled(term)
    return algebra.mul((x.Num(number), *(f for f in factors if f not in common)))


def arranged(e: x.Expr) -> x.Expr:
    """`e` in the order in which it is read; no longer in normal form."""
    if isinstance(e, x.Add):
        terms = tuple(arranged(t) for t in e.terms)
        return x.Add(tuple(sorted(terms, key=lambda t: not _carries(t))))
    if isinstance(e, x.Mul):
        return x.Mul(_slope_first(tuple(arranged(f) for f in e.factors)))
    if isinstance(e, x.Choice):
        return x.Choice(e.condition, arranged(e.yes), arranged(e.no))
    return x.Reduce(e.kind, e.bound, arranged(e.body), e.where) if isinstance(e, x.Reduce) else e


def _carries(e: x.Expr) -> bool:
    return any(isinstance(n, x.Ref) and is_influence(n.name) for n in x.walk(e))


def _slope_first(factors: tuple[x.Expr, ...]) -> tuple[x.Expr, ...]:
    """y (1 - y) before what is multiplied by it."""
    slopes = [f for f in factors if isinstance(f, x.Add) and x.ONE in f.terms and not _carries(f)]
    own = {n for f in slopes for n in x.walk(f) if isinstance(n, x.Ref)}

    def rank(f: x.Expr) -> int:
        if isinstance(f, x.Num | x.Bracket):
            return 0
        return 1 if f in own else 2 if f in slopes else 3

    at_once = not any(_carries(f) for f in factors)
    return tuple(sorted(factors, key=rank)) if slopes and at_once else factors
