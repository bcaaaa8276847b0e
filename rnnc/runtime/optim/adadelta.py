"""Adadelta (Zeiler 2012)."""

from __future__ import annotations

import numpy as np

from rnnc.runtime.optim.optimiser import Array, Optimiser, Slot, at_least_zero, running_square


class Adadelta(Optimiser):
    """v = rho*v + (1-rho)*g**2; d = sqrt(u+eps)/sqrt(v+eps)*g; u = rho*u + (1-rho)*d**2; p -= lr*d."""

    def __init__(
        self,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay, maximize)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"rho is {rho}; it must be at least 0 and at most 1")
        self.rho = float(rho)
        self.eps = at_least_zero("eps", eps)

    def _update(self, value: Array, grad: Array, slot: Slot) -> None:
        squares, moves = slot.array("squares"), slot.array("moves")
        spare, move = slot.array("spare"), slot.array("move")
        running_square(squares, grad, self.rho, spare)
        np.add(moves, self.eps, out=move)
        np.sqrt(move, out=move)
        np.add(squares, self.eps, out=spare)
        move /= np.sqrt(spare, out=spare)
        move *= grad
        running_square(moves, move, self.rho, spare)
        move *= self.lr
        value -= move
