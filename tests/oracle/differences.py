"""Directional derivatives of a system's loss, through the interpreter alone: the complex step, exact to
rounding, and the five-point rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.system.forms import System
from rnnc.system.interpret import interpret

Array = NDArray[Any]
STEP = 1e-30


def along(
    system: System,
    sizes: Mapping[str, int],
    lengths: Mapping[str, int],
    given: Mapping[str, Array],
    direction: Mapping[str, Array],
) -> float:
    """The derivative of the loss of one sequence along `direction` (an array for each value that moves)."""
    assert system.loss is not None
    moved = {**given, **{name: given[name] + 1j * STEP * d for name, d in direction.items()}}
    return float(np.imag(interpret(system, sizes, lengths, moved).read(system.loss)) / STEP)


def five_point(
    system: System,
    sizes: Mapping[str, int],
    lengths: Mapping[str, int],
    given: Mapping[str, Array],
    direction: Mapping[str, Array],
    step: float = 1e-3,
) -> float:
    """The same by the five-point rule; its error is of the order of step^4."""
    assert system.loss is not None

    def loss(by: float) -> float:
        moved = {**given, **{name: given[name] + by * d for name, d in direction.items()}}
        return float(interpret(system, sizes, lengths, moved).read(system.loss or ""))

    h = step
    return (loss(-2 * h) - 8 * loss(-h) + 8 * loss(h) - loss(2 * h)) / (12 * h)
