"""The learning rate from step to step: constant, in drops, a cosine, or lower where validation stands still."""

from __future__ import annotations

import math
from dataclasses import dataclass

SCHEDULES = ("constant", "step", "cosine", "plateau")


@dataclass
class Schedule:
    """`rate` is a pure function of the step, but for `plateau`, which also remembers what `heard` was told.

    All of them rise from zero over the first `warmup` steps. `step` multiplies by `factor` every `every` steps;
    `cosine` falls to zero at the last step (Loshchilov and Hutter 2017); `plateau` multiplies by `factor` once
    `patience` validations in a row were no better than the best one.
    """

    name: str = "constant"
    warmup: int = 0
    every: int = 1000
    factor: float = 0.1
    patience: int = 5
    best: float = math.inf
    waited: int = 0
    drops: int = 0

    def rate(self, lr: float, step: int, total: int) -> float:
        """The rate of step 0, 1, ... of `total`."""
        if step < self.warmup:
            return lr * (step + 1) / (self.warmup + 1)
        if self.name == "step":
            return float(lr * self.factor ** (step // self.every))
        if self.name == "cosine":
            done = (step - self.warmup) / max(1, total - self.warmup)
            return lr * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))
        return float(lr * self.factor**self.drops)

    def heard(self, loss: float) -> None:
        """A validation's loss."""
        if loss < self.best:
            self.best, self.waited = loss, 0
            return
        self.waited += 1
        if self.name == "plateau" and self.waited >= self.patience:
            self.drops, self.waited = self.drops + 1, 0

    def memory(self) -> dict[str, float]:
        """What a later run needs to go on."""
        return {"best": self.best, "waited": self.waited, "drops": self.drops}

    def restore(self, memory: dict[str, float]) -> None:
        """Go on from `memory`."""
        self.best, self.waited, self.drops = memory["best"], int(memory["waited"]), int(memory["drops"])
