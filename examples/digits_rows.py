"""Handwritten digits read row by row: an LSTM sees the eight rows of a picture and then says which digit it was.

python examples/digits_rows.py            # about a minute and a half
python examples/digits_rows.py --quick    # a few seconds, to see it run

The data are the 1,797 pictures of 8x8 that come with scikit-learn (UCI: Alpaydin and Kaynak 1998): real handwriting,
without the names of the writers, so that a writer may stand in both parts. Beside it a linear model of all 64 pixels,
trained by the same means.
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

ROWS = """
use "lstm"

network rows(D = 8, H = 64, K = 10) {
  axis n

  input  x[n] : D
  target l : token(K)

  unit   h[n] = lstm(x, H)
  output p : K = softmax(full(h[last]) + bias)

  loss cross_entropy(p, l)
}
"""
LINEAR = """
network linear(D = 64, K = 10) {
  input  x : D
  target l : token(K)
  output p : K = softmax(full(x) + bias)
  loss cross_entropy(p, l)
}
"""


def main(*, quick: bool = False) -> float:
    """Trains both, prints a table; returns the LSTM's accuracy on the pictures held out."""
    from sklearn.datasets import load_digits

    begun = time.perf_counter()
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.images))
    pictures, labels = digits.images[order] / 16.0, digits.target[order]
    test, train = slice(0, 497), slice(497, None)
    epochs = 3 if quick else 100

    def by_rows(part: slice) -> dict[str, Any]:
        return {"x": pictures[part].transpose(1, 0, 2), "l": labels[part]}

    def at_once(part: slice) -> dict[str, Any]:
        return {"x": pictures[part].reshape(-1, 64), "l": labels[part]}

    lstm = fit(
        rnnc.compile_text(ROWS),
        by_rows(train),
        epochs=epochs,
        batch=32,
        lr=4e-3,
        schedule="cosine",
        clip=1.0,
        average=0.99,
    )
    linear = fit(rnnc.compile_text(LINEAR), at_once(train), epochs=epochs, batch=32, lr=4e-3, schedule="cosine")
    accuracy = lstm.score(by_rows(test))["accuracy of l"]
    often = float(np.mean(labels[test] == np.bincount(labels[train]).argmax()))
    print(f"{len(labels[train]):,} pictures to train on, {len(labels[test]):,} held out")
    print("accuracy on those held out")
    for name, value in (
        ("the most frequent digit", often),
        ("linear model of 64 pixels", linear.score(at_once(test))["accuracy of l"]),
        ("LSTM, row by row", accuracy),
    ):
        print(f"  {name:<26} {value:6.1%}")
    print(f"{time.perf_counter() - begun:.0f} seconds")
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few seconds, to see it run")
    main(quick=parser.parse_args().quick)
