"""The ctc loss and its gradient by the logits, in float32, against torch's: ratios of interleaved runs on one thread.

    python benchmarks/ctc.py [--seconds 4]

Above 1, the module is faster. Both start from logits (torch through its log_softmax) and the results are compared
first. "bptt" is the whole call of a module that is nothing but the loss: checks, output and gradient copied out.
Beside torch's error in the gradient against float64 stands the module's own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
for name in THREADS:
    os.environ[name] = "1"  # the libraries read it when they are loaded

SHAPES = ((50, 16, 28, 10), (500, 32, 40, 50), (150, 64, 80, 20))
GOALS = (1.0, 1.8, 1.8)
SPEC = """
network alone(K = 3) {
  axis n, m
  input  z[n] : K
  target l[m] : token(K)
  output p[n] : K = softmax(z + bias)
  loss ctc(p, l, blank = 0)
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each shape")
    options = parser.parse_args()
    print("(T, B, K, S)           loss and gradient   goal   bptt    error of the gradient, torch's")
    for shape, goal in zip(SHAPES, GOALS, strict=True):
        kernel, whole, ours, theirs = measure(shape, options.seconds)
        print(f"{shape!s:<22} {kernel:9.2f} {goal:17.2f} {whole:6.2f}    {ours:.1e}, {theirs:.1e}")


def measure(shape: tuple[int, int, int, int], seconds: float) -> tuple[float, float, float, float]:
    """Median ratios of the loss with its gradient and of the whole call; the relative errors of both gradients."""
    import numpy as np
    import torch

    import rnnc

    torch.set_num_threads(1)
    frames, batch, classes, many = shape
    draw = np.random.default_rng(0)
    z = draw.standard_normal((frames, batch, classes)).astype("float32")
    labels = draw.integers(1, classes, (many, batch))
    lengths = np.full(batch, frames), np.full(batch, many)
    module = rnnc.compile_text(SPEC)
    p, slope = module.init(K=classes), np.empty_like(z)
    z_torch = torch.tensor(z, requires_grad=True)
    arguments = tuple(torch.tensor(a) for a in (labels.T.copy(), *lengths))

    def loss_and_gradient() -> Any:
        with np.errstate(all="ignore"):
            lattice = module.Lattice(z, labels, *lengths, 0)
            lattice.gradient(np.ones(batch), slope)
        return slope

    def theirs() -> Any:
        z_torch.grad = None
        logs = torch.log_softmax(z_torch, 2)
        torch.nn.functional.ctc_loss(logs, *arguments, blank=0, reduction="sum").backward()
        assert z_torch.grad is not None
        return z_torch.grad.numpy()

    def whole() -> Any:
        return module.bptt(p, z=z, l=labels, wrt="z", reduce="sum")[1]["z"]

    exact = module.bptt(module.init(K=classes, dtype="float64"), z=z, l=labels, wrt="z", reduce="sum")[1]["z"]
    errors = [float(np.linalg.norm(f() - exact) / np.linalg.norm(exact)) for f in (loss_and_gradient, theirs)]
    kernel, call = interleaved((loss_and_gradient, whole), theirs, seconds)
    return kernel, call, errors[0], errors[1]


def interleaved(ours: tuple[Callable[[], Any], ...], theirs: Callable[[], Any], seconds: float) -> tuple[float, ...]:
    """For each of ours the median ratio of torch's time to it, all run in turn."""
    ratios: tuple[list[float], ...] = tuple([] for _ in ours)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(ratios[0]) < 5:
        times = [timed(f) for f in (theirs, *ours)]
        for found, own in zip(ratios, times[1:], strict=True):
            found.append(times[0] / own)
    return tuple(statistics.median(found) for found in ratios)


def timed(f: Callable[[], Any]) -> float:
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
