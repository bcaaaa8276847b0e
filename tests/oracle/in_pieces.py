"""Properties of a module that runs a sequence in pieces: with checkpoints `bptt` is what it is without them, and
truncated back-propagation is `bptt` of every window whose earlier targets are missing."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

import rnnc
from oracle import data
from oracle.forward_in_time import same
from oracle.properties import Poisoned, Subject, close
from oracle.streaming import chunks, reading
from rnnc.system.pieces import Inseparable, in_pieces

Array = NDArray[Any]
WINDOWS = ((1, 1), (1, 4), (3, 3), (2, 5), (4, 30), (30, 30))


def separable(subject: Subject) -> bool:
    """Whether the network can be run in pieces."""
    try:
        return subject.system.loss is not None and bool(in_pieces(subject.system))
    except Inseparable:
        return False


def compiled(subject: Subject) -> ModuleType:
    module: ModuleType = rnnc.compile_text(subject.text, learn=("truncated_bptt",), checkpoint=True)
    module.__dict__["np"] = Poisoned()
    module.__dict__["STRIP"] = 2 + subject.seed % 5
    return module


def in_pieces_is_whole(subject: Subject) -> None:
    """Both properties, of one module."""
    if separable(subject):
        module = compiled(subject)
        checkpoints_are_bptt(subject, module)
        windows_are_chunks(subject, module)


def checkpoints_are_bptt(subject: Subject, module: ModuleType) -> None:
    """Loss, gradients (of inputs as well) and the next state: of ragged and short batches, and of a later chunk."""
    for batch in (subject.ragged, subject.short, subject.tiny):
        given = {**batch.arrays, "lengths": batch.given(subject.system.axes), "wrt": subject.inputs}
        for reduce in ("sum", "mean"):
            found = module.bptt(subject.parameters, **given, reduce=reduce)
            expected = subject.module.bptt(subject.parameters, **given, reduce=reduce)
            same(found, expected, 1e-12, f"checkpoints, the {reduce} over a batch")
            assert set(found[1]) == set(expected[1]), "names of the gradients"
            assert hasattr(found[1], "state") == hasattr(expected[1], "state")
            for name, array in getattr(expected[1], "state", {}).items():
                close(found[1].state[name], array, 1e-12, f"checkpoints: state `{name}`")
    if hasattr(module, "step"):
        two = chunks(subject)
        state = subject.module.bptt(subject.parameters, **two.first)[1].state
        found = module.bptt(subject.parameters, **two.second, state=state)
        expected = subject.module.bptt(subject.parameters, **two.second, state=state)
        same(found, expected, 1e-12, "checkpoints of a later chunk")


def windows_are_chunks(subject: Subject, module: ModuleType) -> None:
    """Each sequence of a ragged batch, window by window: `bptt` from the state before the window, with targets for the
    steps whose loss goes back. A window of all steps is `bptt` itself."""
    batch, axes = subject.ragged, subject.system.axes
    given = {**batch.arrays, "lengths": batch.given(axes), "reduce": "sum"}
    expected = subject.module.bptt(subject.parameters, **given)
    whole = module.truncated_bptt(subject.parameters, **given, k1=30, k2=30)
    same(whole, expected, 1e-12, "one window of all steps")
    targets = [v.name for v in subject.system.values if v.role == "target"]
    if not hasattr(module, "step") or "mean over" in subject.text or "dropout" in subject.text:
        return
    if not all(batch.axes[name] for name in targets) or not set(batch.axes) - set(targets):
        return
    if not all(batch.axes.values()) or _minds_more(subject, batch, targets):
        return
    for k1, k2 in WINDOWS:
        value, found = module.truncated_bptt(subject.parameters, **given, k1=k1, k2=k2)
        close(value, expected[0], 1e-12, "the loss of truncated_bptt")
        sums: dict[str, Any] = {}
        for b in range(batch.size):
            for name, array in _windows(subject, batch, b, k1, k2).items():
                sums[name] = sums.get(name, 0.0) + array
        for name, array in sums.items():
            close(found[name], array, 1e-12, f"windows {k1}, {k2}: gradient of {name}")


def _minds_more(subject: Subject, batch: data.Batch, targets: list[str]) -> bool:
    """Whether targets are fed back or read a step late, or part of the loss needs none: then a step without targets
    is not one without a loss."""
    moved = [r for e in subject.system.equations for r in e.reads if r.name in targets and any(a.low for a in r.at)]
    fed = set(targets) & reading(subject, subject.units, True)
    none = {n: np.full_like(batch.arrays[n], -1 if batch.arrays[n].dtype.kind == "i" else np.nan) for n in targets}
    lengths = batch.given(subject.system.axes)
    left = subject.module.bptt(subject.parameters, **{**batch.arrays, **none}, lengths=lengths)[0]
    return bool(moved or fed) or left != 0.0


def _windows(subject: Subject, batch: data.Batch, b: int, k1: int, k2: int) -> dict[str, Any]:
    """The gradients of one sequence, summed over its windows."""
    lengths, arrays = batch.alone(b)
    (length,) = lengths.values()
    roles = {v.name: v for v in subject.system.values}
    total: dict[str, Any] = {}
    for stop in sorted({*range(k1, length + 1, k1), length}):
        since, first = (stop - 1) // k1 * k1, max(0, stop - k2)
        state: dict[str, Any] = {}
        if first:
            before = {name: a[:first] for name, a in arrays.items()}
            state = {"state": subject.module.forward(subject.parameters, **before)["state"]}
        now = {name: a[first:stop].copy() for name, a in arrays.items()}
        for name, a in now.items():
            if roles[name].role == "target":
                a[: since - first] = -1 if roles[name].kind == "token" else np.nan
        _, grads = subject.module.bptt(subject.parameters, **now, **state, reduce="sum")
        for name, array in grads.items():
            total[name] = total.get(name, 0.0) + array
    return total
