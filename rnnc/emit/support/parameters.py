"""Parameters of a generated module: one buffer, named views, initial values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnc.emit.support.facts import INPUTS, NAME, PARAMETERS, PINNED, SIZES, SIZES_FROM, TARGETS, shapes

# ---- copied from here


class Parameters(dict[str, Any]):
    """Arrays by name. The trainable ones are views of `flat`, in the order of PARAMETERS; `sizes` are the network's.

    Assigning copies values to where they belong: `p[name] = array`, `p.update(arrays)` and `p.flat = array` alike.
    """

    def __init__(self, sizes: Mapping[str, int], dtype: Any) -> None:
        super().__init__()
        self.sizes = dict(sizes)
        self.offsets: dict[str, int] = {}
        wanted = shapes(**sizes)
        total = 0
        for name, record in PARAMETERS.items():
            if record["trained"]:
                self.offsets[name] = total
                total += math.prod(wanted[name])
        self._flat = np.zeros(total, dtype)
        for name, start in self.offsets.items():
            count = math.prod(wanted[name])
            super().__setitem__(name, self._flat[start : start + count].reshape(wanted[name]))

    @property
    def flat(self) -> Any:
        """The one buffer of the trainable values."""
        return self._flat

    @flat.setter
    def flat(self, values: Any) -> None:
        if values is not self._flat:  # which `p.flat -= step` assigns
            self._fill(self._flat, values, "p.flat")

    def _fill(self, place: Any, values: Any, what: str) -> None:
        if np.shape(values) not in ((), place.shape):
            raise ValueError(f"{what} has shape {place.shape}, found {np.shape(values)}")
        place[...] = values

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self:
            self._fill(self[name], value, f"parameter `{name}`")
        elif name in PARAMETERS or name in INPUTS:
            super().__setitem__(name, value)
        else:
            raise ValueError(f"network `{NAME}` has no parameter `{name}`")

    def update(self, *more: Any, **named: Any) -> None:
        """Copies arrays by name to where they belong."""
        for name, value in dict(*more, **named).items():
            self[name] = value

    def __ior__(self, more: Any) -> Any:  # type: ignore[misc]
        self.update(more)
        return self

    def copy(self) -> Any:
        """The same values in memory of their own."""
        result = type(self)(self.sizes, self._flat.dtype)
        for name, value in self.items():
            result[name] = value.copy()
        return result

    def __reduce__(self) -> Any:
        """For `copy` and `pickle`: the arrays are views of one buffer again."""
        more = {"state": self.state} if hasattr(self, "state") else None
        return type(self), (self.sizes, self._flat.dtype), more, None, iter(self.items())

    def stacked(self, *names: str) -> Any:
        """The arrays of `names`, which lie side by side in `flat`, as one."""
        first = self[names[0]]
        count = sum(self[name].size for name in names)
        start = self.offsets[names[0]]
        return self._flat[start : start + count].reshape((-1, *first.shape[1:]))


def init(seed: int = 0, dtype: Any = "float32", **sizes: int) -> Parameters:
    """New parameters: every array is drawn from (seed, its name, its shape) alone.

    `sizes` are the network's sizes by name; those left out have their defaults. Raises ValueError for an unknown or
    pinned size, one that is not a whole number of at least 1, or a dtype that is not float32 or float64.
    """
    if dtype not in ("float32", "float64", np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, found {dtype!r}")
    dtype, seed = np.dtype(dtype), whole_number("seed", seed, 0)
    for name, value in sizes.items():
        if name not in SIZES:
            raise ValueError(f"network `{NAME}` has no size `{name}`; its sizes are {', '.join(SIZES) or 'none'}")
        whole_number(f"size `{name}`", value, 1)
        if name in PINNED and value != SIZES[name]:
            raise ValueError(f"size `{name}` was fixed to {SIZES[name]} when the module was compiled, found {value}")
    chosen = {name: int(sizes.get(name, default)) for name, default in SIZES.items()}
    p = Parameters(chosen, dtype)
    for name, shape in shapes(**chosen).items():
        record = PARAMETERS[name]
        rng = np.random.default_rng([seed, *name.encode()])
        if record["init"][0] == "columns":
            p[name] = columns(rng, shape, record["columns_of"](**chosen))
        else:
            p[name] = draw(rng, shape, *record["init"]).astype(dtype)
    return p


def whole_number(what: str, value: Any, least: int) -> int:
    """`value`, which has to be a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{what} must be a whole number of at least {least}, found {value!r}")
    return int(value)


