"""Whole scans as one kernel in a generated CuPy module: recurrent weights stay on the chip from the first step to the
last, after the persistent kernels of Diamos et al. (2016), "Persistent RNNs: stashing recurrent weights on-chip", ICML.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnc.emit.support.device import cp
from rnnc.emit.support.sources import Source

# ---- copied from here

TOGETHER = """
template <typename T>
struct alignas(4 * sizeof(T)) Four {
  T v[4];
};

__device__ void rest() {
#if __CUDA_ARCH__ >= 700
  __nanosleep(20);
#endif
}

// waits until every block of this batch slice has come here as often; what they wrote before can be read after it
__device__ void meet(unsigned* came, unsigned goal) {
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();
    atomicAdd(came, 1u);
    while ((int)(*(volatile unsigned*)came - goal) < 0) rest();
    __threadfence();
  }
  __syncthreads();
}

// a block's rows of a weight, inner index first: row g * units + j is row g * size + first + j of the matrix, whose
// neighbours along the rows are `along` apart and along the inner index `across`; rows past `size` are zero
template <typename T>
__device__ void fetch(const T* matrix, long long along, long long across, int parts, int units, int inner,
                      long long size, long long first, T* weights) {
  const int rows = parts * units;
  for (int i = threadIdx.x; i < rows * inner; i += blockDim.x) {
    const int row = across == 1 ? i / inner : i % rows, k = across == 1 ? i % inner : i / rows;
    const long long unit = first + row % units;
    weights[k * rows + row] = unit < size ? matrix[(row / units * size + unit) * along + k * across] : T(0);
  }
}

