"""What a network's loss is, said again from docs/language.md: loops over positions, NumPy for a vector at a time.

It reads the units that a module computed, the inputs and the targets of one sequence, and knows nothing of how rnnc
lowers a loss. Three rules carry it: a loss is a number at a position, added up over the axes it has; a position where a
target that it reads has a gap is 0, but for the losses with a name, which mind single entries; and `mean over n`
divides by the positions where a target is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from ctc_oracle import by_sums
from numpy.typing import NDArray

from oracle import loss_forms
from oracle.loss_operations import operate
from oracle.loss_text import LossText, NotCovered, OfRecurrence, Place, Started, Term
from rnnc.frontend import syntax

Array = NDArray[Any]
At = Mapping[str, int]
NAMED = ("squared_error", "cross_entropy", "binary_cross_entropy", "mixture_density", "ctc")
KEEPING = ("softmax", "log_softmax")


@dataclass(frozen=True)
class Seen:
    """A value at a position, and the axes of each target with a gap that was read for it."""

    value: Array
    gaps: frozenset[frozenset[str]] = frozenset()


class Meaning:
    """The losses of one sequence. `arrays` holds inputs, targets and observed units without batch and padding, axes
    first; `parameters` the trained and fixed arrays."""

    def __init__(
        self,
        text: LossText,
        lengths: Mapping[str, int],
        arrays: Mapping[str, Array],
        parameters: Mapping[str, Array],
    ) -> None:
        self.text, self.lengths, self.arrays, self.parameters = text, lengths, arrays, parameters

    def total(self) -> float:
        """All losses, each added up over its axes."""
        found = 0.0
        for term in self.text.losses:
            for at in self.positions(self.text.axes_of(term), {}):
                found += float(self.loss(term, at).reshape(()))
        return found

    def positions(self, axes: tuple[str, ...], at: At) -> Iterator[At]:
        for place in product(*(range(self.lengths[a]) for a in axes)):
            yield {**at, **dict(zip(axes, place, strict=True))}

    def loss(self, term: Term, at: At) -> Array:
        """What a loss, or what one is made of, is at a position."""
        if term.op in NAMED:
            return np.asarray(self.named(term, at))
        if term.op == "over" and term.name not in KEEPING:
            found = self.reduced(term, at)
        elif holds_named(term):
            if term.op == "over":
                raise NotCovered("a loss by name inside a softmax over an axis")
            return operate(term.op, [self.loss(a, at) for a in term.args])
        else:
            found = self.value(term, at)
        return np.zeros_like(found.value) if found.gaps and not holds_named(term) else found.value

    def value(self, term: Term, at: At, minding: bool = True) -> Seen:
        """An expression without a loss by name. Gaps of targets flow as NaN; they are noted where `minding`, and else
        only where something is decided by them."""
        if term.op == "number":
            return Seen(np.asarray(term.number))
        if term.op == "position":
            return Seen(np.asarray(float(at[term.name])))
        if term.op == "read":
            return self.read(term, at, minding)
        if term.op == "over":
            if term.name in KEEPING:
                return self.kept(term, at)
            return self.reduced(term, at) if minding else self.gathered(term, at)
        decides = {"where": (True, minding, minding), "step": (True,)}.get(term.op, (minding,) * len(term.args))
        if term.op in ("present", "forced"):
            decides = (False,) * len(term.args)
        parts = [self.value(a, at, m) for a, m in zip(term.args, decides, strict=True)]
        values, gaps = [p.value for p in parts], frozenset(g for p in parts for g in p.gaps)
        if term.op in ("present", "forced"):
            there = _there(values[-1])
            if term.op == "present":
                return Seen(there.astype(float))
            # gaps of what stands where the target is not
            gaps = self.value(term.args[0], at, minding).gaps
            return Seen(np.where(there, values[1], values[0]), gaps)
        if term.op == "row":
            return Seen(values[0][int(values[1])], gaps)
        return Seen(operate(term.op, values), gaps)

    def read(self, term: Term, at: At, minding: bool) -> Seen:
        name = term.name
        if not term.places:
            array = self.parameters.get(name) if name not in self.arrays else self.arrays[name]
            assert array is not None, name
            return self._noted(term, np.asarray(array), minding)
        windows = [self._taps(p, at) for p in term.places]
        taps = [
            self.entry(name, dict(zip((p.axis for p in term.places), spot, strict=True))) for spot in product(*windows)
        ]
        wide = tuple(len(w) for w, p in zip(windows, term.places, strict=True) if p.high is not None)
        return self._noted(term, np.reshape(np.array(taps), (*wide, *taps[0].shape)), minding)

    def _noted(self, term: Term, value: Array, minding: bool) -> Seen:
        declared = self.text.values[term.name.partition(".")[0]]
        if not minding or declared.role != "target" or _there(value).all():
            return Seen(value)
        return Seen(value, frozenset((frozenset(p.axis for p in term.places if p.anchor == "here"),)))

    def _taps(self, place: Place, at: At) -> list[int]:
        base = {"first": 0, "last": self.lengths[place.axis] - 1}.get(place.anchor)
        if base is None:
            base = at[place.axis]
        high = place.low if place.high is None else place.high
        return [base + k for k in range(place.low, high + 1)]

    def entry(self, name: str, spot: Mapping[str, int]) -> Array:
        """A value at one position, which may be outside the sequence: 0 there, or what a start says."""
        array, declared = self.arrays[name], self.text.values[name.partition(".")[0]]
        inside = all(0 <= spot[a] < self.lengths[a] for a in declared.axes)
        if inside:
            return np.asarray(array[tuple(spot[a] for a in declared.axes)])
        empty = np.zeros(array.shape[len(declared.axes) :], array.dtype)
        started = self.text.start(name)
        if started is None:
            if declared.role == "unit" and self.from_cell(name):
                raise OfRecurrence(name)
            return empty
        return self.begun(name, spot, started, empty)

    def from_cell(self, name: str) -> bool:
        right = self.text.units[name.partition(".")[0]].right
        return isinstance(right, syntax.Call) and right.function.text in self.text.cells

    def begun(self, name: str, spot: Mapping[str, int], started: Started, empty: Array) -> Array:
        """What a start says of a position outside."""
        axes = self.text.values[name.partition(".")[0]].axes
        sides = {"before" if spot[a] < 0 else "behind" for a in axes if not 0 <= spot[a] < self.lengths[a]}
        if self.from_recurrence(name):
            raise OfRecurrence(name)
        if sides == {"before", "behind"}:
            raise NotCovered("a corner between a start and the other end")
        if sides == {"behind"}:
            return empty
        back = -spot[axes[0]] if len(axes) == 1 else 0
        if back in started.early:
            return np.broadcast_to(self.value(started.early[back], {}).value, empty.shape)
        if started.learned:
            return np.asarray(self.parameters[f"{name}.start"])
        if started.always is None:
            return empty
        return np.broadcast_to(self.value(started.always, {}).value, empty.shape)

    def from_recurrence(self, name: str) -> bool:
        """Whether a unit depends on itself: which way it runs, the oracle does not say."""
        if name not in self.text.units:
            return False
        found: set[str] = set()
        waiting = list(_mentioned(self.text.units[name].right))
        while waiting:
            one = waiting.pop()
            if one not in found and one in self.text.units:
                found.add(one)
                waiting += _mentioned(self.text.units[one].right)
        return name in found or any(self.from_cell(one) for one in found)

    def kept(self, term: Term, at: At) -> Seen:
        """A softmax over an axis, at this position of it."""
        (axis,) = term.axes
        values, mine = [], None
        for spot in self.positions((axis,), at):
            seen = self.value(term.args[0], spot)
            if seen.gaps:
                raise NotCovered("a target with gaps inside a softmax over an axis")
            holds = term.where is None or bool(self.value(term.where, spot).value)
            if spot[axis] == at[axis]:
                mine = seen.value if holds else None
            if holds:
                values.append(seen.value)
        if mine is None:
            return Seen(np.zeros_like(self.value(term.args[0], at).value))
        logs = mine - np.logaddexp.reduce(np.array(values), axis=0)
        return Seen(np.exp(logs) if term.name == "softmax" else logs)

    def held(self, term: Term, at: At) -> Iterator[At]:
        """The positions that something over axes puts together."""
        for spot in self.positions(term.axes, at):
            if term.where is None or bool(self.value(term.where, spot).value.reshape(())):
                yield spot

    def reduced(self, term: Term, at: At) -> Seen:
        """A sum, mean, maximum or minimum over axes, of what is 0 where a target has a gap."""
        values = [self.loss(term.args[0], spot) for spot in self.held(term, at)]
        count = float(len(values))
        if term.name == "mean":
            found = [self.there(term.args[0], spot) for spot in self.held(term, at)]
            moving = [[there for axes, there in records if axes.intersection(term.axes)] for records in found]
            if any(moving):
                count = float(sum(any(records) for records in moving))
        gaps = frozenset(
            g
            for spot in self.positions(term.axes, at)
            for g in (() if holds_named(term) else self.value(term.args[0], spot).gaps)
            if not g.intersection(term.axes)
        )
        shape = self.loss(term.args[0], next(self.positions(term.axes, at))).shape
        return Seen(_together(term.name, values, max(count, 1.0), shape), gaps)

    def gathered(self, term: Term, at: At) -> Seen:
        """The same in what a loss by name compares with: gaps stay gaps."""
        seen = [self.value(term.args[0], spot, False) for spot in self.held(term, at)]
        shape = self.value(term.args[0], next(self.positions(term.axes, at)), False).value.shape
        gaps = frozenset(g for s in seen for g in s.gaps)
        return Seen(_together(term.name, [s.value for s in seen], max(len(seen), 1), shape), gaps)

    def there(self, term: Term, at: At) -> list[tuple[frozenset[str], bool]]:
        """Of every target that is read: along which axes, and whether some entry is there."""
        if term.op in ("forced", "present"):
            return []
        if term.op == "read":
            if self.text.values[term.name.partition(".")[0]].role != "target":
                return []
            seen = self.read(term, at, False)
            return [(frozenset(p.axis for p in term.places if p.anchor == "here"), bool(_there(seen.value).any()))]
        if term.op == "over" and term.name not in KEEPING:
            records = [r for spot in self.positions(term.axes, at) for r in self.there(term.args[0], spot)]
            return [(axes - set(term.axes), there) for axes, there in records]
        return [record for a in term.args for record in self.there(a, at)]

    def named(self, term: Term, at: At) -> float:
        """One of the losses with a name."""
        if term.op == "ctc":
            return self.aligned(term)
        predicted = [self.value(a, at) for a in term.args[:-1]]
        wanted = self.value(term.args[-1], at, minding=False)
        if any(p.gaps for p in predicted) or wanted.gaps:
            return 0.0
        values, t = [p.value for p in predicted], wanted.value
        match term.op:
            case "squared_error":
                return loss_forms.squared_error(values[0], t)
            case "cross_entropy" if t.dtype.kind == "i":
                return loss_forms.token_cross_entropy(values[0], int(t))
            case "cross_entropy":
                return loss_forms.cross_entropy(values[0], t)
            case "binary_cross_entropy":
                return loss_forms.binary_cross_entropy(values[0], t)
        pi, mu, sigma, *rho = values
        return loss_forms.mixture_density(pi, mu, sigma, rho[0] if rho else None, t)

    def aligned(self, term: Term) -> float:
        """`ctc`: -log of what all alignments add up to."""
        p, labels, blank = term.args
        (along,), (over,) = self.text.axes_of(p), self.text.axes_of(labels)
        probabilities = np.array([self.value(p, at).value for at in self.positions((along,), {})])
        logs = probabilities if (probabilities < 0).any() else np.log(probabilities)
        said = [int(self.value(labels, at, False).value) for at in self.positions((over,), {})]
        until = next((k for k, label in enumerate(said) if label < 0), len(said))
        return by_sums(logs, said[:until], int(self.value(blank, {}).value))[0]


def holds_named(term: Term) -> bool:
    return term.op in NAMED or any(holds_named(a) for a in term.args)


def _there(value: Array) -> Array:
    return np.asarray(value >= 0 if value.dtype.kind == "i" else ~np.isnan(value))


def _together(verb: str, values: list[Array], count: float, shape: tuple[int, ...]) -> Array:
    if not values:
        return np.zeros(shape)
    made = values[0]
    for other in values[1:]:
        made = np.asarray(
            np.maximum(made, other) if verb == "max" else np.minimum(made, other) if verb == "min" else made + other
        )
    return np.asarray(made / count) if verb == "mean" else made


def _mentioned(node: Any) -> list[str]:
    """The names that an expression reads."""
    found: list[str] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        match one:
            case syntax.Reference():
                found.append(one.name.text)
            case syntax.Call():
                waiting += [*one.args, *(k.value for k in one.keywords)]
            case syntax.Chain():
                waiting += [one.first, *(e for _, e in one.rest)]
            case syntax.Unary():
                waiting.append(one.operand)
    return found
