"""A call of a generated module: its data checked in the author's names, made batched, cleaned of padding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnc.emit.support.facts import AXES, INPUTS, STATES, TARGETS, data_shapes
from rnnc.emit.support.parameters import checked_parameters, sizes_of

# ---- copied from here


class Call:
    """Checked arguments: `p`, `sizes`, `real` (dtype), `data` (time first, batch always there), `length` of every
    axis and
    each sequence's own `lengths`; `ragged` when some differ."""

    def __init__(
        self,
        p: Mapping[str, Any],
        data: Mapping[str, Any],
        lengths: Any = None,
        state: Mapping[str, Any] | None = None,
        needed: tuple[str, ...] = (),
        seed: int | None = None,
    ) -> None:
        given = {name: np.asarray(a) for name, a in data.items() if a is not None}
        for name in needed:
            if name not in given:
                role = "input" if name in INPUTS else "target"
                raise ValueError(f"{role} `{name}` is missing")
        self.sizes = sizes_of(p, given)
        self.p, self.real = checked_parameters(p, self.sizes)
        self.wanted = data_shapes(**self.sizes)
        self.state = state
        self.seed = seed
        self.batched = self._batched(given)
        self.batch = 1
        self.length: dict[str, int] = {}
        self._from_state()
        self.data = {name: self._shaped(name, a) for name, a in given.items()}
        self._agree(given)
        self.lengths = self._lengths(lengths)
        self.ragged = any(np.any(self.lengths[a] < self.length[a]) for a in self.length)
        for name in self.data:
            self._clean(name)
        begin = 0 if state is None else state.get("position", 0)
        self.begin = np.broadcast_to(np.asarray(begin, self.real), (self.batch,))

    def _from_state(self) -> None:
        """Without data, the state says whether there is a batch, and of what size."""
        if self.state is None:
            return
        for name, (low, rank) in STATES.items():
            if name in self.state:
                shape = np.shape(self.state[name])
                lead = len(shape) - rank - (low > 1)
                if lead not in (0, 1):
                    raise ValueError(f"state `{name}` has shape {shape}: it is of another network or batch")
                self.batched = self.batched or lead == 1
                self.batch = shape[int(low > 1)] if lead else 1

    def _record(self, name: str) -> dict[str, Any]:
        return INPUTS[name] if name in INPUTS else TARGETS[name]

    def _batched(self, given: Mapping[str, Any]) -> bool:
        """Whether there is a batch: decided by the arrays whose number of dimensions leaves no doubt."""
        doubtful = []
        for name, a in given.items():
            axes, shape = len(self._record(name)["axes"]), self.wanted[name][0]
            alone, scalar = axes + len(shape), self._record(name)["shape"] == ("1",)
            if scalar and a.ndim == alone:
                doubtful.append((name, a))
            elif a.ndim == alone or (scalar and a.ndim == axes):
                return False
            elif a.ndim == alone + 1:
                return True
            else:
                raise ValueError(self._misfit(name, a))
        return bool(doubtful)

    def _misfit(self, name: str, a: Any) -> str:
        record = self._record(name)
        role = "input" if name in INPUTS else "target"
        axes = [f"{x}" for x in record["axes"]]
        unit = [*record["shape"]]
        alone, batched = ", ".join([*axes, *unit]), ", ".join([*axes, "batch", *unit])
        units = self.wanted[name][0]
        sizes = f" with ({', '.join(unit)}) = {units}" if unit else ""
        return f"{role} `{name}` has shape {a.shape}, expected ({batched}) or ({alone}){sizes}"

    def _shaped(self, name: str, a: Any) -> Any:
        """The array of its dtype, with a batch and its unit dimensions."""
        record = self._record(name)
        axes, (shape, vocabulary) = record["axes"], self.wanted[name]
        role = "input" if name in INPUTS else "target"
        if vocabulary:
            if a.dtype.kind not in "iu":
                raise ValueError(f"{role} `{name}` holds tokens: whole numbers, found {a.dtype}")
        elif a.dtype.kind not in "fiub":
            raise ValueError(f"{role} `{name}` must hold real numbers, found {a.dtype}")
        if not self.batched:
            a = np.expand_dims(a, len(axes)) if a.ndim <= len(axes) + len(shape) else a
        if record["shape"] == ("1",) and a.ndim == len(axes) + 1:
            a = a[..., None]
        if a.ndim != len(axes) + 1 + len(shape) or a.shape[len(axes) + 1 :] != shape:
            raise ValueError(self._misfit(name, np.asarray(a[:, 0] if not self.batched and a.ndim > 1 else a)))
        return a if vocabulary else np.asarray(a, self.real)

    def _agree(self, given: Mapping[str, Any]) -> None:
        """One batch size and one length an axis."""
        first: dict[str, str] = {}
        for name, a in self.data.items():
            axes = self._record(name)["axes"]
            for k, axis in enumerate(axes):
                other = first.setdefault(axis, name)
                if self.length.setdefault(axis, a.shape[k]) != a.shape[k]:
                    raise ValueError(
                        f"`{name}` has {a.shape[k]} positions on axis `{axis}`, `{other}` has {self.length[axis]}"
                    )
                if a.shape[k] < 1:
                    raise ValueError(f"`{name}` is empty on axis `{axis}`: a sequence has at least one position")
            other = first.setdefault("", name)
            if self.data[other].shape[len(self._record(other)["axes"])] != a.shape[len(axes)]:
                raise ValueError(
                    f"`{name}` has a batch of {a.shape[len(axes)]}, `{other}` of "
                    f"{self.data[other].shape[len(self._record(other)['axes'])]}"
                )
            self.batch = a.shape[len(axes)]
        if self.batch < 1:
            raise ValueError("the batch is empty")

    def _lengths(self, lengths: Any) -> dict[str, Any]:
        """Each sequence's own length on every axis."""
        by_axis = dict(lengths) if isinstance(lengths, Mapping) else dict.fromkeys(AXES, lengths)
        if len(AXES) > 1 and lengths is not None and not isinstance(lengths, Mapping):
            raise ValueError(f"lengths must be a dict by axis, since there are several: {', '.join(AXES)}")
        for axis in by_axis:
            if axis not in AXES:
                raise ValueError(f"lengths names an axis `{axis}`; the axes are {', '.join(AXES)}")
        result = {}
        for axis in AXES:
            own = by_axis.get(axis)
            if own is None:
                if axis not in self.length:
                    raise ValueError(f"lengths of axis `{axis}` are needed: no array carries it")
                result[axis] = np.full(self.batch, self.length[axis])
                continue
            own = np.asarray(own)
            if own.dtype.kind not in "iu" or own.ndim > 1 or (own.ndim == 1 and not self.batched):
                raise ValueError(f"lengths of axis `{axis}` must be whole numbers, one a sequence, found {own!r}")
            if not self.data and own.ndim == 1:
                self.batch = len(own)
            if own.ndim == 1 and len(own) != self.batch:
                raise ValueError(f"lengths of axis `{axis}` has {len(own)} entries for a batch of {self.batch}")
            longest = self.length.setdefault(axis, int(own.max(initial=1)))
            wrong = np.flatnonzero((np.atleast_1d(own) < 1) | (np.atleast_1d(own) > longest))
            if len(wrong):
                b = int(wrong[0])
                raise ValueError(
                    f"sequence {b} has length {np.atleast_1d(own)[b]} on axis `{axis}`, expected 1 to {longest}"
                )
            result[axis] = np.broadcast_to(own, (self.batch,)).astype(np.int64)
        return result

    def padding(self, *axes: str) -> Any:
        """Which positions are past the end of their own sequence: (axes..., batch), or None where none is."""
        result = None
        for k, axis in enumerate(axes):
            if np.all(self.lengths[axis] >= self.length[axis]):
                continue
            past = np.arange(self.length[axis])[:, None] >= self.lengths[axis]
            past = past.reshape([self.length[axis] if i == k else 1 for i in range(len(axes))] + [self.batch])
            result = past if result is None else result | past
        if result is None:
            return None
        return np.broadcast_to(result, [*(self.length[a] for a in axes), self.batch])

    def _clean(self, name: str) -> None:
        """Zero in the padding; tokens in range. The caller's array is never changed."""
        axes, vocabulary = self._record(name)["axes"], self.wanted[name][1]
        past = self.padding(*axes) if axes else None
        if past is not None:
            self.data[name] = np.array(self.data[name])
            self.data[name][past] = 0
        if not vocabulary:
            return
        a = self.data[name]
        lowest = 0 if name in INPUTS else -1
        wrong = np.argwhere((a < lowest) | (a >= vocabulary))
        if len(wrong):
            *steps, b = (int(i) for i in wrong[0])
            where = "".join(f", {axis} {i}" for axis, i in zip(axes, steps, strict=True))
            raise ValueError(
                f"sequence {b}{where}: `{name}` is {a[tuple(wrong[0])]}, expected a token 0 to {vocabulary - 1}"
            )

    def target(self, name: str, *axes: str) -> Any:
        """A target that was passed, or one that is missing everywhere."""
        if name in self.data:
            return self.data[name]
        shape, vocabulary = self.wanted[name]
        whole = [*(self.length[a] for a in axes), self.batch, *shape]
        return np.full(whole, -1) if vocabulary else np.full(whole, np.nan, self.real)

    def input_or_zero(self, name: str, *axes: str) -> Any:
        """An input that only starts read: with a state it may be left out, and then stands for nothing."""
        if name in self.data or self.state is None:
            return self.data[name]
        shape, vocabulary = self.wanted[name]
        whole = [*(self.length[a] for a in axes), self.batch, *shape]
        return np.zeros(whole, np.int64 if vocabulary else self.real)

    def carried(self, name: str, low: int) -> Any:
        """What the last `low` steps left of a value, from the state: (low, batch, ...); None at a sequence's start."""
        if self.state is None:
            return None
        if name not in self.state:
            raise ValueError(f"`{name}` is missing from the state; a state has {', '.join(STATES)}")
        a = np.asarray(self.state[name])
        if not self.batched:
            a = np.expand_dims(a, 0 if low == 1 else 1)
        return a[None] if low == 1 else a

    def mask(self, key: str, rate: float, shape: tuple[int, ...]) -> Any:
        """Dropout's mask (Hinton et al. 2012; kept entries are scaled up): ones where no seed was given."""
        if self.seed is None:
            return np.ones((), self.real)
        rng = np.random.default_rng([self.seed, *key.encode()])
        return (rng.uniform(size=shape) >= rate).astype(self.real) / self.real.type(1.0 - rate)

    def give(self, a: Any, *axes: str) -> Any:
        """A result as the caller sees it: zero in the padding, without the batch where none was given."""
        past = self.padding(*axes) if axes else None
        a = np.array(a)
        if past is not None:
            a[past] = 0
        return a if self.batched else a.reshape(a.shape[: len(axes)] + a.shape[len(axes) + 1 :])


# ---- copied to here
