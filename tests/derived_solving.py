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
    unit, _, weight = inner.partition("|")
    if name.startswith("q("):
        return (*forward[unit].shape, *forward[weight].shape)
    if not name.startswith("p("):
        shape: Shape = forward[inner].shape
        return shape
    rank = len(left.indices) - len(forward[weight].shape)
    kept = [i for i in left.indices[:rank] if isinstance(i, x.Index)]
    every = forward[unit].shape
    dims = [k for k in range(len(every)) if any(s.startswith(f"@{k}") for i in kept for s, _ in i.terms)]
    if len(dims) < rank:
        dims = list(range(len(every)))
    return (*(every[k] for k in dims), *forward[weight].shape)


class Block(Solved):
    """One block of a derivation in blocks: steps `start`+1 to `stop`, the influences before it known."""

    def __init__(
        self,
        system: System,
        derivation: Derivation,
        lengths: dict[str, int],
        given: Mapping[str, Any],
        ends: tuple[int, int],
        known: dict[tuple[str, tuple[int, ...]], float],
    ) -> None:
        super().__init__(system, derivation, lengths, given)
        (self.axis,) = system.axes
        self.start, self.stop = ends
        self.before = known
        self.target = self.stop

    def place(self, place: x.Place, env: Mapping[str, int]) -> int:
        if place.base == ":start":
            return self.start + place.offset
        if place.base == ":target":
            return self.target + place.offset
        return super().place(place, env)

    def steps(self, axis: str) -> range:
        return range(self.start + 1, self.stop + 1) if axis == self.axis else super().steps(axis)

    def ref(self, ref: x.Ref, env: Mapping[str, int]) -> float:
        if ref.name in self.lines and ref.name[:2] in ("d(", "q(", "p("):
            at = tuple(self.place(p, env) for p in ref.at)
            return self.entry(ref.name, at, tuple(self.index(i, env) for i in ref.indices))
        if ref.name.startswith("q("):
            return 0.0
        return super().ref(ref, env)

    def entry(self, name: str, at: tuple[int, ...], indices: tuple[int, ...]) -> float:
        if name.startswith("p("):
            return self._carried(name, at, indices)
        key = (*at, self.target, *indices)
        found = self.known[name].found
        if key not in found:
            found[key] = self._passed(name, at, indices)
        return float(found[key])

    def _passed(self, name: str, at: tuple[int, ...], indices: tuple[int, ...]) -> float:
        """A derivative, at a step of the block, at one that it starts from, or past its end."""
        if at and at[-1] > self.stop:
            return 0.0
        if not at and self.stop < self.lengths[self.axis] - 1 and self._of_the_end(self.lines[name][0].right):
            return 0.0
        outside = bool(at) and at[-1] <= self.start
        for line in self.lines[name]:
            places = line.left.at[-1:]
            bound = any(p.base == ":start" for p in places)
            if bound != outside or (bound and at[-1] != self.start + places[0].offset):
                continue
            env = {p.base: n for p, n in zip(line.left.at, at, strict=True) if not p.base.startswith(":")}
            return self.term(line.right, {**env, **self._unified(line, indices)})
        return 0.0

    def _of_the_end(self, e: x.Expr) -> bool:
        """Whether a derivative comes straight from a loss at the end of the sequence."""
        return not any(
            (isinstance(n, x.Reduce) and n.bound[0] == self.axis) or (isinstance(n, x.Ref) and n.name.startswith("d("))
            for n in x.walk(e)
        )

    def _carried(self, name: str, at: tuple[int, ...], indices: tuple[int, ...]) -> float:
        if at and (name, (*at, *indices)) in self.before:
            return self.before[name, (*at, *indices)]
        for line in self.lines[name]:
            (places, env) = (line.left.at, self._unified(line, indices))
            now = not places or (places[0].base == ":target" and at[0] == self.target)
            exact = bool(places) and places[0].base == "first" and at[0] == places[0].offset
            if (line.outside and at[0] < 0) or exact or (now and not line.outside and not exact):
                return self.term(line.right, env)
        return 0.0


def in_blocks(
    system: System, derivation: Derivation, steps: int, given: Mapping[str, Any], weight: str, width: int
) -> Any:
    """The gradient of a weight over a sequence, blocks of `width` steps one after the other."""
    known: dict[tuple[str, tuple[int, ...]], float] = {}
    total, done = 0.0, -1
    while done < steps - 1:
        stop = min(steps - 1, done + width)
        block = Block(system, derivation, {system.axes[0]: steps}, given, (done, stop), known)
        total = total + block.array(f"d({weight})")
        made = {}
        for name, lines in block.lines.items():
            if not any(p.base == ":target" for line in lines for p in line.left.at) or not name.startswith("p("):
                continue
            shape = tuple(block.size(z) for z in block.values[name].shape)
            for block.target in range(done + 1, stop + 1):
                made.update(
                    {(name, (block.target, *i)): block.entry(name, (block.target,), i) for i in np.ndindex(shape)}
                )
        known.update(made)
        done = stop
    return total
