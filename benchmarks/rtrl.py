"""Exact real-time recurrent learning, batch 1, 100 steps, float32, against JAX: ratios of interleaved runs.

    python benchmarks/rtrl.py [--seconds 3] [--inputs 8]

Above 1, the module is faster. JAX's rival is a jitted `lax.scan` that carries the Jacobian: for the dense layer with
`jacrev` of the step, for the layer whose units see only themselves with the traces written out by hand. Both do the
same work on the same weights, on one thread; the gradients are compared first. Times are of the processor. Without JAX
only the module's own times are shown. "product": what the matrix products of the dense influences alone take in NumPy,
below which no NumPy code comes; with which kernels, OPENBLAS_CORETYPE decides where it is set. Then `hybrid` beside
`rtrl`, over 100 steps and over 500, which are several blocks.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
STEPS = 100
SPEC = """
network layer(D = 8, H = 8) {{
  axis n
  input  x[n] : D
  target t[n] : H
  output h[n] : H = tanh(full(x[n]) + {kind}(h[n-1]) + bias)
  loss squared_error(h, t)
}}
"""
SHAPES = (
    ("dense", 8, 0.26),
    ("dense", 32, 0.85),
    ("dense", 100, 1.08),
    ("diagonal", 64, None),
    ("diagonal", 512, None),
)
BLOCKWISE = ((32, 100), (32, 500), (100, 100), (100, 500))
KINDS = {"dense": ("full", "h.W_h"), "diagonal": ("diag", "h.w_h")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each layer")
    parser.add_argument("--inputs", type=int, default=8)
    options = parser.parse_args()
    os.environ.update({name: "1" for name in THREADS if name not in os.environ})
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    print(f"OPENBLAS_CORETYPE: {os.environ.get('OPENBLAS_CORETYPE') or 'not set'}")
    print("layer        H       rtrl       bptt    product  ratio to JAX  goal")
    for kind, units, goal in SHAPES:
        ours, back, ratio = measure(kind, units, options.inputs, options.seconds)
        alone = f"{products(units, options.inputs) * 1e3:8.2f} ms" if kind == "dense" else f"{'-':>11}"
        shown = f"{ratio:12.2f}" if ratio else f"{'-':>12}"
        print(f"{kind:<9}{units:>5}{ours * 1e3:8.2f} ms{back * 1e3:8.2f} ms{alone}{shown}  {goal or ''}", flush=True)
    print("\nlayer        H   steps       rtrl     hybrid  rtrl / hybrid  block")
    for units, steps in BLOCKWISE:
        whole, blocks, block = blockwise(units, options.inputs, steps, options.seconds)
        print(
            f"dense    {units:>5}{steps:>8}{whole * 1e3:8.0f} ms{blocks * 1e3:8.2f} ms{whole / blocks:15.1f}{block:>7}",
            flush=True,
        )


def measure(kind: str, units: int, inputs: int, seconds: float) -> tuple[float, float, float | None]:
    """Medians of the module's `rtrl` and `bptt` in seconds, and of JAX's time over that of `rtrl`."""
    import numpy as np

    import rnnc

    module = rnnc.compile_text(SPEC.format(kind=KINDS[kind][0]))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((STEPS, inputs)).astype("float32")
    t = rng.uniform(-1, 1, (STEPS, units)).astype("float32")
    p = module.init(seed=0, D=inputs, H=units)
    theirs = rival(kind, module, p, x, t)
    times: tuple[list[float], list[float], list[float]] = ([], [], [])
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 5:
        times[0].append(timed(lambda: module.rtrl(p, x=x, t=t)))
        if theirs is not None:
            times[1].append(timed(theirs) / times[0][-1])
        times[2].append(timed(lambda: module.bptt(p, x=x, t=t)))
    ratio = statistics.median(times[1]) if times[1] else None
    return statistics.median(times[0]), statistics.median(times[2]), ratio


def blockwise(units: int, inputs: int, steps: int, seconds: float) -> tuple[float, float, int]:
    """Medians of `rtrl` and `hybrid` in seconds, and the steps of a block; the gradients are compared first."""
    import numpy as np

    import rnnc

    module = rnnc.compile_text(SPEC.format(kind="full"), learn=("rtrl", "hybrid"))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((steps, inputs)).astype("float32")
    t = rng.uniform(-1, 1, (steps, units)).astype("float32")
    p = module.init(seed=0, D=inputs, H=units)
    one, other = (learn(p, x=x, t=t)[1].flat for learn in (module.rtrl, module.hybrid))
    np.testing.assert_allclose(one, other, atol=1e-3 * float(np.abs(one).max()))
    times: tuple[list[float], list[float]] = ([], [])
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 3:
        times[0].append(timed(lambda: module.rtrl(p, x=x, t=t)))
        times[1].append(timed(lambda: module.hybrid(p, x=x, t=t)))
    return statistics.median(times[0]), statistics.median(times[1]), min(steps, module.hybrid_block(p.sizes))


def products(units: int, inputs: int) -> float:
    """Seconds of the products of a dense layer's influences alone, over all steps."""
    import numpy as np

    rng = np.random.default_rng(0)
    step = rng.standard_normal((units, units)).astype("float32")
    before = rng.standard_normal((units, units * (inputs + units + 1))).astype("float32")
    after = np.empty_like(before)
    every = []
    for _ in range(5):
        every.append(timed(lambda: [np.matmul(step, before, out=after) for _ in range(STEPS)]))
    return statistics.median(every)


