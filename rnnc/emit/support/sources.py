"""CUDA kernels whose threads work together, in a generated CuPy module."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnc.emit.support.device import cp

# ---- copied from here


class Source:
    """A text of CUDA C with kernels `template <typename T> __global__`, built at first use: T is the dtype of the
    arrays. `together`: all blocks of a launch run at the same time, so that they can wait for each other."""

    def __init__(self, code: str, kernels: tuple[str, ...], together: bool = False) -> None:
        self.code = code
        self.kernels = kernels
        self.together = together
        self.built: dict[str, Any] = {}

    def names(self, kind: str) -> tuple[str, ...]:
        """The kernels for `kind`, float or double, as C++ spells them."""
        return tuple(f"{name}<{kind}>" for name in self.kernels)

    def kernel(self, name: str, real: Any) -> Any:
        """The kernel for arrays of dtype `real`, to be called with (grid, block, arguments, shared_mem=bytes)."""
        kind = "float" if real == np.float32 else "double"
        if kind not in self.built:
            self.built[kind] = cp.RawModule(
                code=self.code,
                options=("-std=c++17",),
                name_expressions=self.names(kind),
                enable_cooperative_groups=self.together,
            )
        return self.built[kind].get_function(f"{name}<{kind}>")


# ---- copied to here
