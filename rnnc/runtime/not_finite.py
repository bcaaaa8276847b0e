"""Which number was the first that is none: an array and an index, in the names of the spec."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.data.sequences import Sequences

Array = NDArray[Any]


class NotFinite(ArithmeticError):
    """A loss or a gradient that is NaN or infinite; the message names step, array and index."""


def check_loss(
    module: Any,
    p: Mapping[str, Array],
    given: Mapping[str, Any],
    carried: Any,
    loss: float,
    where: str,
    names: list[str],
) -> None:
    """NotFinite unless the loss is finite. `names`: the sequences of the batch."""
    if math.isfinite(loss):
        return
    bad = first_not_finite(p)
    if bad:
        raise NotFinite(f"{where}: the loss is {loss}; the weight {bad}")
    state = {} if carried is None else {"state": carried}
    units = getattr(module, "UNITS", ())
    out = module.forward(p, **given, **state, **({"observe": units} if units else {}))
    losses = np.atleast_1d(out["loss"]) if "loss" in out else np.zeros(0)
    worst = np.flatnonzero(~np.isfinite(losses))
    sequence = f" of sequence {names[int(worst[0])]}" if len(worst) else ""
    bad = first_not_finite({name: out[name] for name in (*units, *module.OUTPUTS) if name in out} if units else {})
    raise NotFinite(f"{where}: the loss{sequence} is {loss}" + (f"; unit {bad}" if bad else ""))


def check_gradients(grads: Any, where: str) -> None:
    """NotFinite unless all gradients are finite."""
    flat = getattr(grads, "flat", None)
    # A sum over all of it is one pass, and not finite where an entry is not.
    if flat is not None and math.isfinite(float(np.sum(flat))):
        return
    bad = first_not_finite(grads)
    if bad:
        raise NotFinite(f"{where}: the gradient of {bad}")


def picked(data: Sequences, chosen: NDArray[np.int64]) -> list[str]:
    """The numbers in the file of sequences of a batch."""
    return [str(data.picks[number]) for number in chosen]


def first_not_finite(arrays: Mapping[str, Array]) -> str:
    """The value that is not finite with the earliest first index, as "`h.W_x` at [3, 1] is nan"; "" for none."""
    found: list[tuple[int, int, str]] = []
    for number, (name, array) in enumerate(arrays.items()):
        values = np.asarray(array)
        if values.dtype.kind != "f" or np.isfinite(values).all():
            continue
        index = tuple(int(n) for n in np.argwhere(~np.isfinite(values))[0])
        place = f" at [{', '.join(map(str, index))}]" if index else ""
        found.append((index[0] if index else 0, number, f"`{name}`{place} is {values[index]}"))
    return min(found)[2] if found else ""
