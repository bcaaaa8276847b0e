"""What only rules that learn forward in time need: views of an influence, and influences in and out of a learner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnc.emit.support.calls import Call
from rnnc.emit.support.facts import INFLUENCES, places
from rnnc.emit.support.parameters import Parameters

# ---- copied from here


def block(a: Any, start: int, shape: tuple[int, ...]) -> Any:
    """The entries of the last dimension of `a` from `start` on, seen as dimensions of `shape`: a view."""
    count = 1
    for n in shape:
        count *= n
    return a[..., start : start + count].reshape(*a.shape[:-1], *shape)


def piece(a: Any, start: int, shape: tuple[int, ...], width: int = 0, offset: int = 0) -> Any:
    """`block`; with `width`, the first dimension of `shape` numbers rows of so many entries, of which those from
    `offset` on are meant."""
    if not width:
        return block(a, start, shape)
    return block(block(a, start, (shape[0], width)), offset, shape[1:])


def diagonal(a: Any, labels: str) -> Any:
    """The entries of the last dimensions of `a` where those with one label agree: a view, in the order of labels."""
    return np.einsum(f"...{labels}->...{''.join(dict.fromkeys(labels))}", a)


def followed(call: Any, reduce: str, run: Any) -> tuple[Any, Any]:
    """Value and gradients of a checked call by the rule whose function `run` is."""
    grads = Parameters(call.sizes, call.real)
    share = 1.0 / call.batch if reduce == "mean" else 1.0
    with np.errstate(all="ignore"):  # an infinity or NaN says so itself; padding must not
        loss = run(call, np.full(call.batch, share, call.real), grads)
    return loss.mean() if reduce == "mean" else loss.sum(), grads


class LearningCall(Call):
    """A call that learns forward in time by `rule`: `influences` are those of a learner, by name; none at a sequence's
    start. `steps` says how many steps of each a learner holds, `places` which of them lie side by side in one array."""

    def __init__(self, rule: str, p: Any, data: Any, lengths: Any, learner: Any, *more: Any, **options: Any) -> None:
        state = learner
        self.steps = INFLUENCES[rule]
        self.influences: dict[str, Any] = {}
        if isinstance(learner, Mapping) and (options.get("stepping") or any(name in self.steps for name in learner)):
            state = {name: a for name, a in learner.items() if name not in self.steps}
            for name in self.steps:
                if name not in learner:
                    raise ValueError(f"learner lacks `{name}`; it is what `{rule}_start` gives")
                self.influences[name] = learner[name]
        super().__init__(p, data, lengths, state, *more, **options)
        self.places = places(rule, self.sizes)

    def recall(self, name: str, a: Any) -> None:
        """Put the learner's influences into a ring `a` (steps, batch, rows, columns); zero at a sequence's start."""
        a[...] = 0.0
        for key, where in self.places[name] if self.influences else ():
            part = piece(a, *where)[-self.steps[key] :]
            steps = (self.steps[key],) if self.steps[key] > 1 else ()
            expected = (*steps, *part.shape[1 if self.batched else 2 :])
            found = np.shape(self.influences[key])
            if found != expected:
                raise ValueError(f"influence `{key}` has shape {found}, expected {expected}")
            part[...] = np.asarray(self.influences[key]).reshape(part.shape)

    def recent(self, name: str, a: Any, length: int) -> dict[str, Any]:
        """The influences after the last of `length` steps out of a ring `a`, as a learner holds them; none where
        sequences ended before, whose last ones are gone."""
        found: dict[str, Any] = {}
        for key, where in () if self.ragged else self.places[name]:
            count = self.steps[key]
            rows = np.stack([piece(a[(length - k) % len(a)], *where) for k in range(count, 0, -1)])
            rows = rows if self.batched else rows[:, 0]
            found[key] = rows[0] if count == 1 else rows
        return found


# ---- copied to here
