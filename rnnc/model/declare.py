"""The statements of a network or of one use of a cell become names in a scope, and equations to be understood
later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rnnc.diagnostics import Span
from rnnc.frontend import syntax
from rnnc.model.calls import EVERY
from rnnc.model.entities import (
    AxisName,
    Broken,
    Context,
    Entity,
    Equation,
    Owner,
    Role,
    Scope,
    Slot,
    ValueName,
)
from rnnc.model.errors_axes import (
    NotYet,
    NotYetCombined,
    NotYetContinuous,
    NotYetRandom,
    NotYetSettling,
)
from rnnc.model.errors_names import DeclaredTwice, WrongKind, WrongPlace
from rnnc.model.errors_shapes import DeclaredDiffers, SharedDiffers
from rnnc.model.initialisers import initialiser
from rnnc.model.lookup import axis_names, unknown
from rnnc.model.resolution import Resolution
from rnnc.model.sizing import shape_of, size_of
from rnnc.sizes import Shape


@dataclass(frozen=True, eq=False)
class Place:
    """Where statements stand: the network itself, or one use of a cell."""

    scope: Scope
    prefix: str
    """Of the keys of what is declared here: empty, or `h1.`."""
    parameters: str
    """Of the keys of the parameters: `shared.` where a use is shared."""
    shared: Span | None
    """The name that a use shares them by, its own or that of the use around it."""
    axes: tuple[str, ...] | None
    """Of a use: the axes its units have where none are written."""
    bound: tuple[str, ...]
    """Of a use: the axes the cell's own names stand for."""
    mirrored: frozenset[str]
    returned: str | None
    returned_key: str
    cell: tuple[str, str] | None
    depth: int
    active: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Pending:
    """A unit whose right side is a use of a cell."""

    unit: syntax.Unit
    call: syntax.Call
    place: Place
    key: str
    path: str
    axes: tuple[str, ...]
    shape: Shape | None
    role: Role


def add(scope: Scope, name: syntax.Name, entity: Entity, r: Resolution) -> bool:
    """Enter a name; False where it was taken (reported)."""
    taken = scope.entities.get(name.text)
    if taken is None:
        scope.entities[name.text] = entity
        return True
    r.reporter.report(DeclaredTwice(span=name.span, name=name.text, first=taken.span))
    return False


def declare_functions(body: Iterable[syntax.Statement], scope: Scope, r: Resolution) -> None:
    """The `fn` statements of a body."""
    for statement in body:
        if isinstance(statement, syntax.Function):
            enter_function(statement, scope.functions, r)


def enter_function(function: syntax.Function, table: dict[str, syntax.Function], r: Resolution) -> None:
    """One `fn`, unless its name is taken."""
    name = function.name.text
    if name in EVERY:
        remark = f"`{name}` is built in"
        r.reporter.report(DeclaredTwice(span=function.name.span, name=name, first=None, remark=remark))
    elif name in table:
        r.reporter.report(DeclaredTwice(span=function.name.span, name=name, first=table[name].name.span))
    else:
        table[name] = function
    seen: dict[str, Span] = {}
    for formal in function.formals:
        if formal.text in seen:
            r.reporter.report(DeclaredTwice(span=formal.span, name=formal.text, first=seen[formal.text]))
        seen.setdefault(formal.text, formal.span)


def declare_axes(body: Iterable[syntax.Statement], scope: Scope, r: Resolution) -> None:
    """The axes of a network."""
    for statement in body:
        if not isinstance(statement, syntax.AxisDeclaration):
            continue
        broken = statement.definition is not None or statement.kind is not None
        for name in statement.names:
            if add(scope, name, AxisName(name.text, name.span, broken=broken), r):
                r.axes.append(name.text)
                if broken:
                    r.broken_axes.add(name.text)
        if statement.definition is not None:
            what = f"the slower axis `{statement.names[0].text}` is"
            r.reporter.report(NotYet(span=statement.definition.span, what=what))
        elif statement.kind is not None:
            _kind(statement.kind, r)


def _kind(kind: syntax.Call, r: Resolution) -> None:
    word = kind.function.text
    if word == "settle":
        r.reporter.report(NotYetSettling(span=kind.span, what="a settling axis is"))
    elif word == "step":
        r.reporter.report(NotYetContinuous(span=kind.span, what="continuous time is"))
    else:
        said = f"an axis is plain, or `settle`s, or `step`s; found `{word}`"
        r.reporter.report(WrongKind(span=kind.function.span, said=said, hint="not a kind of axis"))


