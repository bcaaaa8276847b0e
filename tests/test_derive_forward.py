"""Derivations that go forward in time: as in Williams and Zipser, and by number against back-propagation through time
and the reference cases.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases.stored import load
from cases.williams_zipser import fully_recurrent, layer
from derived_solving import ALPHA, Solved, in_blocks
from oracle import data
from random_specs import random_spec
from test_derive import SPECS, drawn, equations, spec, system_of

from rnnc.autodiff.adjoint import adjoint
from rnnc.compiler import build_text, understand
from rnnc.derive.derive import Algorithm, derivation_of, derive
from rnnc.derive.share import share
from rnnc.diagnostics import Rejected, Reporter
from rnnc.frontend.read import read_text
from rnnc.system.ahead import ahead
from rnnc.system.forms import Access, System, Value
from rnnc.system.interpret import interpret


def looks_ahead(system: System) -> bool:
    reporter = Reporter()
    ahead(system, reporter)
    return reporter.wrong


FORWARD = [path for path in SPECS if not looks_ahead(system_of(path))]

# Williams & Zipser (1995), section "Real-time recurrent learning", with teacher forcing: p^k_ij(t+1) is
# f'_k(s_k(t+1)) [sum_l w_kl p^l_ij(t) + delta_ik z_j(t)], over the units l without a target; Delta w_ij is
# alpha sum_k e_k p^k_ij. Here step n is their t+1.
WILLIAMS_ZIPSER = """
p^k_ij(n) = y_k(n) (1 - y_k(n)) (sum_l [t_l(n-1) missing] y.W_z[k,l] p^l_ij(n-1) + delta_ik z_j(n-1))
dL/dy.W_z[i,j] = -sum_n sum_k e_k(n) p^k_ij(n)
Delta y.W_z[i,j](n) = alpha sum_k e_k(n) p^k_ij(n)
"""
ELMAN = """
dL/dy_k(n) = -e_k(n)
delta[y]_k(n) = y_k(n) (1 - y_k(n)) dL/dy_k(n)
dL/dh_k(n) = sum_l y.W_h[l,k] delta[y]_l(n)
p^k_ij(n) = (1 - h_k(n)^2) (sum_l h.W_h[k,l] p^l_ij(n-1) + delta_ik h_j(n-1))
dL/dh.W_h[i,j] = sum_n sum_k dL/dh_k(n) p^k_ij(n)
Delta h.W_h[i,j](n) = -alpha sum_k dL/dh_k(n) p^k_ij(n)
"""
# The influence of the forget gate's weight goes through the cell and its output, and through every gate.
LSTM = """
p[h.f]^l_jk(n) = h.f_l(n) (1 - h.f_l(n)) (sum_m h.f.W_y[l,m] p[h]^m_jk(n-1) + delta_jl x_k(n))
p[h.i]^l_jk(n) = h.i_l(n) (1 - h.i_l(n)) sum_m h.i.W_y[l,m] p[h]^m_jk(n-1)
p[h.c]^l_jk(n) = h.c_l(n-1) p[h.f]^l_jk(n) + h.f_l(n) p[h.c]^l_jk(n-1) + tanh(net[h.c]_l(n)) p[h.i]^l_jk(n)
 + h.i_l(n) (1 - tanh(net[h.c]_l(n))^2) sum_m h.c.W_y[l,m] p[h]^m_jk(n-1)
p[h.o]^l_jk(n) = h.o_l(n) (1 - h.o_l(n)) sum_m h.o.W_y[l,m] p[h]^m_jk(n-1)
p[h]^l_jk(n) = tanh(h.c_l(n)) p[h.o]^l_jk(n) + h.o_l(n) (1 - tanh(h.c_l(n))^2) p[h.c]^l_jk(n)
"""
GRU = """
p[h.r]^k_ij(n) = h.r_k(n) (1 - h.r_k(n)) (sum_l h.r.W_y[k,l] p[h]^l_ij(n-1) + delta_ik h_j(n-1))
p[h.c]^k_ij(n) = (1 - h.c_k(n)^2) (sum_l h.c.W_r_y[k,l] h_l(n-1) p[h.r]^l_ij(n)
 + sum_l h.c.W_r_y[k,l] h.r_l(n) p[h]^l_ij(n-1))
