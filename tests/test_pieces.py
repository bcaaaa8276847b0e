"""Sequences in pieces: `bptt` with checkpoints and truncated back-propagation, beside the properties of every network
(`oracle.in_pieces`)."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from cases import stored
from counted import most_bytes
from numpy.testing import assert_allclose
from numpy.typing import NDArray

import rnnc
from rnnc.cli import run
from rnnc.compiler import emit, understand
from rnnc.diagnostics import Rejected
from rnnc.frontend.read import read_text
from rnnc.runtime.fit import fit

Array = NDArray[Any]
SPECS = Path(__file__).resolve().parent.parent / "specs"

STARTED = """
network started(D = 2, H = 3) {
  axis n
  input  x[n] : D
  input  h0 : H
  target d[n] : H
  output h[n] : H = tanh(full(x) + full(h[n-1]) + bias)
  start  h = h0
  loss squared_error(h, d)
}
"""


@pytest.fixture(scope="module")
def started() -> ModuleType:
    found: ModuleType = rnnc.compile_text(STARTED, learn=("truncated_bptt",))
    return found


def test_windows_of_the_reference_case(started: ModuleType) -> None:
    for name in (n for n in stored.names("rtrl") if n.startswith("tbptt")):
        case = stored.load("rtrl", name)
        p = started.init(dtype="float64")
        keys = {"h.W_x": "Wx", "h.W_h": "Wh", "h.b": "b"}
        for mine, key in keys.items():
            p[mine] = case[f"par.{key}"]
        data = {"x": case["in.X"], "h0": case["init.h0"], "d": case["tgt.D"]}
        value, grads = started.truncated_bptt(p, **data, k1=case.hyper["k1"], k2=case.hyper["k2"])
        assert_allclose(value, case["loss"], rtol=1e-10)
        for mine, key in keys.items():
            assert_allclose(grads[mine], case[f"grad.{key}"], rtol=1e-10, atol=1e-12)


def by_hand(p: Any, x: Array, h0: Array, d: Array, k1: int, k2: int) -> dict[str, Array]:
    """The sum over windows, each gone back through by itself (Williams and Peng 1990, section 4)."""
    h = [h0]
    for n in range(len(x)):
        h.append(np.tanh(p["h.W_x"] @ x[n] + p["h.W_h"] @ h[-1] + p["h.b"]))
    found = {name: np.zeros_like(p[name]) for name in ("h.W_x", "h.W_h", "h.b")}
    for end in sorted({*range(k1, len(x) + 1, k1), len(x)}):
        delta = np.zeros(len(h0))
        for n in range(end - 1, max(end - k2, 0) - 1, -1):
            if n >= (end - 1) // k1 * k1:
                delta = delta + h[n + 1] - d[n]
            net = delta * (1 - h[n + 1] ** 2)
            found["h.W_x"] += np.outer(net, x[n])
            found["h.W_h"] += np.outer(net, h[n])
            found["h.b"] += net
            delta = p["h.W_h"].T @ net
    return found


@pytest.mark.parametrize("lengths", [(1, 1, 1), (2, 1, 2), (3, 2, 1), (17, 17, 17), (17, 9, 4)])
@pytest.mark.parametrize(("k1", "k2"), [(1, 1), (1, 5), (2, 3), (3, 3), (4, 12), (5, 30)])
def test_windows_of_ragged_batches(started: ModuleType, lengths: tuple[int, ...], k1: int, k2: int) -> None:
    draw, p = np.random.default_rng(k1), started.init(dtype="float64")
    steps, batch = max(lengths), len(lengths)
    x, d = draw.standard_normal((steps, batch, 2)), draw.standard_normal((steps, batch, 3))
    h0 = draw.standard_normal((batch, 3))
    expected: dict[str, Any] = {}
    for b, n in enumerate(lengths):
        for name, array in by_hand(p, x[:n, b], h0[b], d[:n, b], k1, k2).items():
            expected[name] = expected.get(name, 0.0) + array
        x[n:, b], d[n:, b] = np.nan, np.nan
    _, found = started.truncated_bptt(p, x=x, h0=h0, d=d, lengths=np.array(lengths), reduce="sum", k1=k1, k2=k2)
    for name, array in expected.items():
        assert_allclose(found[name], array, rtol=1e-12, atol=1e-12, err_msg=name)


def test_windows_of_one_chunk_after_the_other(started: ModuleType) -> None:
    """Chunks of whole windows give what one call gives, where windows do not reach back into the chunk before."""
    draw, p = np.random.default_rng(0), started.init(dtype="float64")
    x, d, h0 = draw.standard_normal((12, 4, 2)), draw.standard_normal((12, 4, 3)), draw.standard_normal((4, 3))
    value, whole = started.truncated_bptt(p, x=x, h0=h0, d=d, k1=3, k2=3)
    one, early = started.truncated_bptt(p, x=x[:6], h0=h0, d=d[:6], k1=3, k2=3)
    rest, late = started.truncated_bptt(p, x=x[6:], d=d[6:], k1=3, k2=3, state=early.state)
    assert_allclose(one + rest, value, rtol=1e-12)
    assert_allclose(early.flat + late.flat, whole.flat, rtol=1e-12, atol=1e-14)
    assert_allclose(late.state["h"], whole.state["h"], rtol=1e-12)


def test_training_over_windows(started: ModuleType, tmp_path: Path) -> None:
    """A step of training is one by the rule's own gradient, with its own windows."""
    draw = np.random.default_rng(0)
    data = {
        "x": draw.standard_normal((9, 4, 2)),
        "h0": draw.standard_normal((4, 3)),
        "d": draw.standard_normal((9, 4, 3)),
    }
    more: dict[str, Any] = {"optimizer": "sgd", "lr": 0.1, "batch": 4, "steps": 1, "dtype": "float64"}
    found = fit(started, data, learn="truncated_bptt", k1=2, k2=4, **more)
    p = started.init(seed=0, dtype="float64")
    p.flat -= 0.1 * started.truncated_bptt(p, **data, k1=2, k2=4)[1].flat
    assert_allclose(found.p.flat, p.flat, rtol=1e-12)
    np.savez(tmp_path / "data.npz", x=data["x"], d=data["d"])
    spec = tmp_path / "net.rnn"
    spec.write_text(STARTED.replace("  input  h0 : H\n", "").replace("start  h = h0", "start  h = learned"))
    words = ["train", str(spec), "--data", str(tmp_path / "data.npz"), "--out", str(tmp_path / "out"), "--steps", "3"]
    learn = ["--learn", "truncated_bptt", "--k1", "2", "--k2", "4"]
    assert run([*words, *learn, "--window", "5"]) == 0
    assert run([*words, "--k1", "2"]) == 2
    assert run([*words, "--learn", "truncated_bptt", "--k1", "4", "--k2", "3"]) == 2
    assert run([*words, "--learn", "epochwise"]) == 2


