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
from rnnc.runtime.fidelity.whole import Gradients, Whole
from rnnc.runtime.fidelity.windows import NoWindows, Windows, windows

ALL = ""
"""The key of the figures of all parameters together, which no parameter can have."""


@dataclass(frozen=True)
class Measured:
    """Of one rule: figures by parameter, and of all under `ALL`. `windows` is None where the rule has none, and
    `without` says why. `draws`: of how many seeds, 1 where none is taken."""

    rule: str
    draws: int
    whole: Mapping[str, Figures]
    windows: Mapping[str, Figures] | None
    without: str


@dataclass(frozen=True)
class Fidelity:
    """`shapes` and `norms` of the exact gradient by parameter. `edges`: where the windows begin and the last ends, in
    `sequences` of the sequences; empty where no rule has any, for the reason `without`."""

    rules: tuple[Measured, ...]
    shapes: Mapping[str, tuple[int, ...]]
    norms: Mapping[str, float]
    loss: float
    edges: tuple[int, ...]
    sequences: int
    without: str


class NotComparable(ValueError):
    """There is no exact gradient to compare with; the message says why."""


def measure(
    module: Any, p: Any, data: Sequences, rules: Sequence[str], *, count: int, draws: int, seed: int
) -> Fidelity:
    """The fidelity of the module's `rules` on all sequences of `data`, read side by side; the loss is their mean.

    The exact gradient is that of `bptt` over the whole sequence, and of `count` windows that of `Windows.exact`. Rules
    that take a seed are run with `draws` of them, from `seed` on; where `bptt` takes one (dropout), each is compared
    with `bptt` of the same seed. Raises NotComparable where the loss or the exact gradient is not finite.
    """
    whole = Whole(module, p, data)
    seeds = range(seed, seed + draws)
    own = seeds if _draws(module, "bptt") else seeds[:1]
    exact = [whole.exact(s) for s in own]
    loss = whole.loss(seed)
    if not (np.isfinite(loss) and all(np.isfinite(a).all() for grads in exact for a in grads.values())):
        raise NotComparable(f"the loss is {loss:g} and its gradient not finite, with these weights and data")
    inside, without = None, ""
    try:
        inside = windows(module, p, data, count)
        exact_inside = [inside.exact(s) for s in own]
    except NoWindows as why:
        inside, without = None, str(why)
    found = []
    for rule in rules:
        drawn = seeds if _draws(module, rule) else seeds[:1]
        means = len(drawn) > len(own)
        parts, reason = None, without
        if inside is not None:
            try:
                parts = compared(inside, rule, drawn, exact_inside, means)
            except NoWindows as why:
                reason = str(why)
        found.append(Measured(rule, len(drawn), compared(whole, rule, drawn, exact, means), parts, reason))
    shapes = {name: tuple(np.shape(array)) for name, array in exact[0].items()}
    norms = {name: float(np.linalg.norm(np.ravel(array))) for name, array in exact[0].items()}
    edges, sequences = ((), 0) if inside is None else (inside.edges, len(inside.data))
    return Fidelity(tuple(found), shapes, norms, loss, edges, sequences, without)


def _draws(module: Any, rule: str) -> bool:
    return "seed" in inspect.signature(getattr(module, rule)).parameters


def compared(
    setting: Whole | Windows, rule: str, seeds: Sequence[int], exact: Sequence[Gradients], means: bool
) -> dict[str, Figures]:
    """Figures by parameter and of all, over `seeds`; `exact` holds one gradient, or one a seed."""
    drawn = [setting.gradients(rule, seed) for seed in seeds]
    truth = [exact[k % len(exact)] for k in range(len(drawn))]
    by_name = {name: figures([g[name] for g in drawn], [e[name] for e in truth], means) for name in exact[0]}
    together = figures([_joined(g, exact[0]) for g in drawn], [_joined(e, exact[0]) for e in truth], means)
    return {ALL: together, **by_name}


def _joined(grads: Gradients, names: Gradients) -> NDArray[Any]:
    return np.concatenate([np.ravel(grads[name]) for name in names])
