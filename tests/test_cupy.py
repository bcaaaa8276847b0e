"""The CuPy back end where there is no GPU: its text, its formulas in C, what it says when it cannot run."""

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

from rnnc.compiler import compile_file, emit, understand
from rnnc.emit.cuda import CALLS, FUNCTIONS, Speller
from rnnc.frontend.read import read_path
from rnnc.ops.elementary import ELEMENTARY
from rnnc.ops.formula import COMPARISONS, Constant, Formula, Operand, Operation
from rnnc.system.arithmetic import evaluate

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = Path(__file__).parent / "golden"
# products alone, gated cells, a candidate behind a second product, sums over units, a softmax over an axis, two axes,
# tokens, a density, sparse columns, parameters in places, delays, two directions
GOLDEN_SPECS = (
    *("elman", "lstm", "gru_reset_after", "layer_norm_lstm", "attention", "rnn2d", "char_lm", "handwriting"),
    *("echo_state", "learned_delays", "narx", "bidirectional_concat"),
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
    """The kernels and what runs them; of the first spec the whole module. `RNNC_WRITE=1 pytest` writes them anew."""
    path, text = GOLDEN / f"{name}_cupy.txt", emitted(name)
    if name != GOLDEN_SPECS[0]:
        text = text[text.index("CUDA = Source(") : text.index("def _observed(")]
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
    kernels = re.findall(r"__global__ void (fused_\w+)\([^)]*\) \{\n(.*?)\n\}\n", text, re.S)
    names = [name for name, _ in kernels]
    assert len(set(names)) == len(names) > 5
    for name, body in kernels:
        assert re.search(r"^        // .+\n        (T |if )", body, re.M), f"no equation in {name}"
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


def test_without_cudas_libraries(gpu: Any) -> None:
    """CuPy and a driver are there; the libraries that CuPy loads are not."""

    def version() -> None:
        raise RuntimeError("CuPy failed to load libnvrtc.so.12:\nno such file\n")

    gpu.cuda.nvrtc.getVersion = version
    with pytest.raises(ImportError, match=r"`elman` needs CUDA's libraries.*12x\[ctk\]' for CUDA 12") as caught:
        compile_file(spec("elman"), target="cupy").init()
    assert "\n" not in str(caught.value)


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
    source = preamble + "".join(
        f"\ntemplate <typename T> __global__ void {name}(T* ys, const T* as, const T* bs, const T* cs) {{\n"
        f"    const long long i = threadIdx.x;\n    T a = as[i], b = bs[i], c = cs[i];\n"
        f"    ys[i] = {speller.spell(formulas()[key])};\n}}\n"
        for key, name in written.items()
    )
    names = [f"{name}<double>" for name in written.values()]
    built = gpu.RawModule(code=source, options=("-std=c++17",), name_expressions=names)
    draw = np.random.default_rng(0)
    operands = [draw.standard_normal((5, 40)) for _ in range(3)]
    operands[0][0, :4], operands[1][0, 2:6], operands[2][1, :9] = 0.0, 0.0, np.nan
    for key, formula in formulas().items():
        y = gpu.empty((5, 40))
        built.get_function(f"{written[key]}<double>")((1,), (200,), (y, *(gpu.asarray(x) for x in operands)))
        with np.errstate(all="ignore"):
            expected = evaluate(formula, operands, {})
        np.testing.assert_allclose(y.host, np.broadcast_to(expected, y.shape), 1e-12, 1e-14, err_msg=key)


def test_every_operation_has_a_spelling() -> None:
    assert {record.name for record in ELEMENTARY} <= set(CALLS)
