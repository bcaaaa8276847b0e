"""Optimisers and clipping on a GPU's arrays, their kernels run on the CPU: NumPy's numbers, one launch each."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from typing import Any

import fake_gpu
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from nvrtc_blocks import ARCHITECTURES, compiler, taken
from test_optim import TRAJECTORIES, VARIANTS, built, recorded

from rnnc.runtime import optim
from rnnc.runtime.optim import device_norm

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ to run kernels on the CPU")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = fake_gpu.gpu()
    monkeypatch.setitem(sys.modules, "cupy", made)
    return made


class OnGpu(dict[str, Any]):
    """Views of one buffer on the GPU, as a CuPy module's parameters are; `apart` has memory of its own."""

    def __init__(self, gpu: Any, arrays: dict[str, Any], apart: dict[str, Any] | None = None) -> None:
        flat = np.concatenate([a.reshape(-1) for a in arrays.values()])
        self.flat = gpu.array(flat)
        start = 0
        for name, a in arrays.items():
            self[name] = fake_gpu.Array(self.flat.host[start : start + a.size].reshape(a.shape))
            start += a.size
        for name, a in (apart or {}).items():
            self[name] = gpu.array(a)


def arrays(seed: int, dtype: str = "float64") -> dict[str, Any]:
    draw = np.random.default_rng(seed)
    return {"W": draw.standard_normal((5, 4)).astype(dtype), "b": draw.standard_normal(7).astype(dtype)}


CLOSE = {"float64": 1e-12, "float32": 2e-6}


@pytest.mark.parametrize("dtype", ("float64", "float32"))
@pytest.mark.parametrize("number", range(len(VARIANTS)))
def test_steps_are_numpys(number: int, dtype: str, gpu: Any) -> None:
    """Six steps of every optimiser, one of them with a gradient of zeros, on the buffer in one launch each."""
    here, there = VARIANTS[number](), VARIANTS[number]()
    p, q = arrays(0, dtype), OnGpu(gpu, arrays(0, dtype))
    for step in range(1, 7):
        grads = arrays(step, dtype) if step != 3 else {name: np.zeros_like(a) for name, a in p.items()}
        here.step(p, grads)
        there.step(q, OnGpu(gpu, grads))
        for name, value in p.items():
            assert q[name].dtype == dtype
            assert_allclose(q[name].host, value, rtol=CLOSE[dtype], atol=CLOSE[dtype] / 10, err_msg=f"step {step}")
    assert {kind for _, kind in there.memory()[0]} == {kind for _, kind in here.memory()[0]}


@pytest.mark.parametrize("name", TRAJECTORIES)
def test_recorded_trajectories(name: str, gpu: Any) -> None:
    case, given = recorded(name)
    for sequence in ("dense", "sparse", "scale", "zero"):
        opt, p = built(case["hyper"]), {"W": gpu.array(given["init.p"])}
        for step, grad in enumerate(given[f"in.grads_{sequence}"]):
            opt.step(p, {"W": gpu.array(grad)})
            assert_allclose(p["W"].host, given[f"out.p_{sequence}"][step + 1], rtol=1e-10, atol=1e-13)


def test_one_launch_a_step(gpu: Any) -> None:
    """Whatever the parameters are made of; the kernel is built once."""
    launches = []

    class Counted(fake_gpu.ElementwiseKernel):
        def __call__(self, *given: Any) -> None:
            launches.append((self.name, id(self)))
            super().__call__(*given)

    gpu.ElementwiseKernel = Counted
    opt, p = optim.AdamW(weight_decay=0.1), OnGpu(gpu, arrays(0), {"fixed": np.ones(3)})
    for step in range(3):
        opt.step(p, OnGpu(gpu, arrays(step)))
    assert len(launches) == 3 and len(set(launches)) == 1 and launches[0][0] == "adamw_update"
    assert_array_equal(p["fixed"].host, np.ones(3))


def test_separate_gradients_and_arrays_of_either_side(gpu: Any) -> None:
    """Gradients by name, on the GPU or not, are laid out as the buffer is; without a buffer each array has a launch."""
    whole, single, mixed = optim.Adam(), optim.Adam(), optim.Adam()
    p, q, r = OnGpu(gpu, arrays(0)), OnGpu(gpu, arrays(0)), dict(OnGpu(gpu, arrays(0)))
    for step in range(1, 4):
        whole.step(p, OnGpu(gpu, arrays(step)))
        single.step(q, {name: gpu.array(a) for name, a in arrays(step).items()})
        mixed.step(r, arrays(step))
    for name in p:
        assert_array_equal(q[name].host, p[name].host)
        assert_array_equal(r[name].host, p[name].host)


def test_a_run_goes_on_on_the_other_side(gpu: Any) -> None:
    """What a checkpoint holds is NumPy's; restored, both sides take the same steps."""
    first, p = optim.NAdam(), {"W": gpu.array(arrays(0)["W"])}
    first.step(p, {"W": gpu.array(arrays(1)["W"])})
    slots, numbers = first.memory()
    assert all(isinstance(a, np.ndarray) for a in slots.values())
    here, there = optim.NAdam(), optim.NAdam()
    here.restore(slots, numbers)
    there.restore(slots, numbers)
    w = {"W": p["W"].host.copy()}
    here.step(w, {"W": arrays(2)["W"]})
    there.step(p, {"W": gpu.array(arrays(2)["W"])})
    assert_allclose(p["W"].host, w["W"], rtol=1e-12)


