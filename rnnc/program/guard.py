"""Sums over a sequence end where the sequence ends, also where their terms are read from before it or past it.

before   g = sum over n (x[n-1])               at n = len that is x[len-1]
after    x:inside[n] = x[n-1]                  cleared in the padding
         g = sum over n (x:inside[n])
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from rnnc.model.forms import At
from rnnc.ops.formula import Operand
from rnnc.sizes import Size
from rnnc.system.forms import Access, Border, Contract, Equation, Pointwise, Products, Scatter, System, Value
from rnnc.system.naming import unused


def guarded(system: System) -> System:
    """The system with a copy of one factor of every such sum; the copy is what `rnnc.program.padding` clears."""
    values = {v.name: v for v in system.values}
    borders = {b.name: b for b in system.borders}
    made: dict[Access, str] = {}
    equations = []
    for e in system.equations:
        for axis, term in summed(e, values):
            factors = [r for r in term if any(a.axis == axis for a in r.at)]
            if any(zero_past(r, axis, values, borders) for r in factors):
                continue
            chosen = next(r for r in factors if values[r.name].kind == "real")
            if chosen not in made:
                made[chosen] = _copy(chosen, values)
                equations.append(_copying(chosen, made[chosen], values))
            labels = tuple(d for d in chosen.dims if isinstance(d, str))
            copy = Access(made[chosen], tuple(At(a) for a in values[made[chosen]].axes), labels)
            e = replace(e, reads=tuple(copy if r is chosen else r for r in e.reads))
        equations.append(e)
    return replace(system, values=tuple(values.values()), equations=tuple(equations))


def summed(e: Equation, values: Mapping[str, Value]) -> Iterator[tuple[str, tuple[Access, ...]]]:
    """The axes that an equation sums over, in order, and what is multiplied there."""
    own = values[e.out].axes
    for term in _terms(e):
        found = {a.axis for r in term for a in r.at if a.anchor == "here"}
        yield from ((axis, term) for axis in sorted(found - set(own)))


def _terms(e: Equation) -> Iterator[tuple[Access, ...]]:
    if isinstance(e.op, Contract | Scatter):
        yield e.reads
    elif isinstance(e.op, Products):
        first = 0
        for term in e.op.terms:
            yield e.reads[first : first + term.reads]
            first += term.reads


def zero_past(r: Access, axis: str, values: Mapping[str, Value], borders: Mapping[str, Border]) -> bool:
    """Whether `r` is zero past the end of a sequence once its value is cleared in the padding: it looks no position
    back, and has nothing to start from there."""
    border = borders.get(r.name)
    for k, at in enumerate(r.at):
        if at.axis == axis and at.anchor == "here":
            return at.low >= 0 and (border is None or not border.reads() or border.sides[k] == "low")
    return False


def _copy(r: Access, values: dict[str, Value]) -> str:
    """A new value for what `r` reads."""
    v = values[r.name]
    name = unused(f"{r.name}:inside", values)
    taps = tuple(Size.of(a.high - a.low + 1) for a in r.at if a.high is not None)
    sizes = zip(r.dims, (*taps, *v.shape), strict=True)
    role = v.role if v.role in ("adjoint", "gradient") else "part"
    axes = tuple(a.axis for a in r.at if a.anchor == "here")
    values[name] = Value(name, role, axes, True, tuple(z for d, z in sizes if isinstance(d, str)))
    return name


def _copying(r: Access, name: str, values: Mapping[str, Value]) -> Equation:
    labels = tuple(d for d in r.dims if isinstance(d, str))
    assert len(labels) == len(values[name].shape)
    return Equation(name, labels, Pointwise(Operand(0)), (r,))
