"""Influences that are zero off a diagonal: p^k_ij = 0 unless k = i, where every recurrence is elementwise."""

from __future__ import annotations

from collections.abc import Mapping

from rnnc.derive import algebra
from rnnc.derive import expression as x
from rnnc.derive.kronecker import contracted, kronecker, sides
from rnnc.derive.names import is_influence, subject
from rnnc.derive.rewrite import exchange, rebuild

Pairs = Mapping[str, tuple[tuple[int, int], ...]]
"""For an influence: which index of the unit is always that of the weight (their places)."""


def diagonal(derivatives: Mapping[str, tuple[x.Ref, x.Expr]], indices: tuple[x.Index, ...]) -> Pairs:
    """The largest set of pairs that the recursion keeps: an influence that starts on the diagonal stays on it.

    `derivatives` maps a unit to itself at any index and to the right side of its influence.
    """
    pairs = {
        (name, d, k)
        for name, (left, _) in derivatives.items()
        for d, own in enumerate(left.indices)
        for k, i in enumerate(indices)
        if isinstance(own, x.Index) and len(own.terms) == 1 and len(i.terms) == 1
    }
    # a vector that is read as a whole keeps its index
    read = [n for _, e in derivatives.values() for n in x.walk(e) if isinstance(n, x.Ref) and is_influence(n.name)]
    whole = {(subject(r.name), d) for r in read for d, i in enumerate(r.indices) if i == x.BLANK}
    pairs = {(n, a, b) for n, a, b in pairs if (n, a) not in whole}
    while True:
        kept = {
            (n, a, b)
            for n, a, b in pairs
            if _has(derivatives[n][1], derivatives[n][0].indices[a], b, indices[b], pairs)
        }
        if kept == pairs:
            break
        pairs = kept
    chosen: dict[str, tuple[tuple[int, int], ...]] = {}
    for name in derivatives:
        taken: dict[int, int] = {}
        for n, a, b in sorted(pairs):
            if n == name and a not in taken.values() and b not in taken:
                taken[b] = a
        chosen[name] = tuple(sorted((a, b) for b, a in taken.items()))
    return chosen


def _has(e: x.Expr, unit: x.Index | x.Ref, place: int, own: x.Index, pairs: set[tuple[str, int, int]]) -> bool:
    """Whether `e` is 0 where the index `unit` differs from the weight's."""
    if e == x.ZERO:
        return True
    if isinstance(e, x.Add):
        return all(_has(t, unit, place, own, pairs) for t in e.terms)
    if isinstance(e, x.Mul):
        return any(_has(f, unit, place, own, pairs) for f in e.factors)
    if isinstance(e, x.Reduce):
        return e.kind == "sum" and _has(e.body, unit, place, own, pairs)
    if isinstance(e, x.Choice):
        return all(_has(t, unit, place, own, pairs) for t in (e.yes, e.no))
    if isinstance(e, x.Ref) and is_influence(e.name):
        return any(e.indices[a] == unit for n, a, b in pairs if n == subject(e.name) and b == place)
    found = sides(e)
    return found is not None and set(found) == {unit, own}


def reduced(left: x.Ref, right: x.Expr, pairs: Pairs, rank: int) -> tuple[x.Ref, x.Expr]:
    """An equation with every index that the diagonal fixes left out; `rank` counts the indices of the weight."""

    def spare(e: x.Expr) -> x.Expr:
        if not isinstance(e, x.Ref) or not is_influence(e.name):
            return e
        found = pairs.get(subject(e.name), ())
        units = [a for a, _ in found]
        deltas = [kronecker(e.indices[b - rank], e.indices[a]) for a, b in found]
        return algebra.mul((*deltas, x.Ref(e.name, e.at, tuple(i for k, i in enumerate(e.indices) if k not in units))))

    right = contracted(rebuild(right, spare))
    found = pairs.get(subject(left.name), ()) if is_influence(left.name) else ()
    here = {}
    for a, b in found:
        index = left.indices[a]
        assert isinstance(index, x.Index)
        own = left.indices[b - rank]
        assert isinstance(own, x.Index)
        here[index.terms[0][0]] = own
    units = [a for a, _ in found]
    spared = x.Ref(left.name, left.at, tuple(i for k, i in enumerate(left.indices) if k not in units))
    return spared, contracted(exchange(right, here))
