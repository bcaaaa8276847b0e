"""What stands between brackets: one position for each axis of a value."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from rnnc.diagnostics import Edit, Help, Span
from rnnc.frontend import syntax
from rnnc.model.entities import AxisName, Broken, Constant, Context, SizeName
from rnnc.model.errors_axes import AxisOutOfSight, BadDelay, BadIndex, HugeDelay
from rnnc.model.forms import At
from rnnc.model.lookup import axes_said, unknown
from rnnc.model.resolution import FARTHEST, Resolution
from rnnc.model.sizing import arithmetic, is_whole


@dataclass(frozen=True)
class Position:
    """`factor * axis + offset`, or an offset from an end, or a bare number (no axis, no anchor)."""

    axis: str | None
    anchor: Literal["here", "first", "last"] | None
    factor: float
    offset: float


@dataclass(frozen=True)
class Entry:
    """A position read: one, or a window; `mirrored` where the order of its taps is turned around."""

    at: At
    mirrored: bool = False


class Unreadable(Exception):
    """An index that was reported, or that a reported mistake makes pointless."""


@dataclass(frozen=True)
class Value:
    """What is indexed: its name as written, its axes, where it is declared."""

    name: str
    axes: tuple[str, ...]
    declared: Span | None
    formal: bool = False
    """A cell's formal may be indexed along an axis its argument lacks, at offset 0."""


def entries(ref: syntax.Reference, value: Value, context: Context, r: Resolution) -> tuple[Entry, ...]:
    """One entry for each axis of the value, in order. Raises `Unreadable` after reporting a mistake."""
    given: dict[str, Entry] = {}
    if ref.index is not None:
        given = _given(ref, ref.index, value, context, r)
    found = []
    for axis in value.axes:
        entry = given.get(axis, Entry(At(axis)))
        if entry.at.anchor == "here" and axis not in context.sight:
            span = ref.span if context.call is None else context.call
            r.reporter.report(
                AxisOutOfSight(
                    span=span,
                    name=".".join(n.text for n in (ref.name, *ref.parts)),
                    axis=axis,
                    reader=context.reader,
                    declared=value.declared,
                    indexed=ref.index is not None,
                )
            )
            raise Unreadable
        found.append(entry)
    return tuple(found)


def _given(
    ref: syntax.Reference, index: tuple[syntax.Index, ...], value: Value, context: Context, r: Resolution
) -> dict[str, Entry]:
    read = [(i, position_of(i.low, context, r), position_of(i.high, context, r) if i.high else None) for i in index]
    if len(index) > len(value.axes) and not value.formal:
        count = len(value.axes)
        said = f"`{value.name}` has {count} ax{'i' if count == 1 else 'e'}s, found {len(index)} positions"
        mend = None
        if not count:
            said = f"`{value.name}` has no axis"
            along = [low.axis for _, low, _ in read if low.axis is not None]
            if len(along) == len(index) and "." not in value.name:
                mend = Help(f"declare `{value.name}[{', '.join(along)}]`, or read `{value.name}` as it is")
        r.reporter.report(
            BadIndex(span=ref.span, said=said, hint="too many positions", declared=value.declared, mend=mend)
        )
        raise Unreadable
    given: dict[str, Entry] = {}
    full = context.own if context.own and len(index) == len(context.own) else value.axes
    for place, (written, low, high) in enumerate(read):
        named = low.axis or (high.axis if high else None)
        axis = full[place] if len(index) == len(full) else named
        meant = named or axis
        if value.formal and meant is not None and meant not in value.axes:
            if low.offset or high is not None:
                said = f"`{value.name}` does not vary along `{meant}` here"
                r.reporter.report(BadIndex(span=written.span, said=said, hint="nothing to go back to"))
                raise Unreadable
            continue
        if axis is None or axis in given or axis not in value.axes:
            said = f"`{value.name}` has the axes {', '.join(value.axes)}"
            r.reporter.report(
                BadIndex(span=written.span, said=said, hint="which one is this?", declared=value.declared)
            )
            raise Unreadable
        given[axis] = _entry(written, axis, low, high, value, context, r)
    return given


def _entry(
    written: syntax.Index,
    axis: str,
    low: Position,
    high: Position | None,
    value: Value,
    context: Context,
    r: Resolution,
) -> Entry:
    for position in (low, high) if high is not None else (low,):
        _check(written, axis, position, value, context, r)
    anchor = low.anchor or "here"
    first, last = int(low.offset), int(high.offset) if high is not None else None
    if last is not None:
        if high is None or high.anchor != low.anchor:
            said = "a window has a fixed number of neighbours"
            hint = "its two ends move apart"
            r.reporter.report(BadIndex(span=written.span, said=said, hint=hint))
            raise Unreadable
        if last < first:
            said = "a window runs from its oldest neighbour to its newest"
            text = f"{written.high.span.text}..{written.low.span.text}" if written.high is not None else ""
            mend = Help(f"write `{text}`", (Edit(written.span, text),))
            r.reporter.report(BadIndex(span=written.span, said=said, hint="runs the other way", mend=mend))
            raise Unreadable
        if last - first >= FARTHEST:
            r.reporter.report(HugeDelay(span=written.span, what="this window", limit=FARTHEST))
            raise Unreadable
    at = At(axis, first, last, anchor)
    return Entry(mirror(at), last is not None) if axis in context.mirrored else Entry(at)


