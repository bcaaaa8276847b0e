"""Adamax (Kingma and Ba 2015, section 7.1)."""

from __future__ import annotations

import numpy as np

from rnnc.runtime.optim.optimiser import (
    Array,
    Optimiser,
    Slot,
    at_least_zero,
    running_mean,
    two_shares,
)


class Adamax(Optimiser):
    """u = max(b2*u, |g| + eps); p -= lr/(1-b1**t) * m / u."""

    def __init__(
        self,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay, maximize)
        self.betas = two_shares("betas", betas)
        self.eps = at_least_zero("eps", eps)

    def _update(self, value: Array, grad: Array, slot: Slot) -> None:
        mean, largest, spare = slot.array("mean"), slot.array("largest"), slot.array("spare")
        running_mean(mean, grad, self.betas[0], spare)
        np.abs(grad, out=spare)
        spare += self.eps
        largest *= self.betas[1]
        np.maximum(largest, spare, out=largest)
        np.divide(mean, largest, out=spare)
        spare *= self.lr / (1.0 - self.betas[0] ** self.steps)
        value -= spare
