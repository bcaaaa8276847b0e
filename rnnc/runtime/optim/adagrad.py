"""Adagrad (Duchi, Hazan and Singer 2011)."""

from __future__ import annotations

import numpy as np

from rnnc.runtime.optim.optimiser import Array, Optimiser, Slot, at_least_zero


class Adagrad(Optimiser):
    """s += g**2; p -= lr/(1 + (t-1)*lr_decay) * g / (sqrt(s) + eps)."""

    def __init__(
        self,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay, maximize)
        self.lr_decay = at_least_zero("lr_decay", lr_decay)
        self.start = at_least_zero("initial_accumulator_value", initial_accumulator_value)
        self.eps = at_least_zero("eps", eps)

    def _update(self, value: Array, grad: Array, slot: Slot) -> None:
        total, spare, move = slot.array("sum", self.start), slot.array("spare"), slot.array("move")
        total += np.multiply(grad, grad, out=spare)
        np.sqrt(total, out=spare)
        spare += self.eps
        np.divide(grad, spare, out=move)
        move *= self.lr / (1.0 + (self.steps - 1) * self.lr_decay)
        value -= move
