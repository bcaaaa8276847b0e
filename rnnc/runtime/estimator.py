"""A network as an estimator of scikit-learn (the extra `sklearn`): fit, predict, score, partial_fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from rnnc.runtime.data import DataError, Field, fields_of, open_data
from rnnc.runtime.data.check import check_data, sizes_from
from rnnc.runtime.data.plain import plain_array
from rnnc.runtime.fit import Fitted, notes_of
from rnnc.runtime.network import UnfitNetwork
from rnnc.runtime.options import Options
from rnnc.runtime.predict import predict
from rnnc.runtime.trainer import Trainer

Array = NDArray[Any]
Examples = Sequence[Array] | Array


class Network(BaseEstimator):  # type: ignore[misc]
    """A module with one input, one target and one output, in scikit-learn's layout: sequences first.

    `X` is a list of sequences, (steps, units) each, or one array (sequences, steps, units); `y` alike, or one entry
    a sequence for a target without an axis. Of a token target, `predict` gives the likeliest. `options` are those of
    `rnnc train --data`, as a dict; `sizes` the network's. Raises DataError for what does not fit.
    """

    def __init__(self, module: Any, options: dict[str, Any] | None = None, sizes: dict[str, int] | None = None) -> None:
        self.module = module
        self.options = options
        self.sizes = sizes

    def __sklearn_clone__(self) -> Network:
        # A module cannot be copied, and need not be.
        return type(self)(self.module, self.options, self.sizes)

    def fit(self, X: Examples, y: Examples) -> Network:
        """Train new weights."""
        trainer = self._trainer(X, y)
        while trainer.step < trainer.total:
            trainer.advance()
        return self._keep(trainer)

    def partial_fit(self, X: Examples, y: Examples) -> Network:
        """Go once through these examples, from the weights and the optimiser's memory that are there."""
        before = getattr(self, "trainer_", None)
        trainer = self._trainer(X, y, before)
        if before is not None:
            np.copyto(trainer.p.flat, before.p.flat)
            np.copyto(trainer.good, before.p.flat)
            trainer.optimiser, trainer.average = before.optimiser, before.average
            trainer.before = before.before + before.step
        for _ in range(trainer.order.begin_of(1)):
            trainer.advance()
        return self._keep(trainer)

    def predict(self, X: Examples) -> Any:
        """The output for every sequence: an array where it has no axis, a list of arrays (steps, …) else."""
        inputs, targets, output = self._names()
        check_is_fitted(self, "fitted_")
        data = self.fitted_.open(_laid(X, inputs), targets=False)
        made = predict(self.module, self.fitted_.p, data)
        found = [one[output].argmax(-1) if targets.token else one[output] for one in made.outputs]
        return found if made.axes[output] else np.stack(found)

    def score(self, X: Examples, y: Examples) -> float:
        """Accuracy for a token target, else the share of the variance explained (R squared)."""
        inputs, target, output = self._names()
        check_is_fitted(self, "fitted_")
        figures = self.fitted_.score({**_laid(X, inputs), **_laid(y, target)})
        name = target.name
        if target.token:
            if f"accuracy of {name}" not in figures:
                raise UnfitNetwork(f"output `{output}` has no score of every token of {target} at its positions")
            return figures[f"accuracy of {name}"]
        # Targets that are all the same have no variance to explain.
        return 1.0 - figures.get(f"normalised error of {name}", math.nan)

    def _names(self) -> tuple[Field, Field, str]:
        fields = fields_of(self.module)
        inputs, targets = [f for f in fields if not f.target], [f for f in fields if f.target]
        if len(inputs) != 1 or len(targets) != 1 or len(self.module.OUTPUTS) != 1:
            raise UnfitNetwork("an estimator needs a network with one input, one target and one output")
        return inputs[0], targets[0], self.module.OUTPUTS[0]

    def _trainer(self, X: Examples, y: Examples, before: Trainer | None = None) -> Trainer:
        inputs, target, _ = self._names()
        if len(X) != len(y):
            raise DataError(f"there are {len(X)} sequences in X, and {len(y)} in y")
        data = open_data({**_laid(X, inputs), **_laid(y, target)}, self.module)
        sizes = before.sizes if before is not None else sizes_from(data, self.module, self.sizes or {})
        check_data(data, self.module, sizes)
        return Trainer(self.module, data, Options.named(self.options or {}), sizes)

    def _keep(self, trainer: Trainer) -> Network:
        self.trainer_ = trainer
        notes = notes_of(self.module, trainer.sizes, trainer.options, trainer.data)
        self.fitted_ = Fitted(self.module, trainer.weights(), notes)
        return self


def _laid(given: Examples, field: Field) -> dict[str, Array]:
    """Sequences side by side, time first, as `open_data` takes them."""
    if not field.axes:
        return {field.name: plain_array(str(field), given)}
    rows = [plain_array(f"{field}, sequence {b}", one) for b, one in enumerate(given)]
    if not rows:
        raise DataError(f"{field}: there is no sequence")
    for b, one in enumerate(rows):
        if not one.ndim:
            raise DataError(f"{field}: sequence {b} is a single value, not a sequence of them")
    lengths = np.array([len(one) for one in rows])
    # the first sequence may be of whole numbers, and another not
    kind = np.result_type(*(one.dtype for one in rows))
    whole = np.zeros((int(lengths.max()), len(rows), *rows[0].shape[1:]), kind)
    for b, one in enumerate(rows):
        if one.shape[1:] != rows[0].shape[1:]:
            raise DataError(f"{field}: sequence {b} has units {one.shape[1:]}, sequence 0 has {rows[0].shape[1:]}")
        whole[: len(one), b] = one
    return {field.name: whole, f"lengths.{field.axes[0]}": lengths}
