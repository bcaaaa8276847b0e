"""What a CuPy module asks of the device, counted on the stand-in: launches a step, and waits of the host."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import fake_gpu
import numpy as np
import pytest
from test_cupy_scans import COUPLED

import rnnc

SPECS = Path(__file__).resolve().parent.parent / "specs"

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ to run kernels on the CPU")

# products and kernels of one step, forward and backward, where a scan runs step by step
STEPS: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "elman": ((1, 1), (1, 1)),
    "lstm": ((1, 1), (1, 1)),
    "lstm_peephole": ((1, 1), (1, 1)),
    "coupled": ((1, 1), (1, 1)),
    "gru_reset_after": ((1, 1), (1, 1)),
    "gru": ((2, 2), (2, 2)),
    "two_layer": ((2, 2), (2, 2)),
}


@pytest.fixture(autouse=True)
def gpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = fake_gpu.gpu()
    monkeypatch.setitem(sys.modules, "cupy", made)
    return made


def compiled(name: str) -> ModuleType:
    text = COUPLED if name == "coupled" else (SPECS / f"{name}.rnn").read_text(encoding="utf-8")
    module: ModuleType = rnnc.compile_text(text, target="cupy")
    return module


def data_of(module: ModuleType, p: Any, length: int, ragged: bool) -> dict[str, Any]:
    """Random data on the device, three sequences, tokens and targets among them."""
    draw = np.random.default_rng(length)
    found: dict[str, Any] = {"lengths": np.array([length, length - ragged, length])}
    for name, record in {**module.INPUTS, **module.TARGETS}.items():
        shape, vocabulary = module.data_shapes(**p.sizes)[name]
        whole = (*(length for _ in record["axes"]), 3, *shape)
        array = draw.integers(vocabulary, size=whole) if vocabulary else draw.standard_normal(whole)
        found[name] = sys.modules["cupy"].asarray(array)
    return found


def done(module: ModuleType, p: Any, call: str, data: Mapping[str, Any]) -> Counter[str]:
    with fake_gpu.watched() as done:
        getattr(module, call)(p, **data)
    return Counter(word.split()[0] for word in done)


def a_step(module: ModuleType, call: str, ragged: bool = False, sizes: Mapping[str, int] | None = None) -> Counter[str]:
    """What one step more takes, by kind."""
    p = module.init(dtype="float64", **(sizes or {}))
    short, long = (done(module, p, call, data_of(module, p, length, ragged)) for length in (5, 6))
    long.subtract(short)
    return Counter({kind: count for kind, count in long.items() if count})


@pytest.mark.parametrize("name", STEPS)
def test_launches_of_a_step(name: str) -> None:
    """Products and kernels of the module's own, even batch or ragged: nothing of CuPy's, no wait."""
    module = compiled(name)
    (products, kernels), (more_products, more_kernels) = STEPS[name]
    both = {"product": products + more_products, "kernel": kernels + more_kernels}
    for ragged in (False, True):
        assert a_step(module, "forward", ragged) == {"product": products, "kernel": kernels}
        assert a_step(module, "bptt", ragged) == both


@pytest.mark.parametrize(
    ("name", "sizes"), [("learned_delays", {}), ("char_lm", {"V": 11, "E": 5, "H": 6}), ("echo_state", {})]
)
def test_no_step_waits(name: str, sizes: dict[str, int]) -> None:
    module = compiled(name)
    assert "wait" not in a_step(module, "bptt", sizes=sizes) and "up" not in a_step(module, "bptt", sizes=sizes)
    if hasattr(module, "rtrl"):
        assert "wait" not in a_step(module, "rtrl", sizes=sizes)


def test_a_whole_call_waits_for_nothing() -> None:
    """Arrays and lengths of a network without tokens are checked without a look at the device."""
    module = compiled("lstm")
    p = module.init()
    for call in ("forward", "bptt", "rtrl"):
        assert done(module, p, call, data_of(module, p, 5, True))["wait"] == 0
    state = module.start(p, batch=3)
    x = data_of(module, p, 5, False)["x"]
    with fake_gpu.watched() as stepped:
        _, state = module.step(p, state, x=x[0])
    assert not any(word.startswith("wait") for word in stepped)


def test_the_stand_in_sees_waits() -> None:
    there = sys.modules["cupy"].asarray(np.arange(4.0))
    for look in (bool, float, int):
        with fake_gpu.watched() as done:
            look(there[1])
        assert any(word.startswith("wait") for word in done)
    with fake_gpu.watched() as done:
        there[there > 1.0]
    assert "wait mask" in done