def timed(run: Callable[[], Any]) -> float:
    """Seconds of processor time, of all threads: what else the machine does counts less."""
    begin = time.process_time()
    run()
    return time.process_time() - begin


def rival(kind: str, module: ModuleType, p: Any, x: Any, t: Any) -> Callable[[], Any] | None:
    """The same in JAX, checked against the module's gradients; None without JAX."""
    try:
        import jax
    except ImportError:
        return None
    import numpy as np

    weights = {"x": p["h.W_x"], "h": p[KINDS[kind][1]], "b": p["h.b"]}
    weights = {name: jax.numpy.asarray(np.array(array)) for name, array in weights.items()}
    follow = jax.jit({"dense": carried, "diagonal": traced}[kind])
    grads = follow(weights, x, t)
    _, mine = module.rtrl(p, x=x, t=t)
    for name, key in (("x", "h.W_x"), ("h", KINDS[kind][1]), ("b", "h.b")):
        scale = float(np.abs(mine[key]).max())
        np.testing.assert_allclose(mine[key], np.asarray(grads[name]), atol=1e-3 * scale)
    return lambda: jax.block_until_ready(follow(weights, x, t))


def carried(weights: Any, x: Any, t: Any) -> Any:
    """RTRL of a dense layer: the Jacobian of the state by all weights, carried through a scan."""
    import jax
    import jax.numpy as jnp

    def step(w: Any, h: Any, now: Any) -> Any:
        return jnp.tanh(w["x"] @ now + w["h"] @ h + w["b"])

    def body(carry: Any, data: Any) -> Any:
        h, influence, total = carry
        now, target = data
        local, past = jax.jacrev(step, argnums=(0, 1))(weights, h, now)
        h = step(weights, h, now)
        influence = {k: jnp.tensordot(past, influence[k], 1) + local[k] for k in influence}
        total = {k: total[k] + jnp.tensordot(h - target, influence[k], 1) for k in total}
        return (h, influence, total), None

    units = weights["b"].shape[0]
    none = {k: jnp.zeros((units, *w.shape), x.dtype) for k, w in weights.items()}
    begin = (jnp.zeros(units, x.dtype), none, {k: jnp.zeros_like(w) for k, w in weights.items()})
    (_, _, total), _ = jax.lax.scan(body, begin, (x, t))
    return total


def traced(weights: Any, x: Any, t: Any) -> Any:
    """RTRL of a layer whose units see only themselves: a trace for every weight."""
    import jax
    import jax.numpy as jnp

    def body(carry: Any, data: Any) -> Any:
        h, trace, total = carry
        now, target = data
        new = jnp.tanh(weights["x"] @ now + weights["h"] * h + weights["b"])
        slope = 1 - new * new
        kept = slope * weights["h"]
        trace = {
            "x": kept[:, None] * trace["x"] + slope[:, None] * now,
            "h": kept * trace["h"] + slope * h,
            "b": kept * trace["b"] + slope,
        }
        error = new - target
        total = {k: total[k] + error.reshape((-1,) + (1,) * (trace[k].ndim - 1)) * trace[k] for k in total}
        return (new, trace, total), None

    zero = {k: jnp.zeros_like(w) for k, w in weights.items()}
    (_, _, total), _ = jax.lax.scan(body, (jnp.zeros_like(weights["b"]), zero, zero), (x, t))
    return total


if __name__ == "__main__":
    main()
