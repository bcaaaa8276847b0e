"""Next year's sunspots from those of the years before: four networks beside persistence and a linear autoregression.

python examples/sunspots.py            # about three minutes
python examples/sunspots.py --quick    # a few seconds, to see it run

The series is the yearly mean from 1700 to 2008, as statsmodels ships it. Trained on the years to 1890, the best weights
chosen on 1891 to 1920, tested on 1921 to 2008; every network three times, from three seeds. Errors are normalised: the
mean squared error of a year's forecast over the variance of the test years.
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

ORDER = 9
HEAD = "axis n input x[n] : 1 target t[n] : 1"
TAIL = "output y[n] : 1 = full(h[n]) + bias loss mean over n (squared_error(y, t))"
NETWORKS = (
    (
        "windowed MLP, nine years",
        f"network mlp(H = 8) {{ {HEAD} unit h[n] : H = tanh(full(x[n-8..n]) + bias) {TAIL} }}",
    ),
    (
        "NARX, nine years and its own last two",
        f"network narx(H = 8) {{ {HEAD} unit h[n] : H = tanh(full(x[n-8..n]) + full(y[n-2..n-1]) + bias) {TAIL} }}",
    ),
    (
        "Elman-Jordan",
        f"network elman_jordan(H = 8) {{ {HEAD} "
        f"unit h[n] : H = tanh(full(x[n]) + full(h[n-1]) + full(y[n-1]) + bias) {TAIL} }}",
    ),
    ("LSTM", f'use "lstm" network with_lstm(H = 8) {{ {HEAD} unit h[n] = lstm(x, H) {TAIL} }}'),
)


def main(*, quick: bool = False) -> dict[str, float]:
    """Trains all, prints a table; returns each one's error on the test years."""
    from statsmodels.datasets import sunspots

    begun = time.perf_counter()
    table = sunspots.load_pandas().data
    years, counts = table["YEAR"].to_numpy()[1:], table["SUNACTIVITY"].to_numpy() / 100.0
    now, then = counts[:-1], counts[1:]
    train, chosen, test = years <= 1890, (years > 1890) & (years <= 1920), years > 1920

    def series(part: Any) -> dict[str, Any]:
        return {"x": now[:, None], "t": np.where(part, then, np.nan)[:, None]}

    def error(forecast: Any) -> float:
        return float(np.mean((forecast - then)[test] ** 2) / np.var(then[test]))

    errors = {"persistence": error(now), f"linear autoregression, {ORDER} years": error(_linear(counts, ~test))}
    seeds = range(1 if quick else 3)
    for name, text in NETWORKS:
        module = rnnc.compile_text(text)
        found = []
        for seed in seeds:
            net = fit(
                module,
                series(train),
                valid=series(chosen),
                seed=seed,
                steps=20 if quick else 800,
                check=10,
                patience=40,
                lr=1e-2,
                weight_decay=1e-4,
                optimizer="adamw",
                clip=1.0,
                dtype="float64",
            )
            found.append(error(net.predict(series(test))["y"][:, 0, 0]))
        errors[name] = float(np.mean(found))
    print(f"{train.sum()} years to train on, {chosen.sum()} to choose the weights by, {test.sum()} to test")
    print("normalised error of next year's forecast on the test years (networks: mean of three seeds)")
    for name, value in errors.items():
        print(f"  {name:<38} {value:.3f}")
    print(f"{time.perf_counter() - begun:.0f} seconds")
    return errors


def _linear(counts: Any, part: Any) -> Any:
    """Least squares on the years of `part`; years without enough of a past are forecast as zero."""
    past = np.stack([np.concatenate([np.zeros(k), counts[: len(counts) - k]]) for k in range(ORDER)], axis=1)[:-1]
    rows = np.concatenate([past, np.ones((len(past), 1))], axis=1)
    fitted = part & (np.arange(len(rows)) >= ORDER - 1)
    weights, *_ = np.linalg.lstsq(rows[fitted], counts[1:][fitted], rcond=None)
    return rows @ weights


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few seconds, to see it run")
    main(quick=parser.parse_args().quick)
