"""Properties of a module that learns forward in time: `rtrl` is `bptt`, and its steps are `rtrl`."""

from __future__ import annotations

import re
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oracle import data
from oracle.properties import Subject, close
from oracle.streaming import LENGTH, chunks, reading, whole

Array = NDArray[Any]
WHOLE = re.compile(r"^\s*loss\b.*\b(over|first|last)\b", re.MULTILINE)


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
    batch, parameters = subject.single
    value, grads = subject.module.rtrl(
        parameters, **batch.arrays, lengths=batch.given(subject.system.axes), reduce="sum"
    )
    same((value, grads), subject.gradients, subject.single_bound, "rtrl in float32")
    assert all(array.dtype == np.float32 for array in grads.values())


def steps_are_rtrl(subject: Subject) -> None:
    """Each step's gradient is what `bptt` gives where that step alone has a target."""
    steps_are_the_whole(subject, "rtrl")


def steps_are_the_whole(subject: Subject, rule: str) -> None:
    """Losses and gradients of single steps add up to those of a call; so do those of two chunks."""
    if not hasattr(subject.module, f"{rule}_step"):
        return
    if any(v.role == "target" and not v.axes for v in subject.system.values) or WHOLE.search(subject.text):
        # every step has the whole of a loss without the axis, a mean or an end of its own
        return
    batch, run = whole(subject), getattr(subject.module, rule)
    held, moving, starting = _arrays(subject, batch, rule)
    expected = run(subject.parameters, **batch.arrays, reduce="sum", **_lengths(batch))
    start, step = (getattr(subject.module, f"{rule}_{what}") for what in ("start", "step"))
    learner = start(subject.parameters, batch=batch.size, **starting)
    total: Any = 0.0
    sums: dict[str, Any] = {}
    for n in range(LENGTH):
        now = {name: array[n] for name, array in moving.items()}
        value, grads, learner = step(subject.parameters, learner, **now, **held, reduce="sum")
        total += value
        sums = {name: sums.get(name, 0.0) + array for name, array in grads.items()}
    same((total, sums), expected, 1e-10, f"steps of {rule}, summed")
    if not moving:
        return
    two = chunks(subject)
    one, early = run(subject.parameters, **two.first, reduce="sum")
    rest, late = run(subject.parameters, **two.second, reduce="sum", state=early.state)
    both = {name: early[name] + late[name] for name in early}
    same((one + rest, both), expected, 1e-10, f"two chunks of {rule}")


def sequences_are_alone(subject: Subject, rule: str) -> None:
    """On a ragged batch with NaN in the padding each sequence adds what it gives alone; float32 is near it."""
    run, batch, axes = getattr(subject.module, rule), subject.ragged, subject.system.axes
    value, grads = run(subject.parameters, **batch.arrays, lengths=batch.given(axes), reduce="sum")
    total: Any = 0.0
    sums: dict[str, Any] = {}
    for b in range(batch.size):
        lengths, arrays = batch.alone(b)
        one, own = run(subject.parameters, **arrays, lengths=lengths[axes[0]] if axes else None, reduce="sum")
        total += one
        sums = {name: sums.get(name, 0.0) + array for name, array in own.items()}
    same((value, grads), (total, sums), 1e-10, f"{rule} on a ragged batch")
    single, parameters = subject.single
    found = run(parameters, **single.arrays, lengths=batch.given(axes), reduce="sum")
    same(found, (value, grads), subject.single_bound, f"{rule} in float32")
    assert all(array.dtype == np.float32 for array in found[1].values())


def same(found: tuple[Any, Any], expected: tuple[Any, Any], tolerance: float, what: str) -> None:
    """Two losses with their gradients; what only the second has (inputs) does not count."""
    close(found[0], expected[0], tolerance, f"{what}: loss")
    for name, array in found[1].items():
        close(array, expected[1][name], tolerance, f"{what}: gradient of {name}")


def _lengths(batch: data.Batch) -> dict[str, Any]:
    carried = {a for axes in batch.axes.values() for a in axes}
    return {} if carried == set(batch.lengths) else {"lengths": batch.given(tuple(batch.lengths))}


def _arrays(
    subject: Subject, batch: data.Batch, rule: str
) -> tuple[dict[str, Array], dict[str, Array], dict[str, Array]]:
    """Data by sequence that every step reads, data by position, and data that only starts read."""
    values = {v.name: v for v in subject.system.values}
    loss = [subject.system.loss] if subject.system.loss is not None else []
    always = reading(subject, [n for n, v in values.items() if v.role != "input" and v.axes] + loss, False)
    held = {n: a for n, a in batch.arrays.items() if not values[n].axes and n in always}
    moving = {n: a for n, a in batch.arrays.items() if values[n].axes}
    asked = signature(getattr(subject.module, f"{rule}_start")).parameters
    return held, moving, {n: a for n, a in batch.arrays.items() if n in asked}


ONLINE = (rtrl_is_bptt, rtrl_in_single_precision, steps_are_rtrl)
