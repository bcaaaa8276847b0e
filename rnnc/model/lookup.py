"""Looking a name up: what it denotes, or the diagnostic that offers the name that was meant."""

from __future__ import annotations

from collections.abc import Iterable

from rnnc.frontend import syntax
from rnnc.model.entities import AxisName, Entity, Scope
from rnnc.model.errors_names import UnknownName
from rnnc.suggest import suggest

MOST_SEARCHES = 40
"""More errors than that are not shown, and a search takes a while in a long scope."""


def unknown(
    name: syntax.Name,
    scope: Scope,
    kind: str = "name",
    wanted: tuple[type, ...] = (),
    remark: str = "",
    more: Iterable[str] = (),
) -> UnknownName:
    """The diagnostic of a name that is not declared, with the similar one of the wanted kinds."""
    fitting = {n: e for n, e in scope.items() if not wanted or isinstance(e, wanted)}
    scope.unknown += 1
    meant = None if scope.unknown > MOST_SEARCHES else suggest(name.text, [*fitting, *more])
    entity: Entity | None = fitting.get(meant) if meant is not None else None
    if not remark and AxisName in wanted:
        remark = axes_said(scope, name.text)
    return UnknownName(
        span=name.span,
        kind=kind,
        meant=meant,
        declared=entity.span if entity is not None else None,
        what=entity.what if entity is not None else "",
        remark=remark if meant is None else "",
    )


def axis_names(scope: Scope) -> tuple[str, ...]:
    """The sound axes that a scope knows, in the order of the text."""
    return tuple(name for name, entity in scope.items() if isinstance(entity, AxisName) and not entity.broken)


def axes_said(scope: Scope, missing: str) -> str:
    """Which axes there are, for one who named another."""
    names = [f"`{name}`" for name in axis_names(scope)]
    if not names:
        return f"no axis is declared: `axis {missing}` declares one"
    return f"the axis is {names[0]}" if len(names) == 1 else f"the axes are {', '.join(names)}"
