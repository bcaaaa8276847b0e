"""Real-time recurrent learning with random Kronecker factors (Mujika, Meier and Steger 2018).

The influence of all parameters of one product of a weight with a vector is the expectation of a matrix times a vector.
Nothing is dropped; the price is variance, less than that of `uoro`. Where a network has several such products (layers,
or gates that read different vectors), each has factors of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from rnnc.autodiff.kronecker import Kronecker
from rnnc.autodiff.net_inputs import NotAProduct, products
from rnnc.autodiff.recursion import Recursion
from rnnc.learning.estimate import estimated
from rnnc.learning.forms import Estimate
from rnnc.system.cut import Step
from rnnc.system.extension import Extension
from rnnc.system.forms import Border, System
from rnnc.system.reach import downstream, upstream


def kf_rtrl(system: System) -> Estimate:
    """The system with its factors and an unbiased estimate of every gradient. Raises as `estimated` does, and
    `rnnc.autodiff.net_inputs.NotAProduct` for a parameter that a recurrence reads in another way."""
    return estimated(system, _factors)


def _factors(
    x: Extension,
    step: Step,
    axis: str,
    parameters: tuple[str, ...],
    starts: Mapping[str, Border],
    passed: Mapping[str, str],
) -> Iterator[Kronecker]:
    by = Recursion(x, step, axis)
    learned = downstream(replace(step.system, borders=()), parameters)
    for state in by.states:
        for start in starts[state].reads() if state in starts else ():
            if start in learned:
                made = upstream(step.system, (start,))
                raise NotAProduct(next(p for p in parameters if p in made), None, state)
    for product in products(x, by.within, by.states, parameters):
        yield Kronecker(Recursion(x, step, axis), product, passed)
