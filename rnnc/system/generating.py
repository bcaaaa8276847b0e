"""Whether a network with a feedback can generate: it has to run step by step."""

from __future__ import annotations

from rnnc.diagnostics import Reporter
from rnnc.model.forms import Model
from rnnc.system.errors import NoSteps
from rnnc.system.forms import System
from rnnc.system.stepping import hindrance


def generating(model: Model, system: System, reporter: Reporter) -> None:
    """Reports the first feedback of a network that cannot run step by step."""
    found = hindrance(system) if model.feedbacks else None
    if found is not None:
        reporter.report(NoSteps(span=model.feedbacks[0].span, why=found.said, place=found.span))
