"""A network's equations, and those of its gradient, in indexed form as in the literature.

The backward equations are read off the adjoint system (rnnc.autodiff.adjoint), asked for the derivative by
every unit and every net input that is on the way: back-propagation through time as in Werbos (1990) and
Williams and Zipser (1995), the batch left away.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from rnnc.autodiff.adjoint import active_values, adjoint
from rnnc.derive import algebra
from rnnc.derive import expression as x
from rnnc.derive.derivation import Datum, Derivation, Line, Section
from rnnc.derive.expand import Expansion
from rnnc.derive.keep import Keep
from rnnc.derive.latex import latex
from rnnc.derive.names import letters, titles
from rnnc.derive.share import share
from rnnc.derive.text import text
from rnnc.derive.tidy import Masked, tidy, without_given
from rnnc.suggest import suggest
from rnnc.system.forms import Border, Equation, System
from rnnc.system.schedule import equations_of, schedule


def derive(system: System, *, wrt: str | None = None, format: Literal["text", "latex"] = "text") -> str:
    """The derivation as text for a terminal or as a LaTeX document.

    `system` is a network as built, neither stacked nor hoisted. `wrt` names one parameter, real input or
    unit and limits the backward part to what its gradient needs; otherwise it has the gradients of every
    trained parameter. Raises `ValueError` for a name that has no gradient, and for `wrt` in a network
    without a loss.
    """
    derivation = derivation_of(system, wrt)
    return latex(derivation) if format == "latex" else text(derivation)


def derivation_of(system: System, wrt: str | None = None) -> Derivation:
    """The equations chosen and put in order. Raises as `derive` does."""
    wanted = _wanted(system, wrt)
    system = share(system)
    keep = Keep(system)
    forward = Expansion(system, keep.names)
    sections = [Section("Forward", _forward(system, keep, forward))]
    remarks: list[str] = ["outside"]
    if system.loss is not None:
        remarks.insert(0, "loss")
        sections.append(Section("Loss", _loss(system, keep, forward)))
        sections.extend(_backward(system, keep, wanted))
    lines = [line for section in sections for line in section.lines]
    shown, missing = _shown(lines)
    if any(line.left.name.startswith("d(") and ":net" in line.left.name for line in lines):
        remarks.insert(1, "delta")
    if any(isinstance(node, x.Call) and node.title == "P" for line in lines for node in x.walk(line.right)):
        remarks.append("ctc")
    if missing:
        remarks.append("missing")
    if any(node.name.endswith(":mask") for line in lines for node in x.walk(line.right) if isinstance(node, x.Ref)):
        remarks.append("dropout")
    return Derivation(
        title=system.name,
        axes=system.axes,
        given=_given(system, forward),
        sections=_with_lines(sections, shown),
        remarks=tuple(remarks),
        names=titles(system, keep.errors),
        letters=letters(system),
    )


def _wanted(system: System, wrt: str | None) -> tuple[str, ...]:
    """The names whose gradients are asked for."""
    real = {v.name: v for v in system.values if v.kind == "real"}
    if wrt is None:
        trained = tuple(p.name for p in system.parameters if p.trained and p.name in real)
        return trained if system.loss is not None else ()
    names = [v.name for v in real.values() if v.role in ("parameter", "fixed", "input", "unit")]
    if wrt not in names:
        return _refuse(system, wrt, names)
    if system.loss is None:
        raise ValueError(f"network `{system.name}` has no loss, so nothing has a gradient")
    return (wrt,)


def _refuse(system: System, wrt: str, names: list[str]) -> tuple[str, ...]:
    value = next((v for v in system.values if v.name == wrt), None)
    if value is not None and value.role in ("input", "target", "fixed", "parameter"):
        kind = "holds whole numbers" if value.kind == "token" else f"is a {value.role}"
        raise ValueError(f"`{wrt}` {kind}: it has no gradient")
    near = suggest(wrt, names)
    hint = f", did you mean `{near}`?" if near else f"; there are {', '.join(names)}" if len(names) < 12 else ""
    raise ValueError(f"no parameter, input or unit `{wrt}` in network `{system.name}`{hint}")


# ---- forward


def _ordered(system: System) -> tuple[Equation, ...]:
    return equations_of(schedule(system))


def _forward(system: System, keep: Keep, expansion: Expansion) -> tuple[Line, ...]:
    borders = {b.name: b for b in system.borders}
    lines: list[Line] = []
    for name in (b.name for b in system.borders if b.name not in expansion.equations):
        lines.extend(_starts(borders[name], expansion))
    for e in _ordered(system):
        if e.out not in keep.names or _is_of_loss(e.out, system):
            continue
        lines.append(_line(e.out, expansion, _masks(expansion, keep)))
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


def _loss(system: System, keep: Keep, expansion: Expansion) -> tuple[Line, ...]:
    names = [e.out for e in _ordered(system) if e.out in keep.names and _is_of_loss(e.out, system)]
    return tuple(_line(name, expansion, _masks(expansion, keep)) for name in names)


def _masks(expansion: Expansion, keep: Keep) -> Masked:
    def masked(ref: x.Ref) -> tuple[x.Expr, ...]:
        if ref.name not in keep.errors:
            return ()
        _, factors = algebra.scaled(expansion.definition(ref))
        return tuple(f.condition for f in factors if isinstance(f, x.Bracket))

    return masked


def _line(name: str, expansion: Expansion, masked: Masked, adjoint: bool = False) -> Line:
    left, right = expansion.equation(name)
    return Line(left, tidy(right, masked, adjoint))


# ---- backward


def _backward(system: System, keep: Keep, wanted: tuple[str, ...]) -> tuple[Section, ...]:
    """The deltas in the order they are computed, then the gradients."""
    active = active_values(system, wanted)
    passed = [e.out for e in system.equations if e.out in active and e.out in keep.names]
    inner = tuple(n for n in passed if n not in keep.errors and n != system.loss and n not in wanted)
    both = adjoint(system, (*wanted, *inner))
    made = dict(both.gradients)
    expansion = Expansion(both, keep.names | frozenset(made.values()))
    masked = _masks(expansion, keep)
    given = [n for n in wanted if n not in {e.out for e in system.equations}]
    deltas = {made[n] for n in (*inner, *wanted) if n not in given}
    lines = tuple(_line(e.out, expansion, masked, True) for e in _ordered(both) if e.out in deltas)
    last = tuple(_line(made[n], expansion, masked, True) for n in given)
    sections = (Section("Backward", lines), Section("Gradients", last))
    return tuple(section for section in sections if section.lines)


def _shown(lines: list[Line]) -> tuple[dict[Line, Line], bool]:
    """Every line as it is printed, and whether masks of missing targets were left out anywhere."""
    shown: dict[Line, Line] = {}
    missing = False
    for line in lines:
        coefficient, factors = algebra.scaled(line.right)
        if coefficient == 1 and isinstance(factors[0] if factors else None, x.Bracket):
            shown[line] = line
            continue
        right = without_given(line.right)
        missing = missing or right != line.right
        shown[line] = replace(line, right=right)
    return shown, missing


def _with_lines(sections: list[Section], shown: dict[Line, Line]) -> tuple[Section, ...]:
    return tuple(Section(z.title, tuple(shown[line] for line in z.lines)) for z in sections)


def _given(system: System, expansion: Expansion) -> tuple[Datum, ...]:
    read = {r.name for e in system.equations for r in e.reads} | {n for b in system.borders for n in b.reads()}
    tokens = dict(system.tokens)
    found = []
    for v in system.values:
        if v.role in ("input", "target", "parameter", "fixed") and v.name in read:
            token = str(tokens[v.name]) if v.name in tokens else ""
            found.append(Datum(expansion.left(v.name), v.role, v.shape, token))
    order = ("input", "target", "fixed", "parameter")
    return tuple(sorted(found, key=lambda d: order.index(d.what)))
