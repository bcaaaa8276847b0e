"""How well a network does on data: its loss, and what its outputs say of its targets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.data.fields import Field
from rnnc.runtime.data.sequences import Batch, Sequences
from rnnc.runtime.label_errors import readers
from rnnc.runtime.predict import output_units, returned_as
from rnnc.runtime.window_loss import in_windows, window_loss

Array = NDArray[Any]
Ints = NDArray[np.int64]


@dataclass
class Score:
    """Sums over the data; `figures` are what they come to.

    `loss` is over sequences whose loss is finite; `infinite` counts the others, as those that are too short for
    their labels under `ctc`.
    """

    loss: float = 0.0
    sequences: int = 0
    infinite: int = 0
    right: dict[str, int] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    squares: dict[str, float] = field(default_factory=dict)
    sums: dict[str, tuple[float, float]] = field(default_factory=dict)
    label_errors: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """The mean loss; infinite where it is so for every sequence."""
        finite = self.sequences - self.infinite
        return self.loss / finite if finite else math.inf

    @property
    def label_error_rates(self) -> dict[str, float]:
        """By target of a `ctc` loss that has a label: edit distances from what the best path reads, all together,
        over the number of labels (Graves et al. 2006, section 2.1)."""
        return {name: wrong / labels for name, (wrong, labels) in self.label_errors.items() if labels}

    def figures(self) -> dict[str, float]:
        """`loss`: the mean over sequences; `label error rate of l` under `ctc`; `accuracy of t` for tokens; for
        numbers `mean squared error of t`, and `normalised error of t`: its share of the variance of the targets, 1
        for who always says their mean. Nothing of targets that are all missing."""
        found = {"loss": self.mean}
        if self.infinite:
            found["sequences of infinite loss"] = self.infinite
        found |= {f"label error rate of {name}": rate for name, rate in self.label_error_rates.items()}
        for name, right in self.right.items():
            if self.counted[name]:
                found[f"accuracy of {name}"] = right / self.counted[name]
        for name, square in self.squares.items():
            if not self.counted[name]:
                continue
            count = self.counted[name]
            total, total_square = self.sums[name]
            variance = total_square / count - (total / count) ** 2
            found[f"mean squared error of {name}"] = square / count
            if variance > 0.0:
                found[f"normalised error of {name}"] = square / count / variance
        return found


def evaluate(
    module: Any, p: Mapping[str, Array], data: Sequences, *, batch: int = 32, window: int | None = None
) -> Score:
    """The score of a network on all sequences; with `window`, read piece by piece with carried state."""
    score, pairs, labelled = Score(), _pairs(module, p, data), readers(module, p, data)
    hidden = tuple(reader.unit for reader in labelled if reader.unit not in module.OUTPUTS)
    together = None if window is None else window_loss(module, p, data)
    order = np.argsort(-data.longest, kind="stable")
    for begin in range(0, len(order), batch):
        chosen = order[begin : begin + batch]
        losses, counts = np.zeros(len(chosen)), np.zeros(len(chosen))
        for piece, out in _pieces(module, p, data, chosen, window, hidden):
            given = _cleaned(piece, data.fields)
            own = np.asarray(out["loss"], np.float64)
            count = np.ones(len(own))
            if together is not None:
                count = together.counts(given, next(iter(piece.lengths.values())))
            losses[: len(own)] += np.where(count > 0, own, 0.0) * count
            counts[: len(own)] += count
            for target, output in pairs.items():
                _count(score, target, np.asarray(out[returned_as(output)]), given[target.keyword])
            for reader in labelled:
                wrong, labels = score.label_errors.get(reader.title, (0, 0))
                more, further = reader.errors(out, given, piece.lengths)
                score.label_errors[reader.title] = (wrong + more, labels + further)
        if together is not None and together.kind != "sum":
            losses /= np.maximum(counts, 1.0)
        score.loss += float(np.sum(losses[~np.isposinf(losses)]))
        score.infinite += int(np.isposinf(losses).sum())
        score.sequences += len(chosen)
    return score


def _pieces(
    module: Any, p: Mapping[str, Array], data: Sequences, chosen: Ints, window: int | None, hidden: tuple[str, ...]
) -> Iterator[tuple[Batch, Mapping[str, Any]]]:
    """A batch, whole or in windows, and what `forward` says of it, units `hidden` included."""
    more: dict[str, Any] = {"observe": hidden} if hidden else {}
    if window is not None:
        yield from in_windows(module, p, data, chosen, window, more)
        return
    whole = data.batch(chosen)
    yield whole, module.forward(p, **whole.arguments(tuple(module.AXES)), **more)


def _cleaned(piece: Batch, fields: tuple[Field, ...]) -> dict[str, Array]:
    """The targets of a batch, missing past the end of each sequence."""
    found = {}
    for one in fields:
        if one.target:
            values = np.array(piece.given[one.keyword], None if one.token else np.float64)
            for k, axis in enumerate(one.axes):
                steps = np.arange(values.shape[k]).reshape([-1 if i == k else 1 for i in range(len(one.axes))] + [1])
                past = np.broadcast_to(steps >= piece.lengths[axis], values.shape[: len(one.axes) + 1])
                values[past] = -1 if one.token else np.nan
            found[one.keyword] = values
    return found


def _pairs(module: Any, p: Mapping[str, Array], data: Sequences) -> dict[Field, str]:
    """The one output that says something of a target: scores of every token, or numbers of its shape."""
    outputs = output_units(module, p, data)
    shapes = module.data_shapes(**p.sizes)  # type: ignore[attr-defined]
    found = {}
    for target in data.fields:
        units, vocabulary = shapes[target.name]
        wanted = (target.axes, (vocabulary,) if target.token else tuple(units))
        fitting = [name for name, form in outputs.items() if form == wanted]
        if target.target and len(fitting) == 1:
            found[target] = fitting[0]
    return found


def _count(score: Score, target: Field, output: Array, wanted: Array) -> None:
    name = target.name
    if target.token:
        there = wanted >= 0
        score.right[name] = score.right.get(name, 0) + int((output.argmax(-1) == wanted)[there].sum())
    else:
        there = ~np.isnan(wanted)
        known = wanted[there]
        score.squares[name] = score.squares.get(name, 0.0) + float(np.sum((output[there] - known) ** 2))
        total, square = score.sums.get(name, (0.0, 0.0))
        score.sums[name] = (total + float(known.sum()), square + float((known**2).sum()))
    score.counted[name] = score.counted.get(name, 0) + int(there.sum())
