"""Learning forward in time, or a diagnostic in the author's names of what stands against it."""

from __future__ import annotations

from collections.abc import Callable

from rnnc.autodiff.passing import NotWithinStep
from rnnc.diagnostics import Reporter
from rnnc.learning.focused import Crossing
from rnnc.learning.forms import Learned
from rnnc.learning.rtrl import rtrl
from rnnc.system.ahead import ahead, spelled_read
from rnnc.system.cut import SeveralAxes
from rnnc.system.errors import CrossesUnits, NotFollowed
from rnnc.system.forms import System
from rnnc.system.influence import TooMany


def followed(
    system: System,
    reporter: Reporter,
    most: int | None = None,
    rule: Callable[[System, int | None], Learned] = rtrl,
) -> Learned | None:
    """`rule` of a network with a loss; None where it cannot be had, and why is reported, or where there are more than
    `most` influences."""
    before = len(reporter.diagnostics)
    ahead(system, reporter)
    if len(reporter.diagnostics) > before:
        return None
    try:
        return rule(system, most)
    except TooMany:
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
