"""Next year's sunspots from those of the years before: four networks beside persistence and a linear autoregression.

python examples/sunspots.py            # two minutes
python examples/sunspots.py --quick    # a few seconds, to see it run
python examples/sunspots.py --validate # three minutes: the years to 1920 alone, each fifth forecast from the other four

The series is the yearly mean from 1700 to 2008, as statsmodels ships it; the years from 1921 on are forecast, each from
what was known the year before. Networks and autoregression work on square roots, whose noise is even (Ghaddar and Tong
1981). Every network has a linear path past its hidden units, so that these learn what is not linear, and is trained
forty times: another tenth of the years to 1920 says each time when to stop, and the median of the forty forecasts;
last comes the mean of the four networks' forecasts. How they are trained (units, rate, average of the weights) was
chosen on the years to 1920, as `--validate` compares them, without a look at those forecast. Errors are normalised: the
mean squared error of a year's forecast over the variance of the years forecast.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

# a second thread gains nothing on products this small
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import rnnc
from rnnc.runtime.fit import fit

ORDER, LAST = 9, 1920
BLOCKS, TIMES, FOLDS = 10, 4, 5
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


def main(*, quick: bool = False, validate: bool = False) -> dict[str, float]:
    """Trains all, prints a table; returns each one's error on the years from 1921 on, or else on those before."""
    from statsmodels.datasets import sunspots

    table = sunspots.load_pandas().data
    years, counts = table["YEAR"].to_numpy()[1:], table["SUNACTIVITY"].to_numpy()
    known = years <= LAST
    if not validate:
        print(
            f"{known.sum()} years to train on, {(~known).sum()} to forecast; normalised error of next year's forecast"
        )
        return compare(counts, known, ((known, ~known),), 2 if quick else BLOCKS * TIMES)
    # the first years have no past to be forecast from, whichever way
    fifth = np.where(np.arange(len(years)) >= ORDER - 1, np.arange(len(years)) * FOLDS // known.sum(), -1)
    print(f"each fifth of {known.sum()} years forecast by what the others taught; normalised error of these forecasts")
    return compare(
        counts, known, tuple((known & (fifth != k), fifth == k) for k in range(FOLDS)), 2 if quick else BLOCKS
    )


def compare(counts: Any, known: Any, folds: tuple[tuple[Any, Any], ...], times: int) -> dict[str, float]:
    """The errors of all, networks trained `times` each; a fold is the years to train on and those to forecast."""
    begun, busy = time.perf_counter(), time.process_time()
    roots = np.sqrt(counts) / 10.0
    every = np.any([asked for _, asked in folds], axis=0)

    def error(forecast: Any) -> float:
        missed = (forecast - counts[1:])[every]
        return float(np.mean(missed**2) / np.var(counts[1:][every]))

    def together(forecast: Callable[[Any], Any]) -> Any:
        return np.sum([np.where(asked, forecast(part), 0.0) for part, asked in folds], axis=0)

    errors = {
        "persistence": error(counts[:-1]),
        f"linear autoregression, {ORDER} years": error(together(lambda part: linear(counts, part))),
        "the same of square roots": error(together(lambda part: squared(linear(roots, part)))),
    }
    for name, value in errors.items():
        print(f"  {name:<38} {value:.3f}")
    medians = []
    for name, text in NETWORKS:
        module = rnnc.compile_text(text)
        forecasts = together(lambda part, module=module: squared(trained(module, roots, known, part, times)))
        medians.append(np.median(forecasts, axis=0))
        errors[name] = error(medians[-1])
        alone = np.median([error(one) for one in forecasts])
        print(f"  {name:<38} {errors[name]:.3f}   ({alone:.3f} the median of the {len(forecasts)} alone)", flush=True)
    errors["the four together"] = error(np.mean(medians, axis=0))
    print(f"  {'the four together':<38} {errors['the four together']:.3f}")
    print(f"{time.perf_counter() - begun:.0f} seconds, {time.process_time() - busy:.0f} of them at work")
    return errors


def trained(module: Any, roots: Any, known: Any, part: Any, times: int) -> Any:
    """The forecasts of networks trained on a part of the known years, each stopped by others, (networks, years)."""
    begin = roots[: known.sum() + 1]
    part = part[: known.sum()]
    block = (np.cumsum(part) - 1) * BLOCKS // part.sum()
    forecasts = []
    for seed in range(times):
        stops = part & (block == seed % BLOCKS)
        net = fit(
            module,
            series(begin, part & ~stops),
            valid=series(begin, stops),
            seed=seed,
            steps=60 if times < BLOCKS else 600,
            check=2,
            patience=50,
            average=0.9,
            optimizer="rprop",
            lr=1e-3,
            dtype="float64",
        )
        forecasts.append(net.predict({"x": roots[:-1, None]})["y"][:, 0, 0])
    return np.stack(forecasts)


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
    parser.add_argument("--validate", action="store_true", help="the years to 1920 alone, by cross-validation")
    main(**vars(parser.parse_args()))
