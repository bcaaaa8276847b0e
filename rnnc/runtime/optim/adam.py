"""Adam (Kingma and Ba 2015), with the running maximum of AMSGrad (Reddi, Kale and Kumar 2018)."""

from __future__ import annotations

import math

import numpy as np

from rnnc.runtime.optim.optimiser import (
    Array,
    Optimiser,
    Slot,
    at_least_zero,
    running_mean,
    running_square,
    two_shares,
)


class Adam(Optimiser):
    """m, v: running means of g and g**2; p -= lr/(1-b1**t) * m / (sqrt(v)/sqrt(1-b2**t) + eps).

    eps stands outside the corrected root, as in torch. `amsgrad` reads the largest v so far.
    """

    def __init__(
        self,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay, maximize)
        self.betas = two_shares("betas", betas)
        self.eps = at_least_zero("eps", eps)
        self.amsgrad = bool(amsgrad)

    def _update(self, value: Array, grad: Array, slot: Slot) -> None:
        keep, keep_square = self.betas
        mean, squares, spare = slot.array("mean"), slot.array("squares"), slot.array("spare")
        running_mean(mean, grad, keep, spare)
        running_square(squares, grad, keep_square, spare)
        if self.amsgrad:
            largest = slot.array("largest")
            squares = np.maximum(largest, squares, out=largest)
        np.sqrt(squares, out=spare)
        spare /= math.sqrt(1.0 - keep_square**self.steps)
        spare += self.eps
        np.divide(mean, spare, out=spare)
        spare *= self.lr / (1.0 - keep**self.steps)
        value -= spare
