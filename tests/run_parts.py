"""What the tests of training share: a small network, its data, and runs in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import rnnc
from rnnc.runtime.checkpoints import Folder
from rnnc.runtime.data import open_data
from rnnc.runtime.data.check import check_data, sizes_from
from rnnc.runtime.options import Options
from rnnc.runtime.progress import Progress
from rnnc.runtime.run import Run
from rnnc.runtime.signals import Stop
from rnnc.runtime.tensorboard import Board
from rnnc.runtime.trainer import Trainer

SPEC = """
network small(D = 2, H = 5) {
  axis n
  input  x[n] : D
  target t[n] : 1
  unit   h[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)
  output y[n] : 1 = full(h[n]) + bias
  loss mean over n (squared_error(y, t))
}
"""
FAMILIES: dict[str, dict[str, Any]] = {
    "plain": {},
    "all": {
        "optimizer": "nadam",
        "schedule": "plateau",
        "plateau": 1,
        "warmup": 3,
        "average": 0.9,
        "clip": 0.5,
        "clip_value": 0.2,
        "weight_decay": 0.01,
        "check": 4,
        "dtype": "float64",
    },
    "windows": {"window": 4, "optimizer": "rmsprop", "momentum": 0.5, "schedule": "step", "every": 7, "factor": 0.5},
    "online": {"online": True, "optimizer": "nag", "lr": 0.01},
    "rprop": {"optimizer": "rprop", "batch": 20},
}


def module(text: str = SPEC, learn: tuple[str, ...] | None = None) -> Any:
    return rnnc.compile_text(text, learn=learn)


def sums(count: int = 20, seed: int = 0, longest: int = 11) -> dict[str, np.ndarray[Any, Any]]:
    """Ragged sequences whose target is the running sum of the input."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(3, longest, size=count)
    lengths[0] = longest
    x = draw.normal(size=(longest, count, 2))
    return {"x": x, "t": x.sum(-1, keepdims=True).cumsum(0), "lengths": lengths}


def trainer(made: Any, options: Options, *, valid: bool = True) -> Trainer:
    data = open_data(sums(), made)
    sizes = sizes_from(data, made, {})
    check_data(data, made, sizes)
    return Trainer(made, data, options, sizes, open_data(sums(6, 1), made) if valid else None)


class Quiet(Progress):
    """Shows nothing."""

    def update(self, done: float, bits: float, characters: int) -> None:
        return

    def say(self, text: str) -> None:
        return


def options(steps: int, family: str = "plain", **more: Any) -> Options:
    return Options(**{"batch": 6, "save": 5, "steps": steps, **FAMILIES[family], **more})


def play(
    made: Any,
    out: Path,
    chosen: Options,
    *,
    resume: bool = False,
    stop: Stop | None = None,
    board: Board | None = None,
) -> str:
    """A run in a folder, begun or gone on with."""
    run = Run(trainer(made, chosen), Folder(out, chosen.keep), {}, Quiet(), board)
    try:
        if resume:
            run.resume(_complain)
        else:
            run.begin()
        return run.go_on(stop or Stop())
    finally:
        run.close()


def _complain(text: str) -> None:
    raise AssertionError(text)


def same(one: Path, other: Path) -> None:
    """The same weights, best weights, last checkpoint and log, to the last byte."""
    last = Folder(one, 3).steps()[-1]
    for name in ("weights.npz", "best.npz", "log.jsonl", Folder(one, 3).file(last).name):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
