"""Step by step, and in chunks: properties of a network that runs forward along one axis."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oracle import data
from oracle.properties import Subject, close

Array = NDArray[Any]
LENGTH = 7


def whole(subject: Subject) -> data.Batch:
    """Three sequences of equal length."""
    labels = data.label_axes(subject.system)
    (axis,) = (a for a in subject.system.axes if a not in labels)
    return data.batch(subject.system, subject.seed + 3, {axis: (LENGTH,) * 3, **dict.fromkeys(labels, (2, 2, 2))}, 3)


def reading(subject: Subject, names: Iterable[str], borders: bool) -> set[str]:
    """What is read to compute `names`, with or without what stands before their first step."""
    equations = {e.out: e for e in subject.system.equations}
    starts = {b.name: b for b in subject.system.borders}
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        if name in equations:
            waiting += [r.name for r in equations[name].reads]
        if borders and name in starts:
            waiting += starts[name].reads()
    return found


def step_is_forward(subject: Subject) -> None:
    """Every output, one step at a time from `start`, is what `forward` gives."""
    if not hasattr(subject.module, "step"):
        return
    batch = whole(subject)
    outputs = [v.name for v in subject.system.values if v.name in subject.system.outputs and v.axes]
    held, moving, starting = _arrays(subject, batch)
    state = subject.module.start(subject.parameters, batch=batch.size, **starting)
    expected = subject.module.forward(subject.parameters, **batch.arrays)
    for n in range(LENGTH):
        now = {name: array[n] for name, array in moving.items()}
        out, state = subject.module.step(subject.parameters, state, **now, **held)
        for name in outputs:
            close(out[name], expected[name][n], 1e-12, f"{name} at step {n}")


def chunks_are_forward(subject: Subject) -> None:
    """Two calls with the state carried over give what one call gives; the losses add up."""
    if not hasattr(subject.module, "step"):
        return
    batch = whole(subject)
    outputs = [v.name for v in subject.system.values if v.name in subject.system.outputs and v.axes]
    held, moving, starting = _arrays(subject, batch)
    expected = subject.module.forward(subject.parameters, **batch.arrays)
    cut = 1 + subject.seed % (LENGTH - 1)
    early = {name: array[:cut] for name, array in moving.items()}
    late = {name: array[cut:] for name, array in moving.items()}
    lengths = {} if moving else {"lengths": np.full(batch.size, cut)}
    first = subject.module.forward(subject.parameters, **early, **{**held, **starting}, **lengths)
    lengths = {} if moving else {"lengths": np.full(batch.size, LENGTH - cut)}
    second = subject.module.forward(subject.parameters, **late, **held, **lengths, state=first["state"])
    for name in outputs:
        close(np.concatenate([first[name], second[name]]), expected[name], 1e-12, f"{name} in two chunks")


def _arrays(subject: Subject, batch: data.Batch) -> tuple[dict[str, Array], dict[str, Array], dict[str, Array]]:
    """Data by sequence that every step reads, data by position, and data that starts read."""
    values = {v.name: v for v in subject.system.values}
    units = [n for n in subject.units if values[n].axes]
    always, reached = reading(subject, units, False), reading(subject, units, True)
    begun = [n for b in subject.system.borders if b.name in reached for n in b.reads()]
    starts = reading(subject, begun, False)
    held = {n: a for n, a in batch.arrays.items() if not values[n].axes and n in always}
    moving = {n: a for n, a in batch.arrays.items() if values[n].axes and n in always}
    starting = {n: a for n, a in batch.arrays.items() if not values[n].axes and n in starts}
    return held, moving, starting
