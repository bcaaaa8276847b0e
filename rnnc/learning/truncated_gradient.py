"""The truncated gradient: that of each step's loss by the parameters as this step reads them, earlier states being
given. It is the recursion of real-time recurrent learning without its recurrent term (Williams and Zipser 1989,
equation 9, with only the immediate term) and back-propagation through time cut off after one step (Elman 1990).

What is dropped is all that a parameter does to later steps; a learned start, read from before the first step, gets a
gradient of zero. Nothing is carried but the state, and one reverse pass through the step takes a multiply-add a
connection.
"""

from __future__ import annotations

from dataclasses import replace

from rnnc.autodiff.adjoint import active_values, adjoint
from rnnc.learning.forms import Forward
from rnnc.system.cut import cut
from rnnc.system.forms import System
from rnnc.system.hoist import hoist
from rnnc.system.prune import prune


def truncated_gradient(system: System, most: int | None = None) -> Forward:
    """The system with the truncated gradient of every trained parameter; no influence is held, whatever `most` says.

    A system that reads ahead (`rnnc.system.ahead`) or has no loss must not come here.
    """
    del most
    assert system.loss is not None
    step = cut(system)
    read = {r.name for e in system.equations for r in e.reads} | {n for b in system.borders for n in b.reads()}
    parameters = tuple(v.name for v in system.values if v.role == "parameter" and v.name in read)
    reaching = active_values(step.system, parameters)
    direct = adjoint(step.system, tuple(n for n in parameters if n in reaching))
    whole = replace(direct, equations=tuple(step.restored(e) for e in direct.equations))
    return Forward(prune(hoist(prune(whole))), ())
