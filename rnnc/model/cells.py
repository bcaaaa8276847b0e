"""Uses of cells: each becomes units of its own, with the formals bound to the arguments. Arguments are
understood where the use stands, unmirrored; what the cell itself says is mirrored by `backward`.
"""

from __future__ import annotations

from rnnc.diagnostics import Help
from rnnc.frontend import syntax
from rnnc.model.declare import Pending, Place, add, axes_of, declare_functions, declare_values
from rnnc.model.entities import (
    Alias,
    AxisName,
    Broken,
    Constant,
    Context,
    Entity,
    Scope,
    SizeName,
    Slot,
    UseName,
    ValueName,
)
from rnnc.model.errors_axes import BadIndex
from rnnc.model.errors_names import Circular, DeclaredTwice, WrongArguments, WrongKind, WrongPlace
from rnnc.model.errors_shapes import DeclaredDiffers
from rnnc.model.lookup import unknown
from rnnc.model.resolution import DEEPEST_CELLS, Resolution
from rnnc.model.sizing import constant_of, size_names, size_of
from rnnc.model.start_lines import declare_starts


def expand(pending: list[Pending], r: Resolution) -> None:
    """Expand uses until none is left."""
    stack = list(reversed(pending))
    while stack:
        r.limit_equations(len(r.equations), stack[-1].call.span)
        stack.extend(reversed(_use(stack.pop(), r)))


def _use(use: Pending, r: Resolution) -> list[Pending]:
    name = use.call.function.text
    cell = r.cells[name]
    r.used_cells.add(name)
    if name in use.place.active or len(use.place.active) > DEEPEST_CELLS:
        chain = (*use.place.active[use.place.active.index(name) :], name) if name in use.place.active else (name,)
        r.reporter.report(Circular(span=use.call.function.span, what="cell", chain=chain))
        _broken(use, r)
        return []
    bound = _bound_axes(use, cell, r)
    returned = _returned(cell, r)
    if bound is None or returned is None or not _arguments_fit(use, cell, r):
        _broken(use, r)
        return []
    scope = Scope()
    sized = size_names(cell.body, r.cells, in_cell=True)
    place = _place(use, cell, scope, bound, returned, r)
    for axis, key in zip(cell.over, bound, strict=True):
        add(scope, axis, AxisName(key, axis.span, broken=key in r.broken_axes), r)
    for k, formal in enumerate(cell.formals):
        argument = use.call.args[k] if k < len(use.call.args) else formal.value
        assert argument is not None
        inside = k >= len(use.call.args)
        add(scope, formal.name, _bind(formal, argument, inside, formal.name.text in sized, use, place, r), r)
    declare_functions(cell.body, scope, r)
    inner = declare_values(cell.body, place, r, r.cells)
    slot = r.slots.get(use.key)
    if slot is None and not any(p.key == use.key for p in inner):
        _broken(use, r)
        return []
    if slot is None:
        slot = Slot(use.key, use.role, use.axes, None, use.unit.left.name.span, written=True, waiting=True)
    slot.role = use.role
    slot.span = use.unit.left.name.span
    _enter(use, slot, scope, r)
    _agree(use, slot, cell, scope, r)
    declare_starts(cell.body, place, r)
    return inner


def _enter(use: Pending, slot: Slot, scope: Scope, r: Resolution) -> None:
    """The use under its name where it stands."""
    r.slots[use.key] = slot
    entity = UseName(slot, scope, use.call.function.text)
    if add(use.place.scope, use.unit.left.name, entity, r) and slot.role == "output" and use.place.cell is None:
        r.outputs.setdefault(use.key, slot.span)


def _broken(use: Pending, r: Resolution) -> None:
    """A use that could not be expanded still has a name."""
    slot = Slot(use.key, use.role, use.axes, use.shape, use.unit.left.name.span, written=True, broken=True)
    r.slots[use.key] = slot
    if use.unit.left.name.text not in use.place.scope.entities:
        use.place.scope.entities[use.unit.left.name.text] = Broken(slot.span)


def _agree(use: Pending, slot: Slot, cell: syntax.Cell, scope: Scope, r: Resolution) -> None:
    """A shape written at the use has to be the returned unit's."""
    if use.shape is None or use.unit.shape is None:
        return
    if slot.shape is None:
        slot.shape = use.shape
    elif slot.shape != use.shape:
        r.reporter.report(
            DeclaredDiffers(
                span=use.call.span,
                name=use.unit.left.name.text,
                declared=use.shape,
                found=slot.shape,
                place=use.unit.shape.span,
            )
        )


def _place(
    use: Pending, cell: syntax.Cell, scope: Scope, bound: tuple[str, ...], returned: str, r: Resolution
) -> Place:
    mirrored = use.place.mirrored
    if use.call.backward is not None:
        mirrored = mirrored ^ frozenset(bound)
    parameters = f"{use.place.parameters}{use.unit.left.name.text}."
    if use.call.shared is not None:
        shared = use.call.shared
        first = r.shared.setdefault(shared.text, cell.name.text)
        if first != cell.name.text:
            said = f"`{shared.text}` shares the parameters of cell `{first}`, this is `{cell.name.text}`"
            r.reporter.report(WrongKind(span=shared.span, said=said, hint="another cell"))
        else:
            parameters = f"{shared.text}."
        r.named.setdefault(shared.text, shared.span)
    return Place(
        scope=scope,
        prefix=f"{use.path}.",
        parameters=parameters,
        shared=use.place.shared if use.call.shared is None else use.call.shared.span,
        axes=use.axes,
        bound=bound,
        mirrored=mirrored,
        returned=returned,
        returned_key=use.key,
        cell=(use.key, cell.name.text),
        depth=use.place.depth + 1,
        active=(*use.place.active, cell.name.text),
    )