// tile[sequence][row] = sum over k of state[sequence][k] * weights[k][row]: a thread has 4 rows of 4 sequences and
// every so-manieth k; their sums are added up in a fixed order. `state`: sequences are `apart` apart, `some` are there.
template <typename T>
__device__ void product(const T* weights, const T* state, long long apart, int inner, int rows, int slice, int some,
                        int chunk, T* staged, T* tile) {
  const int across = rows / 4, tiles = across * (slice / 4), parts = blockDim.x / tiles;
  // an odd multiple of 4 numbers, so that a warp's writes fall into as many banks as they can
  const int pitch = slice + 4 + (slice & 4);
  const int part = threadIdx.x / tiles, r = threadIdx.x % tiles % across * 4, q = threadIdx.x % tiles / across * 4;
  T sum[4][4] = {};
  for (int first = 0; first < inner; first += chunk) {
    const int count = inner - first < chunk ? inner - first : chunk;
    for (int b = threadIdx.x / 32; b < slice; b += blockDim.x / 32)
#pragma unroll 4
      for (int k = threadIdx.x % 32; k < count; k += 32)
        staged[k * pitch + b] = b < some ? __ldcg(state + b * apart + first + k) : T(0);
    __syncthreads();
    if (part < parts) {
#pragma unroll 4
      for (int k = part; k < count; k += parts) {
        const Four<T> w = *(const Four<T>*)(weights + (first + k) * rows + r);
        const Four<T> x = *(const Four<T>*)(staged + k * pitch + q);
#pragma unroll
        for (int i = 0; i < 4; ++i)
#pragma unroll
          for (int j = 0; j < 4; ++j) sum[i][j] += w.v[i] * x.v[j];
      }
    }
    __syncthreads();
  }
  if (part < parts)
    for (int j = 0; j < 4; ++j)
      for (int i = 0; i < 4; ++i) staged[(part * slice + q + j) * rows + r + i] = sum[i][j];
  __syncthreads();
  for (int o = threadIdx.x; o < slice * rows; o += blockDim.x) {
    T all = staged[o];
    for (int p = 1; p < parts; ++p) all += staged[p * slice * rows + o];
    tile[o] = all;
  }
  __syncthreads();
}
"""


class Slices:
    """How blocks share a scan: `units` of every state and `slice` sequences each; `chunk` of a state's numbers are
    staged at a time; bytes of shared memory; `cost`: multiply-adds a step of one block, staging counted in."""

    def __init__(self, units: int, slice_: int, blocks: tuple[int, int], chunk: int, shared: int, cost: int) -> None:
        self.units = units
        self.slice = slice_
        self.blocks = blocks
        self.chunk = chunk
        self.shared = shared
        self.cost = cost


class Scan:
    """A loop over time as one cooperative launch. `products`: how many times the state's size the rows and the inner
    index of each recurrent weight are. Called with a scan's sizes and arrays, it runs it, or says False: where the
    weights do not fit on the chip, the batch is so large that cuBLAS is faster, or blocks cannot wait for each other.
    """

    THREADS = 256
    SHORTEST = 4  # steps below which loading the weights costs more than it saves
    MOST = 1 << 29  # multiply-adds a step beyond which one product fills the GPU by itself

    def __init__(self, source: Source, name: str, products: tuple[tuple[int, int], ...]) -> None:
        self.source = source
        self.name = name
        self.products = products
        self.found: dict[tuple[int, ...], Slices | None] = {}

    def __call__(self, length: int, batch: int, size: int, real: Any, lengths: Any, *given: Any) -> bool:
        work = batch * size * size * sum(rows * inner for rows, inner in self.products)
        if length < self.SHORTEST or work > self.MOST:
            return False
        arrays = [a for a in given if not isinstance(a, float)]
        if any(a.dtype != real or not a.flags.c_contiguous for a in arrays):
            return False
        found = self.fitting(batch, size, real)
        if found is None:
            return False
        kernel = self.source.kernel(self.name, real)
        kernel.max_dynamic_shared_size_bytes = found.shared
        came = cp.zeros(found.blocks[1], np.uint32)
        sizes = (length, batch, size, found.units, found.slice, found.chunk)
        # launched as one here: CuPy 13 builds a RawModule for such launches with a library of the CUDA toolkit, which
        # no package has
        kernel.kernel(
            found.blocks,
            (self.THREADS,),
            (*sizes, lengths, came, *given),
            shared_mem=found.shared,
            enable_cooperative_groups=True,
        )
        return True

    def fitting(self, batch: int, size: int, real: Any) -> Slices | None:
        """How the current GPU is to share the work out, found once; None where it cannot."""
        ask, gpu = cp.cuda.runtime, cp.cuda.runtime.getDevice()
        if not ask.deviceGetAttribute(ask.cudaDevAttrCooperativeLaunch, gpu):
            return None
        processors = ask.deviceGetAttribute(ask.cudaDevAttrMultiProcessorCount, gpu)
        limit = ask.deviceGetAttribute(ask.cudaDevAttrMaxSharedMemoryPerBlockOptin, gpu)
        bytes_each = np.dtype(real).itemsize
        key = (batch, size, bytes_each, processors, limit)
        if key not in self.found:
            found = self.slices(*key)
            self.found[key] = found if found is not None and self.resident(found, real, processors) else None
        return self.found[key]

    def resident(self, found: Slices, real: Any, processors: int) -> bool:
        """Whether all blocks run at the same time, as the driver counts registers and shared memory. Blocks that wait
        for others need it, and CuPy starts fewer of a row of blocks than it was told where they do not fit."""
        kernel = self.source.kernel(self.name, real)
        kernel.max_dynamic_shared_size_bytes = found.shared
        each = cp.cuda.driver.occupancyMaxActiveBlocksPerMultiprocessor(kernel.kernel.ptr, self.THREADS, found.shared)
        return bool(found.blocks[0] * found.blocks[1] <= each * processors)

    def slices(self, batch: int, size: int, bytes_each: int, processors: int, limit: int) -> Slices | None:
        """The cheapest way to share the work out among blocks of which each multiprocessor has one; None where the
        weights do not fit."""
        best: Slices | None = None
        for units in range(4, size + 4, 4):
            across = -(-size // units)
            for slice_ in range(4, batch + 4, 4):
                blocks = (across, -(-batch // slice_))
                if blocks[0] * blocks[1] > processors:
                    continue
                found = self.shared_out(units, slice_, blocks, size, bytes_each, limit)
                if found is not None and (best is None or found.cost < best.cost):
                    best = found
        return best

    def shared_out(
        self, units: int, slice_: int, blocks: tuple[int, int], size: int, bytes_each: int, limit: int
    ) -> Slices | None:
        """One way to share it out, None where it does not fit."""
        if max(rows for rows, _ in self.products) * units * slice_ > 16 * self.THREADS:
            return None
        kept = sum(rows * units * (inner * size + slice_) for rows, inner in self.products)
        left = limit // bytes_each - kept
        longest = max(inner for _, inner in self.products) * size
        pitch = slice_ + 4 + (slice_ & 4)
        chunk = min(longest, left // pitch)
        if left < 16 * self.THREADS or chunk < min(longest, 32):
            return None
        staged = max(16 * self.THREADS, chunk * pitch)
        cost = sum(inner * size * slice_ * (rows * units + 8) for rows, inner in self.products)
        return Slices(units, slice_, blocks, chunk, (kept + staged) * bytes_each, cost)


# ---- copied to here
