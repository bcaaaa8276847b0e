"""CuPy modules against torch (and JAX) on one GPU: medians of CUDA-event times, all of a row interleaved, float32.

    python benchmarks/gpu.py [--seconds 4]

Behind each rival stands how many times as long as the module it took: above 1, the module is faster. "steps" is the
module itself with its scans run step by step in place of one kernel each. Numbers are compared before anything is
timed, tf32 is off on both sides. "compiled" is a torch loop over a step that torch.compile has seen: all steps at
once take it minutes. Shares are of what a large product and a large copy reach in the same process.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from gpu_clock import Events, Peak, Run, Wall, Work, ctc_work, line, lstm_work, medians, rtrl_work

SHAPES = ((100, 64, 256), (200, 64, 512), (500, 32, 1024))
LABELLED = (500, 64, 80, 50)
STEPS, DENSE, INPUTS = 100, 256, 8

Row = tuple[str, dict[str, Run], str, Work, bool]
"""Name, runs by name, the module's own, what it has to do, whether a library has streams of its own."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each row")
    options = parser.parse_args()
    cupy, said = found()
    if cupy is None:
        sys.exit(f"benchmarks/gpu.py times nothing: {said}")
    torch = torch_on_gpu()
    events, wall = Events(cupy), Wall(cupy)
    peak = measured_peak(cupy, events)
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    print(f"{name}: {2 * peak.products / 1e12:.1f} TFLOP/s in float32, {peak.bytes / 1e9:.0f} GB/s", flush=True)
    failed = 0
    for title, made in rows(cupy, torch):
        try:
            name, runs, own, work, streams = made()
            times = medians(runs, wall if streams else events, options.seconds)
            print(line(name, times, own, peak, work), flush=True)
        except Exception as failure:
            failed += 1
            print(f"{title}: {type(failure).__name__}: {failure}", flush=True)
            traceback.print_exc()
    sys.exit(1 if failed else 0)


def found() -> tuple[Any, str]:
    """CuPy, or None and what is missing in one line."""
    packages = "pip install 'cupy-cuda12x[ctk]' for CUDA 12, 'cupy-cuda13x[ctk]' for CUDA 13"
    try:
        import cupy

        count = cupy.cuda.runtime.getDeviceCount()
    except ImportError:
        return None, f"CuPy is not installed ({packages})"
    except RuntimeError as failure:
        return None, f"no NVIDIA GPU ({failure})"
    return (cupy, "") if count else (None, "no NVIDIA GPU")


def torch_on_gpu() -> Any:
    """torch with tf32 off, or None after a line that says why."""
    try:
        import torch
    except ImportError:
        print("without torch: its rivals are left out (pip install torch)")
        return None
    if not torch.cuda.is_available():
        print(f"without torch: {torch.__version__} sees no GPU, its rivals are left out")
        return None
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return torch


def measured_peak(cupy: Any, clock: Events) -> Peak:
    """A product of 4096 x 4096 in float32 and a copy of a gigabyte."""
    a, b, c = (cupy.ones((4096, 4096), "float32") for _ in range(3))
    source, copy = (cupy.ones(1 << 28, "float32") for _ in range(2))
    times = medians(
        {"product": lambda: cupy.matmul(a, b, out=c), "copy": lambda: cupy.copyto(copy, source)}, clock, 0.5
    )
    return Peak(4096.0**3 / times["product"], 2.0 * 4 * (1 << 28) / times["copy"])


def rows(cupy: Any, torch: Any) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Every row's title and what makes it."""
    for shape in SHAPES:
        yield f"lstm {shape}", lambda shape=shape: layer(cupy, torch, "lstm", shape)  # type: ignore[misc]
    for shape in SHAPES:
        yield f"coupled {shape}", lambda shape=shape: layer(cupy, torch, "coupled", shape)  # type: ignore[misc]
    yield f"ctc {LABELLED}", lambda: ctc(cupy, torch)
    yield f"rtrl dense {DENSE}", lambda: rtrl(cupy)


