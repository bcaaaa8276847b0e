"""A name in an expression: a value read at positions, a size or a constant as a number, an axis as the
position itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rnnc.diagnostics import Span
from rnnc.frontend import syntax
from rnnc.model.drafts import Draft, joined, number, poison, taps
from rnnc.model.entities import (
    Alias,
    AxisName,
    Broken,
    Constant,
    Context,
    Entity,
    Equation,
    Owner,
    Scope,
    Slot,
    UseName,
    ValueName,
)
from rnnc.model.errors_axes import NotYetCombined
from rnnc.model.errors_names import WrongKind
from rnnc.model.forms import At
from rnnc.model.indexing import Entry, Unreadable, Value, entries
from rnnc.model.lookup import unknown
from rnnc.sizes import Size

if TYPE_CHECKING:
    from rnnc.model.drafting import Drafting


def reference(ref: syntax.Reference, context: Context, drafting: Drafting) -> Draft:
    """The draft of a name; poison where it was wrong."""
    if context.place == "fn":
        return _formal(ref, context, drafting)
    entity = find(ref, context.scope, drafting, context.words)
    span = ref.span
    if entity is None or isinstance(entity, Broken):
        return poison(span)
    if isinstance(entity, ValueName | UseName):
        return _value(ref, entity.slot, context, drafting)
    if isinstance(entity, Alias):
        return _alias(ref, entity, context, drafting)
    if ref.index is not None:
        said = f"`{ref.name.text}` is {entity.what} and has no positions"
        drafting.report(WrongKind(span=span, said=said, hint="no brackets here"))
        return poison(span)
    if isinstance(entity, AxisName):
        return _axis(ref, entity, context, drafting)
    entity.used = True
    if isinstance(entity, Constant):
        return number(entity.value, span)
    return sized(entity.size, span)


def sized(size: Size, span: Span) -> Draft:
    """A size used as a number."""
    known = size.constant
    return number(float(known), span) if known is not None else Draft("size", (), span, shape=(), size=size)


def find(ref: syntax.Reference, scope: Scope, drafting: Drafting, words: tuple[str, ...] = ()) -> Entity | None:
    """What a dotted name denotes; None where it is unknown (reported). A word of the language that may stand there
    is among what is offered."""
    entity = scope.get(ref.name.text)
    if entity is None:
        if ref.name.text in ("first", "last"):
            said = f"`{ref.name.text}` is a position and stands between brackets"
            drafting.report(WrongKind(span=ref.span, said=said, hint="of which value?"))
            return None
        drafting.report(drafting.unknown_value(ref.name, scope, () if ref.parts or ref.index else words))
        return None
    written = ref.name.text
    for part in ref.parts:
        if isinstance(entity, Broken):
            return entity
        if not isinstance(entity, UseName):
            said = f"`{written}` is {entity.what} without parts"
            drafting.report(
                WrongKind(span=part.span, said=said, hint="no such part", declared=entity.span, what=entity.what)
            )
            return None
        inner = entity.inner
        found = inner.get(part.text)
        if found is None or not isinstance(found, ValueName | UseName | Broken):
            parts = [n for n, e in inner.items() if isinstance(e, ValueName | UseName)]
            remark = f"`{written}` is a use of cell `{entity.cell}`, with the parts {', '.join(parts)}"
            drafting.report(unknown(part, inner, "part", (ValueName, UseName), remark))
            return None
        written, entity = f"{written}.{part.text}", found
    return entity


def _formal(ref: syntax.Reference, context: Context, drafting: Drafting) -> Draft:
    known = context.formals.get(ref.name.text)
    if known is None:
        remark = "a `fn` sees its own arguments and nothing else"
        fake = Scope({name: Broken(ref.span) for name in context.formals})
        found = unknown(ref.name, fake, remark=remark)
        drafting.report(found.but(declared=None))
        return poison(ref.span)
    if ref.parts or ref.index is not None:
        said = f"`{ref.name.text}` is a number inside a `fn`, without parts or positions"
        drafting.report(WrongKind(span=ref.span, said=said, hint="index the argument of the call instead"))
        return poison(ref.span)
    return known


def _axis(ref: syntax.Reference, entity: AxisName, context: Context, drafting: Drafting) -> Draft:
    entity.used = True
    if entity.broken:
        return poison(ref.span)
    if entity.key not in context.sight:
        said = WrongKind(
            span=ref.span,
            said=f"{context.reader} does not vary along `{ref.name.text}`",
            hint="no position here",
        )
        drafting.report(said)
        return poison(ref.span)
    return Draft("position", (), ref.span, frozenset([entity.key]), shape=(), axis=entity.key)


def _value(ref: syntax.Reference, slot: Slot, context: Context, drafting: Drafting) -> Draft:
    slot.used = True
    if slot.broken or any(a in drafting.r.broken_axes for a in slot.axes):
        return poison(ref.span)
    if slot.is_array and ref.index is not None:
        return _row(ref, slot, ref.index, context, drafting)
    name = ".".join(n.text for n in (ref.name, *ref.parts))
    try:
        found = entries(ref, Value(name, slot.axes, slot.span), context, drafting.r)
    except Unreadable:
        return poison(ref.span)
    return read(slot, found, ref.span, drafting)


def _row(
    ref: syntax.Reference, slot: Slot, index: tuple[syntax.Index, ...], context: Context, drafting: Drafting
) -> Draft:
    """`E[w]`: the row of a table that a token picks."""
    if len(index) != 1 or index[0].high is not None:
        said = f"`{ref.name.text}` is {slot.what} and is indexed by one token"
        drafting.report(
            WrongKind(span=ref.span, said=said, hint="no positions here", declared=slot.span, what=slot.what)
        )
        return poison(ref.span)
    table = read(slot, (), ref.span, drafting)
    return joined("row", (table, drafting.draft(index[0].low, context)), ref.span)


def read(slot: Slot, found: tuple[Entry, ...], span: Span, drafting: Drafting) -> Draft:
    """A value read at its entries; windows that are mirrored have their taps turned around."""
    at = tuple(e.at for e in found)
    draft = read_at(slot, at, span)
    turned = [k for k, e in enumerate(e for e in found if e.at.high is not None) if e.mirrored and taps(e.at) > 1]
    if not turned:
        return draft
    if turned != [0]:
        drafting.report(
            NotYetCombined(
                span=span,
                what="a window over several axes in a cell that runs backward is",
                advice="read the neighbours one by one",
            )
        )
        return poison(span)
    count = taps(next(a for a in at if a.high is not None))
    for _ in range(count):
        drafting.r.count(span)
    parts = tuple(_tap(draft, k, span) for k in reversed(range(count)))
    return joined("concat", parts, span)


def _tap(window: Draft, k: int, span: Span) -> Draft:
    part = joined("slice", (window,), span)
    part.ends = (Size.of(k), Size.of(k + 1))
    return part


def read_at(slot: Slot, at: tuple[At, ...], span: Span) -> Draft:
    """A plain read."""
    axes = frozenset(a.axis for a in at if a.anchor == "here")
    return Draft("read", (), span, axes, kind=slot.kind, slot=slot, at=at)


def _alias(ref: syntax.Reference, alias: Alias, context: Context, drafting: Drafting) -> Draft:
    """A cell's formal: the argument, understood where the cell is used, then moved by the cell's own
    offsets.
    """
    alias.used = True
    if ref.parts:
        said = f"`{ref.name.text}` is an argument, and its parts are not seen here"
        drafting.report(WrongKind(span=ref.span, said=said, hint="hand the part over as an argument of its own"))
        return poison(ref.span)
    sight = alias.context.sight + tuple(a for a in context.sight if a not in alias.context.sight)
    base = _argument(alias, replace(alias.context, sight=sight), drafting)
    if base.op == "poison":
        return poison(ref.span)
    varying = tuple(a.axis for a in base.at if a.anchor == "here")
    try:
        found = entries(ref, Value(ref.name.text, varying, alias.argument.span, formal=True), context, drafting.r)
    except Unreadable:
        return poison(ref.span)
    moved = {e.at.axis: e for e in found}
    if base.slot is None:
        return base
    both = tuple(_moved(a, moved.get(a.axis)) for a in base.at)
    return read(base.slot, both, ref.span, drafting)


def _moved(at: At, by: Entry | None) -> Entry:
    if by is None or at.anchor != "here":
        return Entry(at)
    high = None if by.at.high is None else by.at.high + at.low
    return Entry(replace(by.at, low=by.at.low + at.low, high=high), by.mirrored)


def _argument(alias: Alias, context: Context, drafting: Drafting) -> Draft:
    """A read without windows: of the value that the argument is, or of the unit made to hold it."""
    if alias.unit is None:
        if isinstance(alias.argument, syntax.Reference):
            base = drafting.draft(alias.argument, context)
            if base.op == "poison" or (base.op == "read" and all(a.high is None for a in base.at)):
                return base
        alias.unit = _held(alias, context, drafting)
    if alias.unit.broken:
        return poison(alias.span)
    return read_at(alias.unit, tuple(At(a) for a in alias.unit.axes), alias.argument.span)


def _held(alias: Alias, context: Context, drafting: Drafting) -> Slot:
    r = drafting.r
    owned = replace(context, owner=Owner(alias.key))
    root = drafting.draft(alias.argument, owned)
    axes = tuple(a for a in r.axes if a in root.axes)
    slot = Slot(alias.key, "unit", axes, None, alias.argument.span, used=True, broken=root.op == "poison")
    if not slot.broken:
        r.slots[alias.key] = slot
        r.equations.append(Equation(alias.argument, owned, slot, alias.argument.span, root=root))
    return slot
