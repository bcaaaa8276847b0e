"""The CuPy back end where there is no GPU: its text, its kernels on the CPU, what it says when it cannot."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import fake_gpu
import numpy as np
import pytest
from oracle.properties import Subject, close
from oracle.streaming import LENGTH, whole

from rnnc.compiler import compile_file, emit, understand
from rnnc.emit.cuda import CALLS, FUNCTIONS, Speller
from rnnc.frontend.read import read_path
from rnnc.ops.elementary import ELEMENTARY
from rnnc.ops.formula import COMPARISONS, Constant, Formula, Operand, Operation
from rnnc.system.arithmetic import evaluate

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = Path(__file__).parent / "golden"
# products alone, a gated cell, two axes with a softmax over one; then everything a module has a function for
GOLDEN_SPECS = ("elman", "lstm", "attention")
RUN_SPECS = (
    *("elman", "lstm", "attention", "layer_norm_lstm", "rnn2d", "char_lm", "bidirectional_concat"),
    *("echo_state", "learned_delays", "cbow"),
    "elman_ctc",
)

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ to run kernels on the CPU")


def spec(name: str) -> Path:
    return ROOT / "specs" / f"{name}.rnn"


def emitted(name: str) -> str:
    return emit(understand(read_path(spec(name)), path=spec(name)), "cupy")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = fake_gpu.gpu()
    monkeypatch.setitem(sys.modules, "cupy", made)
    return made


@pytest.mark.parametrize("name", GOLDEN_SPECS)
def test_golden(name: str) -> None:
    """The module's text; `RNNC_WRITE=1 pytest` writes it anew."""
    path, text = GOLDEN / f"{name}_cupy.txt", emitted(name)
    if os.environ.get("RNNC_WRITE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_same_bytes_under_another_hash_seed() -> None:
    code = (
        "import sys; from rnnc.compiler import emit_text; from pathlib import Path\n"
        "sys.stdout.buffer.write(emit_text(Path(sys.argv[1]).read_text('utf-8'), target='cupy').encode())"
    )
    command = [sys.executable, "-c", code, str(spec("lstm"))]
    texts = {
        subprocess.run(
            command, capture_output=True, check=True, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert texts == {emitted("lstm").encode()}


def test_a_kernel_is_written_once_under_its_equations() -> None:
    text = emitted("lstm")
    names = re.findall(r"^(\w+) = Kernel\($", text, re.M)
    assert len(set(names)) == len(names) > 5
    for name in names:
        assert re.search(rf"^# .+\n{name} = Kernel\($", text, re.M), f"no equation above {name}"
        assert re.search(rf"^ +{name}\(", text, re.M), f"{name} is never launched"
    assert " np.tanh(" not in text and " cp.tanh(" not in text


def test_the_host_keeps_numpy() -> None:
    """Random numbers and checks stay on the host; the author's words are left as they are."""
    text = emitted("lstm")
    assert "np.random.default_rng" in text and "cp.random" not in text
    assert "np.matmul" not in text and "cp.matmul" in text


@pytest.mark.parametrize("call", ("init", "start", "forward"))
def test_without_cupy(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing works; each call ends in one line that names the packages."""
    monkeypatch.setitem(sys.modules, "cupy", None)
    module = compile_file(spec("elman"), target="cupy")
    weights = dict(compile_file(spec("elman")).init())
    with pytest.raises(ImportError) as caught:
        if call == "init":
            module.init()
        elif call == "start":
            module.start(weights)
        else:
            module.forward(weights, x=np.zeros((3, 1)))
    message = str(caught.value)
    assert "\n" not in message and "`elman`" in message
    assert "cupy-cuda12x" in message and "cupy-cuda13x" in message


@pytest.mark.parametrize("count", (0, None))
def test_without_a_gpu(count: int | None, gpu: Any) -> None:
    def devices() -> int:
        if count is None:
            raise RuntimeError("cudaErrorInsufficientDriver: the driver is too old")
        return count

    gpu.cuda = types.SimpleNamespace(runtime=types.SimpleNamespace(getDeviceCount=devices))
    with pytest.raises(RuntimeError, match=r"`elman` needs an NVIDIA GPU.*cupy-cuda12x") as caught:
        compile_file(spec("elman"), target="cupy").init()
    assert "\n" not in str(caught.value)


def on_gpu(subject: Subject, name: str, gpu: Any, dtype: str = "float64") -> tuple[Any, Any]:
    module = compile_file(spec(name), target="cupy")
    fake_gpu.build(vars(module), gpu)
    p = module.init(seed=subject.seed, dtype=dtype, **subject.sizes)
    for key, array in subject.parameters.items():
        p[key] = array
    return module, p


@needs_compiler
@pytest.mark.parametrize("name", RUN_SPECS)
def test_kernels_give_numpys_numbers(name: str, gpu: Any) -> None:
    """A ragged batch with NaN in its padding: every unit, the loss, every gradient."""
    subject = Subject(spec(name).read_text(encoding="utf-8"), RUN_SPECS.index(name))
    module, p = on_gpu(subject, name, gpu)
    data, lengths = subject.ragged.arrays, subject.ragged.given(subject.system.axes)
    found = module.forward(p, **data, lengths=lengths, observe=list(subject.units))
    for key, expected in subject.forward.items():
        if key != "state":
            close(gpu.asnumpy(found[key]), expected, 1e-12, key)
    value, grads = module.bptt(p, **data, lengths=lengths, wrt=subject.inputs, reduce="sum")
    expected_value, expected_grads = subject.gradients
    close(gpu.asnumpy(value), expected_value, 1e-12, "loss")
    assert set(grads) == set(expected_grads)
    for key, expected in expected_grads.items():
        close(gpu.asnumpy(grads[key]), expected, 1e-12, key)


@needs_compiler
@pytest.mark.parametrize("dtype", ("float32", "float64"))
def test_steps_arrays_and_dtypes(dtype: str, gpu: Any) -> None:
    """`step` is `forward`; data may lie on either side; results stay on the GPU in the parameters' dtype."""
    subject = Subject(spec("lstm").read_text(encoding="utf-8"), 1)
    module, p = on_gpu(subject, "lstm", gpu, dtype)
    x = whole(subject).arrays["x"]
    out = module.forward(p, x=gpu.asarray(x))["y"]
    assert isinstance(out, fake_gpu.Array) and out.dtype == dtype
    close(
        out.host,
        subject.module.forward(subject.parameters, x=x)["y"],
        1e-12 if dtype == "float64" else 1e-5,
        "y",
    )
    state = module.start(p, batch=x.shape[1])
    for n in range(LENGTH):
        step, state = module.step(p, state, x=x[n])
        close(step["y"].host, out.host[n], 1e-6, f"step {n}")
    with pytest.raises(ValueError, match="input `x` has shape"):
        module.forward(p, x=x[..., :-1])


@needs_compiler
@pytest.mark.parametrize("name", ("char_lm", "handwriting"))
def test_generate_draws_what_numpy_draws(name: str, gpu: Any) -> None:
    subject = Subject(spec(name).read_text(encoding="utf-8"), 3)
    module, p = on_gpu(subject, name, gpu)
    found = module.generate(p, 6, batch=3, seed=2)
    expected = subject.module.generate(subject.parameters, 6, batch=3, seed=2)
    assert set(found) == set(expected)
    for fed in module.FEEDBACK:
        close(found[fed], expected[fed], 1e-12, fed)
    for key in module.OUTPUTS:
        close(found[key].host, expected[key], 1e-12, key)
    again = module.generate(
        p, 2, prefix={f: found[f][-1:] for f in module.FEEDBACK}, state=found["state"], made=6, seed=2
    )
    whole_run = subject.module.generate(subject.parameters, 8, batch=3, seed=2)
    for fed in module.FEEDBACK:
        close(again[fed], whole_run[fed][6:], 1e-12, fed)


def formulas() -> dict[str, Formula]:
    """One formula for every operation there is, and some whose parentheses matter."""
    a, b, c = Operand(0), Operand(1), Operand(2)
    found: dict[str, Formula] = {}
    for record in ELEMENTARY:
        inside = Operation("square", (a,)) if record.name in ("log", "log1p", "sqrt", "root") else a
        arguments = (inside, b) if record.arity < 3 else (a, Constant(-0.5), Constant(0.5))
        found[record.name] = Operation(record.name, arguments[: record.arity])
    for op in ("+", "-", "*", "/"):
        found[f"({op})"] = Operation(op, (a, Operation("-", (b, c))))
    found["power"] = Operation("^", (Operation("abs", (a,)), b))
    found["cube"] = Operation("^", (a, Constant(3.0)))
    found["negative"] = Operation("-", (a, Operation("neg", (Operation("neg", (b,)),))))
    for op in COMPARISONS:
        found[op] = Operation("where", (Operation(op, (a, b)), Operation("-", (b, c)), c))
        found[f"{op} as a number"] = Operation("*", (c, Operation(op, (a, b))))
    present = Operation("and", (Operation("present", (c,)), Operation(">", (a, b))))
    found["present"] = Operation("where", (present, a, Operation("where", (Operation("<", (a, b)), b, Constant(-2.5)))))
    found["present number"] = Operation("sigmoid", (Operation("present", (c,)),))
    return found


@needs_compiler
def test_formulas_in_c(gpu: Any) -> None:
    """Every operation with random operands, zeros and a NaN among them, against the reference arithmetic."""
    written = {key: re.sub(r"\W", "_", f"f{k}_{key}") for k, key in enumerate(formulas())}
    preamble = "\n".join(f"template <typename T> __device__ {text}" for _, text in FUNCTIONS)
    speller = Speller(lambda k: "abc"[k], lambda k: False, str)
    kernels = {
        key: fake_gpu.ElementwiseKernel(
            "T a, T b, T c", "T y", f"y = {speller.spell(formula)};", written[key], preamble, True
        )
        for key, formula in formulas().items()
    }
    fake_gpu.compile_all(list(kernels.values()))
    draw = np.random.default_rng(0)
    operands = [draw.standard_normal((5, 40)) for _ in range(3)]
    operands[0][0, :4], operands[1][0, 2:6], operands[2][1, :9] = 0.0, 0.0, np.nan
    for key, formula in formulas().items():
        y = gpu.empty((5, 40))
        kernels[key](*(gpu.asarray(x) for x in operands), y)
        with np.errstate(all="ignore"):
            expected = evaluate(formula, operands, {})
        np.testing.assert_allclose(y.host, np.broadcast_to(expected, y.shape), 1e-12, 1e-14, err_msg=key)


def test_every_operation_has_a_spelling() -> None:
    assert {record.name for record in ELEMENTARY} <= set(CALLS)


def test_cupy_takes_the_kernels() -> None:
    """With CuPy installed, GPU or not: each kernel is one it can build, and no function is missing."""
    cupy = pytest.importorskip("cupy")
    for name in RUN_SPECS:
        text = emitted(name)
        module = compile_file(spec(name), target="cupy")
        for kernel in vars(module).values():
            if type(kernel).__name__ == "Kernel":
                cupy.ElementwiseKernel(kernel.inputs, kernel.outputs, kernel.body, kernel.name, no_return=True)
        for dotted in sorted(set(re.findall(r"\bcp\.([a-z_.]+[a-z_])", text))):
            found: Any = cupy
            for part in dotted.split("."):
                found = getattr(found, part)
