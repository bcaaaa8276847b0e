"""Whole sequences: a rule's gradient of them, and the exact one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.data.sequences import Batch, Sequences
from rnnc.runtime.learn import Rule

Gradients = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Whole:
    """Sequences read side by side from first to last step, their loss the mean over them."""

    module: Any
    p: Any
    data: Sequences

    def gradients(self, rule: str, seed: int) -> Gradients:
        """What a rule gives."""
        return self.learn(Rule(self.module, rule, window=False, online=False), self.batch(), seed)[1]

    def exact(self, seed: int) -> Gradients:
        """By back-propagation."""
        return self.gradients("bptt", seed)

    def loss(self, seed: int) -> float:
        """The mean over the sequences."""
        return self.learn(Rule(self.module, "bptt", window=False, online=False), self.batch(), seed)[0]

    def batch(self, end: int | None = None) -> Batch:
        """All of the sequences, or their first `end` steps."""
        return self.data.batch(np.arange(len(self.data)), 0, end)

    def learn(self, rule: Rule, batch: Batch, seed: int) -> tuple[float, Gradients]:
        """(loss, gradients) of a batch from the start on."""
        given = batch.arguments(tuple(self.module.AXES))
        value, grads, _ = rule.gradients(self.p, given, None, batch=len(self.data), seed=seed)
        return value, grads
