"""`Model` to `System`: one operation an equation, every author's unit an equation of its name.

Elementary functions get equations of their own, so that their derivatives can be written in their own value, and so
do the net inputs they are applied to. Parts the compiler makes are named `unit:part`.
"""

from __future__ import annotations

from rnnc.model import forms as m
from rnnc.sizes import Shape
from rnnc.system import forms as s
from rnnc.system.direct import directed
from rnnc.system.lowering import Lowering
from rnnc.system.objective import objective


def build(model: m.Model) -> s.System:
    """The network as a system: its units, its losses summed into `loss`, its borders."""
    lowering = Lowering(model)
    for unit in model.units:
        lowering.owner = unit.name
        lowering.define(unit)
    borders = _borders(model, lowering)
    loss = objective(model, lowering)
    system = s.System(
        name=model.name,
        axes=model.axes,
        sizes=tuple((z.name, z.default, z.pinned) for z in model.sizes),
        values=tuple(lowering.values.values()),
        equations=tuple(lowering.equations),
        borders=borders,
        parameters=tuple(s.Parameter(p.name, p.init, p.trained, p.columns_of) for p in model.parameters),
        stacks=(),
        outputs=model.outputs,
        loss=loss,
        tokens=tuple((d.name, d.token) for d in (*model.inputs, *model.targets) if d.token is not None),
    )
    return directed(system)


def _borders(model: m.Model, lowering: Lowering) -> tuple[s.Border, ...]:
    borders = []
    starts = [(u.name, u.start) for u in model.units] + [(i.name, i.start) for i in model.input_starts]
    for name, start in starts:
        if start is None:
            continue
        lowering.owner = name
        default = _border_value(start.default, lowering, name)
        early = tuple((k, _border_value(e, lowering, name)) for k, e in start.early)
        if default is not None or any(e is not None for _, e in early):
            axes = lowering.values[name].axes
            borders.append(s.Border(name, tuple("low" for _ in axes), default, early))
    return tuple(borders)


def _border_value(expr: m.Expr, lowering: Lowering, name: str) -> str | None:
    if isinstance(expr, m.Number) and expr.value == 0:
        return None
    shape: Shape = lowering.values[name].shape
    if isinstance(expr, m.Read) and not expr.at and lowering.values[expr.name].shape == shape:
        return expr.name
    return lowering.shaped(expr, shape, "start")