p[h.z]^k_ij(n) = h.z_k(n) (1 - h.z_k(n)) sum_l h.z.W_y[k,l] p[h]^l_ij(n-1)
p[h]^k_ij(n) = (h_k(n-1) - h.c_k(n)) p[h.z]^k_ij(n) + h.z_k(n) p[h]^k_ij(n-1) + (1 - h.z_k(n)) p[h.c]^k_ij(n)
"""
# Mozer (1989): nothing but a unit's own weights has an influence on it.
SELF_RECURRENT = """
p_ij(n) = (1 - h_i(n)^2) (h.w_h[i] p_ij(n-1) + x_j(n))
dL/dh.W_x[i,j] = sum_n dL/dh_i(n) p_ij(n)
"""
# Schmidhuber (1992), his q^k_ij(t_0) as p^k_ij(m), his gamma as the derivatives of h_l(M).
HYBRID = """
dL/dh_k(m) = sum_l h.W_h[l,k] delta[h]_l(m+1)
dh_l(M)/dh_k(n) = sum_i h.W_h[i,k] dh_l(M)/dnet[h]_i(n+1) + [n = M] delta_kl
dh_l(M)/dnet[h]_k(n) = (1 - h_k(n)^2) dh_l(M)/dh_k(n)
dh_l(M)/dh_k(m) = sum_i h.W_h[i,k] dh_l(M)/dnet[h]_i(m+1)
dL/dh.W_h[i,j] = sum_k dL/dh_k(m) p^k_ij(m) + sum_n delta[h]_i(n) h_j(n-1)
Delta h.W_h[i,j] = -alpha dL/dh.W_h[i,j]
p^k_ij(M) = sum_n h_j(n-1) dh_k(M)/dnet[h]_i(n) + sum_l dh_k(M)/dh_l(m) p^l_ij(m)
"""
TRUNCATED = """
p_ij(n) = (1 - h_i(n)^2) h_j(n-1)
dL/dh.W_h[i,j] = sum_n dL/dh_i(n) p_ij(n)
"""


@pytest.mark.parametrize(
    ("name", "weight", "algorithm", "golden"),
    [
        ("fully_recurrent", "y.W_z", "rtrl", WILLIAMS_ZIPSER),
        ("elman", "h.W_h", "rtrl", ELMAN),
        ("lstm", "h.f.W_x", "rtrl", LSTM),
        ("gru", "h.r.W_y", "rtrl", GRU),
        ("self_recurrent", "h.W_x", "rtrl", SELF_RECURRENT),
        ("elman", "h.W_h", "hybrid", HYBRID),
        ("elman", "h.W_h", "truncated_gradient", TRUNCATED),
    ],
)
def test_reads_as_in_the_papers(name: str, weight: str, algorithm: Algorithm, golden: str) -> None:
    lines = derive(spec(name), wrt=weight, algorithm=algorithm).splitlines()
    text = " ".join(" ".join(line for line in lines if line.startswith("  ")).split())
    assert " ".join(golden.split()) in text


def test_a_layer_has_no_influence_on_the_one_below() -> None:
    upper = derive(spec("two_layer"), wrt="g.W_h", algorithm="rtrl")
    assert "p^k_ij(n) = (1 - g_k(n)^2)" in " ".join(upper.split()) and "[h]^k" not in upper
    lower = derive(spec("two_layer"), wrt="h.W_x", algorithm="rtrl")
    assert "sum_l g.W_h[k,l] p[h]^l_ij(n) + sum_l g.W_g[k,l] p[g]^l_ij(n-1)" in lower


def weights_of(system: System) -> tuple[str, ...]:
    real = {v.name for v in system.values if v.kind == "real"}
    return tuple(p.name for p in system.parameters if p.trained and p.name in real)


def some(system: System) -> tuple[str, ...]:
    """Three weights at most, the first and the last among them."""
    names = weights_of(system)
    return names if len(names) <= 3 else (names[0], names[len(names) // 2], names[-1])


def gradient(system: System, names: tuple[str, ...], lengths: dict[str, int], given: dict[str, Any]) -> dict[str, Any]:
    both = adjoint(system, names)
    run = interpret(both, data.sizes_of(both), lengths, given)
    return {name: run.read(made) for name, made in both.gradients}


def check(system: System, algorithm: Algorithm, expected: System, seed: int) -> None:
    # two steps carry every influence once; entry by entry, more take long in a large network
    lengths = dict.fromkeys(system.axes, 3 if len(weights_of(system)) < 20 else 2)
    lengths |= {m: (lengths[n] + 1) // 2 for m, n in data.label_axes(system).items()}
    given = drawn(system, lengths, seed)
    names = some(system)
    right = gradient(expected, names, lengths, {**given, **held(system, expected, lengths, given)})
    for name in names:
        derivation = derivation_of(system, name, algorithm)
        solved = Solved(share(system), derivation, lengths, given)
        made = solved.array(f"d({name})")
        np.testing.assert_allclose(made, right[name], rtol=1e-10, atol=1e-12, err_msg=name)
        line = solved.lines[f"D({name})"][0]
        steps = lengths[line.left.at[0].axis] if line.left.at else None
        change = solved.array(f"D({name})", steps)
        np.testing.assert_allclose(change if steps is None else change.sum(0), -ALPHA * made, rtol=1e-9, atol=1e-12)


def held(system: System, expected: System, lengths: dict[str, int], given: dict[str, Any]) -> dict[str, Any]:
    """What `cut` made inputs of."""
    run = interpret(system, data.sizes_of(system), lengths, given)
    names = [v.name for v in expected.values if v.name.startswith("held ")]
    return {name: run.read(name.removeprefix("held ")) for name in names}


def cut(system: System) -> System:
    """The network in which what is computed at an earlier step is given: its gradient is BPTT's through one step."""
    made = {e.out for e in system.equations}
    values = {v.name: v for v in system.values}
    given: dict[str, Value] = {}

    def freed(r: Access) -> Access:
        if r.name not in made or all(a.anchor != "first" and a.low == 0 for a in r.at):
            return r
        assert all(a.high is None or a.high < 0 for a in r.at)
        given["held " + r.name] = replace(values[r.name], name="held " + r.name, role="input")
        return replace(r, name="held " + r.name)

    equations = tuple(replace(e, reads=tuple(freed(r) for r in e.reads)) for e in system.equations)
    kept = tuple(replace(b, name="held " + b.name) for b in system.borders if "held " + b.name in given)
    return replace(system, values=(*system.values, *given.values()), equations=equations, borders=kept)


