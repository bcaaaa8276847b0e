"""Reductions over axes, one after the other: what several axes together come to, and what a mask leaves out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnc.diagnostics import Span
from rnnc.model.drafts import Draft, joined, number
from rnnc.model.entities import Context
from rnnc.model.forms import STAYING

if TYPE_CHECKING:
    from rnnc.model.drafting import Drafting


def reduced(name: str, axis: str, body: Draft, where: Draft | None, drafting: Drafting, span: Span) -> Draft:
    """`name over axis (body, where = where)`."""
    drafting.r.count(span)
    made = joined("over", (body,) if where is None else (body, where), span)
    made.axis, made.function = axis, name
    if name not in STAYING:
        made.axes = made.axes - {axis}
    return made


def reduced_together(
    name: str,
    axes: tuple[str, ...],
    body: Draft,
    where: Draft | None,
    context: Context,
    drafting: Drafting,
    span: Span,
) -> Draft:
    """`name over i, j (body, where = where)`: of all positions that the mask holds, not of each row's own result.

    A mean in a loss stays one, since it counts the positions whose target is there."""
    if name == "sum" or where is None or (name == "mean" and context.place == "loss"):
        for place, axis in enumerate(reversed(axes)):
            body = reduced(name, axis, body, None if place else where, drafting, span)
            body.together = name == "mean" and place > 0
        return body
    moving = tuple(a for a in axes if a in where.axes)
    still = tuple(a for a in axes if a not in where.axes)
    for axis in reversed(still if moving else still[1:]):
        body = reduced(name, axis, body, None, drafting, span)
    moving = moving or still[:1]
    if name == "mean" and len(moving) > 1:
        flags = drafting.apply("where", (where, number(1.0, span), number(0.0, span)), span)
        total, count = (reduced("sum", moving[-1], a, where, drafting, span) for a in (body, flags))
        for axis in reversed(moving[:-1]):
            total, count = (reduced("sum", axis, a, None, drafting, span) for a in (total, count))
        return drafting.apply("/", (total, drafting.apply("max", (count, number(1.0, span)), span)), span)
    for axis in reversed(moving):
        body = reduced(name, axis, body, where, drafting, span)
        if axis != moving[0]:
            flags = drafting.apply("where", (where, number(1.0, span), number(0.0, span)), span)
            some = reduced("max", axis, flags, None, drafting, span)
            where = drafting.apply(">", (some, number(0.0, span)), span)
    return body