def layer(cupy: Any, torch: Any, name: str, shape: tuple[int, int, int]) -> Row:
    """Forward and backward of one layer with as many inputs as units."""
    import numpy as np
    from networks import NETWORKS

    import rnnc

    network = next(n for n in NETWORKS if n.name == name)
    steps, batch, units = shape
    module = rnnc.compile_text(network.spec, target="cupy")
    plain = rnnc.compile_text(network.spec, target="cupy")
    plain.Scan.MOST = 0
    p = module.init(seed=0, D=units, H=units)
    # NumPy's: CuPy's own generator needs cuRAND
    draw = np.random.default_rng(0)
    x, t = (cupy.asarray(draw.standard_normal((steps, batch, units), dtype="float32")) for _ in range(2))
    runs: dict[str, Run] = {
        "module": lambda: module.bptt(p, x=x, t=t, reduce="sum"),
        "steps": lambda: plain.bptt(p, x=x, t=t, reduce="sum"),
    }
    value, grads = module.bptt(p, x=x, t=t, reduce="sum")
    same(plain.bptt(p, x=x, t=t, reduce="sum")[1].flat, grads.flat)
    if torch is not None:
        from gpu_rivals import layers

        x_torch, t_torch = (torch.from_dlpack(a) for a in (x, t))
        torch.compiler.reset()
        for rival, learn in layers(torch, name, p, x_torch, t_torch).items():
            try:
                found = learn()
            except Exception as failure:
                print(f"{name} {shape} without {rival}: {type(failure).__name__}: {str(failure)[:200]}", flush=True)
                continue
            same(cupy.asarray(found), cupy.asarray(value))
            runs[rival] = learn
    gates = {"lstm": 4, "coupled": 3}[name]
    work = lstm_work(steps, batch, units, gates, network.saved)
    return f"{name} (T, B, H) = {shape}", runs, "module", work, False


def ctc(cupy: Any, torch: Any) -> Row:
    """The loss from logits, and its gradient."""
    import numpy as np
    from ctc import SPEC

    import rnnc

    frames, batch, classes, many = LABELLED
    module = rnnc.compile_text(SPEC, target="cupy")
    draw = np.random.default_rng(0)
    z = cupy.asarray(draw.standard_normal((frames, batch, classes)).astype("float32"))
    labels = cupy.asarray(draw.integers(1, classes, (many, batch)))
    lengths = cupy.full(batch, frames), cupy.full(batch, many)
    slope, ones = cupy.empty_like(z), cupy.ones(batch, "float32")

    def own() -> None:
        module.Lattice(z, labels, *lengths, 0).gradient(ones, slope)

    runs: dict[str, Run] = {"module": own}
    if torch is not None:
        from gpu_rivals import ctc_loss

        learn = ctc_loss(torch, torch.from_dlpack(z), labels.get(), frames)
        own()
        same(cupy.asarray(learn()), slope)
        runs["torch"] = learn
    return f"ctc (T, B, K, S) = {LABELLED}", runs, "module", ctc_work(*LABELLED), False


def rtrl(cupy: Any) -> Row:
    """Exact real-time recurrent learning of a dense layer, batch 1."""
    import numpy as np
    from rtrl import SPEC, carried

    import rnnc

    module: ModuleType = rnnc.compile_text(SPEC.format(kind="full"), target="cupy", learn=("bptt", "rtrl"))
    p = module.init(seed=0, D=INPUTS, H=DENSE)
    draw = np.random.default_rng(0)
    x, t = (draw.standard_normal((STEPS, n)).astype("float32") for n in (INPUTS, DENSE))
    own = {"x": cupy.asarray(x), "t": cupy.asarray(t)}
    runs: dict[str, Run] = {"module": lambda: module.rtrl(p, **own)}
    try:
        import jax
    except ImportError:
        print("without jax: its rival is left out (pip install jax[cuda12])")
    else:
        weights = {k: jax.numpy.asarray(p[name].get()) for k, name in (("x", "h.W_x"), ("h", "h.W_h"), ("b", "h.b"))}
        there = jax.numpy.asarray(x), jax.numpy.asarray(t)
        follow = jax.jit(carried)
        same(cupy.asarray(np.asarray(follow(weights, *there)["h"])), module.rtrl(p, **own)[1]["h.W_h"])
        runs[f"jax on {jax.default_backend()}"] = lambda: jax.block_until_ready(follow(weights, *there))
    return f"rtrl dense H = {DENSE}, T = {STEPS}", runs, "module", rtrl_work(STEPS, DENSE, INPUTS), True


def same(one: Any, other: Any) -> None:
    """Raises ValueError unless both arrays say the same, in single precision."""
    import cupy

    apart, size = (float(cupy.abs(a).max()) for a in (one.reshape(-1) - other.reshape(-1), other))
    if not apart <= 2e-3 * size:
        raise ValueError(f"numbers differ by {apart:.2g}, the largest is {size:.2g}")


if __name__ == "__main__":
    main()