def _returned(cell: syntax.Cell, r: Resolution) -> str | None:
    returns = [s for s in cell.body if isinstance(s, syntax.Return)]
    units = {s.left.name.text: s for s in cell.body if isinstance(s, syntax.Unit)}
    if not returns:
        said = f"cell `{cell.name.text}` returns nothing"
        advice = f"end it with `return {list(units)[-1]}`" if units else "end it with `return` and a unit"
        r.reporter.report(WrongPlace(span=cell.name.span, said=said, hint="no `return`", advice=advice))
        return None
    for again in returns[1:]:
        first = returns[0].span
        r.reporter.report(DeclaredTwice(span=again.span, name="return", first=first))
    name = returns[0].name
    if name.text in units:
        return name.text
    fake = Scope({n: Broken(u.left.name.span, f"a {u.keyword.text}") for n, u in units.items()})
    r.reporter.report(unknown(name, fake, "unit"))
    return None


def _arguments_fit(use: Pending, cell: syntax.Cell, r: Resolution) -> bool:
    call, name = use.call, cell.name.text
    if call.keywords:
        said = f"cell `{name}` has no option `{call.keywords[0].name.text}`"
        remarks = ("the arguments of a cell stand in the order of its formals",)
        r.reporter.report(WrongArguments(span=call.keywords[0].span, said=said, hint="unknown option", remarks=remarks))
        return False
    least = sum(f.value is None for f in cell.formals)
    if not least <= len(call.args) <= len(cell.formals):
        formals = ", ".join(f.name.text for f in cell.formals)
        count = len(cell.formals)
        said = f"cell `{name}` takes {count} argument{'s' * (count != 1)}, found {len(call.args)}"
        hint = f"written `{name}({formals})`"
        r.reporter.report(WrongArguments(span=call.span, said=said, hint=hint, declared=cell.name.span))
        return False
    seen: dict[str, syntax.Name] = {}
    for formal in (*(f.name for f in cell.formals), *cell.over):
        if formal.text in seen:
            first = seen[formal.text].span
            r.reporter.report(DeclaredTwice(span=formal.span, name=formal.text, first=first))
            return False
        seen[formal.text] = formal
    return True


def _bound_axes(use: Pending, cell: syntax.Cell, r: Resolution) -> tuple[str, ...] | None:
    """The axes that a cell's own stand for."""
    call, unit = use.call, use.unit
    if call.over:
        declared = syntax.Declared(unit.left.name, call.over, False, unit.left.span)
        found = axes_of(declared, use.place, r)
        if found is None:
            return None
        if len(found) != len(cell.over):
            said = f"cell `{cell.name.text}` runs over {len(cell.over)} axes, found {len(found)}"
            r.reporter.report(WrongArguments(span=call.over[0].span, said=said, declared=cell.name.span))
            return None
        for axis, named in zip(found, call.over, strict=True):
            if axis not in use.axes:
                said = f"`{unit.left.name.text}` does not vary along `{named.text}`"
                r.reporter.report(BadIndex(span=named.span, said=said, hint="not an axis of the unit"))
                return None
        return found
    # the text of a cell knows of the axes it runs over, whatever others its units have where it is used
    sight = use.place.bound or use.axes
    if len(sight) == len(cell.over):
        return sight
    if not cell.over:
        return ()
    written = unit.left.name.text
    if len(sight) < len(cell.over):
        said = f"cell `{cell.name.text}` runs over an axis, `{written}` has none"
        if sight:
            said = f"cell `{cell.name.text}` runs over {len(cell.over)} axes, `{written}` has {len(sight)}"
        r.reporter.report(BadIndex(span=unit.left.span, said=said, hint="along which axis?", declared=cell.name.span))
        return None
    names = {e.key: name for name, e in use.place.scope.items() if isinstance(e, AxisName)}
    said_axes = [names.get(axis, axis) for axis in sight]
    said = f"`{written}` has the axes {', '.join(said_axes)}: along which does `{cell.name.text}` run?"
    mend = Help(f"write `{call.span.text} over {said_axes[0]}`")
    r.reporter.report(BadIndex(span=call.span, said=said, hint="say `over`", mend=mend))
    return None


def _bind(
    formal: syntax.Default,
    argument: syntax.Expr,
    inside: bool,
    sized: bool,
    use: Pending,
    place: Place,
    r: Resolution,
) -> Entity:
    scope = place.scope if inside else use.place.scope
    if sized:
        size = size_of(argument, scope, r)
        return Broken(formal.name.span) if size is None else SizeName(size, formal.name.span)
    value = constant_of(argument, scope)
    if value is not None:
        return Constant(value, formal.name.span)
    if isinstance(argument, syntax.Reference):
        entity = scope.get(argument.name.text)
        if isinstance(entity, SizeName) and not argument.parts and argument.index is None:
            entity.used = True
            return SizeName(entity.size, formal.name.span)
        if isinstance(entity, ValueName) and entity.slot.is_array and argument.index is None:
            entity.slot.used = True
            return ValueName(entity.slot)
    reader = f"`{use.unit.left.name.text}`"
    around = use.place
    context = Context(around.scope, use.axes, around.mirrored, None, reader, "unit", own=around.bound, words=("bias",))
    return Alias(argument, context, f"{use.path}.{formal.name.text}", formal.name.span)
