"""Connectionist temporal classification in a generated CuPy module: the sums over all alignments on the GPU.

The recursions are those of `ctc.py` (Graves 2006; Graves 2012, chapter 7). A number is held as m * B^e with B = 2^960
and both parts float64 (Smith, Olver & Lozier 1981, "Extended-range arithmetic"): nothing underflows, so that no
sequence has to be done again with logarithms and the host need not look.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnc.emit.support.device import cp
from rnnc.emit.support.sources import Each, Source

# ---- copied from here

ALIGNMENTS = Source(
    """
// m * 2^(960 e); m is 0 or from 2^-480 to below 2^480, but for sums that were not fitted yet
struct Wide {
  double m, e;
};

__device__ Wide nothing() { return {0.0, -1e300}; }

__device__ Wide fitted(double m, double e) {
  if (m == 0.0) return nothing();
  if (m < 0x1p-480) return {m * 0x1p960, e - 1.0};
  if (m >= 0x1p480) return {m * 0x1p-960, e + 1.0};
  return {m, e};
}

__device__ Wide times(Wide a, Wide b) { return fitted(a.m * b.m, a.e + b.e); }

__device__ Wide plus(Wide a, Wide b) {
  if (a.e == b.e) return {a.m + b.m, a.e};
  const Wide large = a.e > b.e ? a : b, small = a.e > b.e ? b : a;
  return {large.e - small.e == 1.0 ? large.m + small.m * 0x1p-960 : large.m, large.e};
}

// exp(d) for d <= 0: d is taken apart into whole multiples of 960 log 2 and a rest
__device__ Wide exponential(double d) {
  if (d > -300.0) return {exp(d), 0.0};
  const double many = floor(d * (-1.0 / 665.4212933375475));
  double rest = fma(many, 665.4212933375475, d);
  rest = fma(many, 2.936827677052548e-14, rest);
  return fitted(exp(many < 1e12 ? rest : 0.0), -many);
}

// a / b as float64
__device__ double share(Wide a, Wide b) {
  const double apart = a.e - b.e;
  if (apart == 0.0) return a.m / b.m;
  return apart == -1.0 ? a.m * 0x1p-480 / b.m * 0x1p-480 : apart == 1.0 ? a.m * 0x1p480 / b.m * 0x1p480 : 0.0;
}

// what join gives for all threads' values, always joined in the same order; blockDim.x is a power of 2
template <typename Join>
__device__ double joined(double own, Join join) {
  extern __shared__ double room[];
  room[threadIdx.x] = own;
  __syncthreads();
  for (unsigned half = blockDim.x / 2; half; half /= 2) {
    if (threadIdx.x < half) room[threadIdx.x] = join(room[threadIdx.x], room[threadIdx.x + half]);
    __syncthreads();
  }
  const double all = room[0];
  __syncthreads();
  return all;
}

__device__ double total(double own) {
  return joined(own, [](double a, double b) { return a + b; });
}

// the labels of sequence b: up to its end or the first missing one
__device__ long long counted(const long long* labels, long long end, long long b, long long batch) {
  double found = end;
  for (long long m = threadIdx.x; m < end; m += blockDim.x)
    if (labels[m * batch + b] < 0) {
      found = m;
      break;
    }
  return joined(found, [](double a, double c) { return a < c ? a : c; });
}

// A block a frame and sequence: the largest logit and the sum of exp(logit - largest), NaN where a logit is not
// finite; the probabilities of the blank and of the labels.
template <typename T>
__global__ void emitted(const T* logits, const long long* labels, const long long* frames, long long batch,
                        long long classes, long long many, long long blank, double* tops, Wide* chances) {
  const long long row = blockIdx.x, b = row % batch;
  if (row / batch >= frames[b]) return;
  const T* own = logits + row * classes;
  double top = -1.7e308;
  for (long long k = threadIdx.x; k < classes; k += blockDim.x) {
    const double z = own[k], z_or_nan = z - z == 0.0 ? z : z - z;
    top = top > z_or_nan || top != top ? top : z_or_nan;
  }
  top = joined(top, [](double a, double c) { return a > c || a != a ? a : c; });
  double sum = 0.0;
  for (long long k = threadIdx.x; k < classes; k += blockDim.x) sum += exp(own[k] - top);
  sum = total(sum);
  if (threadIdx.x == 0) tops[2 * row] = top, tops[2 * row + 1] = sum;
  for (long long m = threadIdx.x; m <= many; m += blockDim.x) {
    const long long k = m ? labels[(m - 1) * batch + b] : blank;
    if (k < 0 || k >= classes) continue;
    const Wide chance = exponential(own[k] - top);
    chances[row * (many + 1) + m] = fitted(chance.m / sum, chance.e);
  }
}

