"""CuPy modules on the stand-in, their kernels compiled by g++: every call gives what the NumPy module gives."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import fake_gpu
import numpy as np
import pytest
from mirrored import DRIVERS, IN_SINGLE, Mirrored, OnBoth, ragged

from rnnc.compiler import compile_file

SPECS = sorted((Path(__file__).resolve().parent.parent / "specs").glob("*.rnn"))
IN_FLOAT32 = ("char_lm", "elman_ctc", "gru", "handwriting", "rnn2d")

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ to run kernels on the CPU")


@pytest.fixture(autouse=True)
def gpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = fake_gpu.gpu()
    monkeypatch.setitem(sys.modules, "cupy", made)
    return made


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_library(path: Path) -> None:
    subject = OnBoth(path.read_text(encoding="utf-8"), SPECS.index(path))
    for drive in DRIVERS:
        drive(subject)
    assert subject.module.calls >= 4
    if path.stem in IN_FLOAT32:
        for drive in IN_SINGLE:
            drive(subject)


@pytest.mark.parametrize(("rule", "name"), (("uoro", "narx"), ("kf_rtrl", "gru")))
def test_rules_that_draw_signs(rule: str, name: str) -> None:
    path = next(path for path in SPECS if path.stem == name)
    subject = OnBoth(path.read_text(encoding="utf-8"), 0, ("bptt", rule))
    module, p, batch = subject.module, subject.parameters, subject.ragged
    getattr(module, rule)(p, **batch.arrays, lengths=batch.given(subject.system.axes), seed=3)
    arrays = subject.short.arrays
    learner = getattr(module, f"{rule}_start")(p, 1, seed=3)
    for n in range(2):
        step = {name: a[n] for name, a in arrays.items()}
        _, _, learner = getattr(module, f"{rule}_step")(p, learner, **step, seed=3)
    assert module.calls == 4


@pytest.mark.parametrize("name", ("char_lm", "handwriting"))
def test_generate_draws_what_numpy_draws(name: str, gpu: Any) -> None:
    path = next(path for path in SPECS if path.stem == name)
    subject = OnBoth(path.read_text(encoding="utf-8"), 3)
    found = subject.module.generate(subject.parameters, 6, batch=3, seed=2)
    again = {f: found[f][-1:] for f in subject.module.FEEDBACK}
    subject.module.generate(subject.parameters, 2, prefix=again, state=found["state"], made=6, seed=2)


def test_arrays_of_either_side(gpu: Any) -> None:
    """Data may lie on either side, in any order in memory; results stay on the GPU in the parameters' dtype."""
    module = compile_file(next(path for path in SPECS if path.stem == "lstm"), target="cupy")
    p = module.init(dtype="float32")
    x = np.random.default_rng(0).standard_normal((5, 2, p.sizes["D"]))
    out = module.forward(p, x=x)["y"]
    assert isinstance(out, fake_gpu.Array) and out.dtype == "float32"
    there = gpu.asarray(np.asfortranarray(x.astype("float32")))
    np.testing.assert_array_equal(module.forward(p, x=there)["y"].host, out.host)
    with pytest.raises(ValueError, match="input `x` has shape"):
        module.forward(p, x=there[..., :-1])


def test_the_mirror_sees_a_wrong_kernel(gpu: Any) -> None:
    path = next(path for path in SPECS if path.stem == "elman")
    subject = OnBoth(path.read_text(encoding="utf-8"), 3)
    mirror = subject.module
    assert isinstance(mirror, Mirrored)
    assert "tanh(" in mirror.device.CUDA.code
    mirror.device.CUDA.code = mirror.device.CUDA.code.replace("tanh(", "atan(")
    with pytest.raises(AssertionError, match="forward"):
        ragged(subject)
