"""A call of a generated module: its data checked in the author's names, made batched, cleaned of padding."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from rnnc.emit.support.facts import AXES, INPUTS, LABEL_AXES, NAME, STATES, TARGETS, UNITS, data_shapes
from rnnc.emit.support.parameters import checked_parameters, sizes_of, whole_number

# ---- copied from here


STRIP = 256
"""Rows (positions times batch) computed at a time: few enough for the processor's cache, enough for its products."""


TURNED = 1024
"""Rows from which on a weight that they are multiplied by is turned first."""


class Call:
    """Checked arguments: `p`, `sizes`, `real` (dtype), `data` and `state` (time first, batch always there), `batch`,
    `length` of every axis and each sequence's own `lengths`; `ragged` when some differ.

    `needed` inputs must be there, and of a state the values in `carries`; when `stepping`, arrays lack the axis.
    """

    def __init__(
        self,
        p: Mapping[str, Any],
        data: Mapping[str, Any],
        lengths: Any = None,
        state: Mapping[str, Any] | None = None,
        needed: Iterable[str] = (),
        carries: Iterable[str] = tuple(STATES),
        seed: int | None = None,
        stepping: bool = False,
    ) -> None:
        given = {name: self._array(self._role(name), a) for name, a in data.items() if a is not None}
        for name in needed:
            if name not in given:
                raise ValueError(f"{self._role(name)} is missing")
        self.sizes = sizes_of(p, given)
        self.p, self.real = checked_parameters(p, self.sizes)
        self.units = data_shapes(**self.sizes)
        self.seed = None if seed is None else whole_number("seed", seed, 0)
        self.stepping = stepping
        self.counts: dict[str, tuple[int, str]] = {}
        self.missing: dict[str, Any] = {}
        self.past: dict[tuple[str, ...], Any] = {}
        asked = self._asked(lengths)
        carried = self._whole_state(state, tuple(carries))
        self.batched, self.witness = self._batched(given, carried or {}, asked)
        self.data = {name: self._shaped(name, a) for name, a in given.items()}
        self.state = None if carried is None else {name: self._fitting(name, a) for name, a in carried.items()}
        for axis, own in asked.items():
            if own.ndim:
                self._count("", len(own), f"lengths of axis `{axis}`")
        self.batch = self.counts.get("", (1, ""))[0]
        self.lengths = self._lengths(asked)
        self.length = {axis: count for axis, (count, _) in self.counts.items() if axis}
        self.ragged = bool(self.short)
        for name in self.data:
            self._clean(name)
        self.begin = np.zeros(self.batch, self.real)
        for axis in AXES:
            if self.state is not None and axis in self.state:
                self.begin[...] = self.state[axis][0]

    # ---- words

    def _record(self, name: str) -> dict[str, Any]:
        return INPUTS[name] if name in INPUTS else TARGETS[name]

    def _role(self, name: str) -> str:
        return f"{'input' if name in INPUTS else 'target'} `{name}`"

    def _because(self) -> str:
        return f", since {self.witness} has {'a' if self.batched else 'no'} batch" if self.witness else ""

    def _axes(self, name: str) -> tuple[str, ...]:
        """The axes of an array as it is passed."""
        axes: tuple[str, ...] = self._record(name)["axes"]
        return axes[1:] if self.stepping else axes

    def _misfit(self, name: str, a: Any, decided: bool = True) -> str:
        """What is wrong about a shape; `decided`: whether there is a batch is known, perhaps from another array."""
        axes, names, units = self._axes(name), self._record(name)["shape"], self.units[name][0]
        decided = decided and self.witness != self._role(name)
        with_batch, alone = ", ".join([*axes, "batch", *names]), ", ".join([*axes, *names])
        expected = f"({with_batch if self.batched else alone})" if decided else f"({with_batch}) or ({alone})"
        sizes = "" if all(n.isdigit() for n in names) else f" with ({', '.join(names)}) = {units}"
        return f"{self._role(name)} has shape {a.shape}, expected {expected}{sizes}{self._because() if decided else ''}"

    # ---- shapes

    def _array(self, what: str, a: Any) -> Any:
        if hasattr(a, "mask") and np.ma.is_masked(a):  # asked first: `np.ma` is loaded where it is first used
            raise ValueError(f"{what} is a masked array; a missing target is NaN, or -1 for a token")
        try:
            return np.asarray(a)
        except ValueError:
            raise ValueError(f"{what} is no array: its rows differ in length") from None

    def _batched(
        self, given: Mapping[str, Any], state: Mapping[str, Any], asked: Mapping[str, Any]
    ) -> tuple[bool, str]:
        """Whether there is a batch, and what says so: an array whose number of dimensions leaves no doubt."""
        doubtful = []
        for name, a in given.items():
            axes, shape = len(self._axes(name)), self.units[name][0]
            alone, scalar = axes + len(shape), self._record(name)["shape"] == ("1",)
            if scalar and a.ndim == alone:
                doubtful.append(self._role(name))
            elif a.ndim == alone or (scalar and a.ndim == axes):
                return False, self._role(name)
            elif a.ndim == alone + 1:
                return True, self._role(name)
            else:
                raise ValueError(self._misfit(name, a, False))
        for name, a in state.items():
            return a.ndim > (STATES[name] > 1) + len(self.units[name][0]), f"state `{name}`"
        for axis, own in asked.items():
            if own.ndim:
                return True, f"lengths of axis `{axis}`"
        return bool(doubtful), "".join(doubtful[:1])

    def _count(self, axis: str, count: int, who: str) -> None:
        """An array has `count` positions on an axis, or sequences (axis ""): as many as those before it."""
        what = f"positions on axis `{axis}`" if axis else "sequences"
        known, other = self.counts.setdefault(axis, (count, who))
        if count != known:
            raise ValueError(f"{who} has {count} {what}, {other} has {known}")
        if count < 1 and axis not in LABEL_AXES:
            raise ValueError(f"{who} has no {what}: it is empty")

    def _shaped(self, name: str, a: Any) -> Any:
        """The array of its dtype, with a batch and its unit dimensions."""
        axes, (shape, vocabulary), passed = self._axes(name), self.units[name], a
        if vocabulary and a.dtype.kind not in "iu":
            raise ValueError(f"{self._role(name)} holds tokens: whole numbers, found {a.dtype}")
        if a.dtype.kind not in "fiub":
            raise ValueError(f"{self._role(name)} must hold real numbers, found {a.dtype}")
        if not self.batched:
            if a.ndim > len(axes) + len(shape):
                raise ValueError(self._misfit(name, passed))
            a = np.expand_dims(a, len(axes))
        if self._record(name)["shape"] == ("1",) and a.ndim == len(axes) + 1:
            a = a[..., None]
        if a.ndim != len(axes) + 1 + len(shape) or a.shape[len(axes) + 1 :] != shape:
            raise ValueError(self._misfit(name, passed))
        a = a[None] if self.stepping and self._record(name)["axes"] else a
        for k, axis in enumerate(self._record(name)["axes"]):
            self._count(axis, a.shape[k], self._role(name))
        self._count("", a.shape[len(self._record(name)["axes"])], self._role(name))
        return a if vocabulary else np.asarray(a, self.real)

    # ---- the state

    def _whole_state(self, state: Any, carries: tuple[str, ...]) -> dict[str, Any] | None:
        """The arrays of a state, all those that are carried."""
        if state is None and not self.stepping:
            return None
        if not isinstance(state, Mapping):
            raise ValueError(f"state must be a dict of arrays, as `start` gives, found {type(state).__name__}")
        names = ", ".join(STATES) or "nothing"
        for name in state:
            if name not in STATES:
                raise ValueError(f"state has `{name}`, but a state of `{NAME}` has {names}")
        for name in carries:
            if name not in state:
                raise ValueError(f"state lacks `{name}`; a state of `{NAME}` has {names}")
        return {name: self._array(f"state `{name}`", state[name]) for name in STATES if name in state}

    def _fitting(self, name: str, a: Any) -> Any:
        """A state's array as the last steps left it: (steps, batch, ...)."""
        shape, vocabulary = self.units.get(name, ((), 0))
        if a.dtype.kind not in ("iu" if vocabulary else "fiub"):
            raise ValueError(f"state `{name}` must hold {'tokens' if vocabulary else 'real numbers'}, found {a.dtype}")
        rows = (STATES[name],) if STATES[name] > 1 else ()
        batch = ("batch",) if self.batched else ()
        cut = a.shape[: len(rows)] + a.shape[len(rows) + len(batch) :]
        if a.ndim != len(rows) + len(batch) + len(shape) or cut != (*rows, *shape):
            expected = ", ".join(str(n) for n in (*rows, *batch, *shape))
            raise ValueError(f"state `{name}` has shape {a.shape}, expected ({expected}){self._because()}")
        a = a if self.batched else np.expand_dims(a, len(rows))
        self._count("", a.shape[len(rows)], f"state `{name}`")
        if vocabulary and np.any((a < -1) | (a >= vocabulary)):
            raise ValueError(f"state `{name}` holds a token outside 0 to {vocabulary - 1}")
        a = a.astype(np.int64, copy=False) if vocabulary else a
        return a if rows else a[None]

    def carried(self, name: str) -> Any:
        """What the last steps left of a value, from the state: (steps, batch, ...)."""
        assert self.state is not None
        return self.state[name]

    # ---- lengths

    def _asked(self, lengths: Any) -> dict[str, Any]:
        """The lengths that were passed, by axis: arrays of whole numbers, with one dimension or none."""
        if lengths is None:
            return {}
        axes = ", ".join(AXES) or "none"
        if not isinstance(lengths, Mapping):
            if len(AXES) != 1:
                raise ValueError(f"lengths must be a dict by axis; the axes of `{NAME}` are {axes}")
            lengths = {AXES[0]: lengths}
        result = {}
        for axis, own in lengths.items():
            if axis not in AXES:
                raise ValueError(f"lengths names an axis `{axis}`; the axes of `{NAME}` are {axes}")
            if own is None:
                continue
            try:
                result[axis] = np.asarray(own)
            except ValueError:
                raise ValueError(f"lengths of axis `{axis}` are no array: rows differ in length") from None
            found = result[axis]
            if found.dtype.kind not in "iu" or found.ndim > 1:
                shape = f" of shape {found.shape}" if found.ndim else ""
                raise ValueError(
                    f"lengths of axis `{axis}` must be one whole number, or one a sequence, found {found.dtype}{shape}"
                )
        return result

    def _lengths(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Each sequence's own length on every axis; `short` are the axes on which some sequence ends early."""
        result = {}
        self.short: set[str] = set()
        for axis in AXES:
            least = 0 if axis in LABEL_AXES else 1
            if axis not in asked:
                if axis not in self.counts and least:
                    raise ValueError(f"lengths of axis `{axis}` are needed: no array carries it")
                longest, _ = self.counts.setdefault(axis, (0, "lengths"))
                result[axis] = np.full(self.batch, longest, np.int64)
                continue
            own = asked[axis]
            if own.ndim and not self.batched:
                raise ValueError(f"lengths of axis `{axis}` must be one whole number{self._because()}")
            expected = f"{least} to {self.counts[axis][0]}" if axis in self.counts else f"at least {least}"
            shortest, most = int(own.min()), int(own.max())
            longest, _ = self.counts.setdefault(axis, (most, "lengths"))
            one = np.empty(self.batch, np.int64)
            one[...] = own
            if shortest < least or most > longest:
                b = int(np.flatnonzero((one < least) | (one > longest))[0])
                raise ValueError(f"sequence {b} has length {one[b]} on axis `{axis}`, expected {expected}")
            if shortest < longest:
                self.short.add(axis)
            result[axis] = one
        self.asked_lengths = result
        return result

    def there(self, a: Any) -> Any:
        """An array where the call's lie."""
        return a

    def count(self, axis: str) -> Any:
        """The number of positions of each sequence as equations read it."""
        return self.lengths[axis].astype(self.real)

    def strip(self, axis: str) -> int:
        """How many positions of an axis are computed at a time."""
        return min(self.length[axis], max(1, STRIP // max(1, self.batch)))

    @property
    def order(self) -> str:
        """How a weight's transpose lies in memory: turned, or as the weight where so few rows are multiplied by it that
        turning it takes longer than it saves."""
        return "C" if self.batch * math.prod(self.length.values()) >= TURNED else "F"

    def padding(self, *axes: str) -> Any:
        """Which positions are past the end of their own sequence: (axes..., batch), or None where none is."""
        if not any(axis in self.short for axis in axes):
            return None
        if axes not in self.past:
            whole = [*(self.length[a] for a in axes), self.batch]
            past = np.zeros(whole, bool)
            for k, axis in enumerate(axes):
                own = np.arange(self.length[axis])[:, None] >= self.lengths[axis]
                past |= own.reshape([*(n if i == k else 1 for i, n in enumerate(whole[:-1])), self.batch])
            self.past[axes] = past
        return self.past[axes]

    # ---- values

    def _clean(self, name: str) -> None:
        """Zero in the padding; tokens in range. The caller's array is never changed."""
        axes, vocabulary, a = self._record(name)["axes"], self.units[name][1], self.data[name]
        past = self.padding(*axes) if axes else None
        if past is not None:
            a = self.without(past, a)
        if vocabulary:
            wrong = np.argwhere((a < (0 if name in INPUTS else -1)) | (a >= vocabulary))
            if len(wrong):
                raise ValueError(self._no_token(name, a, [int(i) for i in wrong[0]], vocabulary))
            # a state's -1 fits in no unsigned kind
            a = a.astype(np.int64, copy=False)
        self.data[name] = a

    def _no_token(self, name: str, a: Any, place: list[int], vocabulary: int) -> str:
        """What is wrong about a token at `place`: its positions, then the sequence."""
        *steps, b = place
        where = "".join(f", {axis} = {i}" for axis, i in zip(self._axes(name), steps, strict=False))
        size = self._record(name)["token"]
        known = "" if size.isdigit() else f" ({size} = {vocabulary})"
        missing = "" if name in INPUTS else ", or -1 where it is missing"
        return (
            f"sequence {b}{where}: {self._role(name)} is {a[tuple(place)]}, "
            f"expected a token 0 to {vocabulary - 1}{known}{missing}"
        )

    def target(self, name: str, *axes: str) -> Any:
        """A target that was passed, or one that is missing everywhere."""
        if name in self.data:
            return self.data[name]
        shape, vocabulary = self.units[name]
        whole = [*(self.length[a] for a in axes), self.batch, *shape]
        a = np.full(whole, -1) if vocabulary else np.full(whole, np.nan, self.real)
        past = self.padding(*axes) if axes else None
        return a if past is None else self.without(past, a)

    def absent(self, name: str, *axes: str) -> Any:
        """Where a target is missing, padding included; None where it never is."""
        if name not in self.missing:
            a = self.target(name, *axes)
            tokens = a.dtype.kind in "iu"
            least = a.min(initial=0)  # which is NaN where anything is
            some = least < 0 if tokens else np.isnan(least)
            self.missing[name] = (a < 0 if tokens else np.isnan(a)) if some else None
        return self.missing[name]

    def input_or_zero(self, name: str, *axes: str) -> Any:
        """An input that only starts read: with a state it may be left out, and then stands for nothing."""
        if name in self.data or self.state is None:
            return self.data[name]
        shape, vocabulary = self.units[name]
        whole = [*(self.length[a] for a in axes), self.batch, *shape]
        return np.zeros(whole, np.int64 if vocabulary else self.real)

    def mask(self, key: str, rate: float, shape: tuple[int, ...]) -> Any:
        """Dropout's mask (Hinton et al. 2012; kept entries are scaled up): ones where no seed was given."""
        if self.seed is None:
            return np.ones((), self.real)
        rng = np.random.default_rng([self.seed, *key.encode()])
        return (rng.uniform(size=shape) >= rate).astype(self.real) / self.real.type(1.0 - rate)

    def without(self, past: Any, a: Any) -> Any:
        """A copy of `a` with zeros where `past` holds, which has its first dimensions."""
        a = np.array(a)
        a[past] = 0
        return a

    def give(self, a: Any, *axes: str) -> Any:
        """A result as the caller sees it: zero in the padding; no batch where none was given, no axis in a step."""
        past = self.padding(*axes) if axes else None
        a = np.array(a) if past is None else self.without(past, a)
        a = a if self.batched else a.reshape(a.shape[: len(axes)] + a.shape[len(axes) + 1 :])
        return a[0] if self.stepping and axes else a


def named_units(observe: Any) -> tuple[str, ...]:
    """The units that `observe` names: one, or several."""
    names = (observe,) if isinstance(observe, str) else tuple(observe)
    for name in names:
        if name not in UNITS:
            raise ValueError(f"network `{NAME}` has no unit `{name}`; its units are {', '.join(UNITS)}")
    return names


# ---- copied to here
