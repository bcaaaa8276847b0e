"""Whole scans as one kernel, its blocks and threads run on the CPU: NumPy's numbers, and those of the plain path."""

from __future__ import annotations

import re
import shutil
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import fake_gpu
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from oracle.properties import Subject, close

import rnnc

Array = NDArray[Any]
ROOT = Path(__file__).resolve().parent.parent
SPECS = ROOT / "specs"

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ to run kernels on the CPU")

# Input and forget gate coupled (Greff et al. 2017), with peepholes.
COUPLED = """
cell coupled(x, H) over n {
  gate f : H = sigmoid(full(x) + full(y[n-1]) + diag(c[n-1]) + bias(init = ones))
  unit c : H = f * c[n-1] + (1 - f) * tanh(full(x) + full(y[n-1]) + bias)
  gate o : H = sigmoid(full(x) + full(y[n-1]) + diag(c) + bias)
  unit y : H = o * tanh(c)
  return y
}
network coupled_peephole(D = 3, H = 4) {
  axis n
  input  x[n] : D
  target t[n] : H
  unit   h[n] = coupled(x, H)
  output y[n] : H = full(h) + bias
  loss squared_error(y, t)
}
"""
CELLS = {
    "elman": 2,
    "lstm": 2,
    "gru": 2,
    "coupled": 2,
    "gru_reset_after": 2,
    "lstm_peephole": 2,
    "minimal_gated": 2,
    "leaky": 2,
    "skip": 2,
    "learned_delays": 2,
    "bidirectional_concat": 4,
    "bidirectional_shared": 4,
    "two_layer": 4,
    "encoder_decoder": 3,
    "attention": 4,
    "char_lm": 4,
    "elman_ctc": 2,
    "handwriting": 2,
    "echo_state": 2,
    "one_to_many": 2,
    "fully_recurrent": 2,
}
"""Networks, and how many scans a learning step runs as one kernel each."""

OTHERS = ("jordan", "layer_norm_lstm", "rnn2d", "second_order", "self_recurrent", "two_time_scales")
"""Networks whose scans have another form: softmax or norms inside, several axes, several sizes, no product."""


@cache
def gpu() -> Any:
    return fake_gpu.gpu()


@cache
def subject(name: str) -> Subject:
    """With seven units, which two blocks share."""
    text = COUPLED if name == "coupled" else (SPECS / f"{name}.rnn").read_text(encoding="utf-8")
    return Subject(re.sub(r"\bH = \d+", "H = 7", text), len(name))


@cache
def on_gpu(name: str) -> tuple[ModuleType, list[bool]]:
    """The CuPy module, and a list that grows by what each of its scan kernels says: whether it ran."""
    module: ModuleType = rnnc.compile_text(subject(name).text, target="cupy")
    ran: list[bool] = []
    if hasattr(module, "Scan"):
        module.Scan.THREADS, run = 64, module.Scan.__call__

        def counted(self: Any, *given: Any) -> Any:
            ran.append(run(self, *given))
            return ran[-1]

        module.Scan.__call__ = counted
    return module, ran


@pytest.fixture(autouse=True)
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU whose blocks can wait for each other."""
    monkeypatch.setitem(sys.modules, "cupy", gpu())
    monkeypatch.setitem(fake_gpu.DEVICE, "CooperativeLaunch", 1)


def learned(name: str) -> tuple[dict[str, Array], list[bool]]:
    """Every unit, the loss and every gradient of a ragged batch, on the GPU; and which scans were one kernel."""
    own = subject(name)
    module, ran = on_gpu(name)
    p = module.init(seed=own.seed, dtype="float64", **own.sizes)
    for key, array in own.parameters.items():
        p[key] = array
    ran.clear()
    data, lengths = own.ragged.arrays, own.ragged.given(own.system.axes)
    found = {
        k: v.host for k, v in module.forward(p, **data, lengths=lengths, observe=own.units).items() if k != "state"
    }
    forward = len(ran)
    value, grads = module.bptt(p, **data, lengths=lengths, wrt=own.inputs, reduce="sum")
    found["value"] = value.host
    return found | {f"d({k})": g.host for k, g in grads.items()}, ran[forward:]


@pytest.mark.parametrize("name", CELLS)
def test_numbers_are_numpys_and_the_plain_paths(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ragged batch with NaN in its padding, two blocks; twice for the same bits, whatever order threads run in."""
    own = subject(name)
    found, ran = learned(name)
    assert ran == [True] * CELLS[name]
    expected = {k: v for k, v in own.forward.items() if k != "state"} | {"value": own.gradients[0]}
    expected |= {f"d({k})": g for k, g in own.gradients[1].items()}
    monkeypatch.setitem(fake_gpu.DEVICE, "CooperativeLaunch", 0)
    plain, ran = learned(name)
    assert ran == [False] * CELLS[name]
    assert set(found) == set(expected) == set(plain)
    for key in expected:
        close(found[key], expected[key], 1e-12, key)
        close(found[key], plain[key], 1e-12, key)
    monkeypatch.setitem(fake_gpu.DEVICE, "CooperativeLaunch", 1)
    again, _ = learned(name)
    for key in found:
        assert_array_equal(again[key], found[key])


@pytest.mark.parametrize("name", OTHERS)
def test_other_forms_run_step_by_step(name: str) -> None:
    module = rnnc.compile_file(SPECS / f"{name}.rnn", target="cupy")
    assert not hasattr(module, "SCANS")