def declare_values(
    body: Iterable[syntax.Statement], place: Place, r: Resolution, cells: dict[str, syntax.Cell]
) -> list[Pending]:
    """Enter what a body declares. The uses of cells in it are returned, to be expanded."""
    pending: list[Pending] = []
    for statement in body:
        if isinstance(statement, syntax.Data):
            _data(statement, place, r)
        elif isinstance(statement, syntax.Unit):
            found = _unit(statement, place, r, cells)
            if found is not None:
                pending.append(found)
        elif place.cell is not None and isinstance(
            statement, syntax.AxisDeclaration | syntax.Output | syntax.Loss | syntax.Feedback
        ):
            words = {syntax.AxisDeclaration: "axis", syntax.Output: "output", syntax.Loss: "loss"}
            word = words.get(type(statement), "feedback")
            said = f"`{word}` belongs to a network, not to a cell"
            r.reporter.report(WrongPlace(span=statement.span, said=said, hint="in a cell"))
        elif place.cell is None and isinstance(statement, syntax.Return):
            said = "`return` belongs to a cell; a network has `output`"
            r.reporter.report(WrongPlace(span=statement.span, said=said, hint="in a network"))
    return pending


def axes_of(declared: syntax.Declared, place: Place, r: Resolution) -> tuple[str, ...] | None:
    """The axes written behind a name; None where they were wrong (reported)."""
    found: list[str] = []
    good = True
    for name in declared.axes:
        entity = place.scope.get(name.text)
        if isinstance(entity, AxisName):
            entity.used = True
            if entity.key in found:
                r.reporter.report(DeclaredTwice(span=name.span, name=name.text, first=None))
                good = False
            found.append(entity.key)
            continue
        good = False
        if entity is None:
            r.reporter.report(unknown(name, place.scope, "axis", (AxisName,)))
            if place.cell is None and not axis_names(place.scope):
                # one `axis` is missing, however many values would have it
                place.scope.entities[name.text] = AxisName(name.text, name.span, used=True, broken=True)
                r.axes.append(name.text)
                r.broken_axes.add(name.text)
        elif not isinstance(entity, Broken):
            said = f"`{name.text}` is {entity.what}, not an axis"
            r.reporter.report(
                WrongKind(span=name.span, said=said, hint="not an axis", declared=entity.span, what=entity.what)
            )
    return tuple(found) if good else None


def _data(data: syntax.Data, place: Place, r: Resolution) -> None:
    word = data.keyword.text
    if place.cell is not None and word in ("input", "target"):
        said = f"`{word}` belongs to a network; a cell gets its values as arguments"
        r.reporter.report(WrongPlace(span=data.span, said=said, hint="in a cell"))
    role: Role = "input" if word == "input" else "target" if word == "target" else "param"
    role = "fixed" if word == "fixed" else role
    is_array = role in ("param", "fixed")
    token = data.shape.token if data.shape is not None else None
    shape: Shape | None = () if not is_array else None
    good = True
    size = None
    if token is not None and not is_array:
        size = size_of(token, place.scope, r)
        good = size is not None
    elif token is not None and data.shape is not None:
        good = False
        said = f"{'a parameter' if role == 'param' else 'a fixed array'} holds real numbers, not tokens"
        r.reporter.report(WrongKind(span=data.shape.span, said=said, hint="not here"))
    elif data.shape is not None:
        shape = shape_of(data.shape, place.scope, r)
        good = shape is not None
    init = None
    if data.init is not None and is_array:
        init = initialiser(data.init, place.scope, r)
        good = good and init is not None
    for declared in data.names:
        axes = axes_of(declared, place, r)
        if is_array and declared.axes:
            said = f"`{declared.name.text}` is the same at every position: a parameter has no axis"
            r.reporter.report(WrongKind(span=declared.span, said=said, hint="no brackets here"))
            axes = None
        slot = Slot(
            (place.parameters if is_array else place.prefix) + declared.name.text,
            role,
            axes or (),
            shape,
            declared.name.span,
            kind="token" if token is not None and not is_array else "real",
            token=size,
            written=True,
            init=init,
            broken=not good or axes is None or (place.cell is not None and not is_array),
        )
        if add(place.scope, declared.name, ValueName(slot), r) and not (
            place.parameters != place.prefix and slot.key in r.slots
        ):
            r.slots[slot.key] = slot
        elif slot.key in r.slots and place.parameters != place.prefix:
            _share(slot, r.slots[slot.key], place, r)
            place.scope.entities[declared.name.text] = ValueName(r.slots[slot.key])


def _share(slot: Slot, first: Slot, place: Place, r: Resolution) -> None:
    """The array of a use that shares its parameters is that of the first such use: they have to be alike."""
    what = "shapes" if slot.shape != first.shape else "initial values" if slot.init != first.init else ""
    if what and place.shared is not None and not slot.broken and not first.broken:
        r.reporter.report(SharedDiffers(span=place.shared, name=slot.key, what=what, first=first.span, by="uses"))


