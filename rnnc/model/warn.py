"""The warnings of a model: what is declared and not used, computed and not needed, gates that are none, flat
gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rnnc.frontend import syntax
from rnnc.model import forms as m
from rnnc.model.entities import AxisName, Constant, Scope, SizeName, ValueName
from rnnc.model.gates import gate_warnings
from rnnc.model.resolution import Resolution
from rnnc.model.uses import Library
from rnnc.model.warnings import FlatGradient, NothingReturned, StartUnread, Unreached, Unused
from rnnc.ops.elementary import BY_NAME


def visit(expr: m.Expr) -> Iterator[m.Expr]:
    """Every expression below one, shared ones once."""
    seen: set[int] = set()
    stack: list[m.Expr] = [expr]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        stack.extend(reversed(below(node)))


def below(expr: m.Expr) -> tuple[m.Expr, ...]:
    """The operands of an expression."""
    if isinstance(expr, m.Apply):
        return expr.args
    if isinstance(expr, m.Over):
        return (expr.body,) if expr.where is None else (expr.body, expr.where)
    return ()


def reads(expr: m.Expr) -> tuple[m.Read, ...]:
    """The reads of an expression."""
    return tuple(e for e in visit(expr) if isinstance(e, m.Read))


def warn(model: m.Model, network: syntax.Network, scope: Scope, r: Resolution, library: Library) -> None:
    """Report every warning of a model that compiles."""
    known = {u.name: u for u in model.units}
    read_by = {u.name: tuple(dict.fromkeys(e.name for e in reads(u.right))) for u in model.units}
    for unit in model.units:
        starts = (unit.start.default, *(e for _, e in unit.start.early)) if unit.start is not None else ()
        read_by[unit.name] += tuple(e.name for s in starts for e in reads(s))
    _unused(network, scope, r, library)
    _unreached(model, known, read_by, network, r)
    _starts(model, r)
    for diagnostic in gate_warnings(model):
        r.reporter.report(diagnostic)
    if model.losses:
        _flat(model, read_by, r)


def _unused(network: syntax.Network, scope: Scope, r: Resolution, library: Library) -> None:
    for name, entity in scope.items():
        if isinstance(entity, SizeName | Constant) and not entity.used:
            what = "size" if isinstance(entity, SizeName) else "constant"
            r.reporter.report(Unused(span=entity.span, what=what, name=name))
        elif isinstance(entity, ValueName) and not entity.slot.used and not entity.slot.is_unit:
            words = {"param": "parameter", "fixed": "fixed array"}
            what = words.get(entity.slot.role, entity.slot.role)
            is_parameter = entity.slot.role == "param"
            r.reporter.report(Unused(span=entity.span, what=what, name=name, is_parameter=is_parameter))
        elif isinstance(entity, AxisName) and not entity.used:
            r.reporter.report(Unused(span=entity.span, what="axis", name=name))
    for name, function in scope.functions.items():
        if name not in r.used_functions:
            r.reporter.report(Unused(span=function.name.span, what="function", name=name))
    if library.alone:
        _unused_definitions(network, r, library)


def _unused_definitions(network: syntax.Network, r: Resolution, library: Library) -> None:
    """The functions, cells and `use`s of a file with one network."""
    own = network.span.source
    for name, function in library.functions.items():
        if name not in r.used_functions and function.span.source is own:
            r.reporter.report(Unused(span=function.name.span, what="function", name=name))
    for name, cell in library.cells.items():
        if name not in r.used_cells and cell.span.source is own:
            r.reporter.report(Unused(span=cell.name.span, what="cell", name=name))
    for use, names in library.brought:
        if not names & (r.used_functions | r.used_cells):
            r.reporter.report(Unused(span=use.path_span, what="file", name=use.path))


def _unreached(
    model: m.Model,
    known: dict[str, m.Unit],
    read_by: dict[str, tuple[str, ...]],
    network: syntax.Network,
    r: Resolution,
) -> None:
    if not model.outputs and not model.losses:
        r.reporter.report(NothingReturned(span=network.name.span, name=network.name.text))
        return
    reached: set[str] = set()
    stack = [*model.outputs, *(e.name for loss in model.losses for e in reads(loss.right))]
    stack += [name for one in model.feedbacks for name in one.sources]
    while stack:
        name = stack.pop()
        if name in reached or name not in known:
            continue
        reached.add(name)
        stack.extend(read_by[name])
    for unit in model.units:
        if unit.name not in reached:
            r.reporter.report(Unreached(span=unit.span, name=unit.span.text if unit.cell else unit.name))


def _starts(model: m.Model, r: Resolution) -> None:
    early: set[str] = set()
    exprs = [u.right for u in model.units] + [x.right for x in model.losses]
    starts = [u.start for u in model.units] + [i.start for i in model.input_starts]
    for start in starts:
        if start is not None:
            exprs += [start.default, *(e for _, e in start.early)]
    for read in (e for expr in exprs for e in reads(expr)):
        if any(at.low != 0 or (at.high or 0) != 0 for at in read.at):
            early.add(read.name)
    begun = [(u.name, u.start) for u in model.units] + [(i.name, i.start) for i in model.input_starts]
    for name, start in begun:
        if start is not None and name not in early:
            r.reporter.report(StartUnread(span=start.span, name=name))


def _flat(model: m.Model, read_by: dict[str, tuple[str, ...]], r: Resolution) -> None:
    trained = {p.name for p in model.parameters if p.trained}
    for unit in model.units:
        for expr in visit(unit.right):
            if not isinstance(expr, m.Apply) or expr.op not in BY_NAME or not BY_NAME[expr.op].flat:
                continue
            if len(expr.args) != 1:
                continue
            stopped = _trained_below([e.name for e in reads(expr)], read_by, trained)
            if stopped:
                span = expr.span
                if span.text.startswith(expr.op):
                    span = replace(span, end=span.start + len(expr.op))
                r.reporter.report(FlatGradient(span=span, function=expr.op, stopped=tuple(sorted(stopped))))


def _trained_below(names: list[str], read_by: dict[str, tuple[str, ...]], trained: set[str]) -> set[str]:
    found: set[str] = set()
    seen: set[str] = set()
    while names:
        name = names.pop()
        if name in trained:
            found.add(name)
        if name not in seen:
            seen.add(name)
            names.extend(read_by.get(name, ()))
    return found
