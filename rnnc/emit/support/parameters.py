"""Parameters of a generated module: one buffer, named views, initial values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnc.emit.support.facts import INPUTS, NAME, PARAMETERS, PINNED, SIZES, SIZES_FROM, TARGETS, shapes

# ---- copied from here


class Parameters(dict[str, Any]):
    """Arrays by name. The trainable ones are views of `flat`, in the order of PARAMETERS; `sizes` are the network's."""

    def __init__(self, sizes: Mapping[str, int], dtype: Any) -> None:
        super().__init__()
        self.sizes = dict(sizes)
        self.offsets: dict[str, int] = {}
        wanted = shapes(**sizes)
        total = 0
        for name, record in PARAMETERS.items():
            if record["trained"]:
                self.offsets[name] = total
                total += int(np.prod(wanted[name], dtype=np.int64))
        self.flat = np.zeros(total, dtype)
        for name, start in self.offsets.items():
            count = int(np.prod(wanted[name], dtype=np.int64))
            super().__setitem__(name, self.flat[start : start + count].reshape(wanted[name]))

    def __setitem__(self, name: str, value: Any) -> None:
        """Copies a trainable array into its place in `flat`."""
        if name in self.offsets:
            self[name][...] = value
        else:
            super().__setitem__(name, value)

    def stacked(self, *names: str) -> Any:
        """The arrays of `names`, which lie side by side in `flat`, as one."""
        first = self[names[0]]
        count = sum(self[name].size for name in names)
        start = self.offsets[names[0]]
        return self.flat[start : start + count].reshape((-1, *first.shape[1:]))


def init(seed: int = 0, dtype: Any = "float32", **sizes: int) -> Parameters:
    """New parameters: every array is drawn from (seed, its name, its shape) alone.

    `sizes` are the network's sizes by name; those left out have their defaults. Raises ValueError for an unknown or
    pinned size, one that is not a whole number of at least 1, or a dtype that is not float32 or float64.
    """
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, found {dtype}")
    for name, value in sizes.items():
        if name not in SIZES:
            raise ValueError(f"network `{NAME}` has no size `{name}`; its sizes are {', '.join(SIZES) or 'none'}")
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"size `{name}` must be a whole number of at least 1, found {value!r}")
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
    found = {}
    for name, default in SIZES.items():
        found[name] = default
        for array, axis in SIZES_FROM.get(name, ()):
            source = p.get(array) if array in PARAMETERS else data.get(array)
            if source is not None and np.ndim(source) >= abs(axis if axis < 0 else axis + 1):
                found[name] = int(np.shape(source)[axis])
                break
    return found


def checked_parameters(p: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[Mapping[str, Any], Any]:
    """`p` with every array there, of its shape and of one dtype; and that dtype. Raises ValueError naming what is
    not."""
    if isinstance(p, Parameters):
        return p, p.flat.dtype if p.flat.size else np.dtype(np.float64)
    wanted = shapes(**sizes)
    arrays: dict[str, Any] = {}
    dtypes: dict[Any, str] = {}
    for name, record in PARAMETERS.items():
        if name not in p:
            raise ValueError(f"parameter `{name}` is missing from p")
        arrays[name] = np.asarray(p[name])
        if arrays[name].shape != wanted[name]:
            found = arrays[name].shape
            raise ValueError(f"parameter `{name}` has shape {found}, expected {record['shape']} = {wanted[name]}")
        if record["init"][0] != "columns":
            dtypes.setdefault(arrays[name].dtype, name)
    if len(dtypes) > 1:
        (a, first), (b, second) = list(dtypes.items())[:2]
        raise ValueError(f"parameters differ in dtype: `{first}` is {a}, `{second}` is {b}")
    dtype = next(iter(dtypes), np.dtype(np.float64))
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"parameter `{dtypes[dtype]}` must be float32 or float64, found {dtype}")
    return arrays, dtype


def stacked(p: Mapping[str, Any], *names: str) -> Any:
    """Weights that multiply the same source as one matrix: a view of p.flat, or a copy of a plain mapping's arrays."""
    if isinstance(p, Parameters):
        return p.stacked(*names)
    return np.concatenate([p[name] for name in names])


# ---- copied to here

_ = (INPUTS, TARGETS)
