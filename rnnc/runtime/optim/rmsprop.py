"""RMSprop (Tieleman and Hinton 2012), centred as in Graves (2013)."""

from __future__ import annotations

import numpy as np

from rnnc.runtime.optim.optimiser import (
    Array,
    Optimiser,
    Slot,
    at_least_zero,
    running_mean,
    running_square,
)


class RMSprop(Optimiser):
    """v = alpha*v + (1-alpha)*g**2; move = g / (sqrt(v) + eps); p -= lr*move, or lr*(momentum*buf + move).

    `centered` takes the square of the running mean of g off v before the root.
    """

    def __init__(
        self,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay, maximize)
        self.alpha = at_least_zero("alpha", alpha)
        self.eps = at_least_zero("eps", eps)
        self.momentum = at_least_zero("momentum", momentum)
        self.centered = bool(centered)

    def _update(self, value: Array, grad: Array, slot: Slot) -> None:
        squares, spare, root = slot.array("squares"), slot.array("spare"), slot.array("root")
        running_square(squares, grad, self.alpha, spare)
        np.copyto(root, squares)
        if self.centered:
            mean = slot.array("mean")
            running_mean(mean, grad, self.alpha, spare)
            root -= np.multiply(mean, mean, out=spare)
            # A variance; rounding may leave it just below zero where the gradient never changes.
            np.maximum(root, 0.0, out=root)
        np.sqrt(root, out=root)
        root += self.eps
        move = np.divide(grad, root, out=spare)
        if self.momentum:
            buffer = slot.array("momentum")
            buffer *= self.momentum
            buffer += move
            move = buffer
        value -= np.multiply(move, self.lr, out=spare)