def draw(rng: Any, shape: tuple[int, ...], kind: str, numbers: tuple[float, ...] = ()) -> Any:
    """Initial values. glorot: Glorot and Bengio (2010); he: He et al. (2015); orthogonal: Saxe et al. (2014)."""
    rows = shape[0] if shape else 1
    fan_in = int(np.prod(shape[1:], dtype=np.int64)) if len(shape) > 1 else 1
    if kind == "zeros":
        return np.zeros(shape)
    if kind == "ones":
        return np.ones(shape)
    if kind == "constant":
        return np.full(shape, numbers[0])
    if kind == "uniform":
        return rng.uniform(numbers[0], numbers[1], shape)
    if kind == "normal":
        return rng.standard_normal(shape) * numbers[0]
    if kind == "glorot":
        limit = np.sqrt(6.0 / (rows + fan_in))
        return rng.uniform(-limit, limit, shape)
    if kind == "he":
        return rng.standard_normal(shape) * np.sqrt(2.0 / fan_in)
    if kind == "identity":
        return np.eye(rows, fan_in).reshape(shape)
    if kind == "orthogonal":
        a = rng.standard_normal((max(rows, fan_in), min(rows, fan_in)))
        q, r = np.linalg.qr(a)
        q = q * np.sign(np.diag(r))
        return (q if rows >= fan_in else q.T).reshape(shape)
    if kind == "sparse":
        density, radius = numbers
        a = rng.uniform(-1.0, 1.0, shape) * (rng.uniform(size=shape) < density)
        largest = np.max(np.abs(np.linalg.eigvals(a))) if rows == fan_in else np.linalg.norm(a, 2)
        return a * (radius / largest) if largest > 0 else a
    raise ValueError(f"no initialiser `{kind}`")


def columns(rng: Any, shape: tuple[int, ...], width: int) -> Any:
    """For each row of a sparse connection its columns, drawn without repetition, ascending."""
    return np.sort(np.stack([rng.permutation(width)[: shape[1]] for _ in range(shape[0])]), axis=1)


def sizes_of(p: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, int]:
    """The sizes of the network that the arrays of `p` (and the data) have."""
    if isinstance(p, Parameters):
        return p.sizes
    if not isinstance(p, Mapping):
        raise ValueError(f"p must be a dict of arrays by name, as `init` gives, found {type(p).__name__}")
    found = {}
    for name, default in SIZES.items():
        found[name] = default
        for array, axis in SIZES_FROM.get(name, ()):
            source = p.get(array) if array in PARAMETERS else data.get(array)
            if source is not None and np.ndim(source) >= abs(axis if axis < 0 else axis + 1):
                found[name] = whole_number(f"size `{name}`, by the shape of `{array}`,", np.shape(source)[axis], 1)
                break
    return found


def checked_parameters(p: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[Mapping[str, Any], Any]:
    """`p` with every array there, of its shape and of one dtype; and that dtype. Raises ValueError naming what is
    not."""
    for name in PARAMETERS:
        if name not in p:
            raise ValueError(f"parameter `{name}` is missing from p")
    if isinstance(p, Parameters):
        return p, p.flat.dtype
    for name in p:
        if name not in PARAMETERS:
            raise ValueError(f"p has `{name}`, but network `{NAME}` has no parameter `{name}`")
    wanted = shapes(**sizes)
    arrays = {name: np.asarray(p[name]) for name in PARAMETERS}
    dtypes: dict[Any, str] = {}
    for name, record in PARAMETERS.items():
        a, columns = arrays[name], record["init"][0] == "columns"
        if a.shape != wanted[name]:
            raise ValueError(f"parameter `{name}` has shape {a.shape}, expected {record['shape']} = {wanted[name]}")
        if not columns and a.dtype.newbyteorder("=") not in (np.float32, np.float64):
            raise ValueError(f"parameter `{name}` must be float32 or float64, found {a.dtype}")
        if columns:
            width = record["columns_of"](**sizes)
            if a.dtype.kind not in "iu" or np.any((a < 0) | (a >= width)):
                raise ValueError(f"parameter `{name}` must hold columns: whole numbers 0 to {width - 1}")
        else:
            arrays[name] = a.astype(a.dtype.newbyteorder("="), copy=False)
            dtypes.setdefault(arrays[name].dtype, name)
    if len(dtypes) > 1:
        (one, first), (other, second) = dtypes.items()
        raise ValueError(f"parameters differ in dtype: `{first}` is {one}, `{second}` is {other}")
    return arrays, next(iter(dtypes), np.dtype(np.float32))


def stacked(p: Mapping[str, Any], *names: str) -> Any:
    """Weights that multiply the same source as one matrix: a view of p.flat, or a copy of a plain mapping's arrays."""
    if isinstance(p, Parameters):
        return p.stacked(*names)
    return np.concatenate([p[name] for name in names])


# ---- copied to here

_ = (INPUTS, TARGETS)