@pytest.mark.parametrize("path", FORWARD, ids=lambda p: p.stem)
def test_influences_give_the_gradient(path: Path) -> None:
    system = system_of(path)
    check(system, "rtrl", system, seed=1)


@pytest.mark.parametrize("name", ["elman", "fully_recurrent", "gru", "lstm", "narx", "two_layer", "jordan", "leaky"])
def test_truncated_gradient_is_one_step_of_bptt(name: str) -> None:
    check(spec(name), "truncated_gradient", cut(spec(name)), seed=2)


BLOCKS = [
    *("elman", "fully_recurrent", "gru", "lstm", "narx", "two_layer", "self_recurrent", "second_order", "one_to_many"),
    *("many_to_one", "skip", "jordan", "learned_delays", "bengio_lm"),
]


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_give_the_gradient(name: str) -> None:
    """Five steps in blocks of two: influences are handed on twice, the last block is short."""
    system = spec(name)
    lengths = dict.fromkeys(system.axes, 5)
    given = drawn(system, lengths, 4)
    right = gradient(system, some(system), lengths, given)
    for weight in some(system):
        made = in_blocks(share(system), derivation_of(system, weight, "hybrid"), 5, given, weight, 2)
        np.testing.assert_allclose(made, right[weight], rtol=1e-10, atol=1e-12, err_msg=weight)


