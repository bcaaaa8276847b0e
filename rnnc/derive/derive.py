"""A network's equations, and those of its gradient, in indexed form as in the literature.

The backward equations are read off the adjoint system (rnnc.autodiff.adjoint), asked for the derivative by
every unit and every net input that is on the way: back-propagation through time as in Werbos (1990) and
Williams and Zipser (1995), the batch left away.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from rnnc.derive import algebra
from rnnc.derive import expression as x
from rnnc.derive.backward import backward
from rnnc.derive.derivation import Datum, Derivation, Line, Section
from rnnc.derive.expand import Expansion
from rnnc.derive.forward import forward, loss
from rnnc.derive.hybrid import hybrid
from rnnc.derive.keep import Keep
from rnnc.derive.latex import latex
from rnnc.derive.names import forward_titles, is_influence, letters, reserved, titles
from rnnc.derive.online import changed, online
from rnnc.derive.remarks import remarks
from rnnc.derive.share import share
from rnnc.derive.text import text
from rnnc.derive.tidy import without_given
from rnnc.diagnostics import Reporter
from rnnc.suggest import suggest
from rnnc.system.ahead import ahead
from rnnc.system.forms import System

Algorithm = Literal["bptt", "rtrl", "hybrid", "truncated_gradient"]
ALGORITHMS: tuple[Algorithm, ...] = ("bptt", "rtrl", "hybrid", "truncated_gradient")
TITLES = {
    "bptt": "back-propagation through time",
    "rtrl": "real-time recurrent learning",
    "hybrid": "real-time recurrent learning in blocks",
    "truncated_gradient": "truncated gradient",
}


def derive(
    system: System,
    *,
    wrt: str | None = None,
    algorithm: Algorithm | None = None,
    format: Literal["text", "latex"] = "text",
) -> str:
    """The derivation as text for a terminal or as a LaTeX document.

    `system` is a network as built, neither stacked nor hoisted. `wrt` names one parameter, real input or
    unit and limits the backward part to what its gradient needs; otherwise it has the gradients of every
    trained parameter. With an `algorithm` it also has the changes of the weights, and `wrt` is a parameter. Raises
    `ValueError` for a name that has no gradient, and in a network without a loss for `wrt` and `algorithm`;
    `Rejected` where the algorithm goes forward in time and the network reads ahead.
    """
    derivation = derivation_of(system, wrt, algorithm)
    return latex(derivation) if format == "latex" else text(derivation)


def derivation_of(system: System, wrt: str | None = None, algorithm: Algorithm | None = None) -> Derivation:
    """The equations chosen and put in order. Raises as `derive` does."""
    wanted = _wanted(system, wrt, algorithm)
    if algorithm not in (None, "bptt"):
        reporter = Reporter()
        ahead(system, reporter)
        reporter.stop_if_wrong()
    system = share(system)
    keep = Keep(system)
    expansion = Expansion(system, keep.names)
    sections = [Section("Forward", forward(system, keep, expansion))]
    if system.loss is not None:
        sections.append(Section("Loss", loss(system, keep, expansion)))
        sections.extend(_learning(system, keep, wanted, algorithm))
    sections = [section for section in sections if section.lines]
    lines = tuple(line for section in sections for line in (*section.lines, *section.omitted))
    shown, missing = _shown(lines)
    names = (*titles(system, keep.errors), *forward_titles(system, wanted, lines))
    return Derivation(
        title=f"{system.name}, {TITLES[algorithm]}" if algorithm else system.name,
        axes=system.axes,
        given=_given(system, expansion),
        sections=tuple(
            replace(z, lines=tuple(shown[n] for n in z.lines), omitted=tuple(shown[n] for n in z.omitted))
            for z in sections
        ),
        remarks=remarks(system, lines, missing, algorithm),
        names=names,
        letters=letters(system, reserved(names, algorithm == "hybrid")),
    )


def _learning(system: System, keep: Keep, wanted: tuple[str, ...], algorithm: Algorithm | None) -> tuple[Section, ...]:
    if algorithm == "rtrl":
        return online(system, keep, wanted, truncated=False)
    if algorithm == "hybrid":
        return hybrid(system, keep, wanted)
    if algorithm == "truncated_gradient":
        return online(system, keep, wanted, truncated=True)
    deltas, gradients = backward(system, keep, wanted)
    made = (Section("Backward", deltas), Section("Gradients", gradients))
    if algorithm is None:
        return made
    return (*made, Section("Changes", tuple(changed(line) for line in gradients)))


def _wanted(system: System, wrt: str | None, algorithm: Algorithm | None) -> tuple[str, ...]:
    """The names whose gradients are asked for."""
    real = {v.name: v for v in system.values if v.kind == "real"}
    if algorithm is not None and system.loss is None:
        raise ValueError(f"network `{system.name}` has no loss, so there is nothing to learn")
    if wrt is None:
        trained = tuple(p.name for p in system.parameters if p.trained and p.name in real)
        return trained if system.loss is not None else ()
    names = [v.name for v in real.values() if v.role in ("parameter", "fixed", "input", "unit")]
    if wrt not in names:
        return _refuse(system, wrt, names)
    if algorithm is not None and real[wrt].role not in ("parameter", "fixed"):
        raise ValueError(f"`{wrt}` is not a parameter: an algorithm learns parameters")
    if system.loss is None:
        raise ValueError(f"network `{system.name}` has no loss, so nothing has a gradient")
    return (wrt,)


def _refuse(system: System, wrt: str, names: list[str]) -> tuple[str, ...]:
    value = next((v for v in system.values if v.name == wrt), None)
    if value is not None and value.role in ("input", "target", "fixed", "parameter"):
        kind = "holds whole numbers" if value.kind == "token" else f"is a {value.role}"
        raise ValueError(f"`{wrt}` {kind}: it has no gradient")
    begun = [f"`{name}`" for name in names if name.startswith(wrt)]
    near = " or ".join(begun) if 0 < len(begun) < 5 else f"`{found}`" if (found := suggest(wrt, names)) else ""
    hint = f", did you mean {near}?" if near else f"; there are {', '.join(names)}" if len(names) < 12 else ""
    raise ValueError(f"no parameter, input or unit `{wrt}` in network `{system.name}`{hint}")


def _shown(lines: tuple[Line, ...]) -> tuple[dict[Line, Line], bool]:
    """Every line as it is printed, and whether masks of missing targets were left out anywhere."""
    shown: dict[Line, Line] = {}
    missing = False
    for line in lines:
        coefficient, factors = algebra.scaled(line.right)
        if is_influence(line.left.name) or (coefficient == 1 and factors and isinstance(factors[0], x.Bracket)):
            shown[line] = line
            continue
        right = without_given(line.right)
        missing = missing or right != line.right
        shown[line] = replace(line, right=right)
    return shown, missing


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
