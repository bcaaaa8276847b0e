"""`rnnc train SPEC --data …`, less its command line."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rnnc.runtime.checkpoints import Folder
from rnnc.runtime.data import DataError, Sequences, open_data
from rnnc.runtime.data.check import check_data, sizes_from
from rnnc.runtime.data.splits import split_data
from rnnc.runtime.fit import notes_of
from rnnc.runtime.network import UnfitNetwork
from rnnc.runtime.not_finite import NotFinite
from rnnc.runtime.options import Options
from rnnc.runtime.progress import Progress, clock, talk
from rnnc.runtime.run import Run
from rnnc.runtime.signals import Stop, stop_requests
from rnnc.runtime.tensorboard import Board
from rnnc.runtime.trainer import Trainer
from rnnc.runtime.weights import WeightsError

DONE, UNFIT, UNREADABLE = 0, 1, 2


@dataclass(frozen=True)
class Request:
    """What the command line says beside the options of training.

    `split`: shares of --data for training, validation and test, instead of `valid`. `tensorboard`: write
    scalars for it as well. `sizes`: those set by hand.
    """

    data: str
    valid: str | None = None
    split: tuple[float, ...] | None = None
    unit: str = "characters"
    out: Path = Path("run")
    resume: bool = False
    tensorboard: bool = False
    sizes: dict[str, int] = field(default_factory=dict)


def train_data(module: Any, request: Request, options: Options) -> int:
    """Train a module of the protocol on data; returns the exit status.

    Talk goes to stderr; the folder `out` gets checkpoints, weights and the log. 130 and 143 where Ctrl-C or
    SIGTERM ended the run, after a checkpoint. 1: the network cannot be trained so, or a loss or gradient was not
    finite; 2: a file or an option is at fault.
    """
    with stop_requests() as stop:
        try:
            return _run(module, request, options, stop)
        except (UnfitNetwork, NotFinite) as error:
            return _complain(str(error), UNFIT)
        except (ValueError, DataError, WeightsError) as error:
            return _complain(str(error), UNREADABLE)
        except MemoryError:
            return _complain("not enough memory", UNREADABLE)


def read_data(module: Any, request: Request, seed: int) -> tuple[Sequences, Sequences | None, dict[str, int]]:
    """Training and validation data, looked through, and the network's sizes. Raises DataError."""
    data = open_data(request.data, module, unit=request.unit)
    sizes = sizes_from(data, module, request.sizes)
    check_data(data, module, sizes)
    if request.split is not None:
        parts = split_data(data, request.split, seed)
        return parts[0], parts[1] if request.split[1] else None, sizes
    if request.valid is None:
        return data, None, sizes
    valid = open_data(request.valid, module, unit=request.unit, vocabulary=data.vocabulary)
    check_data(valid, module, sizes)
    return data, valid, sizes


def _run(module: Any, request: Request, options: Options, stop: Stop) -> int:
    board = Board(request.out) if request.tensorboard else None
    data, valid, sizes = read_data(module, request, options.seed)
    trainer = Trainer(module, data, options, sizes, valid)
    folder = Folder(request.out, options.keep)
    more = {"unit": request.unit}
    if request.split is not None:
        more["split"] = "/".join(f"{share:g}" for share in request.split)
    notes = notes_of(module, sizes, options, data, **more)
    progress = Progress(units=("loss", "positions/s"))
    run = Run(trainer, folder, notes, progress, board)
    try:
        if request.resume:
            begun = run.resume(talk)
            talk(f"going on at step {begun:,}" if begun else f"`{folder.path}` has no checkpoint yet: a new run")
        else:
            run.begin()
        _introduce(data, valid, trainer)
        begun = trainer.step
        try:
            reason = run.go_on(stop)
        except NotFinite as error:
            return _complain(f"{error}; the last good weights are in {folder.weights}", UNFIT)
    finally:
        run.close()
    if reason == "stop":
        name = signal.Signals(stop.number).name
        talk(f"stopped by {name} after step {trainer.step:,}; --resume goes on from {folder.file(trainer.step)}")
        return stop.exit_status
    _conclude(trainer, folder, reason, begun, progress)
    return DONE


def _introduce(data: Sequences, valid: Sequences | None, trainer: Trainer) -> None:
    held_out = f", {len(valid):,} to validate" if valid is not None else ""
    sizes = ", ".join(f"{name}={n}" for name, n in trainer.sizes.items())
    unused = f"; not used: {', '.join(data.unused)}" if data.unused else ""
    for part in (data, *(() if valid is None else (valid,))):
        if part.strange:
            talk(strangers(part))
    talk(
        f"{data.name}: {_count(len(data), 'sequence')}, {_count(data.positions, 'position')}{held_out}; "
        f"{sizes or 'no sizes'}; {int(trainer.p.flat.size):,} weights{unused}"
    )


def strangers(data: Sequences) -> str:
    """How much of a text is not in the vocabulary, in a line."""
    known = len(data.vocabulary)
    share = f"{data.strange:.2%}" if data.strange >= 5e-5 else "less than 0.01%"
    return f"{data.name}: {share} of the text is not among the {known:,} tokens of the vocabulary"


def _conclude(trainer: Trainer, folder: Folder, reason: str, begun: int, progress: Progress) -> None:
    made = trainer.step - begun
    said = "validation stands still; " if reason == "patience" else ""
    best = ""
    if trainer.valid is not None and np.isfinite(trainer.best):
        best = f", the best by validation (loss {trainer.best:.5g}) in {folder.best}"
    if trainer.skipped:
        named = ", ".join(map(str, sorted(trainer.skipped)[:10])) + ", …" * (len(trainer.skipped) > 10)
        talk(f"{_count(len(trainer.skipped), 'sequence')} skipped, which no weights give a finite loss: {named}")
    loss = "" if progress.cost is None else f", loss {progress.cost:.5g} over the last ones"
    talk(f"{said}{_count(made, 'step')} in {clock(progress.seconds)}{loss}; weights in {folder.weights}{best}")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _complain(text: str, status: int) -> int:
    talk(f"error: {text}")
    return status
