"""Times on a GPU, interleaved, and what share of the machine they are."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Run = Callable[[], object]


class Clock(Protocol):
    def seconds(self, run: Run) -> float:
        """How long the GPU took for what `run` gave it to do."""

    def now(self) -> float:
        """Seconds of the wall clock."""


class Events:
    """By events in the current stream of CuPy, which is torch's as well: the legacy default one."""

    def __init__(self, cupy: Any) -> None:
        self.cuda = cupy.cuda

    def seconds(self, run: Run) -> float:
        begin, end = self.cuda.Event(), self.cuda.Event()
        begin.record()
        run()
        end.record()
        end.synchronize()
        return float(self.cuda.get_elapsed_time(begin, end)) / 1e3

    def now(self) -> float:
        return time.perf_counter()


class Wall:
    """By the wall clock, the GPU idle before and after: for libraries with streams of their own."""

    def __init__(self, cupy: Any) -> None:
        self.cuda = cupy.cuda

    def seconds(self, run: Run) -> float:
        self.cuda.runtime.deviceSynchronize()
        begin = time.perf_counter()
        run()
        self.cuda.runtime.deviceSynchronize()
        return time.perf_counter() - begin

    def now(self) -> float:
        return time.perf_counter()


@dataclass(frozen=True)
class Work:
    """What a run cannot do without: multiply-adds of its matrix products, bytes of memory read and written."""

    products: float
    bytes: float


@dataclass(frozen=True)
class Peak:
    """What the machine gave in the same process: multiply-adds and bytes a second."""

    products: float
    bytes: float

    def shares(self, work: Work, seconds: float) -> tuple[float, float]:
        """Of the matrix rate and of the bandwidth, from 0 to 1."""
        return work.products / seconds / self.products, work.bytes / seconds / self.bytes


def medians(runs: Mapping[str, Run], clock: Clock, limit: float, warm: int = 3, least: int = 5) -> dict[str, float]:
    """The median seconds of each, run in turn for `limit` seconds and at least `least` rounds, after `warm` rounds that
    do not count."""
    for _ in range(warm):
        for run in runs.values():
            clock.seconds(run)
    times: dict[str, list[float]] = {name: [] for name in runs}
    end = clock.now() + limit
    while clock.now() < end or any(len(own) < least for own in times.values()):
        for name, run in runs.items():
            times[name].append(clock.seconds(run))
    return {name: statistics.median(own) for name, own in times.items()}


def lstm_work(steps: int, batch: int, units: int, gates: int, saved: int) -> Work:
    """Forward and backward of a layer with as many inputs as units, float32: products by x and by h, the gradient by
    h and by both weights; x, the target and the output, what a step saves written and read, its gradient likewise."""
    positions = steps * batch
    return Work(5.0 * positions * gates * units * units, 4.0 * positions * units * (4 + 2 * saved + 2 * gates))


def ctc_work(frames: int, batch: int, classes: int, labels: int) -> Work:
    """Logits read twice and their gradient written; no product of matrices. What a kernel keeps is its own affair."""
    return Work(0.0, 4.0 * 3 * frames * batch * classes)


def rtrl_work(steps: int, units: int, inputs: int) -> Work:
    """Batch 1: each step the influence of all weights on each state through the recurrent matrix, read and written."""
    weights = units * (units + inputs + 1)
    return Work(float(steps) * units * units * weights, 4.0 * 2 * steps * units * weights)


def line(name: str, times: Mapping[str, float], own: str, peak: Peak, work: Work) -> str:
    """A row: the module's time, how many times as long each other took, its shares of the machine."""
    product, memory = peak.shares(work, times[own])
    others = "  ".join(f"{other} {seconds / times[own]:.2f}x" for other, seconds in times.items() if other != own)
    return (
        f"{name:<34} {times[own] * 1e3:9.3f} ms   {others}   "
        f"matrix rate {100 * product:.1f} %, bandwidth {100 * memory:.1f} %"
    )
