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
        self.names = tuple(f"{name}<{kind}>" for name in kernels for kind in ("float", "double"))
        self.together = together
        self.built: Any = None

    def kernel(self, name: str, real: Any) -> Any:
        """The kernel for arrays of dtype `real`, to be called with (grid, block, arguments, shared_mem=bytes)."""
        if self.built is None:
            self.built = cp.RawModule(
                code=self.code,
                options=("-std=c++17",),
                name_expressions=self.names,
                enable_cooperative_groups=self.together,
            )
        return self.built.get_function(f"{name}<{'float' if real == np.float32 else 'double'}>")


# ---- copied to here
