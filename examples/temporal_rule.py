"""A rule over time: brown, any number of yellows, blue. Learnt from short examples, tested on long ones.

python examples/temporal_rule.py            # two or three minutes
python examples/temporal_rule.py --quick    # a few seconds, to see it run

A sequence of colours keeps the rule where it is brown yellow^n blue, and breaks it where it begins with green instead,
or where a green stands among the yellows; half of them keep it. (After Hochreiter 1991, "Untersuchungen zu dynamischen
neuronalen Netzen": what is to be remembered stands any number of steps back.) All three networks see n up to 10. A
window of five colours cannot see the beginning of longer ones; guessing is right in half of the cases.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

# a second thread gains nothing on products this small
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import rnnc
from rnnc.runtime.fit import fit

BROWN, YELLOW, BLUE, GREEN = range(4)
HEAD = "axis n input x[n] : 4 target l : token(2)"
TAIL = "output p : 2 = softmax(full(h[last]) + bias) loss cross_entropy(p, l)"
NETWORKS = (
    ("window of five", f"network window(H = 10) {{ {HEAD} unit h[n] : H = tanh(full(x[n-4..n]) + bias) {TAIL} }}"),
    ("Elman", f"network elman(H = 10) {{ {HEAD} unit h[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias) {TAIL} }}"),
    ("LSTM", f'use "lstm" network with_lstm(H = 10) {{ {HEAD} unit h[n] = lstm(x, H) {TAIL} }}'),
)
TESTED = (5, 10, 20, 50, 100)


def sequences(yellows: Any, seed: int) -> dict[str, Any]:
    """One sequence for each number of yellows, as arrays that `fit` takes."""
    draw = np.random.default_rng(seed)
    colours = np.full((max(yellows) + 2, len(yellows)), YELLOW)
    keeps = draw.permutation(np.arange(len(yellows)) % 2)
    for b, n in enumerate(yellows):
        colours[0, b], colours[n + 1, b] = BROWN, BLUE
        if not keeps[b]:
            place = 0 if n == 0 or draw.random() < 0.5 else int(draw.integers(1, n + 1))
            colours[place, b] = GREEN
    return {"x": np.eye(4)[colours], "l": keeps, "lengths": np.asarray(yellows) + 2}


def main(*, quick: bool = False) -> dict[str, dict[int, float]]:
    """Trains the three, prints a table; returns the accuracy of each by number of yellows."""
    begun = time.perf_counter()
    train = sequences(np.random.default_rng(0).integers(0, 11, size=1000), 1)
    found: dict[str, dict[int, float]] = {}
    for name, text in NETWORKS:
        module, shares = rnnc.compile_text(text), []
        for seed in range(1 if quick else 3):
            net = fit(
                module, train, epochs=1 if quick else 40, batch=20, lr=2e-2, schedule="cosine", clip=1.0, seed=seed
            )
            shares.append([net.score(sequences([n] * 200, 2))["accuracy of l"] for n in TESTED])
        found[name] = dict(zip(TESTED, np.mean(shares, axis=0), strict=True))
    print("share of 200 new sequences that is judged rightly; trained on n up to 10 (mean of three seeds)")
    print(f"  {'brown yellow^n blue, n =':<26}" + "".join(f"{n:>8}" for n in TESTED))
    print(f"  {'guessing':<26}" + "".join(f"{0.5:>8.1%}" for _ in TESTED))
    for name, shares in found.items():
        print(f"  {name:<26}" + "".join(f"{share:>8.1%}" for share in shares.values()))
    print(f"{time.perf_counter() - begun:.0f} seconds")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few seconds, to see it run")
    main(quick=parser.parse_args().quick)
