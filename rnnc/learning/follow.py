"""Learning forward in time, or a diagnostic in the author's names of what stands against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rnnc.autodiff.net_inputs import NotAProduct
from rnnc.autodiff.passing import NotWithinStep
from rnnc.diagnostics import Reporter
from rnnc.learning.focused import Crossing
from rnnc.learning.forms import Learned
from rnnc.learning.rtrl import rtrl
from rnnc.system.ahead import ahead, spelled_read
from rnnc.system.cut import SeveralAxes
from rnnc.system.errors import CrossesUnits, NoProduct, NotFollowed
from rnnc.system.forms import System
from rnnc.system.influence import TooMany

Made = TypeVar("Made", bound=Learned)


def followed(
    system: System,
    reporter: Reporter,
    most: int | None = None,
    rule: Callable[[System, int | None], Learned] = rtrl,
) -> Learned | None:
    """`rule` of a network with a loss; None where it cannot be had, and why is reported, or where there are more than
    `most` influences."""
    return follow(system, reporter, lambda own: rule(own, most))


def follow(system: System, reporter: Reporter, rule: Callable[[System], Made]) -> Made | None:
    """What `rule` makes of a network with a loss; None where it cannot, and why is reported, or has `TooMany`."""
    if ahead(system, reporter):
        return None
    try:
        return rule(system)
    except TooMany:
        return None
    except NotAProduct as problem:
        reporter.report(_not_a_product(system, problem))
        return None
    except (SeveralAxes, NotWithinStep, Crossing) as problem:
        owners = (problem.equation.out.split(":")[0], problem.access.name.split(":")[0])
        span = problem.access.span or problem.equation.span
        span = span or next(e.span for e in system.equations if e.out == owners[0])
        assert span is not None
        reads = spelled_read(problem.access)
        if isinstance(problem, Crossing):
            reporter.report(CrossesUnits(span=span, name=owners[0], reads=reads))
            return None
        several = isinstance(problem, SeveralAxes)
        reporter.report(NotFollowed(span=span, name=owners[0], reads=reads, several=several))
        return None


def _not_a_product(system: System, problem: NotAProduct) -> NoProduct:
    """In the author's terms: the unit or gate that reads the parameter, or starts with it."""
    reads = [r.span for r in problem.equation.reads if r.name == problem.parameter] if problem.equation else []
    owner = problem.equation.out.split(":")[0] if problem.equation else problem.name
    spans = [*reads, problem.equation.span if problem.equation else None]
    spans += [e.span for e in system.equations if e.out == owner]
    spans += [r.span for e in system.equations for r in e.reads if r.name == owner]
    span = next(found for found in spans if found is not None)
    return NoProduct(span=span, name=owner, parameter=problem.parameter, start=problem.equation is None)
