"""`start` lines: what a unit or an input is before its first step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from rnnc.diagnostics import Edit, Help
from rnnc.frontend import syntax
from rnnc.model.declare import Place
from rnnc.model.entities import Broken, Context, Equation, Owner, Scope, Slot, StartLine, UseName, ValueName
from rnnc.model.errors_axes import HugeDelay
from rnnc.model.errors_names import WrongKind
from rnnc.model.errors_shapes import BadStart
from rnnc.model.forms import Init
from rnnc.model.indexing import Unreadable, position_of
from rnnc.model.lookup import unknown
from rnnc.model.resolution import FARTHEST, Resolution


def declare_starts(body: Iterable[syntax.Statement], place: Place, r: Resolution) -> None:
    """Remember the `start` lines of a body; they are understood when every cell is expanded."""
    for statement in body:
        if isinstance(statement, syntax.Start):
            r.start_statements.append((statement, place))


def enter_starts(r: Resolution) -> None:
    """Every remembered line, resolved to the value it is about."""
    seen: dict[tuple[str, int | None], syntax.Start] = {}
    for statement, place in r.start_statements:
        found = _target(statement, place.scope, r)
        if found is None or found.broken:
            continue
        reader = f"the start of `{statement.name.text}`"
        words = ("learned", "bias") if isinstance(statement.right, syntax.Reference) else ("bias",)
        context = Context(place.scope, (), frozenset(), None, reader, "start", own=place.bound, words=words)
        try:
            back = _back(statement, found, context, r)
        except Unreadable:
            continue
        first = seen.setdefault((found.key, back), statement)
        if first is not statement:
            said = f"`{statement.name.text}` has two starts"
            r.reporter.report(
                BadStart(span=statement.span, said=said, hint="the second", declared=first.span, place="first here")
            )
            continue
        prefix = place.parameters + ".".join(n.text for n in (statement.name, *statement.parts))
        key = f"{prefix}.start" if back is None else f"{prefix}.start_{back}"
        context = replace(context, owner=Owner(key))
        equation = Equation(statement.right, context, found, statement.span)
        if statement.learned:
            _learned(key, statement, r)
            equation = replace(equation, context=replace(context, chain=("learned", key)))
        r.starts.append(StartLine(found, back, equation))


def _learned(key: str, statement: syntax.Start, r: Resolution) -> None:
    if key not in r.connections:
        span = statement.right.span
        r.connections[key] = Slot(key, "param", (), None, span, used=True, init=Init("zeros"))


def _target(statement: syntax.Start, scope: Scope, r: Resolution) -> Slot | None:
    entity = scope.get(statement.name.text)
    if entity is None:
        r.reporter.report(unknown(statement.name, scope, wanted=(ValueName, UseName)))
        return None
    for part in statement.parts:
        if not isinstance(entity, UseName):
            if not isinstance(entity, Broken):
                said = f"`{statement.name.text}` is {entity.what} without parts"
                r.reporter.report(WrongKind(span=part.span, said=said, hint="no such part"))
            return None
        inner = entity.inner
        entity = inner.get(part.text)
        if entity is None:
            r.reporter.report(unknown(part, inner, "part", (ValueName, UseName)))
            return None
    if isinstance(entity, Broken):
        return None
    slot = entity.slot if isinstance(entity, ValueName | UseName) else None
    said = ""
    if slot is None or slot.role in ("target", "param", "fixed"):
        said = f"only units and inputs have a start, `{statement.name.text}` is {entity.what}"
    elif slot.kind != "real":
        said = f"`{statement.name.text}` holds tokens and has no start"
    elif not slot.axes and not slot.broken:
        said = f"`{statement.name.text}` has no axis, so nothing comes before its first step"
    if said:
        r.reporter.report(BadStart(span=statement.name.span, said=said, hint="has no start", declared=entity.span))
        return None
    return slot


def _back(statement: syntax.Start, slot: Slot, context: Context, r: Resolution) -> int | None:
    """How many steps before the first; None for all. Raises `Unreadable` where it was wrong (reported)."""
    if statement.index is None:
        return None
    if len(statement.index) != 1 or len(slot.axes) != 1:
        said = "early values one by one are for values of one axis"
        r.reporter.report(BadStart(span=statement.span, said=said, hint="several axes"))
        raise Unreadable
    entry = statement.index[0]
    place = position_of(entry.low, context, r)
    back = -place.offset
    if math.isfinite(back) and back > FARTHEST and place.anchor == "first":
        r.reporter.report(HugeDelay(span=entry.span, what="this delay", limit=FARTHEST))
        raise Unreadable
    if place.anchor != "first" or back not in range(1, FARTHEST + 1) or entry.high is not None:
        said = f"a start stands at `first-1`, `first-2`, ..., found `{entry.span.text}`"
        past = place.anchor == "last" and place.offset in range(1, FARTHEST + 1) and entry.high is None
        text = f"first-{int(place.offset)}" if past else ""
        mend = (
            Help(f"of what runs backward, `{text}` is past the last step", (Edit(entry.span, text),)) if past else None
        )
        r.reporter.report(BadStart(span=entry.span, said=said, hint="not before the first step", mend=mend))
        raise Unreadable
    return int(back)
