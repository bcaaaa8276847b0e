"""`rnnc plan`: against counted multiplications and measured bytes of the modules, and against the literature."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from counted import most_bytes, multiplications
from random_specs import random_spec

from rnnc.cli import run
from rnnc.compiler import Understood, emit, load_module, understand
from rnnc.emit.windows import K1, K2
from rnnc.frontend.read import read_path, read_text
from rnnc.learning.rules import CHECKPOINTS, rule
from rnnc.plan.advice import cheapest
from rnnc.plan.pieces import run_of
from rnnc.plan.plan import REAL, Plan, plan
from rnnc.plan.spell import polynomial, short
from rnnc.plan.symbols import letters

SPECS = Path(__file__).resolve().parent.parent / "specs"
Capture = pytest.CaptureFixture[str]


def understood(name: str, **sizes: int) -> Understood:
    path = SPECS / f"{name}.rnn"
    return understand(read_path(path), path=path, settings=sizes)


def made(text: str, steps: int = 100, batch: int = 1) -> Plan:
    one = understand(read_text(text))
    return plan(one, dict.fromkeys(one.system.axes, steps), batch)


def inputs_of(module: Any, sizes: dict[str, int], steps: int, batch: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    found: dict[str, Any] = {}
    for name, facts in {**module.INPUTS, **module.TARGETS}.items():
        shape, words = module.data_shapes(**sizes)[name]
        whole = (*(steps for _ in facts["axes"]), batch, *shape)
        found[name] = rng.integers(0, words, whole) if words else rng.standard_normal(whole).astype(np.float32)
    return found


def modules(one: Understood, names: tuple[str, ...]) -> tuple[Any, Any]:
    """With the rules of these names; and, where that is among them, with checkpoints."""
    plain = load_module(emit(one, learn=tuple(n for n in names if n != CHECKPOINTS.name)), one.model.name)
    cut = CHECKPOINTS.name in names
    return plain, load_module(emit(one, learn=(), checkpoint=True), one.model.name) if cut else None


COUNTED = (
    ("elman", {"D": 8, "H": 24}, ("bptt", "rtrl")),
    ("fully_recurrent", {"D": 8, "Q": 20}, ("bptt", "rtrl")),
    ("lstm", {"D": 8, "H": 12}, ("bptt", "rtrl")),
    ("gru", {"D": 8, "H": 12}, ("bptt", "rtrl")),
    ("self_recurrent", {"D": 32, "H": 64}, ("bptt", "rtrl")),
    ("second_order", {"D": 6, "Q": 12}, ("bptt", "rtrl")),
    ("two_layer", {"D": 8, "H": 16, "G": 12}, ("bptt", "rtrl")),
    ("narx", {"D": 8, "K": 16}, ("bptt", "rtrl")),
    ("bidirectional_concat", {"D": 16, "H": 24}, ("bptt",)),
    ("rnn2d", {"D": 12, "H": 24}, ("bptt", "rtrl")),
)


@pytest.mark.parametrize(("name", "sizes", "rules"), COUNTED, ids=[row[0] for row in COUNTED])
def test_multiply_adds_are_those_that_are_made(name: str, sizes: dict[str, int], rules: tuple[str, ...]) -> None:
    steps, batch = 12, 3
    one = understood(name, **sizes)
    found = plan(one, dict.fromkeys(one.system.axes, steps), batch)
    names = tuple(c.rule.name for c in found.costs)
    module, pieces = modules(one, names)
    data, p = inputs_of(module, dict(found.sizes), steps, batch), module.init()
    assert tuple(n for n in ("bptt", "rtrl") if n in names) == rules
    for cost in found.costs:
        own = pieces if cost.rule.form_of else module
        learn = getattr(own, cost.rule.function)
        seed = {"seed": 0} if cost.rule.random else {}
        counted = multiplications(own, lambda learn=learn, seed=seed: learn(p, **data, **seed))  # type: ignore[misc]
        assert found.value(cost.call) == pytest.approx(counted, rel=0.05), cost.rule.name


HELD = (
    ("elman", {"H": 16}, 16, 800),
    ("fully_recurrent", {"Q": 16}, 16, 800),
    ("lstm", {"H": 12}, 16, 800),
    ("gru", {"H": 12}, 16, 800),
    ("self_recurrent", {"H": 128}, 16, 800),
)


@pytest.mark.parametrize(("name", "sizes", "batch", "steps"), HELD, ids=[row[0] for row in HELD])
def test_bytes_are_those_that_are_held(name: str, sizes: dict[str, int], batch: int, steps: int) -> None:
    one = understood(name, **sizes)
    found = plan(one, dict.fromkeys(one.system.axes, steps), batch)
    module, _ = modules(one, tuple(c.rule.name for c in found.costs))
    data, p = inputs_of(module, dict(found.sizes), steps, batch), module.init()
    for cost in found.costs:
        if cost.rule.name in (CHECKPOINTS.name, "truncated_bptt"):
            continue  # below
        run, seed = getattr(module, cost.rule.name), {"seed": 0} if cost.rule.random else {}
        measured = most_bytes(lambda run=run, seed=seed: run(p, **data, **seed))  # type: ignore[misc]
        assert found.value(cost.held) * REAL == pytest.approx(measured, rel=0.05), cost.rule.name


@pytest.mark.parametrize(("name", "sizes"), [("elman", {"H": 16}), ("lstm", {"H": 12}), ("self_recurrent", {"H": 64})])
def test_bytes_of_pieces_and_windows(name: str, sizes: dict[str, int]) -> None:
    """A batch large enough that arrays weigh more than what Python keeps of each piece."""
    one, steps, batch = understood(name, **sizes), 900, 128
    found = plan(one, dict.fromkeys(one.system.axes, steps), batch, (CHECKPOINTS, rule("truncated_bptt")))
    module, pieces = modules(one, tuple(c.rule.name for c in found.costs))
    data, p = inputs_of(module, dict(found.sizes), steps, batch), module.init()
    for of, learn in ((CHECKPOINTS.name, pieces.bptt), ("truncated_bptt", module.truncated_bptt)):
        cost = found.of(of)
        assert cost is not None
        measured = most_bytes(lambda learn=learn: learn(p, **data))  # type: ignore[misc]
        assert found.value(cost.held) * REAL == pytest.approx(measured, rel=0.05), of


NET = """network net(D = {n}, H = {n}) {{
  axis n
  input x[n] : D
  target t[n] : H
  {cell}
  loss squared_error(h, t)
}}"""
DENSE = "output h[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)"


def test_a_fully_recurrent_net_costs_what_the_literature_says() -> None:
    # Williams and Zipser (1995): RTRL takes O(C d^2 N) = n^4 and holds O(N d) = n^3; BPTT takes O(C) = n^2 a step.
    found = made(NET.format(n=100, cell=DENSE))
    bptt, rtrl = (found.of(name) for name in ("bptt", "rtrl"))
    assert bptt is not None and bptt.step is not None and rtrl is not None and rtrl.step is not None
    assert polynomial(rtrl.step, found.at, 2) == "D H^3 + H^4 + ..."
    assert polynomial(bptt.step, found.at, 2) == "3 H^2 + 2 D H + ..."
    assert {sum(k for _, k in powers) for powers, _ in rtrl.held.terms if ("B", 1) in powers} == {1, 2, 3, 4}
    assert polynomial(found.parameters, found.at) == "D H + H^2 + H"
    assert cheapest(found).rule.name == "bptt"
    assert found.pattern is not None
    assert [(c.parameter, c.form, found.value(c.kept)) for c in found.pattern.cells] == [
        ("h.W_h", "dense", 10**6),
        ("h.W_x", "dense", 10**6),
        ("h.b", "dense", 10**4),
    ]


def test_blocks_keep_the_influences_of_their_own_weights() -> None:
    """H = 4 in two blocks, read by a layer: 2 (rows of a block) of 4 by the block's weights, all of them above."""
    found = made(
        NET.format(n=4, cell="unit z[n] : H = tanh(block(z[n-1], 2) + bias)\n" + DENSE.replace("full(x", "full(z"))
    )
    assert found.pattern is not None
    assert {(c.state, c.parameter): (c.form, found.value(c.kept)) for c in found.pattern.cells} == {
        ("z", "z.W_z"): ("block", 16),
        ("z", "z.b"): ("block", 8),
        **{("h", name): ("dense", 4 * size) for name, size in (("z.W_z", 8), ("z.b", 4), ("h.W_z", 16), ("h.W_h", 16))},
        ("h", "h.b"): ("dense", 16),
    }


