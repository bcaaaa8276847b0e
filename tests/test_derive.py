"""Derivations: against the papers' equations, as LaTeX, and by number against the reference interpreter."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from derived_numbers import Numbers
from oracle import data
from oracle.differences import five_point
from random_specs import random_spec

from rnnc.autodiff.adjoint import adjoint
from rnnc.compiler import build_text, understand
from rnnc.derive.derivation import Derivation
from rnnc.derive.derive import derivation_of, derive
from rnnc.derive.share import share
from rnnc.frontend.read import read_path
from rnnc.system.forms import System

SPECS = sorted((Path(__file__).resolve().parent.parent / "specs").glob("*.rnn"))
by_spec = pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)


def system_of(path: Path) -> System:
    return understand(read_path(path), path=path).system


def spec(name: str) -> System:
    return system_of(next(p for p in SPECS if p.stem == name))


def equations(text: str) -> list[str]:
    """The lines with an equals sign, spaces collapsed."""
    return [" ".join(line.split()) for line in text.splitlines() if " = " in line]


# Elman (1990) with the squared error; backward as in Werbos (1990), back-propagation through time.
ELMAN = """
net[h]_k(n) = sum_l h.W_x[k,l] x_l(n) + sum_l h.W_h[k,l] h_l(n-1) + h.b[k]
h_k(n) = tanh(net[h]_k(n))
net[y]_k(n) = sum_l y.W_h[k,l] h_l(n) + y.b[k]
y_k(n) = sigmoid(net[y]_k(n))
e_k(n) = t_k(n) - y_k(n) if t_k(n) given, else 0
L = 1/2 sum_n sum_k e_k(n)^2
dL/dy_k(n) = -e_k(n)
delta[y]_k(n) = y_k(n) (1 - y_k(n)) dL/dy_k(n)
dL/dh_k(n) = sum_l y.W_h[l,k] delta[y]_l(n) + sum_l h.W_h[l,k] delta[h]_l(n+1)
delta[h]_k(n) = (1 - h_k(n)^2) dL/dh_k(n)
dL/dh.W_h[k,l] = sum_n delta[h]_k(n) h_l(n-1)
dL/dh.W_x[k,l] = sum_n delta[h]_k(n) x_l(n)
dL/dh.b[k] = sum_n delta[h]_k(n)
dL/dy.W_h[k,l] = sum_n delta[y]_k(n) h_l(n)
dL/dy.b[k] = sum_n delta[y]_k(n)
"""

# Williams and Zipser (1989): the network, its error and teacher forcing; backward as in Williams and Zipser
# (1995), where a forced unit passes nothing back.
FULLY_RECURRENT = """
net[y]_k(n) = sum_l y.W_x[k,l] x_l(n) + sum_l y.W_z[k,l] z_l(n-1) + y.b[k]
y_k(n) = sigmoid(net[y]_k(n))
z_k(n) = t_k(n) if t_k(n) given, else y_k(n)
e_k(n) = t_k(n) - y_k(n) if t_k(n) given, else 0
L = 1/2 sum_n sum_k e_k(n)^2
dL/dz_k(n) = sum_l y.W_z[l,k] delta[y]_l(n+1)
dL/dy_k(n) = [t_k(n) missing] dL/dz_k(n) - e_k(n)
delta[y]_k(n) = y_k(n) (1 - y_k(n)) dL/dy_k(n)
dL/dy.W_x[k,l] = sum_n delta[y]_k(n) x_l(n)
dL/dy.W_z[k,l] = sum_n delta[y]_k(n) z_l(n-1)
dL/dy.b[k] = sum_n delta[y]_k(n)
"""


@pytest.mark.parametrize(("name", "golden"), [("elman", ELMAN), ("fully_recurrent", FULLY_RECURRENT)])
def test_reads_as_in_the_papers(name: str, golden: str) -> None:
    assert equations(derive(spec(name))) == golden.strip().splitlines()


def test_lstm_has_the_deltas_of_the_literature() -> None:
    """Graves and Schmidhuber (2005), appendix A, without peepholes."""
    text = " ".join(derive(spec("lstm")).split())
    for line in (
        "h.c_k(n) = h.f_k(n) h.c_k(n-1) + h.i_k(n) tanh(net[h.c]_k(n))",
        "h_k(n) = h.o_k(n) tanh(h.c_k(n))",
        "delta[y]_k(n) = y_k(n) sum_l t_l(n) - t_k(n)",
        "dL/dh.c_k(n) = h.o_k(n) (1 - tanh(h.c_k(n))^2) dL/dh_k(n) + h.f_k(n+1) dL/dh.c_k(n+1)",
        "dL/dh.f_k(n) = h.c_k(n-1) dL/dh.c_k(n)",
        "delta[h.f]_k(n) = h.f_k(n) (1 - h.f_k(n)) dL/dh.f_k(n)",
    ):
        assert line in text


@by_spec
def test_every_spec_derives_the_same_twice(path: Path) -> None:
    system = system_of(path)
    for form in ("text", "latex"):
        once = derive(system, format=form)
        assert once == derive(system_of(path), format=form)
        assert once.isascii()
    assert max(map(len, derive(system).splitlines())) <= 120


def test_cross_entropy_of_sigmoid_units() -> None:
    """Bishop (2006), section 5.3.1: the error of an output unit is y - t."""
    system = build_text(
        """network f(D = 2, K = 3) {
          axis n
          input x[n] : D
          target t[n] : K
          output y[n] : K = sigmoid(full(x[n]) + bias)
          loss binary_cross_entropy(y, t)
        }"""
    )
    text = derive(system)
    assert "delta[y]_k(n) = y_k(n) - t_k(n) if t_k(n) given, else 0" in text
    assert "t_k(n) ln(y_k(n))" in text and "(1 - t_k(n)) ln(1 - y_k(n))" in text


def test_wrt_limits_the_backward_part() -> None:
    text = derive(spec("elman"), wrt="y.W_h")
    assert "delta[y]_k(n)" in text and "delta[h]" not in text and "dL/dy.b" not in text
    assert "dL/dx_k(n) = sum_l h.W_x[l,k] delta[h]_l(n)" in derive(spec("elman"), wrt="x")
    assert "dL/dh_k(n) = sum_l" in " ".join(derive(spec("elman"), wrt="h").split())
    start = derive(spec("second_order"), wrt="s.start")
    assert "s_k(n) = s.start[k] for n < first" in " ".join(start.split())
    assert "dL/ds.start[k] = sum_l sum_i s.W_s_x[i,k,l] x_l(first) delta[s]_i(first)" in start


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("h.w_h", "did you mean `h.W_h`"),
        ("h.W", "did you mean `h.W_h` or `h.W_x`?"),
        ("t", "`t` is a target"),
        ("net", "no parameter, input or unit"),
    ],
)
def test_names_without_a_gradient(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        derive(spec("elman"), wrt=name)


def test_without_a_loss() -> None:
    system = build_text("network f(D = 2) { axis n input x[n] : D output y[n] : D = tanh(full(x[n])) }")
    assert "Backward" not in derive(system)
    with pytest.raises(ValueError, match="no loss"):
        derive(system, wrt="x")


def test_latex_compiles(tmp_path: Path) -> None:
    engine = shutil.which("pdflatex") or shutil.which("tectonic")
    if engine is None:
        pytest.skip("no LaTeX engine is installed")
    options = ["-interaction=batchmode", "-halt-on-error"] if engine.endswith("pdflatex") else []
    for path in SPECS:
        file = tmp_path / f"{path.stem}.tex"
        file.write_text(derive(system_of(path), format="latex"), encoding="utf-8")
        done = subprocess.run([engine, *options, file.name], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, (path.stem, done.stdout[-2000:])
        log = file.with_suffix(".log")
        # the derivatives of a mixture's bounded distances are products without a place to break
        if log.exists() and path.stem != "handwriting":
            assert "Overfull \\hbox" not in log.read_text(encoding="latin-1"), path.stem


# ---- by number


def drawn(system: System, lengths: Mapping[str, int], seed: int) -> dict[str, Any]:
    """Random inputs, targets (some missing) and parameters of one sequence."""
    draw = np.random.default_rng(seed)
    _, given = data.batch(system, seed, {a: (n,) for a, n in lengths.items()}, 1).alone(0)
    columns = {p.name: p.columns_of for p in system.parameters}
    for v in system.values:
        if v.role in ("parameter", "fixed"):
            shape, high = data.extents(system, v), columns.get(v.name)
            tokens = 1 if high is None else int(high.value(data.sizes_of(system)))
            real = v.kind == "real"
            given[v.name] = 0.6 * draw.standard_normal(shape) if real else draw.integers(0, tokens, shape)
    return given


def check_numbers(system: System, derivation: Derivation, seed: int = 1) -> int:
    """Every equation holds between the values of the interpreter; how many entries were compared."""
    lengths = {axis: 3 + k for k, axis in enumerate(system.axes)}
    lengths |= {m: (lengths[n] + 1) // 2 for m, n in data.label_axes(system).items()}
    given = drawn(system, lengths, seed)
    lines = [line for section in derivation.sections for line in section.lines if not line.outside]
    wrt = tuple(n.name[2:-1] for n in (line.left for line in lines) if n.name.startswith("d("))
    both = adjoint(share(system), wrt) if wrt else system
    numbers, count = Numbers(both, lengths, given), 0
    for line in lines:
        if any(p.base in ("first", "last") for p in line.left.at):
            continue
        for left, right in numbers.entries(line):
            assert left == pytest.approx(right, rel=1e-9, abs=1e-11), (line.left.name, left, right)
            count += 1
    return count


@by_spec
def test_every_equation_holds_by_number(path: Path) -> None:
    system = system_of(path)
    assert check_numbers(system, derivation_of(system)) > 10


@pytest.mark.parametrize("seed", range(12))
def test_random_networks(seed: int) -> None:
    system = build_text(random_spec(seed).text)
    derive(system, format="latex")
    check_numbers(system, derivation_of(system), seed)


def test_gradients_of_the_derivation_are_differences() -> None:
    """The gradient lines of elman, evaluated, against the five-point rule on the loss."""
    system = spec("elman")
    sizes, lengths = data.sizes_of(system), {"n": 4}
    given = drawn(system, lengths, 3)
    derivation = derivation_of(system)
    gradients = derivation.sections[-1].lines
    names = tuple(line.left.name[2:-1] for line in gradients)
    numbers = Numbers(adjoint(system, (*names, "h:net", "y:net")), lengths, given)
    for line, name in zip(gradients, names, strict=True):
        right = np.array([value for _, value in numbers.entries(line)]).reshape(given[name].shape)
        for entry in np.ndindex(right.shape):
            direction = np.zeros(right.shape)
            direction[entry] = 1.0
            expected = five_point(system, sizes, lengths, given, {name: direction})
            assert right[entry] == pytest.approx(expected, rel=1e-7, abs=1e-9)
