"""CuPy's RawModule made of g++: kernels whose threads know nothing of each other, run on the CPU one after the other.

The threads run in a random order, on the arrays' own memory: what would race on a GPU goes wrong here. As strict as the
GPU or stricter: an argument of another type than its parameter, or an array that is not whole, is a mistake.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from fake_library import library

HEAD = """
#include <math.h>
#include <utility>
#define __device__ static inline
#define __global__
struct Three { unsigned x, y, z; };
static Three threadIdx, blockIdx, blockDim, gridDim;
template <typename... A, size_t... I>
static void apply(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
  kernel(*static_cast<A*>(arguments[I])...);
}
template <typename... A>
static void run(void (*kernel)(A...), unsigned blocks, unsigned threads, const unsigned* order, void** arguments) {
  gridDim = {blocks, 1, 1}, blockDim = {threads, 1, 1};
  for (unsigned turn = 0; turn < blocks * threads; ++turn) {
    blockIdx = {order[turn] / threads, 0, 0}, threadIdx = {order[turn] % threads, 0, 0};
    apply(kernel, arguments, std::index_sequence_for<A...>());
  }
}
"""
KINDS = {"double": np.float64, "float": np.float32, "long long": np.int64}


class RawModule:
    """Kernels of one text of CUDA C, by name expression."""

    def __init__(self, code: str, *, options: tuple[str, ...], name_expressions: Sequence[str]) -> None:
        assert options == ("-std=c++17",)
        self.code, self.names = code, tuple(name_expressions)
        self.library = compiled(code, self.names)

    def get_function(self, name: str) -> RawKernel:
        return RawKernel(self, name)


class RawKernel:
    def __init__(self, module: RawModule, name: str) -> None:
        self.name = name.split("<")[0]
        self.start = getattr(module.library, f"start_{module.names.index(name)}")
        self.parameters = declared(module.code, self.name, name[name.index("<") + 1 : -1])

    def __call__(self, grid: tuple[int], block: tuple[int], arguments: tuple[Any, ...]) -> None:
        (blocks,), (threads,) = grid, block
        assert blocks > 0 and 0 < threads <= 1024
        assert len(arguments) == len(self.parameters), f"{self.name}: {len(arguments)} arguments"
        values = [self._argument(a, *p) for a, p in zip(arguments, self.parameters, strict=True)]
        order = np.random.default_rng(blocks).permutation(blocks * threads).astype(np.uint32)
        places = (ctypes.c_void_p * len(values))(*(ctypes.addressof(v) for v in values))
        self.start(ctypes.c_uint(blocks), ctypes.c_uint(threads), order.ctypes.data_as(ctypes.c_void_p), places)

    def _argument(self, given: Any, kind: str, pointer: bool, name: str) -> Any:
        if not pointer:
            assert type(given) is int and kind == "long long", f"{self.name}: `{name}` is {given!r}"
            return ctypes.c_longlong(given)
        host = given.host
        assert host.flags.c_contiguous, f"{self.name}: `{name}` is not whole in memory"
        assert host.dtype == KINDS[kind], f"{self.name}: `{name}` is {host.dtype}, not {kind}"
        return ctypes.c_void_p(host.ctypes.data)


def declared(code: str, kernel: str, real: str) -> tuple[tuple[str, bool, str], ...]:
    """Type, whether an array, and name of every parameter."""
    found = re.search(rf"__global__ void {kernel}\(([^)]*)\)", code)
    assert found is not None, f"no kernel {kernel}"
    result = []
    for part in found[1].split(","):
        *words, name = part.split()
        kind = " ".join(w for w in words if w != "const")
        result.append((kind.rstrip("*").replace("T", real), kind.endswith("*"), name))
    return tuple(result)


@cache
def compiled(code: str, names: tuple[str, ...]) -> ctypes.CDLL:
    """All kernels of a text in one call of g++; barriers and shared memory have no meaning here."""
    assert "__sync" not in code and "__shared__" not in code
    entries = "\n".join(
        f'extern "C" void start_{k}(unsigned blocks, unsigned threads, const unsigned* order, void** arguments) '
        f"{{ run(&{name}, blocks, threads, order, arguments); }}"
        for k, name in enumerate(names)
    )
    return library(f"{HEAD}{code}\n{entries}\n")