// A block a sequence and direction (0 forward, 1 backward: frames and labels turned round), states across threads:
// the sum over all ways to each state before the frame's own factor, into `states` (frames, batch, 2 many + 1) of
// each direction. `rows`: two rows of states, where shared memory does not hold them. Also the loss (NaN where a
// logit is not finite), and for each label the next equal one.
template <typename T>
__global__ void __launch_bounds__(1024)
    walk(const Wide* chances, const long long* labels, const long long* frames, const long long* positions,
         long long length, long long batch, long long many, Wide* rows, long long shared, const double* tops,
         Wide* states, Wide* totals, double* loss, int* next) {
  extern __shared__ double memory[];
  const long long b = blockIdx.x, back = blockIdx.y, width = 2 * many + 1, last = frames[b] - 1;
  const long long count = counted(labels, positions[b] < many ? positions[b] : many, b, batch);
  const long long size = 2 * count + 1;
  Wide* held = shared ? (Wide*)memory : rows + (2 * b + back) * 2 * width;
  const auto label = [&](long long m) { return labels[(back ? count - 1 - m : m) * batch + b]; };
  const auto passes = [&](long long s) { return s % 2 && s > 2 && label(s / 2) != label(s / 2 - 1); };
  const auto chance = [&](long long t, long long s) {
    const long long m = s % 2 ? (back ? count - 1 - s / 2 : s / 2) + 1 : 0;
    return chances[((back ? last - t : t) * batch + b) * (many + 1) + m];
  };
  const long long first = threadIdx.x < size ? threadIdx.x : 0;
  const bool first_passes = passes(first);
  Wide factor = chance(0, first);
  for (long long t = 0; t <= last; ++t) {
    const Wide* before = held + (t + 1) % 2 * width;
    Wide* now = held + t % 2 * width;
    Wide* kept = states + ((back * length + (back ? last - t : t)) * batch + b) * width;
    for (long long s = threadIdx.x; s < size; s += blockDim.x) {
      const bool mine = s == first;
      Wide sum = t == 0 && s < 2 ? Wide{1.0, 0.0} : nothing();
      if (t) {
        sum = before[s];
        if (s) sum = plus(sum, before[s - 1]);
        if (mine ? first_passes : passes(s)) sum = plus(sum, before[s - 2]);
        sum = fitted(sum.m, sum.e);
      }
      kept[back ? size - 1 - s : s] = sum;
      now[s] = times(sum, mine ? factor : chance(t, s));
    }
    // fetched while the others finish the frame
    if (t < last) factor = chance(t + 1, first);
    __syncthreads();
  }
  if (back) return;
  double wrong = 0.0;
  for (long long t = threadIdx.x; t <= last; t += blockDim.x) wrong += tops[2 * (t * batch + b)] * 0.0;
  const Wide* end = held + last % 2 * width;
  const Wide all = count ? plus(end[size - 1], end[size - 2]) : end[0];
  __syncthreads();
  wrong = total(wrong);
  if (threadIdx.x == 0) {
    totals[b] = fitted(all.m, all.e);
    const double cost = -(log(all.m) + all.e * 665.4212933375475);
    loss[b] = wrong + (all.m == 0.0 ? -log(0.0) : cost < 0.0 ? 0.0 : cost);
  }
  // next equal label, or `count`; below zero where an equal one stands before
  for (long long m = threadIdx.x; m < count; m += blockDim.x) {
    const long long mine = labels[m * batch + b];
    long long other = m + 1, earlier = m - 1;
    while (other < count && labels[other * batch + b] != mine) ++other;
    while (earlier >= 0 && labels[earlier * batch + b] != mine) --earlier;
    next[m * batch + b] = earlier < 0 ? other : -1 - other;
  }
  for (long long m = count + threadIdx.x; m < many; m += blockDim.x) next[m * batch + b] = -1 - count;
}

