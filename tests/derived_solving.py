"""A derivation's own values, solved from its printed equations: influences, and what is passed back within a step."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
from derived_numbers import Numbers

from rnnc.derive import expression as x
from rnnc.derive.derivation import Derivation, Line
from rnnc.sizes import Shape
from rnnc.system.forms import System

ALPHA = 0.1


class Solved(Numbers):
    """The values of the forward part from the interpreter; all others from their equations, entry by entry."""

    def __init__(
        self, system: System, derivation: Derivation, lengths: dict[str, int], given: Mapping[str, Any]
    ) -> None:
        super().__init__(system, lengths, given)
        forward = {v.name: v for v in system.values}
        self.lines: dict[str, list[Line]] = {}
        for section in derivation.sections:
            for line in (*section.lines, *section.omitted):
                if line.left.name not in forward:
                    self.lines.setdefault(line.left.name, []).append(line)
        for name, found in self.lines.items():
            left = found[0].left
            shape = tuple(z for z in _shape(name, left, forward))
            self.values[name] = SimpleNamespace(shape=shape, kind="real")  # type: ignore[assignment]
            self.known[name] = Entries(self, name)
        self.known[":rate"] = np.array(ALPHA)
        self.values[":rate"] = SimpleNamespace(shape=(), kind="real")  # type: ignore[assignment]

    def array(self, name: str, steps: int | None = None) -> Any:
        """All entries of a value without axes, or of one along a single axis."""
        shape = tuple(self.size(z) for z in self.values[name].shape)
        whole = shape if steps is None else (steps, *shape)
        return np.array([self.known[name][key] for key in np.ndindex(whole)]).reshape(whole)

    def _outside(self, ref: x.Ref, at: tuple[int, ...], indices: tuple[int, ...]) -> float:
        if ref.name not in self.lines:
            return super()._outside(ref, at, indices)
        for line in self.lines[ref.name]:
            env = self._unified(line, indices)
            exact = all(p.base == "first" and p.offset == n for p, n in zip(line.left.at, at, strict=True))
            sides = dict(line.outside)
            past = sides and all(n < 0 for n, p in zip(at, line.left.at, strict=True) if sides.get(p.axis) == "low")
            if exact or past:
                return self.term(line.right, env)
        return 0.0

    def solve(self, name: str, key: tuple[int, ...]) -> float:
        """The entry at a position and indices, by the equation that holds there."""
        for line in self.lines[name]:
            at, indices = key[: len(line.left.at)], key[len(line.left.at) :]
            if line.outside or any(p.base == "first" for p in line.left.at):
                continue
            ends = [self.lengths[p.axis] - 1 == n for n, p in zip(at, line.left.at, strict=True) if p.base == "last"]
            if all(ends):
                env = {p.base: n for n, p in zip(at, line.left.at, strict=True) if p.base != "last"}
                return self.term(line.right, {**env, **self._unified(line, indices)})
        return 0.0

    def _unified(self, line: Line, indices: tuple[int, ...]) -> dict[str, int]:
        env: dict[str, int] = {}
        for value, index in zip(indices, line.left.indices, strict=True):
            assert isinstance(index, x.Index)
            for symbol, stride in index.terms:
                env[symbol], value = divmod(value, self.size(stride))
        return env


class Entries:
    """An array whose entries are solved when they are asked for."""

    def __init__(self, solved: Solved, name: str) -> None:
        self.solved = solved
        self.name = name
        self.found: dict[tuple[int, ...], float] = {}

    def __getitem__(self, key: tuple[int, ...]) -> float:
        if key not in self.found:
            self.found[key] = self.solved.solve(self.name, key)
        return self.found[key]


def _shape(name: str, left: x.Ref, forward: Mapping[str, Any]) -> Shape:
    """Of an influence: the unit's dimensions that are left, then the weight's."""
    inner = name[2:-1]
    if not name.startswith("p("):
        shape: Shape = forward[inner].shape
        return shape
    unit, _, weight = inner.partition("|")
    rank = len(left.indices) - len(forward[weight].shape)
    kept = [i for i in left.indices[:rank] if isinstance(i, x.Index)]
    every = forward[unit].shape
    dims = [k for k in range(len(every)) if any(s.startswith(f"@{k}") for i in kept for s, _ in i.terms)]
    if len(dims) < rank:
        dims = list(range(len(every)))
    return (*(every[k] for k in dims), *forward[weight].shape)
