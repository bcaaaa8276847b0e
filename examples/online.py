"""Learning from a stream that never stops: the exclusive or of two bits that stood two steps back.

python examples/online.py                  # about half a minute
python examples/online.py --quick          # a few seconds, to see it run
python examples/online.py --cell lstm      # an LSTM instead of units that all see each other
python examples/online.py --learn RULE     # another rule that learns online, such as truncated_gradient

At every step two bits come in, and the network is to say whether those of `--delay` steps ago differed (the pipelined
XOR of Williams and Zipser 1989, "A learning algorithm for continually running fully recurrent neural networks"). There
are no sequences and nothing is stored but the present: after every step the weights change by the gradient that
`rtrl_step` gives of that step's loss, through the whole past. Without a memory, half of the answers are wrong.
"""

from __future__ import annotations

import argparse
import inspect
import math
import os
import time
from typing import Any

# a second thread gains nothing on products this small
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import rnnc

HEAD = "axis n input x[n] : 2 target t[n] : 1"
LOSS = "loss binary_cross_entropy(p, t)"
CELLS = {
    # the first of the units answers, as in the paper
    "recurrent": f"""network recurrent(H = 8) {{ {HEAD}
      unit h[n] : H = sigmoid(full(x[n]) + full(h[n-1]) + bias) output p[n] : 1 = slice(h, 0, 1) {LOSS} }}""",
    "lstm": f"""use "lstm" network with_lstm(H = 8) {{ {HEAD}
      unit h[n] = lstm(x, H) output p[n] : 1 = sigmoid(full(h) + bias) {LOSS} }}""",
    "none": f"""network without(H = 8) {{ {HEAD}
      unit h[n] : H = sigmoid(full(x[n]) + bias) output p[n] : 1 = sigmoid(full(h) + bias) {LOSS} }}""",
}
RATE, EVERY = 0.5, 1000
SOLVED = 0.01


def stream(steps: int, delay: int, seed: int) -> tuple[Any, Any]:
    """Bits (steps, 2), and whether those of `delay` steps ago differ (steps, 1); unknown at first."""
    bits = np.random.default_rng(seed).integers(0, 2, (steps, 2))
    different = np.full((steps, 1), np.nan)
    different[delay:, 0] = bits[: steps - delay, 0] != bits[: steps - delay, 1]
    return bits.astype(float), different


def learn(module: Any, rule: str, steps: int, delay: int, seed: int) -> tuple[Any, list[float]]:
    """One life: the weights at its end, and the share of wrong answers in every EVERY steps of it."""
    x, t = stream(steps, delay, seed)
    p = module.init(seed=seed, dtype="float64")
    learner = getattr(module, f"{rule}_start")(p)
    step = getattr(module, f"{rule}_step")
    draws = {"seed": seed} if "seed" in inspect.signature(step).parameters else {}
    wrong = np.zeros(steps, bool)
    for n in range(steps):
        loss, grads, learner = step(p, learner, x=x[n], t=t[n], **draws)
        p.flat -= RATE * grads.flat
        wrong[n] = loss > math.log(2.0)  # less than one half went to what was right
    return p, [float(part.mean()) for part in np.split(wrong[: steps // EVERY * EVERY], steps // EVERY)]


def held_out(module: Any, p: Any, delay: int) -> float:
    """The share of wrong answers on a stream that was not learned from, with weights that stand still."""
    x, t = stream(10_000, delay, 1_000_000)
    return float(np.mean((module.forward(p, x=x)["p"] > 0.5)[delay:] != (t[delay:] > 0.5)))


def main(*, quick: bool = False, rule: str = "rtrl", cell: str = "recurrent", delay: int = 2) -> dict[str, list[float]]:
    """Prints the error over the stream; returns the held-out shares of wrong answers, by network, of every seed."""
    begun = time.perf_counter()
    steps, seeds = (4000, range(1)) if quick else (8000, range(5))
    found: dict[str, list[float]] = {}
    print(f"are the bits of {delay} steps ago different? learned by {rule}, the weights changed after every step")
    print("share of wrong answers among the last 1000, at step")
    print(f"  {'':<20}" + "".join(f"{EVERY * (k + 1):>7}" for k in range(steps // EVERY)) + f"{'held out':>12}")
    for name, runs in ((cell, seeds), ("none", seeds[:1])):
        module = rnnc.compile_text(CELLS[name], learn=(rule,))
        for seed in runs:
            p, shares = learn(module, rule, steps, delay, seed)
            found.setdefault(name, []).append(held_out(module, p, delay))
            title = f"{name}, seed {seed}" if name == cell else "without recurrence"
            print(f"  {title:<20}" + "".join(f"{100 * s:>6.1f}%" for s in shares) + f"{found[name][-1]:>12.2%}")
    print(f"  {'guessing':<20}" + f"{50.0:>6.1f}%" * (steps // EVERY) + f"{0.5:>12.2%}")
    solved = sum(share < SOLVED for share in found[cell])
    print(f"solved (less than {SOLVED:.0%} wrong, held out): {solved} of {len(seeds)} seeds")
    print(f"{time.perf_counter() - begun:.0f} seconds")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few seconds, to see it run")
    parser.add_argument("--learn", metavar="RULE", default="rtrl", help="a rule that learns online (rtrl)")
    parser.add_argument("--cell", choices=("recurrent", "lstm"), default="recurrent")
    parser.add_argument("--delay", type=int, default=2, help="how many steps ago the bits stood (2)")
    chosen = parser.parse_args()
    main(quick=chosen.quick, rule=chosen.learn, cell=chosen.cell, delay=chosen.delay)
