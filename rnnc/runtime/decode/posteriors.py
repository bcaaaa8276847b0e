"""What a decoder reads: log posteriors of one sequence or of a padded batch, checked before anything is searched."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Labels = tuple[int, ...]

# Rows of float16, and rows printed with three decimals, are as far from a sum of one as this.
ROW_TOLERANCE = 2e-3


@dataclass(frozen=True)
class Posteriors:
    """Log posteriors by sequence, float64, (frames, labels) each; `batched` where they came as a batch."""

    rows: tuple[Floats, ...]
    blank: int
    batched: bool

    def each(self, decode: Callable[[Floats], Any]) -> Any:
        """What `decode` finds in the sequence, or for a batch the list of what it finds in each."""
        found = [decode(rows) for rows in self.rows]
        return found if self.batched else found[0]


def read_posteriors(
    probs: ArrayLike | None,
    log_probs: ArrayLike | None,
    logits: ArrayLike | None,
    blank: int,
    lengths: ArrayLike | None,
) -> Posteriors:
    """Take exactly one of the three arrays, (T, K) or (T, B, K), as log posteriors.

    A frame of `probs` or `log_probs` is a distribution over the labels; `logits` are finite and are put through a
    softmax. `lengths` is one whole number or (B,), 1..T each; frames after them are not read. Raises ValueError
    in the names of the arguments for anything else.
    """
    forms = {"probs": probs, "log_probs": log_probs, "logits": logits}
    given = {name: value for name, value in forms.items() if value is not None}
    if len(given) != 1:
        several = " and ".join(f"`{name}`" for name in given) or "none"
        raise ValueError(f"a decoder takes one of `probs`, `log_probs` and `logits`; given: {several}")
    [(name, value)] = given.items()
    array = real_array(name, value)
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise ValueError(f"`{name}` has shape {array.shape}, expected (frames, labels) or (frames, batch, labels)")
    batched = array.ndim == 3
    cut = _lengths(lengths, array.shape[0], array.shape[1] if batched else None)
    sequences = [array[:length, b] if batched else array[:length] for b, length in enumerate(cut)]
    rows = tuple(_log_rows(name, rows, f", sequence {b}" if batched else "") for b, rows in enumerate(sequences))
    return Posteriors(rows, whole("blank", blank, 0, array.shape[-1] - 1), batched)


def whole(name: str, value: object, least: int, most: int | None = None) -> int:
    """A whole number of an argument; ValueError where it is none or out of range."""
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ValueError(f"`{name}` is {value!r}; it must be a whole number") from None
    if number < least or (most is not None and number > most):
        bounds = f"at least {least}" if most is None else f"in {least}..{most}"
        raise ValueError(f"`{name}` is {number}; it must be {bounds}")
    return number


def labels_of(name: str, value: Sequence[int], size: int, blank: int) -> Labels:
    """Labels of a network with `size` of them, the blank among them; ValueError for any other number, or the blank."""
    labels = tuple(whole(f"{name}[{place}]", label, 0, size - 1) for place, label in enumerate(value))
    if blank in labels:
        raise ValueError(f"`{name}[{labels.index(blank)}]` is {blank}, the blank, which is no label")
    return labels


def real_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """An array of real numbers; ValueError for any other."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"`{name}` is not an array: its rows differ in length") from None
    if array.dtype.kind not in "fiu":
        raise ValueError(f"`{name}` has dtype {array.dtype}; expected real numbers")
    return array


def _lengths(lengths: ArrayLike | None, frames: int, batch: int | None) -> tuple[int, ...]:
    count = 1 if batch is None else batch
    if lengths is None:
        return (frames,) * count
    array = np.asarray(lengths)
    if array.dtype.kind not in "iu" or array.shape not in ((), (count,)):
        expected = f"one whole number, or {count}" if batch is not None else "one whole number"
        raise ValueError(f"`lengths` has shape {array.shape} and dtype {array.dtype}; expected {expected}")
    every = np.broadcast_to(array, (count,)).tolist()
    for place, length in enumerate(every):
        whole("lengths" if array.shape == () else f"lengths[{place}]", length, 1, frames)
    return tuple(every)


def _log_rows(name: str, rows: NDArray[Any], where: str) -> Floats:
    """One sequence as log posteriors, (T, K)."""
    rows = rows.astype(np.float64)
    allowed = rows < np.inf if name == "log_probs" else np.isfinite(rows)
    if not allowed.all():
        frame, label = np.argwhere(~allowed)[0]
        raise ValueError(f"`{name}` is {rows[frame, label]} at frame {frame}{where}, label {label}")
    if name == "logits":
        with np.errstate(over="ignore"):
            shifted: Floats = rows - rows.max(axis=1, keepdims=True)
        shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return shifted
    if name == "probs" and rows.min() < 0.0:
        frame, label = np.argwhere(rows < 0.0)[0]
        raise ValueError(f"`probs` is {rows[frame, label]} at frame {frame}{where}, label {label}: below 0")
    with np.errstate(over="ignore"):
        sums = (rows if name == "probs" else np.exp(rows)).sum(axis=1)
    wrong = np.flatnonzero(~(np.abs(sums - 1.0) <= ROW_TOLERANCE))
    if wrong.size:
        total = "probabilities" if name == "probs" else "exponentials"
        raise ValueError(
            f"the {total} of `{name}` at frame {wrong[0]}{where} sum to {sums[wrong[0]]:.6g}, not to 1; "
            f"`logits=` takes values that are not normalised"
        )
    with np.errstate(divide="ignore"):
        return np.log(rows) if name == "probs" else rows
