"""Training from Python: `fit` a module to data, and use what it has learnt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.checkpoints import Folder
from rnnc.runtime.data import Sequences, open_data
from rnnc.runtime.data.check import check_data, sizes_from
from rnnc.runtime.evaluate import evaluate
from rnnc.runtime.notes import check_notes
from rnnc.runtime.options import Options
from rnnc.runtime.predict import predict
from rnnc.runtime.progress import Progress
from rnnc.runtime.run import Run, spec_hash
from rnnc.runtime.signals import Stop
from rnnc.runtime.tensorboard import Board
from rnnc.runtime.trainer import Trainer
from rnnc.runtime.weights import WeightsError, check_shapes, load_weights, put_weights, save_weights

Array = NDArray[Any]
Source = str | Path | Mapping[str, Any]


@dataclass
class Fitted:
    """A network with its weights `p`. `losses`: each step's; `checks`: (step, validation loss)."""

    module: Any
    p: Any
    notes: dict[str, str]
    losses: list[float] = field(default_factory=list)
    checks: list[tuple[int, float]] = field(default_factory=list)

    def predict(self, data: Source, batch: int = 32) -> dict[str, Array]:
        """The outputs for inputs as `fit` takes them: arrays (axes..., sequences, units), zero past an end."""
        _check_batch(batch)
        found = predict(self.module, self.p, self.open(data, targets=False), batch=batch)
        return found.arrays()

    def score(self, data: Source, batch: int = 32) -> dict[str, float]:
        """`loss`, the mean over sequences, and what else the outputs say of the targets (`accuracy of l`, …)."""
        _check_batch(batch)
        return evaluate(self.module, self.p, self.open(data, targets=True), batch=batch).figures()

    def save(self, path: str | Path) -> None:
        """Write the weights, whole or not at all; `load` and the command line read them."""
        save_weights(Path(path), self.p, self.notes)

    def open(self, source: Source, *, targets: bool) -> Sequences:
        """Data for this network, looked through. DataError where it does not fit."""
        vocabulary = tuple(json.loads(self.notes.get("vocabulary", "[]")))
        unit = self.notes.get("unit", "characters")
        data = open_data(source, self.module, targets=targets, unit=unit, vocabulary=vocabulary)
        check_data(data, self.module, self.p.sizes)
        return data


def fit(
    module: Any,
    data: Source,
    *,
    valid: Source | None = None,
    sizes: Mapping[str, int] | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    tensorboard: bool = False,
    **options: Any,
) -> Fitted:
    """Train a module of the protocol. Options are those of `rnnc train --data`, fields of `Options`.

    `data`: a file, or a dict of arrays as the module takes them, with `lengths` where sequences differ. `sizes`:
    the network's, where the data do not say them. `out`: a folder for checkpoints and the log; with `resume` a run
    found there goes on, and with `tensorboard` (the extra) it also gets scalars. With `valid`, what is returned are
    the weights that were best on it. Raises DataError and ValueError for mistakes, NotFinite where a loss or gradient
    is no number.
    """
    if tensorboard and out is None:
        raise ValueError("scalars for TensorBoard go into the folder of a run: name one, `out=`")
    if resume and out is None:
        raise ValueError("a run is gone on with in its folder: name it, `out=`")
    board = Board(Path(out)) if out is not None and tensorboard else None
    chosen = Options.named(options)
    opened = open_data(data, module)
    found = sizes_from(opened, module, sizes or {})
    check_data(opened, module, found)
    held_out = None
    if valid is not None:
        held_out = open_data(valid, module, vocabulary=opened.vocabulary)
        check_data(held_out, module, found)
    trainer = Trainer(module, opened, chosen, found, held_out)
    fitted = Fitted(module, trainer.p, notes_of(module, found, trainer.options, opened))
    if out is not None:
        return _in_folder(fitted, trainer, Folder(Path(out), trainer.options.keep), resume, board)
    every, best = trainer.options.check or trainer.order.begin_of(1), None
    while trainer.step < trainer.total and not trainer.tired:
        fitted.losses.append(trainer.advance().loss)
        if held_out is not None and (trainer.step % every == 0 or trainer.step == trainer.total):
            check = trainer.check()
            fitted.checks.append((trainer.step, check.loss))
            best = trainer.weights().flat.copy() if check.best else best
    fitted.p = trainer.weights()
    if best is not None:
        np.copyto(fitted.p.flat, best)
    return fitted


def _check_batch(batch: int) -> None:
    if batch < 1:
        raise ValueError(f"batch is {batch}; it must be at least 1")


def _in_folder(fitted: Fitted, trainer: Trainer, folder: Folder, resume: bool, board: Board | None) -> Fitted:
    progress = Progress(units=("loss", "positions/s"))
    run = Run(trainer, folder, fitted.notes, progress, board)
    try:
        if resume:
            run.resume(progress.say)
        else:
            run.begin()
        run.go_on(Stop())
    finally:
        run.close()
    lines = [json.loads(line) for line in folder.log.read_text(encoding="utf-8").splitlines()]
    fitted.losses = [line["loss"] for line in lines if line["event"] == "step"]
    fitted.checks = [(line["step"], line["loss"]) for line in lines if line["event"] == "valid"]
    return load(fitted.module, folder.best if trainer.valid is not None else folder.weights, fitted)


def load(module: Any, path: str | Path, like: Fitted | None = None) -> Fitted:
    """A module with weights from a file. WeightsError where they do not fit it."""
    weights = load_weights(Path(path))
    check_notes(weights.notes, Path(path))
    sizes = json.loads(weights.notes.get("sizes", "{}"))
    _check_sizes(module, sizes, path)
    # Before there is a network of these sizes: it might be one that fits no memory.
    check_shapes(module.shapes(**{**module.SIZES, **sizes}), weights, Path(path))
    dtypes = {str(array.dtype) for array in weights.arrays.values() if array.dtype.kind == "f"}
    p = module.init(dtype="float64" if dtypes == {"float64"} else "float32", **sizes)
    put_weights(p, weights, Path(path))
    found = Fitted(module, p, dict(weights.notes))
    if like is not None:
        found.losses, found.checks = like.losses, like.checks
    return found


def _check_sizes(module: Any, sizes: Mapping[str, int], path: str | Path) -> None:
    said = ", ".join(f"{name}={value}" for name, value in sizes.items())
    if not set(sizes) <= set(module.SIZES):
        have = ", ".join(module.SIZES) or "none"
        raise WeightsError(f"`{path}` is of another network: of sizes {said}, where this one has {have}")
    for name in getattr(module, "PINNED", ()):
        if sizes.get(name, module.SIZES[name]) != module.SIZES[name]:
            raise WeightsError(f"`{path}` was made with {said}, and now {name} is set to {module.SIZES[name]}")


def notes_of(module: Any, sizes: Mapping[str, int], options: Options, data: Sequences, **more: str) -> dict[str, str]:
    """What is kept beside weights: enough to use them."""
    notes = {"sizes": json.dumps(dict(sizes)), "spec": spec_hash(module), "seed": str(options.seed), **more}
    if data.vocabulary:
        notes["vocabulary"] = json.dumps(data.vocabulary)
    return notes
