"""The equations of a network as they are computed, and those of its loss."""

from __future__ import annotations

from dataclasses import replace

from rnnc.derive import algebra
from rnnc.derive import expression as x
from rnnc.derive.derivation import Line
from rnnc.derive.expand import Expansion
from rnnc.derive.keep import Keep
from rnnc.derive.tidy import Masked, tidy
from rnnc.system.forms import Border, Equation, System
from rnnc.system.schedule import equations_of, schedule


def ordered(system: System) -> tuple[Equation, ...]:
    """All equations, each after what it reads."""
    return equations_of(schedule(system))


def forward(system: System, keep: Keep, expansion: Expansion) -> tuple[Line, ...]:
    """The equations of the network, each with what its value is outside its sequence."""
    borders = {b.name: b for b in system.borders}
    lines: list[Line] = []
    for name in (b.name for b in system.borders if b.name not in expansion.equations):
        lines.extend(_starts(borders[name], expansion))
    for e in ordered(system):
        if e.out not in keep.names or _is_of_loss(e.out, system):
            continue
        lines.append(line(e.out, expansion, masks(expansion, keep)))
        if e.out in borders:
            lines.extend(_starts(borders[e.out], expansion))
    return tuple(lines)


def _is_of_loss(name: str, system: System) -> bool:
    return name == system.loss or name.startswith("loss:")


def _starts(border: Border, expansion: Expansion) -> list[Line]:
    """What a value is outside its sequence, on the side it starts from."""
    left = expansion.left(border.name)
    places = tuple(zip(left.at, border.sides, strict=True))
    lines = []
    for k, name in border.early:
        at = tuple(x.Place(p.axis, "first" if s == "low" else "last", -k if s == "low" else k) for p, s in places)
        lines.append(Line(replace(left, at=at), _start_value(name, left)))
    if border.default is not None:
        sides = tuple((p.axis, s) for p, s in places)
        lines.append(Line(left, _start_value(border.default, left), sides))
    return lines


def _start_value(name: str | None, left: x.Ref) -> x.Expr:
    return x.ZERO if name is None else x.Ref(name, (), left.indices)


def loss(system: System, keep: Keep, expansion: Expansion) -> tuple[Line, ...]:
    """The errors and the loss."""
    names = [e.out for e in ordered(system) if e.out in keep.names and _is_of_loss(e.out, system)]
    return tuple(line(name, expansion, masks(expansion, keep)) for name in names)


def masks(expansion: Expansion, keep: Keep) -> Masked:
    """The conditions outside which an error is 0."""

    def masked(ref: x.Ref) -> tuple[x.Expr, ...]:
        if ref.name not in keep.errors:
            return ()
        _, factors = algebra.scaled(expansion.definition(ref))
        return tuple(f.condition for f in factors if isinstance(f, x.Bracket))

    return masked


def line(name: str, expansion: Expansion, masked: Masked, adjoint: bool = False) -> Line:
    """The equation of a kept value."""
    left, right = expansion.equation(name)
    return Line(left, tidy(right, masked, adjoint))
