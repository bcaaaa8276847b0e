"""Rebuilding an expression: indices exchanged throughout, or every part passed through a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from rnnc.derive.algebra import add, mul, power, total
from rnnc.derive.expression import (
    Add,
    Both,
    Bracket,
    Call,
    Choice,
    Compare,
    Expr,
    Given,
    Index,
    Join,
    Mul,
    Number,
    Position,
    Power,
    Reduce,
    Ref,
)
from rnnc.sizes import Size


def through(e: Expr, go: Callable[[Expr], Expr], summed: Callable[[tuple[str, ...], Expr], Expr] = total) -> Expr:
    """`e` with its direct parts passed through `go` and put together again in normal form, sums by `summed`."""
    if isinstance(e, Add):
        return add(go(t) for t in e.terms)
    if isinstance(e, Mul):
        return mul(go(f) for f in e.factors)
    if isinstance(e, Power):
        return power(go(e.operand), go(e.exponent))
    if isinstance(e, Call):
        return Call(e.title, tuple(go(a) for a in e.args))
    if isinstance(e, Reduce):
        where = None if e.where is None else go(e.where)
        return summed(e.bound, go(e.body)) if e.kind == "sum" else replace(e, body=go(e.body), where=where)
    if isinstance(e, Choice):
        return Choice(go(e.condition), go(e.yes), go(e.no))
    if isinstance(e, Bracket):
        return Bracket(go(e.condition))
    if isinstance(e, Compare | Both):
        return replace(e, left=go(e.left), right=go(e.right))
    if isinstance(e, Given):
        return replace(e, ref=go(e.ref))
    if isinstance(e, Join):
        return replace(e, parts=tuple(p if isinstance(p, Size) else go(p) for p in e.parts))
    return e


def rebuild(e: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """`e` with every part changed, innermost first, and put together again in normal form."""
    return change(through(e, lambda part: rebuild(part, change)))


def exchange(e: Expr, split: Mapping[str, Index]) -> Expr:
    """`e` with index symbols exchanged for other indices."""

    def change(x: Expr) -> Expr:
        if isinstance(x, Ref):
            return exchange_ref(x, split)
        if isinstance(x, Number | Join):
            return replace(x, index=_index(x.index, split))
        if isinstance(x, Position) and x.place.tap is not None:
            return Position(replace(x.place, tap=exchanged(x.place.tap, split)))
        return x

    return rebuild(e, change)


def exchange_ref(ref: Ref, split: Mapping[str, Index]) -> Ref:
    at = tuple(p if p.tap is None else replace(p, tap=exchanged(p.tap, split)) for p in ref.at)
    return Ref(ref.name, at, tuple(_index(i, split) for i in ref.indices))


def _index(index: Index | Ref, split: Mapping[str, Index]) -> Index | Ref:
    return exchange_ref(index, split) if isinstance(index, Ref) else exchanged(index, split)


def exchanged(index: Index, split: Mapping[str, Index]) -> Index:
    if not index.terms:
        return index
    terms: list[tuple[str, Size]] = []
    offset = index.offset
    for symbol, stride in index.terms:
        if symbol in split:
            terms.extend((s, stride * z) for s, z in split[symbol].terms)
            offset = offset + stride * split[symbol].offset
        else:
            terms.append((symbol, stride))
    return Index(tuple(terms), offset)
