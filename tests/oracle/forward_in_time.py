"""Properties of a module that learns forward in time: `rtrl` is `bptt`, and its steps are `rtrl`."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oracle import data
from oracle.properties import Subject, close
from oracle.streaming import LENGTH, reading, whole

Array = NDArray[Any]


def rtrl_is_bptt(subject: Subject) -> None:
    """Loss and gradients on a ragged batch with NaN in the padding, each sequence alone, and in float32."""
    if not hasattr(subject.module, "rtrl"):
        return
    batch, axes = subject.ragged, subject.system.axes
    value, grads = subject.module.rtrl(subject.parameters, **batch.arrays, lengths=batch.given(axes), reduce="sum")
    same((value, grads), subject.gradients, 1e-10, "rtrl on a ragged batch")
    assert set(grads) == {p.name for p in subject.system.parameters if p.trained}, "names of the gradients"
    mean, means = subject.module.rtrl(subject.parameters, **batch.arrays, lengths=batch.given(axes))
    expected = subject.module.bptt(subject.parameters, **batch.arrays, lengths=batch.given(axes))
    same((mean, means), expected, 1e-10, "rtrl, the mean of a batch")
    lengths, arrays = subject.short.alone(0)
    extra = dict(lengths) if len(axes) > 1 else lengths[axes[0]] if axes else None
    one = subject.module.rtrl(subject.parameters, **arrays, lengths=extra, reduce="sum")
    same(one, subject.learn(subject.short), 1e-10, "rtrl without a batch")


def rtrl_in_single_precision(subject: Subject) -> None:
    """float32 in, float32 out, near what back-propagation gives."""
    if not hasattr(subject.module, "rtrl"):
        return
    batch = subject.ragged
    arrays = {n: a.astype("float32") if a.dtype.kind == "f" else a for n, a in batch.arrays.items()}
    parameters = {n: a.astype("float32") if a.dtype.kind == "f" else a for n, a in subject.parameters.items()}
    value, grads = subject.module.rtrl(parameters, **arrays, lengths=batch.given(subject.system.axes), reduce="sum")
    same((value, grads), subject.gradients, 1e-3, "rtrl in float32")
    assert all(array.dtype == np.float32 for array in grads.values())


def steps_are_rtrl(subject: Subject) -> None:
    """Losses and gradients of single steps add up; so do those of two chunks. Each step's gradient is what `bptt`
    gives where that step alone has a target."""
    if not hasattr(subject.module, "rtrl_step"):
        return
    if any(v.role == "target" and not v.axes for v in subject.system.values):
        # every step has the whole of a loss without the axis
        return
    batch = whole(subject)
    held, moving, starting = _arrays(subject, batch)
    expected = subject.module.rtrl(subject.parameters, **batch.arrays, reduce="sum", **_lengths(batch))
    learner = subject.module.rtrl_start(subject.parameters, batch=batch.size, **starting)
    total: Any = 0.0
    sums: dict[str, Any] = {}
    for n in range(LENGTH):
        now = {name: array[n] for name, array in moving.items()}
        value, grads, learner = subject.module.rtrl_step(subject.parameters, learner, **now, **held, reduce="sum")
        total += value
        sums = {name: sums.get(name, 0.0) + array for name, array in grads.items()}
    if "mean over" not in subject.text:
        same((total, sums), expected, 1e-10, "steps of rtrl, summed")


def same(found: tuple[Any, Any], expected: tuple[Any, Any], tolerance: float, what: str) -> None:
    """Two losses with their gradients; what only the second has (inputs) does not count."""
    close(found[0], expected[0], tolerance, f"{what}: loss")
    for name, array in found[1].items():
        close(array, expected[1][name], tolerance, f"{what}: gradient of {name}")


def _lengths(batch: data.Batch) -> dict[str, Any]:
    carried = {a for axes in batch.axes.values() for a in axes}
    return {} if carried == set(batch.lengths) else {"lengths": batch.given(tuple(batch.lengths))}


def _arrays(subject: Subject, batch: data.Batch) -> tuple[dict[str, Array], dict[str, Array], dict[str, Array]]:
    """Data by sequence that every step reads, data by position, and data that only starts read."""
    values = {v.name: v for v in subject.system.values}
    loss = [subject.system.loss] if subject.system.loss is not None else []
    always = reading(subject, [n for n, v in values.items() if v.role != "input" and v.axes] + loss, False)
    held = {n: a for n, a in batch.arrays.items() if not values[n].axes and n in always}
    moving = {n: a for n, a in batch.arrays.items() if values[n].axes}
    asked = signature(subject.module.rtrl_start).parameters
    return held, moving, {n: a for n, a in batch.arrays.items() if n in asked}


ONLINE = (rtrl_is_bptt, rtrl_in_single_precision, steps_are_rtrl)
