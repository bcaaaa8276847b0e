"""Back-propagation through time: the adjoint system of the whole sequence (Rumelhart, Hinton and Williams 1986;
Werbos 1990)."""

from __future__ import annotations

from rnnc.autodiff.adjoint import adjoint
from rnnc.system.fold import fold
from rnnc.system.forms import System
from rnnc.system.hoist import hoist
from rnnc.system.prune import prune
from rnnc.system.stack import stack
from rnnc.system.unalias import unalias


def bptt(system: System) -> System:
    """The system with d(loss)/d(p) for every trained parameter and every real input, ready to be scheduled.

    Without a loss there is nothing to differentiate: the system is only stacked and hoisted.
    """
    stacked = ready(system)
    return stacked if stacked.loss is None else finished(differentiated(stacked))


def ready(system: System) -> System:
    """A system as it is differentiated: weights stacked, what a scan need not repeat before it."""
    return prune(hoist(stack(fold(system))))


def differentiated(system: System, also: tuple[str, ...] = ()) -> System:
    """The system with the gradients of its loss by its parameters, its real inputs and the given values `also`."""
    rows = {part for s in system.stacks for part in s.parts}
    read = {r.name for e in system.equations for r in e.reads} | {n for b in system.borders for n in b.reads()}
    wrt = tuple(
        v.name
        for v in system.values
        if v.kind == "real" and v.name not in rows and v.name in read and v.role in ("parameter", "input")
    )
    return adjoint(system, (*wrt, *also))


def finished(system: System) -> System:
    """A system with its adjoints, ready to be scheduled."""
    return prune(hoist(fold(unalias(system))))
