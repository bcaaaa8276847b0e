"""Rprop (Riedmiller and Braun 1993), without weight backtracking (Igel and Huesken 2000, iRprop-)."""

from __future__ import annotations

import numpy as np

from rnnc.runtime.optim.optimiser import Array, Optimiser, Slot


class Rprop(Optimiser):
    """Each value has its own step size: larger while its gradient keeps its sign, smaller where it turns.

    p -= sign(g) * size; where the sign turned the value rests for one step.
    """

    def __init__(
        self,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(lr, 0.0, maximize)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"etas is {etas}; it must be two numbers, one between 0 and 1, one above 1")
        if not 0.0 < step_sizes[0] <= step_sizes[1]:
            raise ValueError(f"step_sizes is {step_sizes}; it must be two rising numbers above 0")
        self.etas = (float(etas[0]), float(etas[1]))
        self.step_sizes = (float(step_sizes[0]), float(step_sizes[1]))

    def _update(self, value: Array, grad: Array, slot: Slot) -> None:
        before, size = slot.array("before"), slot.array("size", self.lr)
        spare, factor = slot.array("spare"), slot.array("factor")
        np.sign(np.multiply(grad, before, out=spare), out=spare)
        factor.fill(1.0)
        np.copyto(factor, self.etas[1], where=spare > 0.0)
        np.copyto(factor, self.etas[0], where=spare < 0.0)
        size *= factor
        np.clip(size, *self.step_sizes, out=size)
        np.copyto(before, grad)
        np.copyto(before, 0.0, where=spare < 0.0)
        value -= np.multiply(np.sign(before, out=spare), size, out=spare)
