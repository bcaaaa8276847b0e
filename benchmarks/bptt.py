"""A recurrent layer, forward and backward in float32, against torch and against NumPy by hand (`by_hand.py`): ratios of
interleaved runs; peak memory.

    python benchmarks/bptt.py [--threads 1 2] [--seconds 4] [--only lstm]

Above 1, the module is faster. Both do the same work on the same weights; the results are compared first.
Without torch the others are measured. NumPy's products are OpenBLAS's, which picks its kernels by the processor unless
OPENBLAS_CORETYPE says which; that is shown, since kernels without AVX-512 take up to twice as long where it is there.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from types import ModuleType
from typing import Any

SHAPES = ((100, 1, 16, 16), (100, 16, 64, 64), (100, 64, 128, 128), (200, 32, 256, 512))
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="of the matrix products")
    parser.add_argument("--seconds", type=float, default=4.0, help="for each network and shape")
    parser.add_argument("--only", help="one network: lstm, elman or coupled")
    parser.add_argument("--inside", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside is not None:
        measure(options)
        return
    print(f"OPENBLAS_CORETYPE: {os.environ.get('OPENBLAS_CORETYPE') or 'not set'}")
    print(
        "network  (T, B, I, H)          rival       "
        + "".join(f"{n} thr.  " for n in options.threads)
        + "goal   by hand  memory"
    )
    runs = [rows(n, options) for n in options.threads]
    for together in zip(*runs, strict=True):
        one = together[0]
        ratios = "".join(f"{r['ratio']:5.2f}   " if r["ratio"] else "    -   " for r in together)
        print(
            f"{one['name']:<8} {one['shape']!s:<21} {one['rival']:<11} {ratios}{one['goal']:5.2f}   "
            f"{one['hand']:5.2f}    "
            f"{one['peak'] / 2**20:.1f} MiB = {one['peak'] / one['need']:.2f} of {one['need'] / 2**20:.1f}"
        )


def rows(threads: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """One process for every number of threads: the libraries read it when they are loaded."""
    command = [sys.executable, __file__, "--inside", str(threads), "--seconds", str(options.seconds)]
    command += ["--only", options.only] if options.only else []
    environment = {**os.environ, **dict.fromkeys(THREADS, str(threads))}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def measure(options: argparse.Namespace) -> None:
    from networks import NETWORKS

    import rnnc

    for network in NETWORKS:
        if options.only not in (None, network.name):
            continue
        module = rnnc.compile_text(network.spec)
        for shape in SHAPES:
            peak, need = memory(module, shape, network.saved)
            ratio = against_torch(network, module, shape, options.inside, options.seconds)
            hand = against_hand(network.name, module, shape, options.seconds)
            row = {"name": network.name, "shape": shape, "rival": network.rival, "ratio": ratio, "peak": peak}
            row["hand"] = hand
            print(json.dumps({**row, "need": need, "goal": network.goals[shape[3]]}), flush=True)


def task(module: ModuleType, shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """Parameters, inputs and targets."""
    import numpy as np

    steps, batch, inputs, units = shape
    rng = np.random.default_rng(0)
    x = rng.standard_normal((steps, batch, inputs)).astype("float32")
    t = rng.uniform(-1, 1, (steps, batch, units)).astype("float32")
    return module.init(seed=0, D=inputs, H=units), x, t


def memory(module: ModuleType, shape: tuple[int, ...], saved: int) -> tuple[int, int]:
    """Peak bytes of a `bptt` beyond its arguments, and what saved activations and gradients need."""
    p, x, t = task(module, shape)
    module.bptt(p, x=x, t=t)
    tracemalloc.start()
    module.bptt(p, x=x, t=t)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, 4 * (saved * shape[0] * shape[1] * shape[3]) + p.flat.nbytes


def against_torch(
    network: Any, module: ModuleType, shape: tuple[int, ...], threads: int, seconds: float
) -> float | None:
    """The median of the ratios of neighbouring runs, torch's time over ours; None without torch."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(threads)
    p, x, t = task(module, shape)
    weight, layer = network.build(p)
    x_torch, t_torch = torch.from_numpy(x), torch.from_numpy(t)

    def theirs() -> float:
        weight.grad = None
        loss = 0.5 * (t_torch - layer(x_torch)).square().sum() / shape[1]
        loss.backward()
        return float(loss.detach())

    same(network.name, module.bptt(p, x=x, t=t), theirs(), weight)
    return ratio(lambda: module.bptt(p, x=x, t=t), theirs, seconds)


def against_hand(name: str, module: ModuleType, shape: tuple[int, ...], seconds: float) -> float:
    """The same against code by hand."""
    import numpy as np
    from by_hand import BY_HAND

    theirs, (p, x, t) = BY_HAND[name], task(module, shape)
    (value, grads), (own, hand) = module.bptt(p, x=x, t=t), theirs(p, x, t)
    np.testing.assert_allclose(value, own, rtol=1e-4)
    for key, gradient in grads.items():
        np.testing.assert_allclose(gradient, hand[key], atol=1e-3 * float(np.abs(gradient).max()))
    return ratio(lambda: module.bptt(p, x=x, t=t), lambda: theirs(p, x, t), seconds)


def ratio(ours: Callable[[], Any], theirs: Callable[[], Any], seconds: float) -> float:
    """The median over neighbouring runs of their time over ours."""
    ratios: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(ratios) < 5:
        start = time.perf_counter()
        ours()
        middle = time.perf_counter()
        theirs()
        ratios.append((time.perf_counter() - middle) / (middle - start))
    return statistics.median(ratios)


def same(name: str, ours: tuple[Any, Any], loss: float, weight: Any) -> None:
    """Raises AssertionError where loss or gradient of the recurrent weights differ."""
    import numpy as np
    from networks import RECURRENT

    value, grads = ours
    np.testing.assert_allclose(value, loss, rtol=1e-4)
    gradient = np.concatenate([grads[key] for key in RECURRENT[name]])
    scale = float(np.abs(gradient).max())
    np.testing.assert_allclose(gradient, weight.grad.numpy(), atol=1e-3 * scale)


if __name__ == "__main__":
    main()
