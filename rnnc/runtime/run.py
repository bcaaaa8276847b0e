"""A run of training in its folder: steps, validations, checkpoints, the log; stopped, resumed, ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from rnnc.runtime.checkpoints import Checkpoint, Folder
from rnnc.runtime.log import Log
from rnnc.runtime.not_finite import NotFinite
from rnnc.runtime.progress import Progress
from rnnc.runtime.signals import Stop
from rnnc.runtime.tensorboard import Board
from rnnc.runtime.trainer import Step, Trainer, fingerprint
from rnnc.runtime.weights import WeightsError, save_weights

PAUSE = 0.5  # seconds between two lines about validations


class Run:
    """Trains until its steps are made, a stop is asked for, or validation has stood still for too long."""

    def __init__(
        self,
        trainer: Trainer,
        folder: Folder,
        notes: Mapping[str, str],
        progress: Progress,
        board: Board | None = None,
    ) -> None:
        self.trainer, self.folder, self.progress, self._board = trainer, folder, progress, board
        self._notes = dict(notes)
        self._log: Log | None = None
        self._saved = -1
        self._spoken = -PAUSE
        self.facts = {
            "spec": spec_hash(trainer.module),
            "sizes": trainer.sizes,
            "data": fingerprint(trainer.data),
            "valid": None if trainer.valid is None else fingerprint(trainer.valid),
            "options": trainer.options.fixed(),
        }

    def begin(self) -> None:
        """A new run. WeightsError where the folder holds one, or cannot be written."""
        if self.folder.steps():
            raise WeightsError(
                f"`{self.folder.path}` holds a run, up to step {self.folder.steps()[-1]}: go on with --resume, or "
                "name another folder with --out"
            )
        self.folder.make()
        trainer = self.trainer
        self._open(0, 0)
        self._tell(
            event="run",
            schema=1,
            network=str(getattr(trainer.module, "NAME", getattr(trainer.module, "__name__", ""))),
            spec=self.facts["spec"],
            sizes=trainer.sizes,
            weights=int(trainer.p.flat.size),
            sequences=len(trainer.data),
            positions=trainer.data.positions,
            options={name: value for name, value in trainer.options.fixed().items() if value is not None},
        )
        self._save()

    def resume(self, warn: Callable[[str], None]) -> int:
        """Go on from the newest readable checkpoint, and say its step; begin where there is none.

        WeightsError where it is of another spec, data or options, and where none is readable.
        """
        found = self.folder.latest(warn)
        if found is None:
            self.begin()
            return 0
        self._check(found)
        self.folder.make()
        self.trainer.restore(found)
        self._open(int(found.facts["log"]), found.step)
        self._saved = found.step
        return found.step

    def _check(self, found: Checkpoint) -> None:
        file, ours = self.folder.file(found.step), json.loads(json.dumps(self.facts))
        names = {"spec": "another spec", "sizes": "other sizes", "data": "other data", "valid": "other --valid data"}
        for name, what in names.items():
            if found.facts.get(name) != ours[name]:
                raise WeightsError(f"`{file}` was made with {what}")
        for name, value in ours["options"].items():
            before = found.facts["options"].get(name)
            if before != value:
                flag = f"--{name.replace('_', '-')}"
                raise WeightsError(f"`{file}` was made {_said(flag, before)}, and now it is {_said(flag, value)}")

    def go_on(self, stop: Stop) -> str:
        """Train; returns why it ended: `steps`, `patience`, or `stop`. A checkpoint and the weights are written.

        NotFinite with the last good weights saved, WeightsError where a file cannot be written; the last
        checkpoint stays as it is.
        """
        log, trainer, options = self._opened(), self.trainer, self.trainer.options
        every = options.save or max(1, self._epoch())
        check = options.check or self._epoch()
        reason = "patience" if trainer.tired else "steps"
        self.progress.share = trainer.step / trainer.total
        try:
            while trainer.step < trainer.total and not trainer.tired:
                if stop.number:
                    reason = "stop"
                    break
                made = trainer.advance()
                self._tell(event="step", **_shown(made))
                self.progress.update(trainer.step / trainer.total, made.loss, made.positions)
                if trainer.valid is not None and trainer.step % check == 0:
                    self._validate(made.epoch)
                    reason = "patience" if trainer.tired else "steps"
                if trainer.step % every == 0:
                    self._save()
        except NotFinite:
            self.progress.clear()
            log.sync()
            self._write(self.folder.weights)
            raise
        self.progress.clear()
        if self._saved != trainer.step:
            self._save()
        if reason == "steps" and trainer.valid is not None and trainer.step % check:
            # After the checkpoint: a run that goes on from it has no such validation.
            self._validate(trainer.order.epoch_of(trainer.step - 1) + 1)
        if reason != "stop":
            self._tell(event="end", step=trainer.step, reason=reason)
            log.sync()
        self._write(self.folder.weights)
        return reason

    def close(self) -> None:
        """Let go of the log."""
        if self._board is not None:
            self._board.close()
        if self._log is not None:
            self._log.close()

    def _open(self, size: int, step: int) -> None:
        self._log = Log(self.folder.log, size)
        if self._board is not None:
            self._board.begin(step)

    def _tell(self, **line: Any) -> None:
        self._opened().write(**line)
        if self._board is not None:
            self._board.write(line)

    def _validate(self, epoch: int) -> None:
        trainer = self.trainer
        found = trainer.check()
        rates = {"label_error_rate": dict(found.label_error_rate)} if found.label_error_rate else {}
        self._tell(event="valid", step=trainer.step, epoch=epoch, loss=found.loss, best=found.best, **rates)
        if found.best:
            self._write(self.folder.best)
        if self.progress.seconds - self._spoken >= PAUSE or trainer.step == trainer.total:
            self._spoken = self.progress.seconds
            said = "".join(f", label error rate of {name} {rate:.4g}" for name, rate in found.label_error_rate.items())
            self.progress.say(
                f"epoch {epoch}, step {trainer.step:,}: validation loss {found.loss:.5g}{said}"
                f"{', the best' * found.best}"
            )

    def _epoch(self) -> int:
        return self.trainer.order.begin_of(1)

    def _save(self) -> None:
        log = self._opened()
        log.sync()
        self.folder.save(self.trainer.checkpoint({**self.facts, "log": log.size}))
        self._saved = self.trainer.step

    def _write(self, path: Any) -> None:
        save_weights(path, self.trainer.weights(), {**self._notes, "step": str(self.trainer.step)})

    def _opened(self) -> Log:
        assert self._log is not None, "begin or resume comes first"
        return self._log


def _shown(made: Step) -> dict[str, Any]:
    """What the log says of a step."""
    facts = asdict(made)
    del facts["positions"]
    if not facts["skipped"]:
        del facts["skipped"]
    return facts


def _said(flag: str, value: Any) -> str:
    return (
        f"without {flag}" if value is None or value is False else f"with {flag}{'' if value is True else f' {value}'}"
    )


def spec_hash(module: Any) -> str:
    """SHA-256 of the spec's text that a module holds."""
    return hashlib.sha256(str(getattr(module, "SPEC", "")).encode()).hexdigest()
