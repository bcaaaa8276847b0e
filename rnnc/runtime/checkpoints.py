"""The folder of a run: its checkpoints, the last few kept, its best and last weights, its log."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.weights import WeightsError, check_place, load_weights, save_weights

Array = NDArray[Any]

_NAME = re.compile(r"checkpoint-(\d{9,})\.npz")
_LEFT_OVER = re.compile(r"\..*\.[0-9a-f]{8}\.tmp")


@dataclass(frozen=True)
class Checkpoint:
    """Everything a run needs to go on from a step: arrays by name, and facts that JSON can hold."""

    step: int
    arrays: Mapping[str, Array]
    facts: Mapping[str, Any]


class Folder:
    """A run's folder. All files are written whole or not at all, and checkpoints carry a checksum."""

    def __init__(self, path: Path, keep: int) -> None:
        self.path, self._keep = path, keep
        self.log = path / "log.jsonl"
        self.weights = path / "weights.npz"
        self.best = path / "best.npz"

    def make(self) -> None:
        """Create it, and clear away what a killed run left half-written. WeightsError where that is impossible."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WeightsError(f"cannot make the folder `{self.path}`: {error.strerror or error}") from None
        check_place(self.log)
        for file in sorted(self.path.iterdir()):
            if _LEFT_OVER.fullmatch(file.name):
                file.unlink()

    def steps(self) -> list[int]:
        """The steps that have a checkpoint, ascending."""
        if not self.path.is_dir():
            return []
        names = (_NAME.fullmatch(file.name) for file in self.path.iterdir())
        return sorted(int(name[1]) for name in names if name)

    def file(self, step: int) -> Path:
        """The checkpoint of a step."""
        return self.path / f"checkpoint-{step:09d}.npz"

    def save(self, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint, then drop all but the last few. WeightsError where it cannot be written."""
        file = self.file(checkpoint.step)
        notes = {"checkpoint": json.dumps({"step": checkpoint.step, **checkpoint.facts}, sort_keys=True)}
        save_weights(file, checkpoint.arrays, notes)
        older = [step for step in self.steps() if step <= checkpoint.step]
        for step in older[: -self._keep]:
            with contextlib.suppress(OSError):
                self.file(step).unlink()
        return file

    def load(self, step: int) -> Checkpoint:
        """Read a checkpoint; WeightsError where it is damaged."""
        file = self.file(step)
        found = load_weights(file, sealed=True)
        try:
            facts = json.loads(found.notes["checkpoint"])
        except (KeyError, json.JSONDecodeError):
            raise WeightsError(f"`{file}` is no checkpoint of rnnc") from None
        if facts.get("step") != step:
            raise WeightsError(f"`{file}` is the checkpoint of another step, {facts.get('step')}")
        return Checkpoint(step, found.arrays, facts)

    def latest(self, warn: Callable[[str], None]) -> Checkpoint | None:
        """The newest readable checkpoint; None where there is none at all. `warn` hears of each damaged one.

        WeightsError where all of them are damaged.
        """
        failed: WeightsError | None = None
        for step in reversed(self.steps()):
            try:
                return self.load(step)
            except WeightsError as error:
                warn(f"warning: {error}")
                failed = error
        if failed is not None:
            raise WeightsError(f"no checkpoint in `{self.path}` is readable")
        return None


def nested(value: Any, path: str, into: dict[str, Array]) -> None:
    """Put a state (a dict of arrays, or of dicts of them) into `into`, under names that begin with `path`."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            nested(part, f"{path}/{name}", into)
    elif isinstance(value, np.ndarray | np.generic | int | float):
        into[path] = np.asarray(value)
    else:
        raise WeightsError(f"the state holds a {type(value).__name__} at `{path}`, which a checkpoint cannot")


def unnested(arrays: Mapping[str, Array], path: str) -> Any:
    """What `nested` put there; None where nothing was."""
    found: dict[str, Any] = {}
    for name, array in arrays.items():
        if name.startswith(f"{path}/"):
            *folders, last = name[len(path) + 1 :].split("/")
            place = found
            for folder in folders:
                place = place.setdefault(folder, {})
            place[last] = array
    return found or None
