"""Models of specs given as text, for the tests of names, shapes and axes."""

from __future__ import annotations

from collections.abc import Mapping

from rnnc.diagnostics import Diagnostic, Rejected, Reporter
from rnnc.frontend.parse import parse
from rnnc.frontend.read import read_text
from rnnc.model.forms import Model, Unit
from rnnc.model.resolve import resolve
from rnnc.model.show import show_expr
from rnnc.model.uses import Loader
from rnnc.sizes import show_shape


def model(text: str, settings: Mapping[str, float] | None = None, network: str | None = None) -> Model:
    """The model of a spec; raises `Rejected` where it is wrong."""
    reporter = Reporter()
    file = parse(read_text(text), reporter)
    reporter.stop_if_wrong()
    return resolve(file, reporter, network=network, settings=settings, load=Loader(None, reporter))


def inside(body: str, formals: str = "D = 3, H = 4, K = 2", before: str = "") -> str:
    """A network over one axis with an input x, and the body."""
    return f"{before}\nnetwork a({formals}) {{\n  axis n\n  input x[n] : D\n{body}\n}}\n"


def unit(found: Model, name: str) -> Unit:
    return next(u for u in found.units if u.name == name)


def right(found: Model, name: str) -> str:
    """The right side of a unit as text."""
    return show_expr(unit(found, name).right)


def shapes(found: Model) -> dict[str, str]:
    """The shape of every parameter under its key."""
    return {p.name: show_shape(p.shape) for p in found.parameters}


def mistakes(text: str, settings: Mapping[str, float] | None = None) -> tuple[Diagnostic, ...]:
    """The errors of a spec; none where it is right."""
    try:
        model(text, settings)
    except Rejected as rejected:
        return tuple(d for d in rejected.diagnostics if d.is_error)
    return ()


def codes(text: str) -> list[str]:
    return [d.code for d in mistakes(text)]
