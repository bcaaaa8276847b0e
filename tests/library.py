"""Every specification of the library at a small size, with data that its losses take, planned and compiled."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from counted import most_bytes, multiplications
from oracle import data

from rnnc.compiler import Understood, emit, load_module, understand
from rnnc.frontend.read import read_path
from rnnc.learning.rules import CHECKPOINTS, Rule, rule
from rnnc.plan.plan import Plan, plan
from rnnc.system.forms import System

SPECS = tuple(sorted((Path(__file__).resolve().parent.parent / "specs").glob("*.rnn")))

EXACT = (CHECKPOINTS, rule("rtrl"), rule("hybrid"))
"""The exact rules beside back-propagation, which a plan always has."""
MOST, STEPS, BATCH = 4, 40, 600
"""The largest size, positions along an axis, sequences: so many that arrays weigh more than what Python keeps."""


@dataclass(frozen=True)
class Small:
    """A network whose sizes are small, with the plan of a batch of it; its module with `rtrl` and `hybrid` where it can
    have them, and that with checkpoints."""

    understood: Understood
    planned: Plan
    plain: ModuleType
    pieces: ModuleType | None

    def given(self) -> dict[str, Any]:
        """Data in float32 of which nothing is missing, and lengths where no array tells them."""
        system, size = self.understood.system, batch(self.understood.system)
        made = data.batch(system, 0, {a: (n,) * size for a, n in lengths(system).items()}, size)
        arrays: dict[str, Any] = {}
        for name, a in made.arrays.items():
            arrays[name] = a if a.dtype.kind != "f" else np.nan_to_num(a).astype(np.float32)
        told = {a for axes in made.axes.values() for a in axes} == set(system.axes)
        return arrays if told else arrays | {"lengths": made.given(system.axes)}

    def of(self, known: Rule) -> ModuleType:
        return self.pieces if known.form_of and self.pieces is not None else self.plain

    def counted(self, known: Rule, given: dict[str, Any]) -> int:
        return multiplications(self.of(known), self._call(known, given))

    def held(self, known: Rule, given: dict[str, Any]) -> int:
        """The most bytes, of a rule that was run before."""
        return most_bytes(self._call(known, given), warm=True)

    def _call(self, known: Rule, given: dict[str, Any]) -> Callable[[], object]:
        """Without the work space that ctc keeps of the call before: what is made of it is part of each."""
        own = self.of(known)
        p, kept = own.init(), own.__dict__.get("KEPT", ())
        if isinstance(kept, list):
            kept.clear()
        return lambda: getattr(own, known.function)(p, **given)


def lengths(system: System) -> dict[str, int]:
    """STEPS positions on an axis, fewer where there are two; half as many labels, for which there is an alignment."""
    labels = data.label_axes(system)
    steps = STEPS if len(system.axes) - len(labels) < 2 else math.isqrt(STEPS)
    return {a: steps // 2 if a in labels else steps for a in system.axes}


def batch(system: System) -> int:
    """BATCH sequences, or as many as they have positions where there is no axis."""
    return BATCH if system.axes else BATCH * STEPS


@cache
def small(path: Path) -> Small:
    default = understand(read_path(path), path=path)
    one = understand(read_path(path), path=path, settings={n: min(z, MOST) for n, z, _ in default.system.sizes})
    found = plan(one, lengths(one.system), batch(one.system), EXACT)
    rules = {c.rule.name for c in found.costs}
    plain = load_module(emit(one, learn=tuple(n for n in ("rtrl", "hybrid") if n in rules)), one.model.name)
    cut = CHECKPOINTS.name in rules
    pieces = load_module(emit(one, learn=(), checkpoint=True), one.model.name) if cut else None
    return Small(one, found, plain, pieces)
