"""Random-feedback local online learning, with exact feedback: of a unit's past only the leak is kept (Murray 2019,
"Local online learning in recurrent networks with random feedback", eLife 8).

For h[n] = (1 - a) h[n-1] + a f(W h[n-1] + ...) the trace is P[n] = (1 - a) P[n-1] + a f'(...) h[n-1]: what f passes on
of earlier states is dropped. Here the leak is what a unit reads of its own earlier state without a nonlinear function
between; its factor may be a gate. Murray sends the error back through fixed random weights; this rule takes the
read-out's own, as Marschall, Cho and Savin (2020, "A unified framework of online learning algorithms for training
recurrent neural networks", JMLR 21) do where they compare rules, so that it can be held against the gradient.
"""

from __future__ import annotations

from rnnc.autodiff.choice import Choice
from rnnc.learning.forms import Forward
from rnnc.learning.traces import traced
from rnnc.system.forms import System


def rflo(system: System, most: int | None = None) -> Forward:
    """The system with its traces and the gradient they give. Raises as `rnnc.learning.rtrl.rtrl`."""
    return traced(system, most, Choice(own=True, leak=True))
