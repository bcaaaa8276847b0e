"""The losses of a model as one value `loss`: a number per sequence.

Each loss is summed over the axes it has. `mean over n` divides by the positions whose target is present; a position
whose target is missing adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeGuard

from rnnc.losses import LOSSES
from rnnc.losses.terms import apply, choose, number
from rnnc.model import forms as m
from rnnc.ops import formula as f
from rnnc.system import forms as s
from rnnc.system.lowering import Lowering

EXPAND = dict(LOSSES)


def objective(model: m.Model, lowering: Lowering) -> str | None:
    """Adds the equations of all losses; the name of their sum, or None without losses."""
    lowering.owner = "loss"
    totals = [_whole(loss, model, lowering) for loss in model.losses]
    if not totals:
        return None
    if len(totals) == 1 and lowering.values[totals[0].name].role == "part" and lowering.values[totals[0].name].batched:
        return totals[0].name
    name = lowering.fresh("sum")
    lowering.emit(name, (), (), s.Pointwise(f.sum_of(len(totals))), tuple(totals), ())
    lowering.values[name] = replace(lowering.values[name], batched=True)
    return name


def _whole(loss: m.Loss, model: m.Model, lowering: Lowering) -> s.Access:
    """One loss summed over its axes and, where it is a vector, its entries."""
    expanded = expand(loss.right, model, lowering)
    dims = tuple(f".i{k}" for k in range(len(expanded.type.shape)))
    value = lowering.named(expanded, "loss")
    if lowering.values[value].axes or dims:
        total = lowering.fresh("total")
        reads = (lowering.here(value, dims),)
        lowering.emit(total, (), (), s.Contract(), reads, (), loss.text, loss.span)
        value = total
    return lowering.here(value, ())


def expand(expr: m.Expr, model: m.Model, lowering: Lowering) -> m.Expr:
    """The loss as ordinary operations: named losses written out, means counted by presence, missing targets masked."""
    if _reduces(expr):
        return _over(expr, model, lowering)
    if isinstance(expr, m.Apply) and expr.op in EXPAND:
        return _named(expr, model, lowering)
    if isinstance(expr, m.Apply) and _holds_loss(expr):
        return replace(expr, args=tuple(expand(a, model, lowering) for a in expr.args))
    if isinstance(expr, m.Over) and _holds_loss(expr):
        return replace(expr, body=expand(expr.body, model, lowering))
    return _masked(expr, model, lowering)


def _named(expr: m.Apply, model: m.Model, lowering: Lowering) -> m.Expr:
    """A loss by name. A gap in its target is a missing number, which it minds itself; one that only a choice or a
    prediction reads is not, and makes it 0."""
    predictions, wanted = expr.args[:-1], expr.args[-1]
    names = {t.name for t in model.targets}
    reads = {(r.name, r.at): r for a in predictions for r in _targets(a, model)} if expr.op != "ctc" else {}
    if reads:
        predictions = tuple(_guarded(a, names, model, lowering) for a in predictions)
    for choice in _choices(wanted):
        reads |= {(r.name, r.at): r for r in _targets(choice, model)}
    args = tuple(_apart(a, model, lowering) for a in (*predictions, wanted))
    made = EXPAND[expr.op](replace(expr, args=args), lowering)
    for read in reads.values():
        made = choose(_entries("min", apply("present", read)), made, 0.0)
    return made


def _choices(expr: m.Expr) -> tuple[m.Expr, ...]:
    """What `expr` decides by: a comparison with a missing number is no missing number."""
    nodes = _minded(expr, below_reductions=True)
    return tuple(node.args[0] for node in nodes if isinstance(node, m.Apply) and node.op in ("where", "step"))


def _apart(expr: m.Expr, model: m.Model, lowering: Lowering) -> m.Expr:
    """What a named loss compares, its means over several axes written out."""
    if isinstance(expr, m.Over) and expr.joint:
        return _over(expr, model, lowering, minding=False)
    if isinstance(expr, m.Over):
        return replace(expr, body=_apart(expr.body, model, lowering))
    if not isinstance(expr, m.Apply):
        return expr
    return replace(expr, args=tuple(_apart(a, model, lowering) for a in expr.args))


def _over(expr: m.Over, model: m.Model, lowering: Lowering, minding: bool = True) -> m.Expr:
    """A reduction; where it is `minding` targets, of what is 0 where one is missing, and a mean counts the positions
    where some entry is there."""
    axes, inner = [expr.axis], expr
    while inner.joint and isinstance(inner.body, m.Over):
        inner = inner.body
        axes.append(inner.axis)
    body = (expand if minding else _apart)(inner.body, model, lowering)
    where, present = inner.where, _presence(inner.body, axes, model) if minding else None
    counted = {*(present.type.axes if present is not None else ()), *(where.type.axes if where is not None else ())}
    if expr.op != "mean" or not counted.intersection(axes) or (present is None and len(axes) == 1):
        for axis in reversed(axes):
            body, where = _reduced(expr, axis, body, where, model), None
        return body
    for axis in (a for a in reversed(axes) if a not in counted):
        body = _reduced(expr, axis, body, None, model)
    total, count = body, present if present is not None else number(1.0, expr)
    for axis in (a for a in reversed(axes) if a in counted):
        total, count = (_reduced(replace(expr, op="sum"), axis, a, where, model) for a in (total, count))
        where = None
    return apply("/", total, apply("max", count, number(1.0, expr)))


def _reduced(over: m.Over, axis: str, body: m.Expr, where: m.Expr | None, model: m.Model) -> m.Over:
    own = {*body.type.axes, *(where.type.axes if where is not None else ())} - {axis}
    axes = tuple(a for a in model.axes if a in own)
    return replace(over, axis=axis, body=body, where=where, type=m.Type(axes, body.type.shape), joint=False)


def _holds_loss(expr: m.Expr) -> bool:
    if isinstance(expr, m.Apply):
        return expr.op in EXPAND or any(_holds_loss(a) for a in expr.args)
    return isinstance(expr, m.Over) and _holds_loss(expr.body)


def _targets(expr: m.Expr, model: m.Model) -> tuple[m.Read, ...]:
    """The reads of targets in `expr`, each once, outside what already minds that they may be missing, and those of
    positions that a reduction has put together."""
    names = {t.name for t in model.targets}
    found: dict[tuple[str, tuple[m.At, ...]], m.Read] = {}
    for node in _minded(expr):
        if isinstance(node, m.Read) and node.name in names:
            found.setdefault((node.name, node.at), node)
        elif _reduces(node):
            for read in _targets(node.body, model):
                if not any(a.axis == node.axis and a.anchor == "here" for a in read.at):
                    found.setdefault((read.name, read.at), read)
    return tuple(found.values())


def _minded(expr: m.Expr, below_reductions: bool = False) -> Iterator[m.Expr]:
    """`expr` and what it is made of in the order of the text, outside what minds itself that targets may be missing and
    outside masks; what a reduction puts together only if asked for."""
    stack = [expr]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, m.Over) and (below_reductions or not _reduces(node)):
            stack.append(node.body)
        elif isinstance(node, m.Apply) and node.op not in ("forced", "present"):
            stack.extend(reversed(node.args))


def _reduces(node: m.Expr) -> TypeGuard[m.Over]:
    return isinstance(node, m.Over) and node.op not in m.STAYING


def _presence(expr: m.Expr, axes: list[str], model: m.Model) -> m.Expr | None:
    """1 at the positions along `axes` where some entry is present of some target that varies along one of them, at any
    position of what `expr` reduces."""
    result: m.Expr | None = None
    for one in (flag for flag in _flags(expr, model) if not set(axes).isdisjoint(flag.type.axes)):
        result = one if result is None else apply("max", result, one)
    return result


def _flags(expr: m.Expr, model: m.Model) -> list[m.Expr]:
    """For every target that `expr` reads, 1 where some entry is present."""
    names, found = {t.name for t in model.targets}, dict[tuple[str, tuple[m.At, ...]], m.Expr]()
    reduced: list[m.Expr] = []
    for node in _minded(expr):
        if isinstance(node, m.Read) and node.name in names:
            found.setdefault((node.name, node.at), _entries("max", apply("present", node)))
        elif _reduces(node):
            for flag in _flags(node.body, model):
                along = node.axis in flag.type.axes
                over = replace(node, op="max")
                reduced.append(_reduced(over, node.axis, flag, None, model) if along else flag)
    return [*found.values(), *reduced]


def _entries(op: str, flags: m.Expr) -> m.Expr:
    """Of the flags of all entries together, "max": whether any holds, "min": whether every one does."""
    return m.Apply(op, (flags,), m.Type(flags.type.axes, ()), flags.span) if flags.type.shape else flags


def _guarded(expr: m.Expr, targets: set[str], model: m.Model, lowering: Lowering) -> m.Expr:
    """`expr` with 0 for missing entries, so that what is masked outside is a number inside, and so is its
    derivative. A token is a number as it is, and picks a row of zeros where it is missing."""
    if isinstance(expr, m.Read):
        mended = expr.name in targets and expr.type.kind != "token"
        return choose(apply("present", expr), expr, 0.0) if mended else expr
    if _reduces(expr):
        return _over(expr, model, lowering)
    if isinstance(expr, m.Over):
        return replace(expr, body=_guarded(expr.body, targets, model, lowering))
    if isinstance(expr, m.Apply) and expr.op not in ("forced", "present"):
        args = tuple(_guarded(a, targets, model, lowering) for a in expr.args)
        return expr if all(a is b for a, b in zip(args, expr.args, strict=True)) else replace(expr, args=args)
    return expr


def _masked(expr: m.Expr, model: m.Model, lowering: Lowering) -> m.Expr:
    """`expr`, and 0 where an entry of a target that it reads is missing."""
    result = _guarded(expr, {t.name for t in model.targets}, model, lowering)
    for read in _targets(expr, model):
        result = choose(_entries("min", apply("present", read)), result, 0.0)
    return result