def test_wrong_windows(started: ModuleType) -> None:
    p, data = started.init(), {"x": np.ones((4, 2)), "h0": np.ones(3), "d": np.ones((4, 3))}
    with pytest.raises(ValueError, match=r"^k1 must be a whole number of at least 1, found 0$"):
        started.truncated_bptt(p, **data, k1=0)
    with pytest.raises(ValueError, match=r"^k2 is 3; a window has at least the k1 = 4 steps whose loss goes back$"):
        started.truncated_bptt(p, **data, k1=4, k2=3)


DROPPED = """
network dropped(D = 3, H = 4, K = 2) {
  axis n
  input  x[n] : D
  target t[n] : K
  unit   h[n] : H = tanh(full(dropout(x, 0.3)) + full(dropout(h[n-2], 0.5)) + bias)
  unit   g[n] : H = tanh(full(dropout(h, 0.3)) + full(g[n-2..n-1]) + bias)
  output y[n] : K = full(dropout(g[n], 0.5)) + bias
  start  h = learned
  loss mean over n (squared_error(y, t))
}
"""
MIXED = """
network mixed(D = 3, H = 4, K = 2) {
  axis n
  input  x[n] : D
  input  z : H
  target t[n] : K
  target l : token(K)
  param  W : (K, H)
  unit   h[n] : H = tanh(full(x[n-2..n]) + full(h[n-1]) + bias + z)
  start  x = learned
  start  h = tanh(full(z))
  output y[n] : K = W @ h + bias
  output q : K = softmax(full(h[last]) + full(z, as = Q))
  loss mean over n (squared_error(y, t))
  loss squared_error(y[n-1], t[n-2])
  loss cross_entropy(q, l)
  loss 0.1 * sum(W * W)
}
"""


