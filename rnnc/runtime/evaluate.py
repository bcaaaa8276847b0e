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
from rnnc.runtime.learn import first_sequences
from rnnc.runtime.network import UnfitNetwork
from rnnc.runtime.predict import output_units, returned_as

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
    mean = window is not None and averaged(module, p, data)
    order = np.argsort(-data.longest, kind="stable")
    for begin in range(0, len(order), batch):
        for share, piece, out in _pieces(module, p, data, order[begin : begin + batch], window, mean, hidden):
            given = _cleaned(piece, data.fields)
            losses = np.asarray(out["loss"], np.float64)
            score.loss += float(np.sum(np.where(np.isposinf(losses), 0.0, losses) * share))
            score.infinite += int(np.isposinf(losses).sum())
            for target, output in pairs.items():
                _count(score, target, np.asarray(out[returned_as(output)]), given[target.keyword])
            for reader in labelled:
                wrong, labels = score.label_errors.get(reader.title, (0, 0))
                more, further = reader.errors(out, given, piece.lengths)
                score.label_errors[reader.title] = (wrong + more, labels + further)
        score.sequences += len(order[begin : begin + batch])
    return score


def _pieces(
    module: Any,
    p: Mapping[str, Array],
    data: Sequences,
    chosen: Ints,
    window: int | None,
    mean: bool,
    hidden: tuple[str, ...],
) -> Iterator[tuple[Any, Batch, Mapping[str, Any]]]:
    """A batch, whole or in windows, and what `forward` says of it, units `hidden` included; before them the share of
    each sequence that a window is."""
    axes = tuple(module.AXES)
    more: dict[str, Any] = {"observe": hidden} if hidden else {}
    if window is None:
        whole = data.batch(chosen)
        yield 1.0, whole, module.forward(p, **whole.arguments(axes), **more)
        return
    lengths, state = data.longest[chosen], None
    for begin in range(0, int(lengths.max()), window):
        chosen = chosen[data.longest[chosen] > begin]
        piece = data.batch(chosen, begin, begin + window)
        if state is not None:
            more["state"] = first_sequences(module, state, len(chosen))
        out = module.forward(p, **piece.arguments(axes), **more)
        state = out["state"]
        own = next(iter(piece.lengths.values()))
        yield (own / data.longest[chosen] if mean else 1.0), piece, out


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


def averaged(module: Any, p: Mapping[str, Array], data: Sequences) -> bool:
    """Whether the loss is a mean over positions (True) or a sum over them (False).

    Read off two positions with the targets of one missing at a time. UnfitNetwork for a loss that is neither.
    """
    longest = int(np.argmax(data.longest))
    if data.longest[longest] < 2:
        return False
    two = data.batch(np.array([longest]), 0, 2).given

    def loss(*present: int) -> float:
        given = dict(two)
        for one in data.fields:
            if one.target and one.axes:
                values = np.zeros_like(two[one.keyword])
                for n in {0, 1} - set(present):
                    values[n] = -1 if one.token else np.nan
                given[one.keyword] = values
        return float(np.asarray(module.forward(p, **given)["loss"]).reshape(()))

    apart, both = loss(0) + loss(1), loss(0, 1)
    for mean, wanted in ((False, apart), (True, apart / 2.0)):
        if math.isclose(both, wanted, rel_tol=1e-3, abs_tol=1e-6):
            return mean
    raise UnfitNetwork("the loss is neither a sum nor a mean over positions, so it cannot be read in windows")