def mirror(at: At) -> At:
    """The position as it is in a cell that runs backward."""
    ends: dict[str, Literal["here", "first", "last"]] = {"first": "last", "last": "first", "here": "here"}
    if at.high is None:
        return replace(at, low=-at.low, anchor=ends[at.anchor])
    return replace(at, low=-at.high, high=-at.low, anchor=ends[at.anchor])


def _check(written: syntax.Index, axis: str, position: Position, value: Value, context: Context, r: Resolution) -> None:
    said, hint, mend = "", "", None
    if position.axis is None and position.anchor is None:
        said = f"`{written.span.text}` is a number, not a position along `{axis}`"
        hint = "counted from where?"
        if is_whole(position.offset) and written.high is None:
            text = _meant(axis, int(position.offset), axis in context.sight)
            mend = Help(f"write `{text}`", (Edit(written.span, text),))
    elif position.axis is not None and position.axis != axis:
        said = f"`{value.name}` varies along `{axis}` here, found a position along `{position.axis}`"
        hint = "another axis"
    elif position.anchor == "here" and position.factor != 1:
        said, hint = f"a position moves with `{axis}` step by step", "moves faster or slower"
    if said:
        r.reporter.report(BadIndex(span=written.span, said=said, hint=hint, declared=value.declared, mend=mend))
        raise Unreadable
    if not math.isfinite(position.offset) or abs(position.offset) > FARTHEST:
        r.reporter.report(HugeDelay(span=written.span, what="this delay", limit=FARTHEST))
        raise Unreadable
    if position.offset != int(position.offset):
        r.reporter.report(BadDelay(span=written.span, found=f"{position.offset:g}", hint="not a whole number"))
        raise Unreadable


def _meant(axis: str, number: int, moving: bool) -> str:
    """The position for a number alone: counted from the first, or back from here or, where nothing moves, the end."""
    if number < 0:
        return f"{axis}{number}" if moving else f"last{number + 1}" if number < -1 else "last"
    return f"first+{number}" if number else "first"


def position_of(expr: syntax.Expr, context: Context, r: Resolution) -> Position:
    """What a position says. Raises `Unreadable` after reporting that it says nothing."""
    if isinstance(expr, syntax.Number):
        return Position(None, None, 0.0, expr.value)
    if isinstance(expr, syntax.Reference) and expr.index is None and not expr.parts:
        return _reference(expr, context, r)
    if isinstance(expr, syntax.Unary):
        return _combine(expr, "*", Position(None, None, 0.0, -1.0), position_of(expr.operand, context, r), r)
    if isinstance(expr, syntax.Chain):
        total = position_of(expr.first, context, r)
        for op, operand in expr.rest:
            total = _combine(expr, op, total, position_of(operand, context, r), r)
        return total
    r.reporter.report(BadDelay(span=expr.span, found=f"`{expr.span.text}`", hint="not known before data arrives"))
    raise Unreadable


def _reference(ref: syntax.Reference, context: Context, r: Resolution) -> Position:
    name = ref.name.text
    if name == "first":
        return Position(None, "first", 0.0, 0.0)
    if name == "last":
        return Position(None, "last", 0.0, 0.0)
    entity = context.scope.get(name)
    if entity is None:
        r.reporter.report(unknown(ref.name, context.scope, wanted=(AxisName, Constant), more=("first", "last")))
        raise Unreadable
    if isinstance(entity, Constant):
        entity.used = True
        return Position(None, None, 0.0, entity.value)
    if isinstance(entity, AxisName) and not entity.broken:
        entity.used = True
        return Position(entity.key, "here", 1.0, 0.0)
    if not isinstance(entity, Broken | AxisName):
        hint = f"{entity.what}, not a constant"
        remark = "" if isinstance(entity, SizeName) else axes_said(context.scope, name)
        r.reporter.report(BadDelay(span=ref.span, found=f"`{name}`", hint=hint, remark=remark))
    raise Unreadable


def _combine(whole: syntax.Expr, op: str, a: Position, b: Position, r: Resolution) -> Position:
    plain_a, plain_b = a.anchor is None, b.anchor is None
    if plain_a and plain_b:
        value = arithmetic(op, a.offset, b.offset)
        if value is not None:
            return Position(None, None, 0.0, value)
    elif op in "+-" and (plain_b or (plain_a and op == "+")):
        main, other = (a, b) if plain_b else (b, a)
        offset = main.offset - other.offset if op == "-" else main.offset + other.offset
        return replace(main, offset=offset)
    elif op == "*" and (plain_a or plain_b):
        main, other = (a, b) if plain_b else (b, a)
        if main.anchor == "here" or other.offset == 1:
            return replace(main, factor=main.factor * other.offset, offset=main.offset * other.offset)
    r.reporter.report(BadIndex(span=whole.span, said=f"`{whole.span.text}` is no position", hint="not an offset"))
    raise Unreadable
