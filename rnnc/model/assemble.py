"""The resolved network becomes a `Model`, everything in an order that does not depend on the author's."""

from __future__ import annotations

from typing import Literal

from rnnc.frontend import syntax
from rnnc.model import forms as m
from rnnc.model.distributions import feedbacks
from rnnc.model.entities import Equation, Scope, SizeName, Slot
from rnnc.model.errors_losses import LossShape
from rnnc.model.errors_names import DeclaredTwice
from rnnc.model.errors_shapes import BadInit, ShapeUnknown, spelled
from rnnc.model.finish import Finishing
from rnnc.model.forms import Init
from rnnc.model.initialisers import suits
from rnnc.model.label_losses import label_mistakes
from rnnc.model.resolution import Resolution
from rnnc.model.shapes import is_scalar
from rnnc.model.sizing import not_whole
from rnnc.model.uses import Library
from rnnc.model.warn import warn


def assemble(
    network: syntax.Network, scope: Scope, r: Resolution, pinned: frozenset[str], library: Library
) -> m.Model | None:
    """The model; None where anything was wrong (reported). Warnings are reported too."""
    finishing = Finishing(r)
    rights = {id(e): finishing.right(e) for e in r.equations}
    starts = {id(s): finishing.right(s.equation) for s in r.starts}
    losses = [(e, _loss(e, finishing, r)) for e in r.losses]
    parameters, arrays = _parameters(r, finishing, scope)
    if not r.reporter.wrong:
        for mistake in finishing.unknown or _everything_unknown(r) or arrays:
            r.reporter.report(mistake)
    if r.reporter.wrong:
        return None
    begun = _starts(r, starts)
    units = [_unit(e, rights[id(e)], begun) for e in r.equations if e.slot is not None]
    data = sorted((s for s in r.slots.values() if s.role in ("input", "target")), key=lambda s: s.key)
    made = tuple(sorted((u for u in units if u is not None), key=lambda u: u.name))
    fed = feedbacks(r, {u.name: u for u in made})
    if r.reporter.wrong:
        return None
    model = m.Model(
        name=network.name.text,
        sizes=_sizes(scope, r, pinned),
        axes=tuple(r.axes),
        inputs=tuple(_datum(s) for s in data if s.role == "input"),
        targets=tuple(_datum(s) for s in data if s.role == "target"),
        parameters=tuple(sorted(parameters, key=lambda p: p.name)),
        units=made,
        input_starts=tuple(m.InputStart(key, begun[key]) for key in sorted(begun) if r.slots[key].role == "input"),
        losses=tuple(sorted((m.Loss(x, _text(e), e.span) for e, x in losses if x is not None), key=lambda x: x.text)),
        outputs=tuple(sorted(r.outputs)),
        span=network.span,
        feedbacks=fed,
    )
    for mistake in label_mistakes(model):
        r.reporter.report(mistake)
    if r.reporter.wrong:
        return None
    warn(model, network, scope, r, library)
    return model


def _everything_unknown(r: Resolution) -> list[ShapeUnknown]:
    """Units that wait for each other's shape."""
    unknown = (s for s in r.slots.values() if s.is_unit and s.shape is None and not s.broken)
    return [ShapeUnknown(span=s.span, what=f"`{s.span.text}`") for s in unknown]


def _text(equation: Equation) -> str:
    """What the author wrote, on one line."""
    return " ".join(equation.right.span.text.split())


def _sizes(scope: Scope, r: Resolution, pinned: frozenset[str]) -> tuple[m.SizeName, ...]:
    return tuple(
        m.SizeName(name, r.defaults[name], name in pinned, entity.span)
        for name, entity in scope.items()
        if isinstance(entity, SizeName)
    )


def _datum(slot: Slot) -> m.Datum:
    assert slot.shape is not None
    role: Literal["input", "target"] = "input" if slot.role == "input" else "target"
    return m.Datum(slot.key, role, m.Type(slot.axes, slot.shape, slot.kind), slot.token, slot.span)


def _unit(equation: Equation, right: m.Expr | None, starts: dict[str, m.Start]) -> m.Unit | None:
    slot = equation.slot
    if right is None or slot is None or slot.shape is None:
        return None
    role = slot.role if slot.role in ("gate", "output") else "unit"
    return m.Unit(
        name=slot.key,
        role=role,
        type=m.Type(slot.axes, slot.shape),
        right=right,
        start=starts.get(slot.key),
        cell=equation.cell,
        span=slot.span,
        equation=equation.span,
    )


def _loss(equation: Equation, finishing: Finishing, r: Resolution) -> m.Expr | None:
    made = finishing.finish(equation)
    if made is not None and not is_scalar(made.type.shape):
        shape = spelled(made.type.shape)
        r.reporter.report(LossShape(span=equation.right.span, shape=shape))
        return None
    return made


def _starts(r: Resolution, made: dict[int, m.Expr | None]) -> dict[str, m.Start]:
    """The lines of each value put together."""
    found: dict[str, m.Start] = {}
    for line in sorted(r.starts, key=lambda s: (s.slot.key, s.back or 0)):
        expr, key, span = made[id(line)], line.slot.key, line.equation.span
        if expr is None:
            continue
        before = found.get(key)
        if line.back is None:
            found[key] = m.Start(expr, (), span)
            continue
        default = before.default if before is not None else m.Number(0.0, m.Type((), ()), span)
        early = (*(before.early if before is not None else ()), (line.back, expr))
        found[key] = m.Start(default, early, before.span if before is not None else span)
    return found


def _parameters(r: Resolution, finishing: Finishing, scope: Scope) -> tuple[list[m.Parameter], list[ShapeUnknown]]:
    """The arrays, and those whose shape nothing forces."""
    for key, span in r.named.items():
        taken = scope.get(key)
        if taken is not None:
            remark = "what `as` names belongs to the whole network"
            r.reporter.report(DeclaredTwice(span=span, name=key, first=taken.span, remark=remark))
    for key in sorted(r.connections.keys() & r.slots.keys()) if not r.reporter.wrong else ():
        # a cell's part that is called like a learned start of the unit itself, `h.start_1`
        r.reporter.report(DeclaredTwice(span=r.connections[key].span, name=key, first=r.slots[key].span))
    found, unknown = [], []
    for slot in (*r.slots.values(), *r.connections.values()):
        if not slot.is_array or slot.broken:
            continue
        if slot.shape is None:
            if slot.key in finishing.silent:
                continue
            what = f"`{slot.key}`" if slot.written else f"this connection (`{slot.key}`)"
            unknown.append(ShapeUnknown(span=slot.span, what=what))
            continue
        broken = [e for d in slot.shape if (e := not_whole(d, slot.span, r)) is not None]
        if broken:
            r.reporter.report(broken[0])
        init = slot.init or _default(slot)
        if slot.init is not None and (why := suits(init, slot.shape)):
            r.reporter.report(BadInit(span=slot.span, said=why))
        trained = slot.role == "param"
        found.append(m.Parameter(slot.key, slot.shape, init, trained, slot.span, slot.columns_of))
    return found, unknown


def _default(slot: Slot) -> Init:
    """Weights glorot, recurrent weights orthogonal, biases 0 (the defaults of the language)."""
    if not slot.written and slot.bias:
        return Init("zeros")
    return Init("orthogonal") if slot.recurrent else Init("glorot")