def test_a_loss_of_one_entry_needs_no_minimum_over_entries() -> None:
    """Whether all entries of the target are there is whether the one is."""
    system = build_text(
        "network one(H = 3) { axis n input x[n] : H target t[n] : 1 unit h[n] : H = tanh(full(x) + full(h[n-1])) "
        "output y[n] : 1 = full(h) loss (y - t)^2 }"
    )
    lines = ("dL/dy(n) = 2 y(n) - 2 [t(n) given] t(n) if t(n) given, else 0",)
    for algorithm in ("bptt", "hybrid"):
        assert set(lines) <= set(equations(derive(system, algorithm=algorithm)))


def test_blocks_follow_one_axis() -> None:
    with pytest.raises(ValueError, match="blocks of steps of one axis, and `h` reads `h` along several"):
        derive(spec("rnn2d"), algorithm="hybrid")


def test_indices_are_letters_that_no_axis_has() -> None:
    film = """
    network film(D = 2, H = 3) {
      axis i, j, k
      input  x[i, j, k] : D
      target t[i, j, k] : H
      unit   h[i, j, k] : H = tanh(full(x) + full(h[i-1, j, k-1]) + diag(h[i, j-1, k]) + bias)
      loss squared_error(h, t)
    }
    """
    system = build_text(film)
    check(system, "rtrl", system, 1)
    assert "p^q_lm(i,j,k) is an influence, du_q(i,j,k)/dw_lm" in derive(system, algorithm="rtrl")


@pytest.mark.parametrize("seed", range(24))
def test_random_networks(seed: int) -> None:
    system = build_text(random_spec(seed).text)
    if looks_ahead(system):
        with pytest.raises(Rejected, match="E308"):
            derive(system, algorithm="rtrl")
    elif system.loss is not None and weights_of(system):
        derive(system, algorithm="rtrl", format="latex")
        try:
            derive(system, algorithm="hybrid", format="latex")
        except ValueError as problem:
            assert "blocks of steps of one axis" in str(problem)
        check(system, "rtrl", system, seed)


CASES = [
    "frn_logistic_n4_m1_T8",
    "frn_logistic_n4_m1_T8_teacher_forced",
    "frn_tanh_n3_m2_T6_teacher_forced",
    "frn_tanh_n2_m0_T10",
]


@pytest.mark.parametrize("name", CASES)
def test_influences_of_the_reference_cases(name: str) -> None:
    """p^k_ij(t) of torch, entry by entry, and the gradient of every step's loss."""
    case = load("rtrl", name)
    stated = fully_recurrent(case)
    system = understand(read_text(stated.spec), settings=stated.sizes).system
    lengths = {"n": int(case.hyper["T"])}
    given = {**stated.parameters, **stated.data}
    m = int(case.hyper["m"])
    source = "z" if case.hyper["teacher_forced"] else "y"
    columns: dict[str, Any] = {"y.W_x": slice(0, m), "y.b": m, f"y.W_{source}": slice(m + 1, None)}
    for weight in weights_of(system):
        solved = Solved(share(system), derivation_of(system, weight, "rtrl"), lengths, given)
        expected = case["step.P"][..., columns[weight]]
        np.testing.assert_allclose(solved.array(f"p(y|{weight})", lengths["n"]), expected, rtol=1e-10, atol=1e-12)
        change = solved.array(f"D({weight})", lengths["n"])
        step = case["step.grad_W"][..., columns[weight]]
        np.testing.assert_allclose(change, -ALPHA * step, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["gru_H3_T6_sse", "elman_H5_T9_softmax"])
