"""CuPy's RawModule made of g++: kernels whose threads work together, run on the CPU as `blocks.hpp` says.

As strict as the GPU or stricter: an argument of another type than its parameter, a barrier that not all threads reach,
shared memory beyond what was asked for, and a launch nobody can end are mistakes. Blocks run at the same time where a
kernel's function is asked to (`Function.__call__` of CuPy 13 and 14): a module made for that needs, in CuPy 13, a
library of the CUDA toolkit, and none is made here.
"""

from __future__ import annotations

import ctypes
import itertools
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from fake_library import library

HEADER = Path(__file__).resolve().parent / "blocks.hpp"
PLAIN_SHARED = 48 * 1024
"""Bytes of shared memory that a kernel has without asking for more."""

SEEDS = itertools.count()


class RawModule:
    """Kernels of one text of CUDA C, by name expression."""

    def __init__(self, code: str, *, options: tuple[str, ...] = (), name_expressions: Sequence[str] = ()) -> None:
        assert options == ("-std=c++17",)
        self.library = built(code, tuple(name_expressions))
        self.names = tuple(name_expressions)

    def get_function(self, name: str) -> RawKernel:
        return RawKernel(self.library, self.names.index(name), name)


class RawKernel:
    """A kernel and, as `kernel`, its function; `resident` says how many of its blocks run at the same time, by threads
    and bytes of each."""

    resident: Callable[[int, int], int] = staticmethod(lambda threads, shared: 0)

    def __init__(self, library: ctypes.CDLL, number: int, name: str) -> None:
        self.name = name
        self.start = getattr(library, f"start_{number}")
        kinds = getattr(library, f"kinds_{number}")
        kinds.restype = ctypes.c_char_p
        self.kinds = kinds().decode().split()
        self.max_dynamic_shared_size_bytes = PLAIN_SHARED
        self.kernel = self
        self.ptr = id(self)

    def __call__(
        self,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        arguments: tuple[Any, ...],
        *,
        shared_mem: int = 0,
        enable_cooperative_groups: bool = False,
    ) -> None:
        sizes = [*grid, *[1] * (3 - len(grid)), *block, *[1] * (3 - len(block))]
        assert all(isinstance(n, int) and n > 0 for n in sizes), f"{self.name}: launched as {grid}, {block}"
        assert sizes[3] * sizes[4] * sizes[5] <= 1024 and shared_mem <= self.max_dynamic_shared_size_bytes
        most = type(self).resident(sizes[3], shared_mem)
        blocks = sizes[0] * sizes[1] * sizes[2]
        assert not enable_cooperative_groups or blocks <= most, f"{self.name}: {blocks} blocks, {most} fit"
        assert len(arguments) == len(self.kinds), f"{self.name}: {len(arguments)} arguments, {len(self.kinds)} wanted"
        values = [argument(self.name, a, kind) for a, kind in zip(arguments, self.kinds, strict=True)]
        places = (ctypes.c_void_p * len(values))(*(ctypes.addressof(v) for v in values))
        wrong = self.start(
            (ctypes.c_uint * 6)(*sizes), ctypes.c_size_t(shared_mem), ctypes.c_int(enable_cooperative_groups),
            ctypes.c_uint(next(SEEDS)), places,
        )  # fmt: skip
        assert wrong == 0, f"{self.name}: threads {'wait for ever' if wrong & 2 else 'miss a barrier'}"


def argument(kernel: str, given: Any, kind: str) -> Any:
    """One argument in memory, of the type that the kernel declares."""
    if kind.startswith("*"):
        host = given.host
        assert host.flags.c_contiguous, f"{kernel}: an array is not contiguous"
        expected = {"*d": "d", "*f": "f", "*q": "l", "*i": "i", "*I": "I", "*": host.dtype.char}[kind]
        assert host.dtype.char == expected, f"{kernel}: an array of {host.dtype} as {kind}"
        return ctypes.c_void_p(host.ctypes.data)
    if isinstance(given, int) and not isinstance(given, bool):
        assert kind == "q", f"{kernel}: a whole number as {kind}"
        return ctypes.c_longlong(given)
    assert isinstance(given, float) and not isinstance(given, np.generic) and kind == "d", (
        f"{kernel}: {given} as {kind}"
    )
    return ctypes.c_double(given)


@cache
def built(code: str, names: tuple[str, ...]) -> ctypes.CDLL:
    """The text compiled for the CPU; shared memory is where the emulation has it."""
    body = re.sub(
        r"extern __shared__ (?:__align__\(\d+\) )?(\w+) (\w+)\[\];",
        r"\1* \2 = static_cast<\1*>(emulated::own_memory());",
        code,
    )
    entries = "\n".join(
        f'extern "C" int start_{k}(const unsigned* sizes, size_t bytes, int together, unsigned seed, void** given) {{\n'
        f"  return emulated::start(&{name}, sizes, bytes, together, seed, given);\n}}\n"
        f'extern "C" const char* kinds_{k}() {{ return emulated::kinds(&{name}); }}'
        for k, name in enumerate(names)
    )
    return library(f'#include "{HEADER}"\n{body}\n{entries}\n')
