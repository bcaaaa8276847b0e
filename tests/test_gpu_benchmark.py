"""benchmarks/gpu.py without a GPU: its medians by a clock that stands still, its shares by hand, its rows once each."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fake_gpu
import numpy as np
import pytest

import rnnc

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a benchmark by name; what it changes in the environment is undone."""
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    return importlib.import_module


class Scripted:
    """A clock that goes on only by what runs take: each run names its seconds."""

    def __init__(self) -> None:
        self.time = 0.0
        self.order: list[Any] = []

    def seconds(self, run: Any) -> float:
        taken = float(run())
        self.order.append(taken)
        self.time += taken
        return taken

    def now(self) -> float:
        return self.time


def test_medians_of_runs_in_turn(load: Any) -> None:
    """What warms up does not count; every run has its turn in every round; an outlier changes nothing."""
    clock, slow = Scripted(), iter([99.0] * 3 + [0.5, 0.5, 30.0, 0.5, 0.5] + [0.5] * 50)
    found = load("gpu_clock").medians({"own": lambda: 0.25, "other": lambda: next(slow)}, clock, limit=1.0)
    assert found == {"own": 0.25, "other": 0.5}
    assert clock.order[::2] == [0.25] * (len(clock.order) // 2)
    assert len(clock.order) == 2 * (3 + 5)
    again = load("gpu_clock").medians({"own": lambda: 0.25}, Scripted(), limit=4.0, warm=0)
    assert again == {"own": 0.25}


def test_work_and_shares(load: Any) -> None:
    """(T, B, H) = (2, 3, 4), 4 gates: five products of 6 positions by 16 x 4; half the rate in twice the time."""
    clock = load("gpu_clock")
    work = clock.lstm_work(2, 3, 4, 4, 7)
    assert work.products == 5 * 6 * 16 * 4 and work.bytes == 4 * 6 * 4 * 26
    peak = clock.Peak(work.products, 4 * work.bytes)
    assert peak.shares(work, 2.0) == (0.5, 0.125)
    assert clock.rtrl_work(10, 4, 3).products == 10 * 4 * 4 * 4 * 8
    text = clock.line("a row", {"module": 2.0, "cuDNN": 3.0}, "module", peak, work)
    assert "2000.000 ms" in text and "cuDNN 1.50x" in text and "rate 50.0 %, bandwidth 12.5 %" in text


def test_what_is_missing_is_said_in_a_line() -> None:
    done = subprocess.run([sys.executable, str(FOLDER / "gpu.py")], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("benchmarks/gpu.py times nothing: ")


def test_rivals_compute_the_same(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's layers and loss on the CPU, in the NumPy modules' numbers."""
    torch = pytest.importorskip("torch")
    rivals, networks = load("gpu_rivals"), load("networks")
    monkeypatch.setattr(torch, "compile", lambda step: step)
    draw = np.random.default_rng(0)
    for name in ("lstm", "coupled"):
        spec = next(n.spec for n in networks.NETWORKS if n.name == name)
        module = rnnc.compile_text(spec)
        p = module.init(seed=0, D=5, H=5)
        x, t = (draw.standard_normal((4, 3, 5)).astype("float32") for _ in range(2))
        value, _ = module.bptt(p, x=x, t=t, reduce="sum")
        found = rivals.layers(torch, name, p, torch.from_numpy(x), torch.from_numpy(t))
        assert set(found) == {"lstm": {"cuDNN"}, "coupled": {"torch loop", "compiled"}}[name]
        for learn in found.values():
            assert float(learn()) == pytest.approx(float(value), rel=1e-5)
    module = rnnc.compile_text(load("ctc").SPEC)
    z, labels = draw.standard_normal((9, 2, 4)).astype("float32"), draw.integers(1, 4, (3, 2))
    _, grads = module.bptt(module.init(K=4), z=z, l=labels, wrt="z", reduce="sum")
    found = rivals.ctc_loss(torch, torch.from_numpy(z), labels, 9)()
    np.testing.assert_allclose(found.numpy(), grads["z"], atol=1e-5)


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ to run kernels on the CPU")
def test_rows_run(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row's runs once, small, on a GPU made of NumPy; the command prints a line for each."""
    gpu = fake_gpu.gpu()
    ticks = iter(range(10**9))

    class Event:
        def record(self) -> None:
            self.tick = next(ticks)

        def synchronize(self) -> None:
            return

    gpu.cuda.Event = Event
    gpu.cuda.get_elapsed_time = lambda begin, end: 2.0 * (end.tick - begin.tick)
    gpu.cuda.runtime.getDeviceProperties = lambda device: {"name": b"a GPU"}
    gpu.cuda.runtime.deviceSynchronize = lambda: None
    monkeypatch.setitem(sys.modules, "cupy", gpu)
    monkeypatch.setitem(sys.modules, "jax", None)
    bench, clock = load("gpu"), load("gpu_clock")
    monkeypatch.setattr(bench, "SHAPES", ((4, 2, 4),))
    monkeypatch.setattr(bench, "LABELLED", (6, 2, 4, 2))
    monkeypatch.setattr(bench, "DENSE", 4)
    monkeypatch.setattr(bench, "STEPS", 4)
    monkeypatch.setattr(bench, "torch_on_gpu", lambda: None)
    monkeypatch.setattr(bench, "measured_peak", lambda cupy, events: clock.Peak(1e12, 1e12))
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--seconds", "0"])
    lines: list[str] = []
    monkeypatch.setattr("builtins.print", lambda *given, **_: lines.append(str(given[0])))
    monkeypatch.setattr(bench, "medians", lambda runs, how, limit: clock.medians(runs, how, limit, warm=1, least=1))
    with pytest.raises(SystemExit) as ended:
        bench.main()
    text = "\n".join(lines)
    assert ended.value.code == 0, text
    assert all(name in text for name in ("lstm (T", "coupled (T", "ctc (T", "rtrl dense", "steps")), text


def test_the_command_says_where_there_is_no_gpu(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = load("gpu")
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=fake_gpu.gpu().cuda))
    assert bench.found()[1] == ""
    monkeypatch.setattr(sys.modules["cupy"].cuda.runtime, "getDeviceCount", lambda: 0)
    assert bench.found() == (None, "no NVIDIA GPU")