@pytest.mark.parametrize("spec", [DROPPED, MIXED], ids=["dropped", "mixed"])
def test_checkpoints_where_much_comes_together(spec: str) -> None:
    """Masks of the same draw, learned starts of inputs and states, windows over the borders of pieces, means over the
    steps, losses that read the last step, a step before it, or weights alone."""
    plain, module = rnnc.compile_text(spec), rnnc.compile_text(spec, checkpoint=True)
    p, draw = plain.init(dtype="float64"), np.random.default_rng(0)
    p.flat += 0.3 * draw.standard_normal(p.flat.shape)
    for steps, lengths in ((1, None), (2, [2, 1, 1]), (17, None), (29, [29, 3, 14])):
        data: dict[str, Any] = {"x": draw.standard_normal((steps, 3, 3)), "t": draw.standard_normal((steps, 3, 2))}
        data["t"][draw.random(data["t"].shape) < 0.2] = np.nan
        data |= {"z": draw.standard_normal((3, 4)), "l": np.array([0, 1, -1])} if spec is MIXED else {"seed": 4}
        wrt = ("x", "z") if spec is MIXED else ("x",)
        value, grads = module.bptt(p, **data, lengths=lengths, wrt=wrt)
        expected, exact = plain.bptt(p, **data, lengths=lengths, wrt=wrt)
        assert_allclose(value, expected, rtol=1e-12)
        for name in exact:
            assert_allclose(grads[name], exact[name], rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("name", ["elman", "lstm"])
def test_memory_grows_with_the_root_of_the_steps(name: str) -> None:
    text = (SPECS / f"{name}.rnn").read_text(encoding="utf-8")

    def held(module: Any, steps: int) -> int:
        p = module.init(H=16)
        x, t = np.zeros((steps, 8, 3), np.float32), np.zeros((steps, 8, 2), np.float32)
        return most_bytes(lambda: module.bptt(p, x=x, t=t))

    pieces, whole = rnnc.compile_text(text, checkpoint=True), rnnc.compile_text(text, learn=())
    less, more, plain, longer = held(pieces, 1600), held(pieces, 6400), held(whole, 1600), held(whole, 6400)
    assert 1.5 < more / less < 2.2 and longer / plain > 3.5
    assert more < longer / 8


def test_a_module_with_checkpoints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "lstm.py"
    assert run(["compile", "lstm", "--checkpoint", "-o", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert "def _backward(" not in text and "RULES: tuple[str, ...] = ('bptt', 'rtrl')" in text
    assert run(["compile", "bidirectional_sum", "--checkpoint", "-o", str(tmp_path / "no.py")]) == 1
    assert "E320" in capsys.readouterr().err and not (tmp_path / "no.py").exists()
    assert run(["compile", "lstm", "--checkpoint", "--target", "cupy", "-o", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert "def _backward(" not in text and "in_checkpoints(call, wrt, reduce)" in text


def test_both_share_their_pieces() -> None:
    one = understand(read_text(STARTED))
    text = emit(one, learn=("truncated_bptt",), checkpoint=True)
    assert [text.count(f"def {name}(") for name in ("_piece", "_piece_back", "bptt", "truncated_bptt")] == [1] * 4
    with pytest.raises(Rejected) as rejected:
        emit(understand(read_text(STARTED.replace("h[n-1]", "h[n+1]"))), learn=("truncated_bptt",))
    assert [d.code for d in rejected.value.diagnostics] == ["E320"]
