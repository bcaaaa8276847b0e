"""The deltas of back-propagation through time, read off the adjoint system."""

from __future__ import annotations

from rnnc.autodiff.adjoint import active_values, adjoint
from rnnc.derive.derivation import Line
from rnnc.derive.expand import Expansion
from rnnc.derive.forward import line, masks, ordered
from rnnc.derive.keep import Keep
from rnnc.system.forms import System


def backward(system: System, keep: Keep, wanted: tuple[str, ...]) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """The deltas in the order they are computed, and the derivatives by what `wanted` has of given values."""
    active = active_values(system, wanted)
    passed = [e.out for e in system.equations if e.out in active and e.out in keep.names]
    inner = tuple(n for n in passed if n not in keep.errors and n != system.loss and n not in wanted)
    both = adjoint(system, (*wanted, *inner))
    made = dict(both.gradients)
    expansion = Expansion(both, keep.names | frozenset(made.values()))
    masked = masks(expansion, keep)
    given = [n for n in wanted if n not in {e.out for e in system.equations}]
    deltas = {made[n] for n in (*inner, *wanted) if n not in given}
    lines = tuple(line(e.out, expansion, masked, True) for e in ordered(both) if e.out in deltas)
    last = tuple(line(made[n], expansion, masked, True) for n in given)
    return lines, last