// A block a frame and sequence: softmax less how probable each class is at the frame among all alignments
// (Graves 2006, equation 16). Every class is written by one thread; 0 in the padding and without an alignment.
template <typename T>
__global__ void meet(const T* logits, const long long* frames, const int* next, const long long* labels,
                     long long length, long long batch, long long classes, long long many, long long blank,
                     const double* tops, const Wide* chances, const Wide* states, const Wide* totals, T* slope) {
  const long long row = blockIdx.x, b = row % batch, width = 2 * many + 1;
  const T* own = logits + row * classes;
  T* out = slope + row * classes;
  const Wide all = totals[b];
  if (row / batch >= frames[b] || all.m == 0.0) {
    for (long long k = threadIdx.x; k < classes; k += blockDim.x) out[k] = T(0);
    return;
  }
  const double top = tops[2 * row], sum = tops[2 * row + 1];
  // the backward sums end where this sequence's labels do
  const auto part = [&](long long s) {
    const Wide both = times(states[row * width + s], states[(length * batch + row) * width + s]);
    return share(times(both, chances[row * (many + 1) + (s % 2 ? s / 2 + 1 : 0)]), all);
  };
  long long count = many;
  if (many) count = next[(many - 1) * batch + b] < 0 ? -1 - next[(many - 1) * batch + b] : many;
  double blanks = 0.0, of_labels = 0.0;
  for (long long s = threadIdx.x; s <= count; s += blockDim.x) blanks += part(2 * s);
  for (long long m = threadIdx.x; m < count; m += blockDim.x) of_labels += part(2 * m + 1);
  blanks = total(blanks);
  const double whole = blanks + total(of_labels);
  for (long long k = threadIdx.x; k < classes; k += blockDim.x) out[k] = exp(own[k] - top) / sum;
  __syncthreads();
  for (long long m = threadIdx.x; m < count; m += blockDim.x) {
    if (next[m * batch + b] < 0) continue;
    double mine = 0.0;
    for (long long j = m; j < count;) {
      mine += part(2 * j + 1);
      const long long after = next[j * batch + b];
      j = after < 0 ? -1 - after : after;
    }
    const long long k = labels[m * batch + b];
    out[k] = exp(own[k] - top) / sum - mine / whole;
  }
  if (threadIdx.x == 0) out[blank] = exp(own[blank] - top) / sum - blanks / whole;
}