def _unit(unit: syntax.Unit, place: Place, r: Resolution, cells: dict[str, syntax.Cell]) -> Pending | None:
    word, name = unit.keyword.text, unit.left.name
    if place.cell is not None and word == "output":
        said = "`output` belongs to a network; a cell has `return`"
        r.reporter.report(WrongPlace(span=unit.keyword.span, said=said, hint="in a cell"))
    role: Role = "gate" if word == "gate" else "output" if word == "output" else "unit"
    axes = axes_of(unit.left, place, r)
    if place.axes is not None and axes is not None:
        others = tuple(a for a in place.axes if a not in place.bound)
        axes = (*axes, *others) if unit.left.axes else place.axes
    shape, good = None, axes is not None
    if unit.shape is not None and unit.shape.token is not None:
        said = "a unit holds real numbers; tokens come in as inputs and targets"
        r.reporter.report(WrongKind(span=unit.shape.span, said=said, hint="not for a unit"))
        good = False
    elif unit.shape is not None:
        shape = shape_of(unit.shape, place.scope, r)
        good = good and shape is not None
    good = _supported(unit, axes or (), r) and good
    returned = name.text == place.returned
    key = place.returned_key if returned else place.prefix + name.text
    call = unit.right
    if isinstance(call, syntax.Call) and call.function.text in cells and not call.over_first and good:
        return Pending(unit, call, place, key, place.prefix + name.text, axes or (), shape, role)
    slot = _slot(key, role, axes or (), shape, unit, good, r)
    if add(place.scope, name, ValueName(slot), r):
        enter_unit(slot, unit, place, r, slot.axes if axes is not None else tuple(r.axes))
        if role == "output" and place.cell is None:
            r.outputs.setdefault(key, name.span)
    return None


def _slot(
    key: str,
    role: Role,
    axes: tuple[str, ...],
    shape: Shape | None,
    unit: syntax.Unit,
    good: bool,
    r: Resolution,
) -> Slot:
    """The slot of a unit; where a use of a cell waits for it under this key, that one."""
    waiting = r.slots.get(key)
    if waiting is None or not waiting.waiting:
        return Slot(key, role, axes, shape, unit.left.name.span, written=True, broken=not good)
    if waiting.shape is not None and shape is not None and waiting.shape != shape:
        r.reporter.report(
            DeclaredDiffers(span=unit.left.name.span, name=key, declared=waiting.shape, found=shape, place=waiting.span)
        )
        good = False
    waiting.shape = waiting.shape if shape is None else shape
    waiting.broken = waiting.broken or not good
    return waiting


def _supported(unit: syntax.Unit, axes: tuple[str, ...], r: Resolution) -> bool:
    if unit.left.prime and not any(a in r.broken_axes for a in axes):
        r.reporter.report(NotYetContinuous(span=unit.left.span, what="an equation for a derivative is"))
    if unit.random:
        advice = "write the expectation with `=`"
        r.reporter.report(NotYetRandom(span=unit.span, what="a unit that draws a sample is", advice=advice))
    return not unit.left.prime and not unit.random


def enter_unit(slot: Slot, unit: syntax.Unit, place: Place, r: Resolution, sight: tuple[str, ...]) -> None:
    """A unit with an equation of its own; every axis is in sight where its own were wrong."""
    r.slots[slot.key] = slot
    if unit.left.prime or unit.random:
        return
    owner = Owner(place.parameters + unit.left.name.text)
    reader = f"`{unit.left.name.text}`"
    context = Context(place.scope, sight, place.mirrored, owner, reader, "unit", own=place.bound, words=("bias",))
    r.equations.append(Equation(unit.right, context, slot, unit.span, place.cell))


def _opposite(orders: Sequence[tuple[tuple[str, ...], Span]], axes: list[str]) -> tuple[Span, Span]:
    """The first two declarations that disagree about the order of axes, or the first two that could."""
    several = [(order, span) for order, span in orders if sum(a in axes for a in order) > 1]
    for k, (order, span) in enumerate(several):
        for other, place in several[:k]:
            both = [a for a in order if a in other]
            if both != [a for a in other if a in both]:
                return place, span
    return several[0][1], several[-1][1]


def ordered(axes: Iterable[str], orders: Sequence[tuple[tuple[str, ...], Span]], r: Resolution) -> list[str]:
    """The axes in an order that agrees with every declaration's own, alphabetical where free.

    Reports two declarations that name the same axes in opposite orders."""
    left = sorted(set(axes))
    before = {(a, b) for order, _ in orders for k, a in enumerate(order) for b in order[k + 1 :]}
    found: list[str] = []
    while left:
        free = [a for a in left if not any((b, a) in before for b in left if b != a)]
        if not free:
            first, second = _opposite(orders, left)
            what = "two values that name the same axes in different orders are"
            advice = "name them in one order everywhere"
            r.reporter.report(NotYetCombined(span=second, what=what, advice=advice, first=first))
            free = left[:1]
        found.append(free[0])
        left.remove(free[0])
    return found
