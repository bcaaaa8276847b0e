"""Bound variables: told apart where one expression goes into another, named by depth where it is finished."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rnnc.derive import expression as x
from rnnc.derive.rewrite import exchange, rebuild, through

Fresh = Callable[[], str]


def apart(e: x.Expr, fresh: Fresh) -> x.Expr:
    """`e` with index variables of its own in every sum."""
    if isinstance(e, x.Reduce):
        e = _renamed(e, fresh)
    return through(e, lambda part: apart(part, fresh))


def by_depth(e: x.Expr, depth: int, fresh: Fresh) -> x.Expr:
    """`e` with the index variables of its sums named `@depth`, ... from the outside in, so that equal sums compare
    equal and letters come in the order they are read.
    """
    return _lowered(apart(e, fresh), depth)


def _lowered(e: x.Expr, depth: int) -> x.Expr:
    if isinstance(e, x.Reduce):
        count = iter(range(depth, depth + len(e.bound)))
        e = _renamed(e, lambda: f"@{next(count)}")
        depth += len(e.bound)
    return through(e, lambda part: _lowered(part, depth))


def _renamed(e: x.Reduce, fresh: Fresh) -> x.Reduce:
    new = {b: fresh() for b in e.bound if b.startswith("@")}
    split = {old: x.Index.symbol(name) for old, name in new.items()}
    where = None if e.where is None else exchange(e.where, split)
    return replace(e, bound=tuple(new.get(b, b) for b in e.bound), body=exchange(e.body, split), where=where)


def moved(e: x.Expr, axis: str, place: x.Place) -> x.Expr:
    """`e`, which holds at any position of `axis`, at `place` (which has no tap)."""

    def at(p: x.Place) -> x.Place:
        if p.base != axis:
            return p
        until = None if p.until is None else p.until + place.offset
        return replace(p, base=place.base, offset=p.offset + place.offset, until=until)

    def change(part: x.Expr) -> x.Expr:
        if isinstance(part, x.Ref):
            return replace(part, at=tuple(at(p) for p in part.at))
        return x.Position(at(part.place)) if isinstance(part, x.Position) else part

    return rebuild(e, change)
