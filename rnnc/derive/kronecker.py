"""Kronecker's delta: made where a parameter's entry is differentiated by one, gone where a sum meets it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from rnnc.derive import algebra
from rnnc.derive import expression as x
from rnnc.derive.rewrite import exchange, through
from rnnc.sizes import Size

Indexed = x.Index | x.Ref


def kronecker(a: Indexed, b: Indexed) -> x.Expr:
    """1 where the indices are equal, else 0; an index in several parts is equal part by part."""
    if a == b or x.ONLY in (a, b):
        return x.ONE
    if isinstance(a, x.Index) and isinstance(b, x.Index) and len(a.terms) > 1 and _alike(a, b):
        pairs = zip(a.terms, b.terms, strict=True)
        return algebra.mul(kronecker(x.Index.symbol(s), x.Index.symbol(t)) for (s, _), (t, _) in pairs)
    one, other = (b, a) if isinstance(b, x.Ref) else (a, b)
    return x.Bracket(x.Compare("==", _number(one), _number(other)))


def _alike(a: x.Index, b: x.Index) -> bool:
    """Whether two indices are put together from the same strides."""
    return a.offset == b.offset and [z for _, z in a.terms] == [z for _, z in b.terms]


def _number(index: Indexed) -> x.Expr:
    """The whole number that a token is, or an index as a number."""
    return index if isinstance(index, x.Ref) else x.Number(index)


def sides(e: x.Expr) -> tuple[x.Index, x.Index] | None:
    """The two indices of a Kronecker delta; None for anything else."""
    c = e.condition if isinstance(e, x.Bracket) else None
    if isinstance(c, x.Compare) and c.op == "==" and isinstance(c.left, x.Number) and isinstance(c.right, x.Number):
        left, right = c.left.index, c.right.index
        if isinstance(left, x.Index) and isinstance(right, x.Index):
            return left, right
    return None


def contracted(e: x.Expr) -> x.Expr:
    """`e` with every sum over an index that a delta in it fixes carried out."""
    found = sides(e)
    if found is not None:
        return kronecker(*found)
    return through(e, contracted, _contract)


def _contract(bound: tuple[str, ...], body: x.Expr) -> x.Expr:
    return algebra.add(_fixed(bound, term) for term in _opened(bound, body))


def _opened(bound: tuple[str, ...], body: x.Expr) -> tuple[x.Expr, ...]:
    """The terms of the body; a bracketed sum in a product is multiplied out where one of its terms has a delta that
    fixes a bound index."""
    if isinstance(body, x.Add):
        return tuple(t for term in body.terms for t in _opened(bound, term))
    number, factors = algebra.scaled(body)
    opened = [f for f in factors if isinstance(f, x.Add) and any(_fixes(bound, t) for t in f.terms)]
    if not opened:
        return (body,)
    choices = [f.terms if isinstance(f, x.Add) and f in opened else (f,) for f in factors]
    return tuple(algebra.mul((x.Num(number), *pick)) for pick in product(*choices))


def _fixes(bound: tuple[str, ...], term: x.Expr) -> bool:
    _, factors = algebra.scaled(term)
    return any(_chosen(bound, f) is not None for f in factors)


def _chosen(bound: Iterable[str], factor: x.Expr) -> tuple[str, x.Index] | None:
    """The bound index that a delta fixes, and what at."""
    found = sides(factor)
    if found is None:
        return None
    names = set(bound)
    for one, other in (found, found[::-1]):
        plain = len(one.terms) == 1 and one == x.Index.symbol(one.terms[0][0])
        if plain and one.terms[0][0] in names and one.terms[0][0] not in {s for s, _ in other.terms}:
            return one.terms[0][0], other
    return None


def _fixed(bound: tuple[str, ...], term: x.Expr) -> x.Expr:
    number, factors = algebra.scaled(term)
    for f in factors:
        chosen = _chosen(bound, f)
        if chosen is None:
            continue
        symbol, index = chosen
        rest = algebra.mul((x.Num(number), *(g for g in factors if g is not f)))
        left = tuple(b for b in bound if b != symbol)
        return contracted(algebra.total(left, exchange(rest, {symbol: index})))
    return algebra.total(bound, term)


def strides(refs: Iterable[x.Ref], dim: int) -> tuple[Size, ...]:
    """How the parameter that `refs` read is read along a dimension: the strides of an index in several parts where
    all read it so, else none."""
    found = {tuple(z for _, z in i.terms) for r in refs if isinstance(i := r.indices[dim], x.Index)}
    whole = all(isinstance(i := r.indices[dim], x.Index) and i.offset == x.NOWHERE for r in refs)
    return next(iter(found)) if whole and len(found) == 1 and len(next(iter(found))) > 1 else ()
