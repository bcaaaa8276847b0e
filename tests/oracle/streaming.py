"""Step by step, and in chunks: properties of a network that runs forward along one axis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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
    return data.reached(subject.system, names, borders)


def step_is_forward(subject: Subject) -> None:
    """Every output, one step at a time from `start`, is what `forward` gives."""
    if not hasattr(subject.module, "step"):
        return
    batch = whole(subject)
    axes = {name: v.axes for v in subject.system.values if (name := v.name) in subject.system.outputs}
    held, moving, starting = _arrays(subject, batch)
    state = subject.module.start(subject.parameters, batch=batch.size, **starting)
    expected = subject.module.forward(subject.parameters, **batch.arrays)
    for n in range(LENGTH):
        now = {name: array[n] for name, array in moving.items()}
        out, state = subject.module.step(subject.parameters, state, **now, **held)
        for name, own in axes.items():
            close(out[name], expected[name][n] if own else expected[name], 1e-12, f"{name} at step {n}")


@dataclass(frozen=True)
class Chunks:
    """One batch cut in two along its axis: what each call is given, the second but for the state."""

    cut: int
    batch: data.Batch
    first: dict[str, Any]
    second: dict[str, Any]


def chunks(subject: Subject) -> Chunks:
    batch = whole(subject)
    held, moving, starting = _arrays(subject, batch)
    cut = 1 + subject.seed % (LENGTH - 1)
    labels = data.label_axes(subject.system)
    (axis,) = (a for a in subject.system.axes if a not in labels)
    for name in set(batch.arrays) & reading(subject, [subject.system.loss or ""], False):
        # targets; labels stay whole
        (moving if axis in batch.axes[name] else held)[name] = batch.arrays[name]
    early: dict[str, Any] = {name: array[:cut] for name, array in moving.items()} | held | starting
    late: dict[str, Any] = {name: array[cut:] for name, array in moving.items()} | held
    if not moving:
        early["lengths"], late["lengths"] = {axis: np.full(batch.size, cut)}, {axis: np.full(batch.size, LENGTH - cut)}
    return Chunks(cut, batch, early, late)


def chunks_are_forward(subject: Subject) -> None:
    """Two calls with the state carried over give what one call gives, every unit observed; so does `bptt`'s state."""
    if not hasattr(subject.module, "step"):
        return
    two = chunks(subject)
    values = {v.name: v for v in subject.system.values}
    units = [n for n in subject.units if values[n].axes or n in subject.system.outputs]
    run = subject.module.forward
    expected = run(subject.parameters, **two.batch.arrays, observe=units)
    first = run(subject.parameters, **two.first, observe=units)
    second = run(subject.parameters, **two.second, observe=units, state=first["state"])
    for name in units:
        found = [first[name], second[name]]
        for one in [np.concatenate(found)] if values[name].axes else found:
            close(one, expected[name], 1e-12, f"{name} in two chunks")
    _, grads = subject.module.bptt(subject.parameters, **two.first)
    for name, array in grads.state.items():
        close(array, first["state"][name], 1e-12, f"state `{name}` of bptt")


def chunks_have_gradients(subject: Subject) -> None:
    """The gradient of a later chunk is the derivative of its own loss, the state held, along a random direction."""
    if not hasattr(subject.module, "step"):
        return
    two = chunks(subject)
    state = subject.module.forward(subject.parameters, **two.first)["state"]
    value, grads = subject.module.bptt(subject.parameters, **two.second, state=state, reduce="sum")
    if np.isinf(value):
        # more labels than the chunk has positions
        return
    draw = np.random.default_rng(subject.seed)
    direction = {name: draw.standard_normal(np.shape(array)) for name, array in sorted(grads.items())}

    def loss(by: float) -> float:
        moved = dict(subject.parameters) | {n: subject.parameters[n] + by * d for n, d in direction.items()}
        return float(np.sum(subject.module.forward(moved, **two.second, state=state)["loss"]))

    close(value, loss(0.0), 1e-12, "the loss of a later chunk")
    h = 1e-5
    expected = (loss(-2 * h) - 8 * loss(-h) + 8 * loss(h) - loss(2 * h)) / (12 * h)
    along = sum(float(np.sum(grads[name] * d)) for name, d in direction.items())
    close(along, expected, 1e-6, "the derivative of a later chunk's loss")


def _arrays(subject: Subject, batch: data.Batch) -> tuple[dict[str, Array], dict[str, Array], dict[str, Array]]:
    """Data by sequence that every step reads, data by position, and data that starts read."""
    values = {v.name: v for v in subject.system.values}
    units = [n for n in subject.units if values[n].axes or n in subject.system.outputs]
    loss = [subject.system.loss] if subject.system.loss is not None else []
    always, reached = reading(subject, units, False), reading(subject, [*units, *loss], True)
    begun = [n for b in subject.system.borders if b.name in reached for n in b.reads()]
    starts = reading(subject, begun, False)
    held = {n: a for n, a in batch.arrays.items() if not values[n].axes and n in always}
    moving = {n: a for n, a in batch.arrays.items() if values[n].axes and n in always}
    starting = {n: a for n, a in batch.arrays.items() if not values[n].axes and n in starts}
    return held, moving, starting
