"""What a generated module really does: its multiplications, counted at NumPy's door, and its memory."""

from __future__ import annotations

import math
import sys
import tracemalloc
import types
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

MAKERS = ("empty", "empty_like", "zeros", "full", "array", "asarray", "ascontiguousarray", "pad", "concatenate")
SUMS = ("sum_of_rows",)
"""Functions of a module that add up, by a product with ones."""
TIMES = (np.multiply, np.divide, np.square, np.power)


class Counted(np.ndarray):
    """An array whose products are added to `Counted.total`, and to the line of the function `within` they are for."""

    total = 0
    within = ""
    lines: ClassVar[Counter[int]] = Counter()

    @classmethod
    def add(cls, count: int) -> None:
        cls.total += count
        frame: types.FrameType | None = sys._getframe(1) if cls.within else None
        while frame is not None and frame.f_code.co_name != cls.within:
            frame = frame.f_back
        if frame is not None:
            cls.lines[frame.f_lineno] += count

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **more: Any) -> Any:
        if method == "__call__" and ufunc is np.matmul and sys._getframe(1).f_code.co_name not in SUMS:
            Counted.add(of_matmul(*(np.shape(a) for a in inputs)))
        plain = getattr(ufunc, method)(
            *(bare(a) for a in inputs), **({"out": tuple(bare(a) for a in out)} if out else {}), **more
        )
        if method == "__call__" and ufunc in TIMES and not any(np.ndim(a) == 0 and a == -1 for a in inputs):
            Counted.add(int(np.size(plain)))
        return out[0] if out else watched(plain)

    def __array_function__(self, function: Any, kinds: Any, given: Any, named: Any) -> Any:
        if function is np.einsum and len(given) > 2:
            Counted.add(of_einsum(given[0], [np.shape(a) for a in given[1:]]))
        plain = function(*(bare(a) for a in given), **{k: bare(a) for k, a in named.items()})
        return watched(plain) if isinstance(plain, np.ndarray) else plain

    def dot(self, other: Any, out: Any = None) -> Any:
        return np.matmul(self, other, out=out) if out is not None else np.matmul(self, other)


def bare(a: Any) -> Any:
    if isinstance(a, list | tuple):
        return type(a)(bare(one) for one in a)
    return a.view(np.ndarray) if isinstance(a, Counted) else a


def watched(a: Any) -> Any:
    return a.view(Counted) if isinstance(a, np.ndarray) else a


def of_matmul(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    rows = a[-2] if len(a) > 1 else 1
    columns = b[-1] if len(b) > 1 else 1
    return math.prod(np.broadcast_shapes(a[:-2], b[:-2])) * rows * a[-1] * columns


def of_einsum(text: str, shapes: list[tuple[int, ...]]) -> int:
    """Every entry of every letter, as the sum is written."""
    lengths: dict[str, int] = {}
    for letters, shape in zip(text.split("->")[0].split(","), shapes, strict=True):
        assert len(letters) == len(shape)
        lengths |= dict(zip(letters, shape, strict=True))
    return math.prod(lengths.values())


class Door(types.ModuleType):
    """NumPy, its arrays watched."""

    def __getattr__(self, name: str) -> Any:
        real = getattr(np, name)
        return (lambda *a, **k: watched(real(*a, **k))) if name in MAKERS else real


def multiplications(module: types.ModuleType, call: Callable[[], object]) -> int:
    """How many multiplications `call` makes of a generated module."""
    module.__dict__["np"] = Door("numpy")
    Counted.total = 0
    try:
        call()
    finally:
        module.__dict__["np"] = np
    return Counted.total


def by_line(module: types.ModuleType, within: str, call: Callable[[], object]) -> dict[int, int]:
    """The multiplications of `call` by the line of the module's function `within` that they are made for."""
    Counted.within, Counted.lines = within, Counter()
    try:
        multiplications(module, call)
        return dict(Counted.lines)
    finally:
        Counted.within = ""


def most_bytes(call: Callable[[], object], warm: bool = False) -> int:
    """What `call` holds at its worst moment, of its own; it is run once before, unless it was: `warm`."""
    if not warm:
        call()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
