"""The exact gradient of a window inside a longer sequence: that of its loss, through all that came before it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.data.sequences import Batch, Sequences
from rnnc.runtime.learn import Rule

Array = NDArray[Any]
Ints = NDArray[np.int64]
Edges = tuple[int, ...]


class NoWindows(ValueError):
    """There is no exact gradient of a window to compare with; the message says why."""


def edges(steps: int, count: int) -> Edges:
    """Where `count` windows of equal length (to a step) begin, and where the last ends: 0, ..., `steps`."""
    return tuple(int(n) for n in np.linspace(0, steps, count + 1).round())


def read_in_windows(
    rule: Rule, p: Any, module: Any, data: Sequences, chosen: Ints, where: Edges, seed: int
) -> list[tuple[float, Mapping[str, Array]]]:
    """(loss, gradients) of every window, what came before carried on in the state. NoWindows where it is not."""
    carried, found = None, []
    for begin, end in pairwise(where):
        given = data.batch(chosen, begin, end).arguments(tuple(module.AXES))
        value, grads, carried = rule.gradients(p, given, carried, batch=len(chosen), seed=seed)
        if carried is None:
            raise NoWindows("it carries no state from window to window")
        found.append((value, grads))
    return found


def exact_windows(
    module: Any, p: Any, data: Sequences, chosen: Ints, where: Edges, seed: int
) -> list[Mapping[str, Array]]:
    """The gradient of the loss of every window but the first by back-propagation through all steps from the first.

    Either from a run over all steps in which the targets before the window are missing, or as the difference of two
    runs, up to the window's end and up to its beginning: whichever has the loss that the network has when it reads the
    window alone, its state carried on. NoWindows where neither has.
    """
    rule = Rule(module, "bptt", window=True, online=False)
    alone = [value for value, _ in read_in_windows(rule, p, module, data, chosen, where, seed)]
    found: list[Mapping[str, Array]] = []
    for loss, begin, end in zip(alone[1:], where[1:-1], where[2:], strict=True):
        masked = _missing(data.batch(chosen, 0, end), data, begin)
        value, grads = _bptt(rule, module, p, masked, seed)
        if not _same(value, loss):
            whole = _bptt(rule, module, p, data.batch(chosen, 0, end), seed)
            before = _bptt(rule, module, p, data.batch(chosen, 0, begin), seed)
            if not _same(whole[0] - before[0], loss):
                raise NoWindows("the loss of a window cannot be told from that of the steps before it")
            grads = {name: array - before[1][name] for name, array in whole[1].items()}
        found.append(grads)
    return found


def _bptt(rule: Rule, module: Any, p: Any, batch: Batch, seed: int) -> tuple[float, Mapping[str, Array]]:
    given = batch.arguments(tuple(module.AXES))
    value, grads, _ = rule.gradients(p, given, None, batch=1, seed=seed)
    return value, grads


def _missing(batch: Batch, data: Sequences, before: int) -> Batch:
    """The batch without the targets before a step."""
    given = dict(batch.given)
    for field in data.fields:
        if field.target and field.axes:
            values = given[field.keyword].astype(np.int64 if field.token else np.float64)
            values[:before] = -1 if field.token else np.nan
            given[field.keyword] = values
    return Batch(given, batch.lengths, batch.ragged, batch.positions)


def _same(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