def test_changes_of_the_reference_cases(name: str) -> None:
    """The gradient of a whole sequence, and of its last step's loss alone, through a gated cell."""
    stated = layer(load("rtrl", name))
    system = understand(read_text(stated.spec), settings=stated.sizes).system
    given = {**stated.parameters, **stated.data}
    lengths = {"n": len(given["x"])}
    for weight in some(system):
        solved = Solved(share(system), derivation_of(system, weight, "rtrl"), lengths, given)
        np.testing.assert_allclose(solved.array(f"d({weight})"), stated.gradients[weight], rtol=1e-9, atol=1e-11)


def test_what_reads_ahead_is_refused_by_name() -> None:
    forward: tuple[Algorithm, ...] = ("rtrl", "hybrid", "truncated_gradient")
    for algorithm in forward:
        with pytest.raises(Rejected, match=r"E308: `b` needs `b\[n\+1\]`"):
            derive(spec("bidirectional_sum"), algorithm=algorithm)
    with pytest.raises(ValueError, match="`x` is not a parameter"):
        derive(spec("elman"), wrt="x", algorithm="rtrl")
    quiet = build_text("network f(D = 2) { axis n input x[n] : D output y[n] : D = tanh(full(x[n])) }")
    with pytest.raises(ValueError, match="nothing to learn"):
        derive(quiet, algorithm="rtrl")


def test_changes_of_bptt() -> None:
    assert "Delta h.W_h[k,l](n) = -alpha delta[h]_k(n) h_l(n-1)" in equations(derive(spec("elman"), algorithm="bptt"))


FORMS: tuple[tuple[str, Algorithm], ...] = (
    *(
        (name, "rtrl")
        for name in ("fully_recurrent", "lstm", "self_recurrent", "second_order", "learned_delays", "tdnn")
    ),
    *((name, "hybrid") for name in ("elman", "gru", "narx", "many_to_one", "one_to_many")),
    ("lstm_peephole", "truncated_gradient"),
)
KNOWN = """
Bigl Bigr Delta allowdisplaybreaks alpha begin cos delta documentclass dots end exp frac item
itemsep left leq ln mathrm mathtt max mid middle min neq oddsidemargin operatorname parindent
partial qquad quad right section setlength sigma sin sqrt subsection sum tanh text textheight texttt
textwidth tfrac times topmargin usepackage
"""


@pytest.mark.parametrize(("name", "algorithm"), FORMS)
def test_latex_is_well_formed(name: str, algorithm: Algorithm) -> None:
    """Braces and environments close; every command is one of amsmath's or LaTeX's."""
    text = derive(spec(name), algorithm=algorithm, format="latex")
    plain = re.sub(r"\\[\\{}_,; !%]", "", text)
    depth = 0
    for c in plain:
        depth += (c == "{") - (c == "}")
        assert depth >= 0
    assert depth == 0
    opened: list[str] = []
    for kind, environment in re.findall(r"\\(begin|end)\{([a-z*]+)\}", text):
        if kind == "begin":
            opened.append(environment)
        else:
            assert opened.pop() == environment
    assert not opened
    assert set(re.findall(r"\\([A-Za-z]+)", plain)) <= {*KNOWN.split()}


def test_latex_compiles(tmp_path: Path) -> None:
    engine = shutil.which("pdflatex") or shutil.which("tectonic")
    if engine is None:
        pytest.skip("no LaTeX engine is installed")
    options = ["-interaction=batchmode", "-halt-on-error"] if engine.endswith("pdflatex") else []
    for name, algorithm in FORMS:
        file = tmp_path / f"{name}_{algorithm}.tex"
        file.write_text(derive(spec(name), algorithm=algorithm, format="latex"), encoding="utf-8")
        done = subprocess.run([engine, *options, file.name], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, (name, algorithm, done.stdout[-2000:])
