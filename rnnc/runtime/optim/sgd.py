"""Gradient descent, with momentum (Polyak 1964) or Nesterov's (Sutskever et al. 2013, as torch writes it)."""

from __future__ import annotations

import numpy as np

from rnnc.runtime.optim.optimiser import Array, Optimiser, Slot, at_least_zero


class SGD(Optimiser):
    """buf = momentum*buf + (1-dampening)*g, at first g; p -= lr*buf.

    With `nesterov`: p -= lr*(g + momentum*buf).
    """

    def __init__(
        self,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay, maximize)
        self.momentum = at_least_zero("momentum", momentum)
        self.dampening = float(dampening)
        self.nesterov = bool(nesterov)
        if nesterov and (momentum <= 0.0 or dampening != 0.0):
            raise ValueError("nesterov needs a momentum above 0 and no dampening")

    def _update(self, value: Array, grad: Array, slot: Slot) -> None:
        spare = slot.array("spare")
        move = grad
        if self.momentum:
            first = "momentum" not in slot.arrays
            buffer = slot.array("momentum")
            if first:
                np.copyto(buffer, grad)
            else:
                buffer *= self.momentum
                buffer += np.multiply(grad, 1.0 - self.dampening, out=spare)
            move = buffer
            if self.nesterov:
                np.multiply(buffer, self.momentum, out=spare)
                move = np.add(spare, grad, out=spare)
        value -= np.multiply(move, self.lr, out=spare)
