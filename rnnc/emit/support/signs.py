"""What only rules that draw random signs need: the signs, and in a learner how many steps they were drawn for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnc.emit.support.influences import LearningCall

# ---- copied from here


def sign_bits(seed: Any, key: str, count: int, steps: int, first: int) -> Any:
    """`count` bits for each of `steps` steps, those of a step drawn by (seed, key, number of the step)."""
    blocks = -(-count // 256)
    source = np.random.Philox(np.random.SeedSequence([seed, count, *key.encode()]))
    source.advance(first * blocks)
    words = source.random_raw(4 * blocks * steps)
    return np.unpackbits(words.view(np.uint8)).reshape(steps, -1)[:, :count]


def signs(seed: Any, key: str, a: Any, first: Any = None) -> None:
    """Fill `a` with 1 and -1. Where `first` says how many steps came before, `a` has one row a step: a sequence step by
    step has the signs that it has as a whole."""
    steps = 1 if first is None else len(a)
    a[...] = np.asarray(sign_bits(seed, key, a.size // steps, steps, first or 0)).reshape(a.shape)
    a *= 2.0
    a -= 1.0


class SignedCall(LearningCall):
    """A call that learns by random signs, `drawn` for so many steps before."""

    def __init__(self, rule: str, p: Any, data: Any, lengths: Any, learner: Any, *more: Any, **options: Any) -> None:
        self.drawn = 0
        if isinstance(learner, Mapping) and "steps drawn" in learner:
            drawn = np.asarray(learner["steps drawn"])
            if drawn.dtype.kind not in "iu" or not drawn.size or drawn.min() < 0:
                raise ValueError("a learner's `steps drawn` must be whole numbers of at least 0")
            self.drawn = int(drawn.max())
            learner = {name: a for name, a in learner.items() if name != "steps drawn"}
        elif options.get("stepping") and isinstance(learner, Mapping):
            raise ValueError(f"learner lacks `steps drawn`; it is what `{rule}_start` gives")
        super().__init__(rule, p, data, lengths, learner, *more, **options)

    def counted(self, length: int) -> dict[str, Any]:
        """For how many steps signs are drawn after this call, as a learner holds it: of every sequence."""
        lead = (self.batch,) if self.batched else ()
        return {} if self.ragged else {"steps drawn": np.full(lead, self.drawn + length, np.int64)}


# ---- copied to here