template <typename T>
__global__ void seeded(T* given, const T* slope, const T* seed, const double* loss, long long batch, long long classes,
                       long long count) {
  const long long apart = (long long)gridDim.x * blockDim.x;
  for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < count; i += apart) {
    const long long b = i / classes % batch;
    given[i] = loss[b] - loss[b] == 0 ? slope[i] * seed[b] : T(0);
  }
}
""",
    ("emitted", "walk", "meet", "seeded"),
)

seeded = Each(ALIGNMENTS, "seeded")


class Lattice:
    """All alignments of a batch of label sequences, summed over: `loss` (batch,) float64 and its gradient.

    `logits` (frames, batch, K), `labels` (positions, batch), each sequence's `frames` and `positions`; a label of -1
    and what follows it are no labels, and without `labels` nothing is asked (loss 0). Where no alignment exists the
    loss is +inf and the gradient 0. Raises ValueError, naming `name` and its `axis`, for a logit that is not finite.
    """

    HELD = 1 << 31  # bytes of work space: longer batches are done some sequences at a time
    SHARED = 48 * 1024  # bytes of states that a block of the walk keeps on the chip

    def __init__(
        self, logits: Any, labels: Any, frames: Any, positions: Any, blank: int, name: str = "p", axis: str = "n"
    ) -> None:
        length, batch, _ = logits.shape
        self.asked = labels is not None
        parts = []
        many = len(labels) if self.asked else 0
        group = max(1, min(batch, self.HELD // (16 * length * (5 * many + 3))))
        for b in range(0, batch, group):
            own = slice(b, b + group)
            asked = labels[:, own] if self.asked else cp.zeros((0, len(frames[own])), np.int64)
            parts.append(self._sequences(logits[:, own], asked, frames[own], positions[own], blank))
        if len(parts) > 1:
            parts = [tuple(cp.concatenate([p[k] for p in parts], axis=min(k, 1)) for k in range(3))]
        self.loss, self.slope, self.tops = parts[0]
        if not np.all(cp.asnumpy(self.loss) >= 0.0):
            self._wrong(logits, name, axis)
        if not self.asked:
            self.loss[...] = 0.0

    def _sequences(self, logits: Any, labels: Any, frames: Any, positions: Any, blank: int) -> tuple[Any, Any, Any]:
        """Of some sequences the loss, its derivative by the logits, and the largest of each frame with its sum."""
        real = logits.dtype
        length, batch, classes = logits.shape
        many = len(labels)
        logits = cp.ascontiguousarray(logits)
        labels, frames, positions = (
            cp.ascontiguousarray(a.astype(np.int64, copy=False)) for a in (labels, frames, positions)
        )
        width = 2 * many + 1
        tops = cp.zeros((length, batch, 2))
        chances = cp.empty((length, batch, many + 1, 2))
        states = cp.empty((2, length, batch, width, 2))
        totals, loss = cp.empty((batch, 2)), cp.empty(batch)
        following = cp.empty((many, batch), np.int32)
        short = 32 * width <= self.SHARED
        rows = cp.empty(2 if short else 8 * batch * width)
        wide = threads_for(max(classes, many + 1), 256)
        ALIGNMENTS.kernel("emitted", real)(
            (length * batch,),
            (wide,),
            (logits, labels, frames, batch, classes, many, blank, tops, chances),
            shared_mem=8 * wide,
        )
        across = threads_for(width, 1024)
        ALIGNMENTS.kernel("walk", real)(
            (batch, 2),
            (across,),
            (
                *(chances, labels, frames, positions, length, batch, many),
                *(rows, int(short), tops, states, totals, loss, following),
            ),
            shared_mem=max(8 * across, 32 * width if short else 0),
        )
        slope = cp.empty(logits.shape, real)
        ALIGNMENTS.kernel("meet", real)(
            (length * batch,),
            (wide,),
            (
                *(logits, frames, following, labels, length, batch, classes, many, blank),
                *(tops, chances, states, totals, slope),
            ),
            shared_mem=8 * wide,
        )
        return loss, slope, tops

    def _wrong(self, logits: Any, name: str, axis: str) -> None:
        """Says which logit is not finite."""
        t, b = (int(i) for i in np.argwhere(np.isnan(cp.asnumpy(self.tops[:, :, 0])))[0])
        frame = cp.asnumpy(logits[t, b])
        k = int(np.flatnonzero(~np.isfinite(frame))[0])
        raise ValueError(f"sequence {b}, {axis} = {t}: logit {k} of `{name}` is {frame[k]}, ctc needs finite ones")

    def gradient(self, seed: Any, out: Any) -> None:
        """seed times the derivative of `loss` by the logits (Graves 2006, equation 16) into `out`, of their shape."""
        if not self.asked:
            out[...] = 0.0
            return
        _, batch, classes = self.slope.shape
        given = out if out.flags.c_contiguous else cp.empty(out.shape, out.dtype)
        seeded(self.slope.size, given, self.slope, cp.ascontiguousarray(seed), self.loss, batch, classes)
        if given is not out:
            out[...] = given


def threads_for(count: int, most: int) -> int:
    """A power of 2 from 32 to `most`, of at least `count` where that is in reach."""
    return min(most, max(32, 1 << (count - 1).bit_length()))


# ---- copied to here