def test_an_elementwise_recurrence_keeps_a_diagonal_and_costs_a_vector() -> None:
    dense = made(NET.format(n=24, cell=DENSE)).of("rtrl")
    found = made(NET.format(n=24, cell=DENSE.replace("full(h[n-1])", "diag(h[n-1])")))
    alone = found.of("rtrl")
    assert dense is not None and alone is not None and found.pattern is not None
    assert {c.form for c in found.pattern.cells} == {"diagonal"}
    # of all multiplications of the two calls, those of the layers themselves included
    assert found.value(alone.call) < 0.004 * found.value(dense.call)


def test_the_command(capsys: Capture, tmp_path: Path) -> None:
    picture = tmp_path / "pattern.svg"
    assert run(["plan", "lstm", "-s", "H=16", "-T", "50", "-B", "2", "-o", str(picture)]) == 0
    said = capsys.readouterr().out
    assert "T = 50 steps, B = 2 sequences" in said and "cheapest exact rule: bptt" in said
    assert "".join(ElementTree.parse(picture).getroot().itertext()).count("h.f.W_y on h: dense, 4,096 of 4,096") == 1
    assert run(["plan", "lstm", "-s", "H=16", "-T", "n=50", "-B", "2", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["cheapest"] == "bptt" and [one["rule"] for one in told["rules"]][:3] == [
        "bptt",
        CHECKPOINTS.name,
        "rtrl",
    ]
    assert told["parameters"]["value"] == 4 * 16 * (3 + 16 + 1) + 2 * 16 + 2


def test_a_network_that_reads_ahead_has_no_rtrl(capsys: Capture, tmp_path: Path) -> None:
    assert run(["plan", "bidirectional_concat", "-T", "20"]) == 0
    said = capsys.readouterr().out
    assert "\nrtrl, " in said and ": impossible here" in said and "the only one that this network allows" in said
    assert run(["plan", "bidirectional_concat", "-o", str(tmp_path / "no.svg")]) == 2
    refused = capsys.readouterr().err
    assert "no pattern to draw: `b.c` needs `b[n+1]`, a later step, and RTRL works forward in time" in refused
    assert not (tmp_path / "no.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    (
        (["elman", "-T", "m=5"], "there is no axis `m`"),
        (["elman", "-T", "0"], "a number of steps"),
        (["elman", "-B", "0"], "`-B` is 0; it must be at least 1"),
        (["elman", "-o", "a.png"], "ends in .svg"),
    ),
)
def test_mistakes(capsys: Capture, arguments: list[str], said: str) -> None:
    assert run(["plan", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_every_letter_of_a_plan_is_a_size_or_said_to_mean_something(capsys: Capture) -> None:
    assert run(["plan", "lstm", "-s", "H=64", "-T", "1000", "-B", "32"]) == 0
    said = capsys.readouterr().out
    formulas = re.findall(r"(?:multiply-adds a step|numbers held) {2,}(?!a sequence)(.*)", said)
    read = {word for formula in formulas for word in re.findall(r"[A-Za-z]\w*", formula)}
    told = set(re.findall(r"\b(\w+) = \d", said))
    assert len(formulas) > 20 and {"H", "T", "B", "L", "W", "R"} <= read <= told


def test_windows_are_counted_without_going_through_them(capsys: Capture) -> None:
    """truncated_bptt, by definition: a window ends every K1 steps and at the last, and has K2 steps where it can."""
    one: Any = SimpleNamespace(rule=SimpleNamespace(form_of="", name="truncated_bptt"))
    letters: Any = SimpleNamespace(steps=(("n", "T"),), batch="B")
    for steps in range(1, 65):
        run_, at = run_of(one, letters, {"T": steps, "B": 1}, 10)
        windows = [min(n, K2) for n in range(1, steps + 1) if n % K1 == 0 or n == steps]
        assert (at[run_.count], at[run_.total], at[run_.steps]) == (len(windows), sum(windows), max(windows))
    assert run(["plan", "elman", "-T", str(10**30)]) == 0
    assert "truncated_bptt" in capsys.readouterr().out


def test_letters_are_free() -> None:
    assert list(letters(("T", "S"), ("T", "A"))) == ["B", "S"]
    assert list(letters(("T", "S"), "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) == ["T2", "S2"]


def test_a_network_without_an_axis_has_no_steps(capsys: Capture) -> None:
    assert run(["plan", "mlp"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "no axis, B = 32 sequences, float32"


def test_numbers_are_short() -> None:
    told = [short(0), short(999), short(1234), short(999_600), short(5 * 10**9, "B")]
    assert told == ["0", "999", "1.23 k", "1000 k", "5 GB"]


KINDS = (
    "attention",
    "bengio_lm",
    "cbow",
    "elman_ctc",
    "jordan",
    "learned_delays",
    "mlp",
    "perceptron",
    "rnn2d",
    "tdnn",
)


@pytest.mark.parametrize("name", KINDS)
def test_networks_of_every_kind_have_a_plan(name: str, capsys: Capture) -> None:
    assert run(["plan", name, "-T", "20", "-B", "4"]) == 0
    assert "cheapest exact rule: " in capsys.readouterr().out


@pytest.mark.parametrize("seed", range(900070, 900076))
def test_random_networks_have_a_plan(seed: int, capsys: Capture, tmp_path: Path) -> None:
    """900073 has a block connection, whose influences are in blocks."""
    spec = tmp_path / "drawn.rnn"
    spec.write_text(random_spec(seed).text, encoding="utf-8")
    assert run(["plan", str(spec), "-T", "20", "-B", "2"]) == 0, capsys.readouterr().err
