"""How long a beam search takes on posteriors of 100 frames and 80 labels, beside what it should take.

    python benchmarks/beam.py [--runs 15] [--width 25]

The least and the median of several runs. Equal posteriors are the worst case: every prefix is as good as the next,
and ties stand in dictionary order.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime import decode

FRAMES, LABELS = 100, 80
GOAL = 40.0


def posteriors(scale: float) -> NDArray[np.float64]:
    """Softmax of normal numbers times `scale`, (FRAMES, LABELS)."""
    powers = np.exp(scale * np.random.default_rng(0).normal(size=(FRAMES, LABELS)))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def speech() -> NDArray[np.float64]:
    """As a trained network's: blanks, with a label in every fourth frame, each with a share of some other label."""
    draw = np.random.default_rng(1)
    logits = draw.normal(size=(FRAMES, LABELS))
    said = np.where(np.arange(FRAMES) % 4 == 0, draw.integers(1, LABELS, FRAMES), 0)
    logits[np.arange(FRAMES), said] += 9.0
    logits[np.arange(FRAMES), draw.integers(0, LABELS, FRAMES)] += 7.0
    powers = np.exp(logits)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def milliseconds(run: Callable[[], object], runs: int) -> tuple[float, float]:
    """Least and median of some runs."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return min(times), statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--width", type=int, default=25)
    options = parser.parse_args()
    rows: tuple[tuple[str, NDArray[np.float64]], ...] = (
        ("all equal", np.full((FRAMES, LABELS), 1.0 / LABELS)),
        ("nearly flat", posteriors(0.05)),
        ("normal logits", posteriors(1.0)),
        ("peaked", posteriors(5.0)),
        ("as of a trained network", speech()),
    )
    width = options.width
    table: list[tuple[str, Callable[[], object], float | None]] = [
        (f"beam of {width}, {name}", lambda probs=probs: decode.beam(probs, width=width), GOAL if width == 25 else None)
        for name, probs in rows
    ]
    pairs = np.log(posteriors(1.0)[:LABELS])
    scored = rows[-1][1]
    table.append(
        (
            f"beam of {width}, the same, with a score",
            lambda: decode.beam(scored, width=width, score=lambda labels: pairs[labels[-1] if labels else 0]),
            None,
        )
    )
    table.append(("best path, the same", lambda: decode.best_path(scored), None))
    print(f"{'posteriors ' + str((FRAMES, LABELS)):<48} {'least':>8} {'median':>8} {'goal':>6}  ms")
    for title, run, goal in table:
        least, median = milliseconds(run, options.runs)
        print(f"{title:<48} {least:8.2f} {median:8.2f} {goal if goal is not None else '-':>6}", flush=True)


if __name__ == "__main__":
    main()
