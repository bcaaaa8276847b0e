"""Reverse mode position by position: what the parameters of one step do to a weighted sum of what the step makes.

For weights nu(s) of values s, g(p)[n] = sum over s of nu(s)[n] . (d s[n] / d p), for every sequence and every position
by itself: as if every position of every sequence had parameters of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from rnnc.autodiff.adjoint import SEED, active_values, adjoint
from rnnc.autodiff.passing import NotWithinStep, within_step
from rnnc.model.forms import At
from rnnc.ops.formula import UNIT, Formula, Operand, Operation, substitute, sum_of, times
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Contract, Equation, Pointwise, System, Value
from rnnc.system.lowering import labels_of
from rnnc.system.reach import downstream, upstream


def pulled(
    x: Extension, weights: Mapping[str, str], parameters: Iterable[str], axes: tuple[str, ...]
) -> dict[str, str]:
    """For every parameter that reaches a value in `weights` (which all vary along `axes`) within a step, the value of
    g(p); their equations are added to `x`. Raises `NotWithinStep` where they depend on parameters through another
    position."""
    wanted = tuple(parameters)
    inside = upstream(replace(x.system, equations=tuple(x.equations.values()), borders=()), weights)
    equations = tuple(e for e in x.equations.values() if e.out in inside)
    whole = replace(x.system, values=tuple(x.values.values()), equations=equations, borders=(), gradients=())
    learned = downstream(whole, wanted) & inside
    reached = tuple(n for n in wanted if n in learned)
    if not reached:
        return {}
    for e in equations:
        for r in e.reads:
            if e.out in learned and r.name in learned and not within_step(e, r, x.values[e.out].axes):
                raise NotWithinStep(e, r)
    spread = {n: v for n, v in x.values.items() if n in learned and not (v.batched and set(axes) <= set(v.axes))}
    own = _positioned(whole, spread, axes)
    weighted = _weighted(own, {n: w for n, w in weights.items() if n in learned})
    made = adjoint(weighted, tuple(n for n in reached if n in active_values(weighted, reached)))
    known = {v.name for v in weighted.values}
    names = {v.name: x.fresh(v.name) for v in made.values if v.name not in known and v.name != SEED}
    for v in made.values:
        if v.name in names:
            x.values[names[v.name]] = replace(v, name=names[v.name], role="part")
    seedless = _Seedless(x)
    for e in made.equations:
        if e.out in names:
            reads = tuple(_returned(replace(r, name=names.get(r.name, r.name)), spread) for r in e.reads)
            x.equations[names[e.out]] = seedless.equation(replace(e, out=names[e.out], reads=reads, about=""))
    return {p: names.get(g, g) for p, g in made.gradients}


def _positioned(system: System, spread: Mapping[str, Value], axes: tuple[str, ...]) -> System:
    """The system with the values `spread` by position and sequence."""

    def moved(r: Access) -> Access:
        return replace(r, at=tuple(At(a) for a in axes)) if r.name in spread else r

    values = tuple(
        replace(v, axes=axes, batched=True, role="input" if v.role == "parameter" else v.role)
        if v.name in spread
        else v
        for v in system.values
    )
    equations = tuple(replace(e, reads=tuple(moved(r) for r in e.reads)) for e in system.equations)
    return replace(system, values=values, equations=equations)


def _returned(r: Access, spread: Mapping[str, Value]) -> Access:
    return replace(r, at=tuple(At(a) for a in spread[r.name].axes)) if r.name in spread else r


def _weighted(system: System, weights: Mapping[str, str]) -> System:
    """The system whose loss is the sum of everything in `weights` times its weight, over all positions."""
    x = Extension(system)
    parts = []
    for name, weight in weights.items():
        labels = labels_of(x.values[name].shape)
        parts.append(x.add("weighted", (), True, (), Contract(), (x.here(weight, labels), x.here(name, labels))))
    reads = tuple(x.here(n, ()) for n in parts)
    loss = parts[0] if len(parts) == 1 else x.add("weighted", (), True, (), Pointwise(sum_of(len(parts))), reads)
    return replace(system, values=tuple(x.values.values()), equations=tuple(x.equations.values()), loss=loss)


def seedless(system: System) -> System:
    """The adjoint system with 1 for the derivative of the loss by itself."""
    x = Extension(system)
    ones = _Seedless(x)
    for name, e in tuple(x.equations.items()):
        x.equations[name] = ones.equation(e)
    return replace(system, values=tuple(x.values.values()), equations=tuple(x.equations.values()))


class _Seedless:
    """Equations with the derivative of the loss by itself, 1, put in."""

    def __init__(self, x: Extension) -> None:
        self.x = x
        self.one = ""

    def equation(self, e: Equation) -> Equation:
        seeds = [k for k, r in enumerate(e.reads) if r.name == SEED]
        if not seeds:
            return e
        if isinstance(e.op, Contract) and len(e.reads) > len(seeds):
            return replace(e, reads=tuple(r for r in e.reads if r.name != SEED))
        if isinstance(e.op, Pointwise):
            kept = [k for k in range(len(e.reads)) if k not in seeds]
            places: dict[int, Formula] = {k: Operand(i) for i, k in enumerate(kept)}
            formula = _multiplied(substitute(e.op.formula, {**places, **dict.fromkeys(seeds, UNIT)}))
            return replace(e, op=Pointwise(formula), reads=tuple(e.reads[k] for k in kept))
        if not self.one:
            self.one = self.x.add("one", (), True, (), Pointwise(UNIT), ())
        return replace(e, reads=tuple(self.x.here(self.one, ()) if r.name == SEED else r for r in e.reads))


def _multiplied(formula: Formula) -> Formula:
    """Without factors that are 1."""
    if not isinstance(formula, Operation):
        return formula
    args = tuple(_multiplied(a) for a in formula.args)
    return times(*args) if formula.op == "*" else replace(formula, args=args)
