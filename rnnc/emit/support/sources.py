"""CUDA kernels of a generated CuPy module, built by NVRTC when they are first used."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnc.emit.support.device import cp

# ---- copied from here

THREADS = 256
"""Threads of a block where each has elements of its own."""


class Source:
    """A text of CUDA C with kernels `template <typename T> __global__`, built at first use, all of them for one dtype
    T."""

    def __init__(self, code: str, kernels: tuple[str, ...]) -> None:
        self.code = code
        self.kernels = kernels
        self.built: dict[str, dict[str, Any]] = {}

    def names(self, kind: str) -> tuple[str, ...]:
        """The name expressions of all kernels for `kind`, float or double."""
        return tuple(f"{name}<{kind}>" for name in self.kernels)

    def kernel(self, name: str, real: Any) -> Any:
        """The kernel for arrays of dtype `real`, to be called with (grid, block, arguments, shared_mem=bytes)."""
        kind = "float" if real == np.float32 else "double"
        if kind not in self.built:
            made = cp.RawModule(code=self.code, options=("-std=c++17",), name_expressions=self.names(kind))
            self.built[kind] = {own: made.get_function(f"{own}<{kind}>") for own in self.kernels}
        return self.built[kind][name]


class Each:
    """The kernel `name` of `source` with a thread for each of so many elements, on the current stream. The first array
    that it is given has the dtype T."""

    def __init__(self, source: Source, name: str) -> None:
        self.source = source
        self.name = name

    def __call__(self, count: int, *arguments: Any) -> None:
        if count:
            blocks = min(-(-count // THREADS), 1 << 20)
            self.source.kernel(self.name, arguments[0].dtype)((blocks,), (THREADS,), (*arguments, count))


# ---- copied to here
