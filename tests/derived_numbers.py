"""A derivation's equations evaluated by number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from math import prod
from typing import Any

import numpy as np
from oracle import data

from rnnc.derive import expression as x
from rnnc.derive.derivation import Line
from rnnc.ops.formula import Operand, Operation
from rnnc.sizes import Size
from rnnc.system.arithmetic import evaluate
from rnnc.system.forms import System
from rnnc.system.interpret import Evaluation, interpret


class Numbers:
    """A derivation's right sides evaluated entry by entry on the interpreter's values."""

    def __init__(self, both: System, lengths: dict[str, int], given: Mapping[str, Any]) -> None:
        self.sizes = data.sizes_of(both)
        self.lengths = lengths
        self.run: Evaluation = interpret(both, self.sizes, lengths, given)
        self.values = {v.name: v for v in both.values}
        self.borders = {b.name: b for b in both.borders}
        self.blanks = data.blanks(both)
        self.known: dict[str, Any] = {}
        self.ranges: dict[x.Expr, dict[str, int]] = {}

    def size(self, size: Size) -> int:
        return int(size.value(self.sizes))

    def _ranges(self, *read: x.Expr) -> dict[str, int]:
        """How far index symbols run: no further than the dimensions they stand in, or the next stride."""
        found: dict[str, int] = {}
        for e in (e for r in read for e in x.walk(r)):
            if not isinstance(e, x.Ref) or e.name not in self.values:
                continue
            for i, z in zip(e.indices, self.values[e.name].shape, strict=True):
                if isinstance(i, x.Index) and not i.only and i.offset == Size.of(0):
                    whole = self.size(z)
                    for symbol, stride in i.terms:
                        if symbol:
                            found[symbol] = min(whole // self.size(stride), found.get(symbol, whole))
                            whole = self.size(stride)
        return found

    def entries(self, line: Line) -> Iterator[tuple[float, float]]:
        """Left and right side at every position and index at which the equation holds."""
        own = self._ranges(line.left)
        free = sorted({s for s in x.symbols(line.left) if s.startswith("@")})
        for position in product(*(range(self.lengths[p.axis]) for p in line.left.at)):
            for entry in product(*(range(own[s]) for s in free)):
                env = dict(zip((p.base for p in line.left.at), position, strict=True))
                env.update(zip(free, entry, strict=True))
                yield self.ref(line.left, env), self.term(line.right, env)

    def index(self, index: x.Index | x.Ref, env: Mapping[str, int]) -> int:
        if isinstance(index, x.Ref):
            return int(self.ref(index, env))
        return sum(env[s] * self.size(z) for s, z in index.terms) + self.size(index.offset)

    def place(self, place: x.Place, env: Mapping[str, int]) -> int:
        ends = {"first": 0, "last": self.lengths[place.axis] - 1}
        base = ends[place.base] if place.base in ends else env[place.base]
        return base + place.offset + (self.index(place.tap, env) if place.tap is not None else 0)

    def ref(self, ref: x.Ref, env: Mapping[str, int]) -> float:
        if ref.name not in self.known:
            self.known[ref.name] = self.run.read(ref.name)
        ref, env = self._entry(ref, env)
        at = tuple(self.place(p, env) for p in ref.at)
        indices = tuple(self.index(i, env) for i in ref.indices)
        if any(i < 0 for i in indices):
            return float("nan")
        if all(0 <= n < self.lengths[p.axis] for n, p in zip(at, ref.at, strict=True)):
            return float(self.known[ref.name][(*at, *indices)])
        return self._outside(ref, at, indices)

    def _entry(self, ref: x.Ref, env: Mapping[str, int]) -> tuple[x.Ref, Mapping[str, int]]:
        """A window that is flattened as a whole: its entry `env[""]` as a tap and an index."""
        if "" not in env or all(p.until is None for p in ref.at):
            return ref, env
        entry, (place,) = env[""], [p for p in ref.at if p.until is not None]
        width = self._width(ref)
        moved = replace(place, offset=place.offset + entry // width, tap=None, until=None)
        at = tuple(moved if p is place else p for p in ref.at)
        return replace(ref, at=at), {**env, "": entry % width}

    def _width(self, ref: x.Ref) -> int:
        """Entries of what is meant as a whole at one position."""
        sizes = zip(ref.indices, self.values[ref.name].shape, strict=True)
        return prod(self.size(z) for i, z in sizes if i == x.BLANK)

    def _outside(self, ref: x.Ref, at: tuple[int, ...], indices: tuple[int, ...]) -> float:
        border = self.borders.get(ref.name)
        if border is None:
            return 0.0
        before = 0
        for n, p, side in zip(at, ref.at, border.sides, strict=True):
            steps = -n if side == "low" else n - self.lengths[p.axis] + 1
            if (n >= self.lengths[p.axis]) if side == "low" else (n < 0):
                return 0.0
            before = max(before, steps)
        name = dict(border.early).get(before, border.default)
        return 0.0 if name is None else float(self.run.read(name)[indices])

    def term(self, e: x.Expr, env: Mapping[str, int]) -> float:
        """What is added up: by the derivation's remark 0 where it reads a missing target."""
        if isinstance(e, x.Add):
            return sum(self.term(t, env) for t in e.terms)
        value = self.eval(e, env)
        return 0.0 if np.isnan(value) else value

    def eval(self, e: x.Expr, env: Mapping[str, int]) -> float:
        if isinstance(e, x.Ref):
            return self.ref(e, env)
        if isinstance(e, x.Num):
            return float(e.value)
        if isinstance(e, x.Extent):
            return float(e.size.value(self.sizes))
        if isinstance(e, x.Position):
            return float(self.place(e.place, env))
        if isinstance(e, x.Number):
            return float(self.index(e.index, env))
        if isinstance(e, x.Add):
            return sum(self.eval(t, env) for t in e.terms)
        if isinstance(e, x.Mul):
            brackets = [f for f in e.factors if isinstance(f, x.Bracket)]
            if not all(self.holds(b.condition, env) for b in brackets):
                return 0.0
            return float(np.prod([self.eval(f, env) for f in e.factors if f not in brackets]))
        if isinstance(e, x.Power):
            return float(self.eval(e.operand, env) ** self.eval(e.exponent, env))
        if isinstance(e, x.Bracket):
            return float(self.holds(e.condition, env))
        if isinstance(e, x.Choice):
            return self.eval(e.yes if self.holds(e.condition, env) else e.no, env)
        if isinstance(e, x.Call) and e.title == "slice" and isinstance(e.args[1], x.Extent):
            return self.eval(e.args[0], {**env, "": env[""] + self.size(e.args[1].size)})
        if isinstance(e, x.Call) and e.title in ("P", "gamma"):
            return self._paths(e, env)
        if isinstance(e, x.Call):
            return self._call(e, [self.eval(a, env) for a in e.args])
        return self._reduce(e, env) if isinstance(e, x.Reduce) else self._join(e, env)

    def _call(self, e: x.Call, args: list[float]) -> float:
        op = {"ln": "log"}.get(e.title, e.title)
        operands = tuple(Operand(k) for k in range(len(args)))
        with np.errstate(all="ignore"):
            return float(evaluate(Operation(op, operands), [np.asarray(a) for a in args], self.sizes))

    def _paths(self, e: x.Call, env: Mapping[str, int]) -> float:
        """A labelling's probability, or the part of it that passes through one entry: by walking every path."""
        labels, p = e.args
        assert isinstance(labels, x.Ref) and isinstance(p, x.Ref)
        wanted = [int(one) for one in self.run.read(labels.name)]
        blank, rows = self.blanks[labels.name], self.run.read(p.name)
        whole = through = 0.0
        at = (self.place(p.at[0], env), self.index(p.indices[0], env)) if p.at else None
        for path in product(range(rows.shape[1]), repeat=len(rows)):
            kept = [k for n, k in enumerate(path) if k != blank and (n == 0 or path[n - 1] != k)]
            if kept == wanted:
                share = float(np.prod([rows[n, k] for n, k in enumerate(path)]))
                whole += share
                through += share if at is not None and path[at[0]] == at[1] else 0.0
        return through / whole if e.title == "gamma" else whole

    def steps(self, axis: str) -> range:
        """The positions that a sum over an axis runs over."""
        return range(self.lengths[axis])

    def _reduce(self, e: x.Reduce, env: Mapping[str, int]) -> float:
        own = self.ranges.setdefault(e, self._ranges(e.body))
        ranges = [range(own[b]) if b.startswith("@") else self.steps(b.rstrip("'")) for b in e.bound]
        found = []
        for chosen in product(*ranges):
            inner = {**env, **dict(zip(e.bound, chosen, strict=True))}
            if e.where is None or self.eval(e.where, inner):
                found.append(self.term(e.body, inner))
        if e.kind == "sum":
            return float(sum(found))
        return (max(found) if e.kind == "max" else min(found)) if found else 0.0

    def _join(self, e: x.Expr, env: Mapping[str, int]) -> float:
        assert isinstance(e, x.Join)
        at = self.index(e.index, env)
        for part in e.parts:
            if isinstance(part, Size):
                length = self.size(part)
                if at < length:
                    return 0.0
            else:
                length = self._length(part)
                if at < length:
                    return self.eval(part, {**env, "": at})
            at -= length
        raise AssertionError("an index past the end")

    def _length(self, part: x.Expr | Size) -> int:
        """Entries of a part: of the vectors in it that are meant as a whole, 1 for a number."""
        if isinstance(part, Size):
            return self.size(part)
        if isinstance(part, x.Join):
            return sum(self._length(p) for p in part.parts)
        if isinstance(part, x.Call) and part.title == "slice":
            start, stop = (self.size(z.size) for z in part.args[1:] if isinstance(z, x.Extent))
            return stop - start
        own = [1]
        if isinstance(part, x.Ref):
            taps = [p.until - p.offset + 1 for p in part.at if p.until is not None]
            own = [self._width(part) * prod(taps)]
        return max(*own, *(self._length(c) for c in x.children(part)), 1)

    def holds(self, c: x.Expr, env: Mapping[str, int]) -> bool:
        if isinstance(c, x.Given):
            value = self.eval(c.ref, env)
            assert isinstance(c.ref, x.Ref)
            token = self.values[c.ref.name].kind == "token"
            return (value < 0 if token else bool(np.isnan(value))) == c.missing
        if isinstance(c, x.Both):
            return self.holds(c.left, env) and self.holds(c.right, env)
        if isinstance(c, x.Compare):
            op = Operation(c.op, (Operand(0), Operand(1)))
            sides = [np.asarray(self.eval(c.left, env)), np.asarray(self.eval(c.right, env))]
            return bool(evaluate(op, sides, self.sizes))
        return bool(self.eval(c, env))
