"""Unbiased online recurrent optimization (Tallec and Ollivier 2017): the influence of all parameters on all states as
one column times one row, whose expectation is the influence (algorithm 1). Nothing is dropped; the price is variance.
"""

from __future__ import annotations

from rnnc.autodiff.rank_one import RankOne
from rnnc.autodiff.recursion import Recursion
from rnnc.learning.estimate import estimated
from rnnc.learning.forms import Estimate
from rnnc.system.forms import System


def uoro(system: System) -> Estimate:
    """The system with its columns and rows and an unbiased estimate of every gradient. Raises as `estimated` does."""
    return estimated(system, lambda x, step, axis, *others: (RankOne(Recursion(x, step, axis), *others),))
