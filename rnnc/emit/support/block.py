"""A part of a call as a call of its own, for rules that go block by block."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnc.emit.support.influences import LearningCall

# ---- copied from here


class Block(LearningCall):
    """What lies on `axis` of `call` from `first` on, `size` positions. `state` is what those before left, None at a
    sequence's start; `given` what the block takes over from before it, and `follows` whether that has influences other
    than zero."""

    draws: dict[str, Any]
    """The generators of dropout's masks, for all blocks of a call."""

    def __init__(
        self, call: Any, axis: str, first: int, size: int, state: Any, given: Any, follows: bool = False
    ) -> None:
        vars(self).update(vars(call))
        whole, stop = call.lengths[axis], min(first + size, call.length[axis])
        self.given, self.follows, self.state, self.counted = given, follows, state, call.lengths
        self.lengths = call.lengths | {axis: np.clip(whole - first, 0, stop - first)}
        self.length = call.length | {axis: stop - first}
        self.short = {a for a, own in self.lengths.items() if np.any(own < self.length[a])}
        self.ragged = bool(self.short)
        self.begin = call.begin + call.real.type(first)
        self.missing, self.past = {}, {}
        self.masks: dict[str, Any] = {}
        self.data = {name: a[first:stop] if axis in self._record(name)["axes"] else a for name, a in call.data.items()}

    def count(self, axis: str) -> Any:
        return self.counted[axis].astype(self.real)

    def mask(self, key: str, rate: float, shape: tuple[int, ...]) -> Any:
        """Dropout's mask of these positions, drawn after that of those before."""
        if self.seed is None:
            return super().mask(key, rate, shape)
        if key not in self.masks:
            rng = self.draws.setdefault(key, np.random.default_rng([self.seed, *key.encode()]))
            self.masks[key] = (rng.uniform(size=shape) >= rate).astype(self.real) / self.real.type(1.0 - rate)
        return self.masks[key]


# ---- copied to here
