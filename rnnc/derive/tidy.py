"""An expanded right side as a reader would leave it: identities of masks used, products multiplied out
where that is shorter.

Everything here is algebra on one expression; what a mask multiplies decides whether it can go.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from rnnc.derive import algebra
from rnnc.derive import expression as x
from rnnc.derive.rewrite import rebuild

Masked = Callable[[x.Ref], tuple[x.Expr, ...]]
"""The conditions outside which a value is 0."""


def tidy(e: x.Expr, masked: Masked, adjoint: bool) -> x.Expr:
    """`e` simplified. What an author wrote is left as it is, but for the compiler's masks; in an adjoint
    products may be multiplied out, and the terms of its sum stand in the order of the steps they look
    ahead.
    """
    e = rebuild(e, lambda part: _step(part, masked, adjoint))
    if adjoint and isinstance(e, x.Add):
        e = x.Add(tuple(sorted(e.terms, key=_distance)))
    return rebuild_order(e)


def _step(e: x.Expr, masked: Masked, adjoint: bool) -> x.Expr:
    if isinstance(e, x.Mul):
        return _unmasked(e, masked)
    if isinstance(e, x.Add) and adjoint:
        return _gathered(_shortest(e))
    return e


def _unmasked(e: x.Mul, masked: Masked) -> x.Expr:
    """[c] a = a where a is 0 unless c holds."""
    kept = list(e.factors)
    for factor in e.factors:
        if isinstance(factor, x.Bracket) and _implied(factor.condition, [f for f in kept if f != factor], masked):
            kept.remove(factor)
    return algebra.mul(kept)


def _implied(condition: x.Expr, others: list[x.Expr], masked: Masked) -> bool:
    if isinstance(condition, x.Compare) and condition.op == "!=":
        difference = algebra.add((condition.left, algebra.mul((x.MINUS, condition.right))))
        opposite = algebra.mul((x.MINUS, difference))
        if any(algebra.add((_root(f), d)) == x.ZERO for f in others for d in (difference, opposite)):
            return True
    return any(condition in masked(r) for f in others if isinstance(r := _root(f), x.Ref))


def _root(e: x.Expr) -> x.Expr:
    return e.operand if isinstance(e, x.Power) else e


def _shortest(e: x.Add) -> x.Expr:
    """The sum, or the sum multiplied out if that has fewer parts."""
    if len(e.terms) > 6:
        return e
    terms: list[x.Expr] = []
    for term in e.terms:
        _, factors = algebra.scaled(term)
        if sum(isinstance(f, x.Add) for f in factors) > 2:
            return e
        choices = [f.terms if isinstance(f, x.Add) else (f,) for f in factors]
        coefficient = x.Num(algebra.scaled(term)[0])
        terms.extend(algebra.mul((coefficient, *pick)) for pick in product(*choices))
    opened = algebra.add(terms)
    return opened if _size(opened) < _size(e) else e


def _size(e: x.Expr) -> int:
    return sum(1 for _ in x.walk(e))


def _gathered(e: x.Expr) -> x.Expr:
    """A mask that every term has, before the sum."""
    if not isinstance(e, x.Add):
        return e
    factors = [algebra.scaled(t)[1] for t in e.terms]
    common = [f for f in factors[0] if isinstance(f, x.Bracket) and all(f in other for other in factors)]
    if not common:
        return e
    rest = (tuple(f for f in other if f not in common) for other in factors)
    numbers = (x.Num(algebra.scaled(t)[0]) for t in e.terms)
    terms = (algebra.mul((n, *r)) for n, r in zip(numbers, rest, strict=True))
    return algebra.mul((*common, algebra.add(terms)))


def without_given(e: x.Expr) -> x.Expr:
    """[t given] left out of terms that read t: such a term counts as 0 where t is missing.

    A term is what is added up: here, or in the body of a sum. What would leave several terms keeps its mask.
    """
    if isinstance(e, x.Add):
        return x.Add(tuple(without_given(t) for t in e.terms))
    if isinstance(e, x.Reduce) and e.kind == "sum":
        return x.Reduce(e.kind, e.bound, without_given(e.body), e.where)
    if not isinstance(e, x.Mul):
        return e
    seen = [f for f in e.factors if not isinstance(f, x.Bracket)]
    read: set[x.Expr | None] = {r for f in seen for r in x.walk(f) if isinstance(r, x.Ref)}
    kept = [f for f in e.factors if _target(f) not in read]
    if len(kept) < len(e.factors) and sum(not isinstance(f, x.Num) for f in kept) == 1 and isinstance(kept[-1], x.Add):
        kept = list(e.factors)
    sums = [without_given(f) if isinstance(f, x.Reduce) else f for f in kept]
    return algebra.mul(sums)


def _target(e: x.Expr) -> x.Expr | None:
    """The target that has to be there for a mask to be 1."""
    given = e.condition if isinstance(e, x.Bracket) else None
    return given.ref if isinstance(given, x.Given) and not given.missing else None


def rebuild_order(e: x.Expr) -> x.Expr:
    """Every sum begins with a term that is added."""

    def change(part: x.Expr) -> x.Expr:
        if isinstance(part, x.Add) and algebra.scaled(part.terms[0])[0] < 0:
            return x.Add(tuple(sorted(part.terms, key=lambda t: algebra.scaled(t)[0] < 0)))
        return part

    return rebuild(e, change)


def _distance(term: x.Expr) -> int:
    offsets = [abs(p.offset) for r in x.walk(term) if isinstance(r, x.Ref) and r.name.startswith("d(") for p in r.at]
    return max(offsets, default=0)
