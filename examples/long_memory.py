"""Two tasks that need a long memory, an Elman network and an LSTM: the adding problem, the embedded Reber grammar.

python examples/long_memory.py            # about a minute and a half
python examples/long_memory.py --quick    # a few seconds, to see it run

Adding (Hochreiter and Schmidhuber 1997): of 100 random numbers two are marked, one in each half; after the last their
sum is asked for. Who always says 1 has a mean squared error of 1/6. Embedded Reber grammar (Smith and Zipser 1989): of
a string of letters the next is to be predicted; its last but one is its second, with a string of the Reber grammar
between them. Who forgets that one is right in half of the cases.
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

STEPS = 100
LETTERS = "BTPSXVE"
# Reber (1967): from a state, a letter and the next state.
GRAMMAR = ((("T", 1), ("P", 2)), (("S", 1), ("X", 3)), (("T", 2), ("V", 4)), (("X", 2), ("S", 5)), (("P", 3), ("V", 5)))
CELLS = (
    ("Elman", "", "unit h[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)"),
    ("LSTM", 'use "lstm"', "unit h[n] = lstm(x, H)"),
)
ADDING = (
    "{use} network adding(H = 32) {{ axis n input x[n] : 2 target t : 1 {cell} "
    "output y : 1 = full(h[last]) + bias loss squared_error(y, t) }}"
)
REBER = (
    "{use} network reber(H = 20) {{ axis n input x[n] : 7 target l[n] : token(7) {cell} "
    "output p[n] : 7 = softmax(full(h[n]) + bias) loss mean over n (cross_entropy(p, l)) }}"
)


def additions(count: int, seed: int) -> dict[str, Any]:
    """Numbers in 0..1 with two marks, and the sum of the two marked ones."""
    draw = np.random.default_rng(seed)
    numbers, marks = draw.random((STEPS, count)), np.zeros((STEPS, count))
    half = STEPS // 2
    for begin in (0, half):
        marks[draw.integers(begin, begin + half, size=count), np.arange(count)] = 1.0
    return {"x": np.stack([numbers, marks], axis=-1), "t": (numbers * marks).sum(0)[:, None]}


def strings(count: int, seed: int) -> list[str]:
    """Strings of the embedded grammar."""
    draw, found = np.random.default_rng(seed), []
    for _ in range(count):
        state, inner = 0, "B"
        while state != 5:
            letter, state = GRAMMAR[state][int(draw.integers(2))]
            inner += letter
        outer = "TP"[int(draw.integers(2))]
        found.append(f"B{outer}{inner}E{outer}E")
    return found


def letters(given: list[str]) -> dict[str, Any]:
    """Strings as arrays that `fit` takes: each letter, and the one after it."""
    lengths = np.array([len(one) - 1 for one in given])
    ids = np.zeros((lengths.max() + 1, len(given)), np.int64)
    for b, one in enumerate(given):
        ids[: len(one), b] = [LETTERS.index(letter) for letter in one]
    return {"x": np.eye(7)[ids[:-1]], "l": ids[1:], "lengths": lengths}


def remembered(net: Any, given: list[str]) -> float:
    """The share of strings whose last letter but one the network holds for likelier than the other of T and P."""
    scores = net.predict({key: value for key, value in letters(given).items() if key != "l"})["p"]
    right = 0
    for b, one in enumerate(given):
        t, p = (scores[len(one) - 3, b, LETTERS.index(letter)] for letter in "TP")
        right += (one[-2] == "T") == (t > p)
    return right / len(given)


def main(*, quick: bool = False) -> dict[str, tuple[float, float]]:
    """Trains both on both tasks, prints a table; returns (error of adding, share of strings) by network."""
    begun = time.perf_counter()
    sums, sums_test = additions(200 if quick else 10_000, 0), additions(500, 1)
    texts, texts_test = strings(100 if quick else 1000, 0), strings(500, 1)
    found = {}
    for name, use, cell in CELLS:
        adder = fit(
            rnnc.compile_text(ADDING.format(use=use, cell=cell)),
            sums,
            batch=50,
            lr=5e-3,
            clip=1.0,
            steps=5 if quick else 2000,
            schedule="cosine",
        )
        speller = fit(
            rnnc.compile_text(REBER.format(use=use, cell=cell)),
            letters(texts),
            batch=20,
            lr=1e-2,
            clip=1.0,
            epochs=1 if quick else 15,
            schedule="cosine",
        )
        found[name] = (adder.score(sums_test)["mean squared error of t"], remembered(speller, texts_test))
    print("on 500 new examples of each")
    print(f"  {'':<24}{f'adding, T = {STEPS}':>18}{'embedded Reber grammar':>26}")
    print(f"  {'':<24}{'squared error':>18}{'last but one right':>26}")
    print(f"  {'always 1, guessing':<24}{np.mean((sums_test['t'] - 1.0) ** 2):>18.4f}{0.5:>26.1%}")
    for name, (error, share) in found.items():
        print(f"  {name:<24}{error:>18.4f}{share:>26.1%}")
    print(f"{time.perf_counter() - begun:.0f} seconds")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few seconds, to see it run")
    main(quick=parser.parse_args().quick)
