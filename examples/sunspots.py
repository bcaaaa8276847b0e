"""Next year's sunspots from those of the years before: four networks beside persistence and a linear autoregression.

python examples/sunspots.py            # one or two minutes
python examples/sunspots.py --quick    # a few seconds, to see it run

The series is the yearly mean from 1700 to 2008, as statsmodels ships it; the years from 1921 on are forecast, each from
what was known the year before. Networks and autoregression work on square roots, whose noise is even (Ghaddar and Tong
1981). Every network has a linear path past its hidden units, so that these learn what is not linear, and is trained
twenty times: each time other two decades of the years to 1920 say when to stop, and the forecast is the median of the
twenty. Errors are normalised: the mean squared error of a year's forecast over the variance of the years forecast.
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

ORDER, LAST = 9, 1920
BLOCKS, TIMES = 10, 4
HEAD = "axis n input x[n] : 1 target t[n] : 1"
TAIL = "full(h[n]) + bias loss mean over n (squared_error(y, t))"
NETWORKS = (
    (
        "windowed MLP, nine years",
        f"network mlp(H = 4) {{ {HEAD} unit h[n] : H = tanh(full(x[n-8..n]) + bias) "
        f"output y[n] : 1 = full(x[n-8..n]) + {TAIL} }}",
    ),
    (
        "NARX, nine years and its own last two",
        f"network narx(H = 4) {{ {HEAD} unit h[n] : H = tanh(full(x[n-8..n]) + full(y[n-2..n-1]) + bias) "
        f"output y[n] : 1 = full(x[n-8..n]) + {TAIL} }}",
    ),
    (
        "Elman-Jordan",
        f"network elman_jordan(H = 4) {{ {HEAD} unit h[n] : H = tanh(full(x[n]) + full(h[n-1]) + full(y[n-1]) + bias) "
        f"output y[n] : 1 = full(x[n]) + {TAIL} }}",
    ),
    (
        "LSTM",
        f'use "lstm" network with_lstm(H = 4) {{ {HEAD} unit h[n] = lstm(x, H) '
        f"output y[n] : 1 = full(x[n]) + {TAIL} }}",
    ),
)


def main(*, quick: bool = False) -> dict[str, float]:
    """Trains all, prints a table; returns each one's error on the years from 1921 on."""
    from statsmodels.datasets import sunspots

    begun, busy = time.perf_counter(), time.process_time()
    table = sunspots.load_pandas().data
    years, counts = table["YEAR"].to_numpy()[1:], table["SUNACTIVITY"].to_numpy()
    roots = np.sqrt(counts) / 10.0
    known = years <= LAST

    def error(forecast: Any) -> float:
        missed = (forecast - counts[1:])[~known]
        return float(np.mean(missed**2) / np.var(counts[1:][~known]))

    print(f"{known.sum()} years to train on, {(~known).sum()} to forecast; normalised error of next year's forecast")
    errors = {
        "persistence": error(counts[:-1]),
        f"linear autoregression, {ORDER} years": error(linear(counts, known)),
        "the same of square roots": error(squared(linear(roots, known))),
    }
    for name, value in errors.items():
        print(f"  {name:<38} {value:.3f}")
    for name, text in NETWORKS:
        forecasts = [squared(one) for one in trained(rnnc.compile_text(text), roots, known, quick)]
        errors[name] = error(np.median(forecasts, axis=0))
        alone = np.median([error(one) for one in forecasts])
        print(f"  {name:<38} {errors[name]:.3f}   ({alone:.3f} the median of the {len(forecasts)} alone)", flush=True)
    print(f"{time.perf_counter() - begun:.0f} seconds, {time.process_time() - busy:.0f} of them at work")
    return errors


def trained(module: Any, roots: Any, known: Any, quick: bool) -> list[Any]:
    """The forecasts of networks that stop by different years, (years,) each."""
    count = int(known.sum())
    block = np.arange(count) * BLOCKS // count
    forecasts = []
    for seed in range(2 if quick else BLOCKS * TIMES):
        asked = block == seed % BLOCKS
        net = fit(
            module,
            series(roots[: count + 1], ~asked),
            valid=series(roots[: count + 1], asked),
            seed=seed,
            steps=60 if quick else 600,
            check=5,
            patience=20,
            optimizer="rprop",
            lr=1e-3,
            dtype="float64",
        )
        forecasts.append(net.predict({"x": roots[:-1, None]})["y"][:, 0, 0])
    return forecasts


def series(roots: Any, asked: Any) -> dict[str, Any]:
    """Every year, and the one after it where it is `asked` for."""
    return {"x": roots[:-1, None], "t": np.where(asked, roots[1:], np.nan)[:, None]}


def squared(roots: Any) -> Any:
    """Back from roots to sunspots."""
    return (10.0 * np.maximum(roots, 0.0)) ** 2


def linear(values: Any, part: Any) -> Any:
    """Least squares on the years of `part`; years without enough of a past are forecast as zero."""
    past = np.stack([np.concatenate([np.zeros(k), values[: len(values) - k]]) for k in range(ORDER)], axis=1)[:-1]
    rows = np.concatenate([past, np.ones((len(past), 1))], axis=1)
    fitted = part & (np.arange(len(rows)) >= ORDER - 1)
    weights, *_ = np.linalg.lstsq(rows[fitted], values[1:][fitted], rcond=None)
    return rows @ weights


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few seconds, to see it run")
    main(quick=parser.parse_args().quick)