@pytest.mark.parametrize("kind", (1.0, 2.0, 3.0, math.inf))
@pytest.mark.parametrize("dtype", ("float64", "float32"))
def test_clip_norm_is_numpys(kind: float, dtype: str, gpu: Any) -> None:
    """With and without one buffer; more numbers than one pass of all threads takes; the same bits twice."""
    big = {"W": np.random.default_rng(5).standard_normal((300, 301)).astype(dtype), **arrays(1, dtype)}
    expected = {name: a.astype("float64") for name, a in big.items()}
    norm = optim.clip_norm(expected, 0.5, kind)
    found = []
    for grads in (OnGpu(gpu, big), OnGpu(gpu, big), {name: gpu.array(a) for name, a in big.items()}):
        found.append(optim.clip_norm(grads, 0.5, kind))
        assert found[-1] == pytest.approx(norm, rel=1e-12)
        for name, a in expected.items():
            assert_allclose(grads[name].host, a, rtol=1e-12 if dtype == "float64" else 1e-6)
    assert found[0] == found[1]


def test_norms_out_of_range_and_of_nothing(gpu: Any) -> None:
    assert optim.clip_norm({"W": gpu.array(np.full(4, 1e200))}, 1.0) == pytest.approx(2e200)
    assert optim.clip_norm({"W": gpu.array(np.full(4, 1e-200))}, 1.0) == pytest.approx(2e-200)
    assert optim.clip_norm({"W": gpu.array(np.zeros(4))}, 1.0) == 0.0
    assert optim.clip_norm({"W": gpu.array(np.zeros(0))}, 1.0) == 0.0
    for kind in (2.0, math.inf):
        assert math.isnan(optim.clip_norm({"W": gpu.array(np.array([1.0, math.nan, 2.0]))}, 1.0, kind))
    with np.errstate(invalid="ignore"):
        assert optim.clip_norm({"W": gpu.array(np.array([1.0, -math.inf]))}, 1.0) == math.inf


def test_clip_value(gpu: Any) -> None:
    grads = OnGpu(gpu, arrays(2))
    optim.clip_value(grads, 0.5)
    assert_array_equal(grads["W"].host, np.clip(arrays(2)["W"], -0.5, 0.5))


@pytest.mark.parametrize("wrong", ("shape", "missing", "whole"))
def test_mistakes_are_named_before_anything_moves(wrong: str, gpu: Any) -> None:
    p = {"W": gpu.array(arrays(0)["W"]), "b": gpu.array(arrays(0)["b"])}
    grads = {name: gpu.array(a) for name, a in arrays(1).items()}
    if wrong == "shape":
        grads["b"] = gpu.array(np.zeros(3))
    elif wrong == "missing":
        del grads["b"]
    else:
        grads["b"] = gpu.array(np.zeros(7, int))
    with pytest.raises(ValueError, match=r"gradient .*`b`"):
        optim.SGD().step(p, grads)
    assert_array_equal(p["W"].host, arrays(0)["W"])


def test_an_optimiser_of_ones_own_has_no_kernel(gpu: Any) -> None:
    class Own(optim.SGD):
        pass

    with pytest.raises(TypeError, match="Own has no kernel"):
        Own().step({"W": gpu.array(np.ones(2))}, {"W": gpu.array(np.ones(2))})


def test_the_runtime_does_not_import_cupy() -> None:
    code = (
        "import sys, numpy as np; from rnnc.runtime import optim; p = {'W': np.ones(2)}; optim.Adam().step(p, p)\n"
        "optim.clip_norm(p, 1.0); assert 'cupy' not in sys.modules and 'rnnc.runtime.optim.fused' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(compiler() is None, reason="no NVRTC: pip install nvidia-cuda-nvrtc-cu12")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_norms_compile_without_a_spill(architecture: str) -> None:
    for own in taken(device_norm.CODE, device_norm.NAMES, architecture).values():
        assert own.stack == own.spilled == 0 and own.registers <= 64


def test_every_optimiser_is_tried() -> None:
    assert {type(made()) for made in VARIANTS} == set(optim.OPTIMISERS)


def as_cuda(kernel: Any) -> str:
    """An elementwise kernel as CuPy would write it around the body."""
    parameters = [f"const T {name}" for _, _, name in kernel.inputs]
    parameters += [f"T* all_{name}" for _, _, name in kernel.outputs]
    own = "\n".join(f"T& {name} = all_{name}[threadIdx.x];" for _, _, name in kernel.outputs)
    return f"template <typename T> __global__ void {kernel.name}({', '.join(parameters)}) {{\n{own}\n{kernel.body}\n}}"


@pytest.mark.skipif(compiler() is None, reason="no NVRTC: pip install nvidia-cuda-nvrtc-cu12")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_updates_compile_without_a_spill(architecture: str, gpu: Any) -> None:
    """Every variant's first step and the next."""
    texts: dict[str, str] = {}

    class Kept(fake_gpu.ElementwiseKernel):
        def __call__(self, *given: Any) -> None:
            texts[as_cuda(self)] = self.name

    gpu.ElementwiseKernel = Kept
    for made in VARIANTS:
        opt, p = made(), OnGpu(gpu, arrays(0))
        for step in range(2):
            opt.step(p, OnGpu(gpu, arrays(step)))
    assert len(texts) >= len(VARIANTS)
    for text, name in texts.items():
        for own in taken(text, (f"{name}<float>", f"{name}<double>"), architecture).values():
            assert own.stack == own.spilled == 0 and own.registers <= 64
