"""What the losses of windows come to together: the loss of the sequence that they are of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.data.fields import Field
from rnnc.runtime.data.sequences import Sequences
from rnnc.runtime.learn import first_sequences
from rnnc.runtime.network import UnfitNetwork

Array = NDArray[Any]
Ints = NDArray[np.int64]
Loss = tuple[float, float, float]
"""Of two positions together, of the first alone, and of the second with the state behind the first."""

PATTERNS = ((True, True), (True, False), (False, True), (False, False))
VALUES = (None, 1, 0, -1, 100)
"""Targets to try, after those of the data: of some the loss is 0, and says nothing."""


@dataclass(frozen=True)
class WindowLoss:
    """`sum`: losses of windows add up. `present`: their mean counts the positions whose target is there; `steps`: it
    counts all positions, as long as no target is missing."""

    kind: Literal["sum", "present", "steps"]
    fields: tuple[Field, ...]

    def counts(self, given: Mapping[str, Array], lengths: Ints) -> Array:
        """How much the loss of each sequence of a window counts; targets are missing past a sequence's end.

        UnfitNetwork where targets have gaps that a mean over positions cannot be put together with."""
        if self.kind == "sum":
            return np.ones(len(lengths))
        there = [_present(given[field.keyword], field.token) for field in self.fields]
        wanted = lengths if self.kind == "steps" or not there else there[0]
        if any((one != wanted).any() for one in there):
            raise UnfitNetwork(
                "the loss is a mean over positions, and not over the same ones for all of its parts, since targets are "
                "missing: it cannot be read in windows"
            )
        return np.asarray(wanted, np.float64)


def window_loss(module: Any, p: Mapping[str, Array], data: Sequences) -> WindowLoss:
    """How the loss of whole sequences comes about, read off two positions of the longest, with and without targets.

    UnfitNetwork where it is neither the sum nor a mean of what its windows cost."""
    fields = tuple(field for field in data.fields if field.target and field.axes)
    if data.longest.max() < 2:
        return WindowLoss("sum", fields)
    for value in VALUES:
        full, *gaps, none = (_losses(module, p, data, fields, value, pattern) for pattern in PATTERNS)
        costs = (*full, *none)
        if not all(math.isfinite(one) for one in costs) or not any(costs):
            continue
        if all(_near(one[0], one[1] + one[2]) for one in (full, *gaps, none)):
            return WindowLoss("sum", fields)
        if _near(full[0], (full[1] + full[2]) / 2):
            counted = _near(none[0], 0.0) and all(_near(one[0], one[1 + k]) for k, one in enumerate(gaps))
            return WindowLoss("present" if counted else "steps", fields)
        raise UnfitNetwork("the loss is neither a sum nor a mean over positions, so it cannot be read in windows")
    raise UnfitNetwork(
        "the loss is 0 whatever the targets are: whether it is a sum or a mean over windows does not show"
    )


def _losses(
    module: Any, p: Mapping[str, Array], data: Sequences, fields: tuple[Field, ...], value: int | None, pattern: Any
) -> Loss:
    """With `value` for all targets (None: what the data have), at the positions that `pattern` has."""
    longest = np.array([int(np.argmax(data.longest))])

    def loss(begin: int, end: int, state: Any = None) -> tuple[float, Any]:
        piece = data.batch(longest, begin, end)
        given = dict(piece.arguments(tuple(module.AXES)))
        for field in fields:
            given[field.keyword] = _targets(given[field.keyword], field, value, pattern[begin:end])
        more = {} if state is None else {"state": state}
        out = module.forward(p, **given, **more)
        return float(np.asarray(out["loss"]).reshape(())), out["state"]

    first, state = loss(0, 1)
    return loss(0, 2)[0], first, loss(1, 2, state)[0]


def _targets(found: Array, field: Field, value: int | None, pattern: tuple[bool, ...]) -> Array:
    values = found.astype(np.int64 if field.token else np.float64)
    if value is None:
        values[values < 0 if field.token else np.isnan(values)] = 0
    else:
        values[...] = min(abs(value), 1) if field.token else value
    values[~np.array(pattern)] = -1 if field.token else np.nan
    return values


def _near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-4)


def _present(values: Array, token: bool) -> Array:
    """At how many positions of each sequence a target is there: (positions, sequences, ...) to (sequences,)."""
    there = values >= 0 if token else ~np.isnan(values)
    return np.asarray(there.reshape(*there.shape[:2], -1).any(axis=-1).sum(axis=0))


def in_windows(
    module: Any, p: Mapping[str, Array], data: Sequences, chosen: Ints, window: int, more: Mapping[str, Any]
) -> Iterator[tuple[Any, Any]]:
    """Windows of sequences, the longest first, and what `forward` says of each, its state carried on."""
    lengths, state = data.longest[chosen], None
    for begin in range(0, int(lengths.max()), window):
        chosen = chosen[data.longest[chosen] > begin]
        piece = data.batch(chosen, begin, begin + window)
        carried: dict[str, Any] = {} if state is None else {"state": first_sequences(module, state, len(chosen))}
        out = module.forward(p, **piece.arguments(tuple(module.AXES)), **more, **carried)
        state = out["state"]
        yield piece, out
