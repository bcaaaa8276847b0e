"""Windows inside longer sequences: a rule's gradient of each, what came before carried on in the state, and the exact
one, that of its loss through all that came before it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.data.sequences import Batch, Sequences
from rnnc.runtime.fidelity.whole import Gradients, Whole
from rnnc.runtime.learn import Rule
from rnnc.runtime.network import UnfitNetwork

Array = NDArray[Any]


class NoWindows(ValueError):
    """A gradient of windows cannot be had, or not compared with an exact one; the message says why."""


@dataclass(frozen=True)
class Windows:
    """Sequences read in windows that begin at `edges`, the last of which is where the last ends; gradients are those
    of all windows but the first, which has no past, end to end."""

    module: Any
    p: Any
    data: Sequences
    edges: tuple[int, ...]

    def gradients(self, rule: str, seed: int) -> Gradients:
        """What a rule gives. NoWindows where it carries nothing on."""
        try:
            made = Rule(self.module, rule, window=True, online=False)
        except UnfitNetwork as why:
            raise NoWindows(str(why)) from None
        return end_to_end([grads for _, grads in self._read(made, seed)[1:]])

    def _read(self, rule: Rule, seed: int) -> list[tuple[float, Gradients]]:
        chosen, carried, found = np.arange(len(self.data)), None, []
        for begin, end in pairwise(self.edges):
            given = self.data.batch(chosen, begin, end).arguments(tuple(self.module.AXES))
            value, grads, carried = rule.gradients(self.p, given, carried, batch=len(chosen), seed=seed)
            if carried is None:
                raise NoWindows("it carries no state from window to window")
            found.append((value, grads))
        return found

    def exact(self, seed: int) -> Gradients:
        """By back-propagation through all steps from the first.

        Either from a run over all steps in which the targets before the window are missing, or as the difference of two
        runs, up to the window's end and up to its beginning: whichever has the loss that the network has when it reads
        the window alone, its state carried on. NoWindows where neither has.
        """
        rule = Rule(self.module, "bptt", window=True, online=False)
        found: list[Gradients] = []
        whole = Whole(self.module, self.p, self.data)
        for (begin, end), (loss, _) in zip(pairwise(self.edges[1:]), self._read(rule, seed)[1:], strict=True):
            value, grads = whole.learn(rule, _missing(whole.batch(end), self.data, begin), seed)
            if not _same(value, loss):
                up_to_end, past = (whole.learn(rule, whole.batch(n), seed) for n in (end, begin))
                if not _same(up_to_end[0] - past[0], loss):
                    raise NoWindows("the loss of a window cannot be told from that of the steps before it")
                grads = {name: array - past[1][name] for name, array in up_to_end[1].items()}
            found.append(grads)
        return end_to_end(found)


def windows(module: Any, p: Any, data: Sequences, count: int) -> Windows:
    """`count` windows of equal length (to a step) in the sequences that are at least half as long as the longest, as
    far as the shortest of these goes. NoWindows where the network or the sequences do not allow it."""
    if count < 2:
        raise NoWindows("none were asked for")
    if len(module.AXES) != 1:
        raise NoWindows(f"the network has {'several axes' if module.AXES else 'no axis'}")
    if not hasattr(module, "start"):
        raise NoWindows("the network looks ahead or needs the whole sequence, so it carries no state on")
    long = data.subset(np.flatnonzero(2 * data.longest >= data.longest.max()))
    steps = int(long.longest.min())
    if steps < 2:
        raise NoWindows("sequences have one step")
    edges = np.linspace(0, steps, min(count, steps) + 1).round()
    return Windows(module, p, long, tuple(int(n) for n in edges))


def end_to_end(every: list[Gradients]) -> Gradients:
    """The gradients of several windows as one, each parameter's after the other."""
    return {name: np.concatenate([np.ravel(grads[name]) for grads in every]) for name in every[0]}


def _missing(batch: Batch, data: Sequences, before: int) -> Batch:
    """The batch without the targets before a step."""
    given: dict[str, Array] = dict(batch.given)
    for field in data.fields:
        if field.target and field.axes:
            values = given[field.keyword].astype(np.int64 if field.token else np.float64)
            values[:before] = -1 if field.token else np.nan
            given[field.keyword] = values
    return Batch(given, batch.lengths, batch.ragged, batch.positions)


def _same(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