@pytest.mark.parametrize("name", ("lstm", "coupled", "gru"))
@pytest.mark.parametrize("processors", (4, 12))
@pytest.mark.parametrize("dtype", ("float64", "float32"))
def test_blocks_share_units_and_sequences(
    name: str, processors: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """13 units and 10 sequences on few and on many multiprocessors, in single precision too; a state carried on."""
    monkeypatch.setitem(fake_gpu.DEVICE, "MultiProcessorCount", processors)
    monkeypatch.setitem(fake_gpu.DEVICE, "MaxSharedMemoryPerBlockOptin", 24 * 1024)
    module, ran = on_gpu(name)
    numpy, draw = subject(name).module, np.random.default_rng(3)
    q = numpy.init(seed=1, H=13, dtype=dtype)
    p = module.init(seed=1, H=13, dtype=dtype)
    targets = {"t": draw.standard_normal((9, 10, 13 if name == "coupled" else 2)).astype(dtype)}
    data = {"x": draw.standard_normal((9, 10, 3)).astype(dtype), **targets}
    lengths = np.array([9, 4, 7, 9, 1, 2, 3, 9, 5, 6])
    ran.clear()
    value, grads = module.bptt(p, **data, lengths=lengths)
    assert ran == [True, True]
    expected, by_numpy = numpy.bptt(q, **data, lengths=lengths)
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    close(value.host, expected, tolerance, "loss")
    for key, g in by_numpy.items():
        close(grads[key].host, g, tolerance, key)
    state = module.forward(p, x=data["x"])["state"]
    more = module.forward(p, x=data["x"], state=state)
    wanted = numpy.forward(q, x=data["x"], state=numpy.forward(q, x=data["x"])["state"])
    close(more["y"].host, wanted["y"], tolerance, "carried on")


def test_how_work_is_shared_out() -> None:
    """Blocks cover every unit and sequence, fit into shared memory, and are no more than multiprocessors."""
    module, _ = on_gpu("lstm")
    for size, batch, limit, processors in (
        *((256, 64, 232448, 132), (512, 64, 232448, 132), (1024, 32, 232448, 132), (512, 64, 101376, 84)),
        *((7, 3, 49152, 6), (64, 1, 65536, 40), (1000, 30, 232448, 132)),
    ):
        for scan in (module.scan_h, module.scan_d_net):
            monkey = type(scan)(scan.source, scan.name, scan.products)
            monkey.THREADS = 256
            found = monkey.slices(batch, size, 4, processors, limit)
            assert found is not None, (size, batch)
            assert found.blocks[0] * found.units >= size > (found.blocks[0] - 1) * found.units
            assert found.blocks[1] * found.slice >= batch > (found.blocks[1] - 1) * found.slice
            assert found.blocks[0] * found.blocks[1] <= processors and found.shared <= limit
            assert found.chunk >= 32 or found.chunk >= size
    assert module.scan_h.slices(32, 4096, 4, 132, 232448) is None


def test_what_is_too_short_too_large_or_does_not_fit_runs_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    module, ran = on_gpu("lstm")
    p, x = module.init(seed=0, dtype="float64"), np.zeros((5, 2, 3))
    for name, value, expected in (
        ("", 0, True),
        ("MaxSharedMemoryPerBlockOptin", 1024, False),
        ("MultiProcessorCount", 0, False),
    ):
        with monkeypatch.context() as changed:
            if name:
                changed.setitem(fake_gpu.DEVICE, name, value)
            ran.clear()
            module.forward(p, x=x)
            assert ran == [expected], name
    with monkeypatch.context() as changed:
        changed.setitem(fake_gpu.RESIDENT, "blocks", 0)
        module.scan_h.found.clear()
        ran.clear()
        module.forward(p, x=x)
        assert ran == [False], "blocks that do not all run at the same time"
    module.scan_h.found.clear()
    for owner, value in (("SHORTEST", 6), ("MOST", 100)):
        with monkeypatch.context() as changed:
            changed.setattr(module.Scan, owner, value)
            ran.clear()
            module.forward(p, x=x)
            assert ran == [False], owner
    wide = gpu().asarray(np.zeros((4, 3)))
    for given in (wide.T, gpu().asarray(np.zeros(3, "float32"))):
        assert not module.scan_h(9, 1, 4, np.float64, None, given)


def test_states_staged_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where shared memory holds only some of a state's numbers at a time; blocks of as many threads as on a GPU."""
    module, ran = on_gpu("gru")
    numpy, draw = subject("gru").module, np.random.default_rng(4)
    p, q = (m.init(seed=1, H=13, dtype="float64") for m in (module, numpy))
    data = {"x": draw.standard_normal((5, 6, 3)), "t": draw.standard_normal((5, 6, 2))}
    plan = module.Scan.shared_out

    def in_parts(self: Any, *given: Any) -> Any:
        found = plan(self, *given)
        if found is not None:
            found.chunk = 5
        return found

    monkeypatch.setattr(module.Scan, "THREADS", 256)
    monkeypatch.setattr(module.Scan, "shared_out", in_parts)
    monkeypatch.setitem(fake_gpu.DEVICE, "MaxSharedMemoryPerBlockOptin", 47 * 1024)
    ran.clear()
    value, grads = module.bptt(p, **data)
    assert ran == [True, True]
    expected, by_numpy = numpy.bptt(q, **data)
    close(value.host, expected, 1e-12, "loss")
    for key, g in by_numpy.items():
        close(grads[key].host, g, 1e-12, key)
