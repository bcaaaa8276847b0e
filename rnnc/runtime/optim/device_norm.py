"""The norm of gradients that lie on a GPU: blocks add up fixed parts, one block adds up what they found.

Every sum has its own place and order, so that the same gradients give the same bits.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from rnnc.runtime.device import cupy_of

THREADS, BLOCKS = 256, 128
LARGEST = 0.0
"""In place of the exponent of a norm: the largest of all."""

CODE = """
__device__ double joined(double a, double b, double kind) {
  return kind != 0.0 ? a + b : a > b || a != a ? a : b;
}

// for each block the largest |a| / scale (kind 0), or the sum of their powers
template <typename T>
__global__ void part(const T* a, long long size, double scale, double kind, double* out) {
  extern __shared__ double room[];
  double own = 0.0;
  for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < size;
       i += (long long)gridDim.x * blockDim.x) {
    const double x = fabs((double)a[i]) / scale;
    own = joined(own, kind == 2.0 ? x * x : kind > 0.0 && kind != 1.0 ? pow(x, kind) : x, kind);
  }
  room[threadIdx.x] = own;
  __syncthreads();
  for (unsigned half = blockDim.x / 2; half; half /= 2) {
    if (threadIdx.x < half) room[threadIdx.x] = joined(room[threadIdx.x], room[threadIdx.x + half], kind);
    __syncthreads();
  }
  if (threadIdx.x == 0) out[blockIdx.x] = room[0];
}
"""
NAMES = ("part<float>", "part<double>")


def norm(arrays: tuple[Any, ...], kind: float) -> float:
    """The norm of all CuPy arrays together, in float64; waits for the GPU."""
    if kind == 2.0:
        square = _over(arrays, 1.0, 2.0)
        if 1e-280 < square < 1e280:
            return math.sqrt(square)
    largest = _over(arrays, 1.0, LARGEST)
    if math.isinf(kind) or largest == 0.0 or not math.isfinite(largest):
        return largest
    return largest * math.pow(_over(arrays, largest, kind), 1.0 / kind)


def _over(arrays: tuple[Any, ...], scale: float, kind: float) -> float:
    cupy = cupy_of(arrays[0])
    counts = [min(BLOCKS, -(-a.size // THREADS)) for a in arrays]
    if not sum(counts):
        return 0.0
    parts, end = cupy.empty(sum(counts)), 0
    for array, count in zip(arrays, counts, strict=True):
        if count:
            own = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
            _launch(cupy, cupy.ascontiguousarray(own), count, scale, kind, parts[end : end + count])
        end += count
    whole = cupy.empty(1)
    _launch(cupy, parts, 1, 1.0, LARGEST if kind == LARGEST else 1.0, whole)
    return float(cupy.asnumpy(whole)[0])


def _launch(cupy: Any, array: Any, blocks: int, scale: float, kind: float, out: Any) -> None:
    kernel = _kernel(cupy, NAMES[array.dtype == np.float64])
    kernel((blocks,), (THREADS,), (array, array.size, float(scale), float(kind), out), shared_mem=8 * THREADS)


@cache
def _kernel(cupy: Any, name: str) -> Any:
    return cupy.RawModule(code=CODE, options=("-std=c++17",), name_expressions=NAMES).get_function(name)
