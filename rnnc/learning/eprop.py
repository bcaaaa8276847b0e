"""e-prop: eligibility traces through the state of each unit, without what recurrent weights carry from unit to unit
(Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein and Maass 2020, "A solution to the learning dilemma for recurrent
networks of spiking neurons", Nature Communications 11, equations 3, 13 and 14).

The eligibility vector of a weight is J[n] = D[n] J[n-1] + I[n] with D = d s[n] / d s[n-1] of one unit's state s: the
cell of an LSTM, a leaky unit's activity, whatever goes entry by entry. The learning signal is the exact derivative of
the step's loss by what the unit shows, the paper's symmetric e-prop. What a weight that lies below a unit (in a lower
layer, or in a gate whose result goes through a matrix) does to it counts within the step alone. Exact where every unit
with a past sees its own past alone and reads its parameters itself.
"""

from __future__ import annotations

from rnnc.autodiff.choice import Choice
from rnnc.learning.forms import Forward
from rnnc.learning.traces import traced
from rnnc.system.forms import System


def eprop(system: System, most: int | None = None) -> Forward:
    """The system with its eligibility traces and the gradient they give. Raises as `rnnc.learning.rtrl.rtrl`."""
    return traced(system, most, Choice(own=True))
