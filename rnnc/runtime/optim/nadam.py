"""NAdam: Adam with Nesterov's momentum (Dozat 2016)."""

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


class NAdam(Optimiser):
    """Adam's means m and v; the momentum mu[t] = b1*(1 - 0.96**(t*momentum_decay)/2) rises with the step t.

    p -= lr * ((1-mu[t])/(1-prod mu) * g + mu[t+1]/(1-prod mu*mu[t+1]) * m) / (sqrt(v/(1-b2**t)) + eps)
    """

    def __init__(
        self,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay, maximize)
        self.betas = two_shares("betas", betas)
        self.eps = at_least_zero("eps", eps)
        self.momentum_decay = at_least_zero("momentum_decay", momentum_decay)
        self.decouples = bool(decoupled_weight_decay)
        self.product = 1.0

    def memory(self) -> tuple[dict[tuple[str, str], Array], dict[str, float]]:
        arrays, numbers = super().memory()
        return arrays, {**numbers, "product": self.product}

    def restore(self, arrays: dict[tuple[str, str], Array], numbers: dict[str, float]) -> None:
        super().restore(arrays, numbers)
        self.product = numbers["product"]

    def _momentum(self, step: int) -> float:
        return self.betas[0] * (1.0 - 0.5 * math.pow(0.96, step * self.momentum_decay))

    def _advance(self) -> None:
        self.product *= self._momentum(self.steps)

    def _update(self, value: Array, grad: Array, slot: Slot) -> None:
        keep, keep_square = self.betas
        mean, squares = slot.array("mean"), slot.array("squares")
        spare, root = slot.array("spare"), slot.array("root")
        running_mean(mean, grad, keep, spare)
        running_square(squares, grad, keep_square, spare)
        np.divide(squares, 1.0 - keep_square**self.steps, out=root)
        np.sqrt(root, out=root)
        root += self.eps
        of_gradient, of_mean = self.rates()
        np.divide(grad, root, out=spare)
        spare *= of_gradient
        value -= spare
        np.divide(mean, root, out=spare)
        spare *= of_mean
        value -= spare

    def rates(self) -> tuple[float, float]:
        """What this step multiplies g and m by."""
        now, then = self._momentum(self.steps), self._momentum(self.steps + 1)
        return self.lr * (1.0 - now) / (1.0 - self.product), self.lr * then / (1.0 - self.product * then)
