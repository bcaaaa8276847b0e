"""Every rule of a module beside the exact gradient: on whole sequences, and window by window."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.data.sequences import Sequences
from rnnc.runtime.fidelity.figures import Figures, figures
from rnnc.runtime.fidelity.windows import Edges, NoWindows, edges, exact_windows, read_in_windows
from rnnc.runtime.learn import Rule
from rnnc.runtime.network import UnfitNetwork

Array = NDArray[Any]
Gradients = Mapping[str, Array]

ALL = ""
"""The key of the figures of all parameters together, which no parameter can have."""


@dataclass(frozen=True)
class Measured:
    """Of one rule: figures by parameter, and of all under `ALL`. `windows` is None where the rule has none, and
    `without` says why. `draws`: how many were made, 1 for a rule that does not draw."""

    rule: str
    draws: int
    whole: Mapping[str, Figures]
    windows: Mapping[str, Figures] | None
    without: str = ""


@dataclass(frozen=True)
class Fidelity:
    """`shapes` and `norms` of the exact gradient by parameter; `edges` where the windows begin and the last ends,
    empty where there are none for any rule, for the reason `without`."""

    rules: tuple[Measured, ...]
    shapes: Mapping[str, tuple[int, ...]]
    norms: Mapping[str, float]
    loss: float
    edges: Edges
    without: str


class NotComparable(ValueError):
    """There is no exact gradient to compare with; the message says why."""


def measure(
    module: Any, p: Any, data: Sequences, rules: Sequence[str], *, windows: int, draws: int, seed: int
) -> Fidelity:
    """The fidelity of the module's `rules` on all sequences of `data`, read side by side.

    The loss is its mean over the sequences. The exact gradient is that of `bptt` over the whole sequence; of a window
    that of `exact_windows`, the figures being those of all windows but the first together. Rules that take a seed
    are run with `draws` of them, from `seed` on. Raises NotComparable where a loss or an exact gradient is not finite.
    """
    chosen = np.arange(len(data))
    seeds = range(seed, seed + draws)
    rule = Rule(module, "bptt", window=False, online=False)
    exact_seeds = seeds if _draws(module, "bptt") else seeds[:1]  # by dropout: other masks, another gradient
    whole = [_whole(rule, module, p, data, chosen, s) for s in exact_seeds]
    loss, exact = whole[0]
    if not np.isfinite([value for value, _ in whole]).all() or not _finite([grads for _, grads in whole]):
        raise NotComparable(f"the loss is {loss}, or its gradient not finite, with these weights and data")
    where, exact_by_seed, without = _windows(module, p, data, chosen, windows, exact_seeds)
    found = []
    for name in rules:
        own = seeds if _draws(module, name) else seeds[:1]
        rule = Rule(module, name, window=False, online=False)
        drawn = [_whole(rule, module, p, data, chosen, s)[1] for s in own]
        truth = [whole[k % len(whole)][1] for k in range(len(own))]
        inside, reason = None, without
        if exact_by_seed:
            try:
                inside = _inside(name, module, p, data, chosen, where, own, exact_by_seed)
            except (UnfitNetwork, NoWindows) as why:
                reason = str(why)
        found.append(Measured(name, len(own), compared(drawn, truth), inside, "" if inside else reason))
    shapes = {name: tuple(np.shape(array)) for name, array in exact.items()}
    norms = {name: float(np.linalg.norm(np.ravel(array))) for name, array in exact.items()}
    return Fidelity(tuple(found), shapes, norms, loss, where if exact_by_seed else (), without)


def _draws(module: Any, rule: str) -> bool:
    return "seed" in inspect.signature(getattr(module, rule)).parameters


def compared(found: Sequence[Gradients], exact: Sequence[Gradients]) -> dict[str, Figures]:
    """Figures by parameter and of all; a pair of gradients a draw."""
    by_name = {name: figures([g[name] for g in found], [e[name] for e in exact]) for name in exact[0]}
    together = figures([_joined(g, exact[0]) for g in found], [_joined(e, exact[0]) for e in exact])
    return {ALL: together, **by_name}


def _joined(grads: Gradients, names: Gradients) -> Array:
    return np.concatenate([np.ravel(grads[name]) for name in names] or [np.zeros(0)])


def _whole(rule: Rule, module: Any, p: Any, data: Sequences, chosen: Any, seed: int) -> tuple[float, Gradients]:
    given = data.batch(chosen).arguments(tuple(module.AXES))
    value, grads, _ = rule.gradients(p, given, None, batch=len(chosen), seed=seed)
    return value, grads


def _finite(every: Sequence[Gradients]) -> bool:
    return all(bool(np.isfinite(array).all()) for grads in every for array in grads.values())


def _windows(
    module: Any, p: Any, data: Sequences, chosen: Any, count: int, seeds: Sequence[int]
) -> tuple[Edges, list[Gradients], str]:
    """Where the windows are, their exact gradients side by side for every seed, and why there are none."""
    if count < 2:
        return (), [], "none were asked for"
    if len(module.AXES) != 1:
        return (), [], f"the network has {'several axes' if module.AXES else 'no axis'}"
    if not hasattr(module, "start"):
        return (), [], "the network looks ahead or needs the whole sequence, so it carries no state on"
    steps = int(data.longest.min())
    if steps < 2:
        return (), [], "there is a sequence of one step"
    where = edges(steps, min(count, steps))
    try:
        every: list[Gradients] = [side_by_side(exact_windows(module, p, data, chosen, where, s)) for s in seeds]
    except (UnfitNetwork, NoWindows) as why:
        return where, [], str(why)
    return where, every, ""


def _inside(
    name: str,
    module: Any,
    p: Any,
    data: Sequences,
    chosen: Any,
    where: Edges,
    seeds: Sequence[int],
    exact: Sequence[Gradients],
) -> dict[str, Figures]:
    rule = Rule(module, name, window=True, online=False)
    drawn = []
    for seed in seeds:
        pieces = read_in_windows(rule, p, module, data, chosen, where, seed)
        drawn.append(side_by_side([grads for _, grads in pieces[1:]]))
    return compared(drawn, [exact[k % len(exact)] for k in range(len(drawn))])


def side_by_side(every: Sequence[Gradients]) -> Gradients:
    """The gradients of several windows as one, each parameter's end to end."""
    return {name: np.concatenate([np.ravel(grads[name]) for grads in every]) for name in every[0]}
