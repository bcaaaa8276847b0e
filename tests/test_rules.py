"""What every learning rule beside back-propagation does, on every network of specs/ that it fits."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from oracle.forward_in_time import sequences_are_alone, steps_are_the_whole
from oracle.properties import Subject
from test_rtrl import BLOCKS, SLICED, SPARSE

from rnnc.compiler import emit, understand
from rnnc.diagnostics import Rejected, Reporter
from rnnc.frontend.read import read_text
from rnnc.learning.rules import RULES, NoRule, chosen, rule
from rnnc.program.learner import learner

SPECS = Path(__file__).resolve().parent.parent / "specs"
NAMES = ("rtrl", "truncated_gradient", "snap1", "snap2", "rflo", "eprop", "focused")
"""The rules whose steps add up to the whole; a family with a number."""


@cache
def fitting(name: str) -> tuple[str, ...]:
    """The rules that the network allows."""
    one = understand(read_text((SPECS / f"{name}.rnn").read_text(encoding="utf-8")))
    if one.system.loss is None or len(one.system.axes) > 1:
        return ()
    return tuple(n for n in NAMES if learner(rule(n), one.system, Reporter()) is not None)


def networks() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in SPECS.glob("*.rnn")))


@pytest.mark.parametrize("name", networks())
def test_steps_chunks_and_ragged_batches(name: str) -> None:
    rules = fitting(name)
    subject = Subject((SPECS / f"{name}.rnn").read_text(encoding="utf-8"), 3, rules)
    for one in rules:
        assert one in subject.module.RULES
        steps_are_the_whole(subject, one)
        sequences_are_alone(subject, one)


@pytest.mark.parametrize("text", (SPARSE, BLOCKS, SLICED), ids=("sparse", "blocks", "sliced"))
def test_operations_that_specs_seldom_have(text: str) -> None:
    rules = tuple(n for n in NAMES if n != "focused")
    subject = Subject(text, 3, rules)
    for one in rules:
        steps_are_the_whole(subject, one)
        sequences_are_alone(subject, one)


def test_most_networks_are_forward() -> None:
    assert sum(bool(fitting(name)) for name in networks()) >= 25


SMALL = """network small(D = 2, H = 3) {
  axis n
  input  x[n] : D
  target t[n] : H
  output y[n] : H = tanh(full(x) + full(y[n-1]) + bias)
  loss   squared_error(y, t)
}
"""


def test_names() -> None:
    assert [one.name for one in chosen(None)] == ["bptt", "rtrl"]
    assert [one.name for one in chosen(("truncated_gradient", "bptt"))] == ["bptt", "truncated_gradient"]
    assert len({one.name for one in RULES}) == len(RULES)
    with pytest.raises(NoRule, match="no learning rule `rtlr`") as problem:
        chosen(("rtlr",))
    assert problem.value.hint == "did you mean `rtrl`?"
    with pytest.raises(NoRule) as problem:
        chosen(("hebb",))
    assert problem.value.hint.startswith("there are bptt, rtrl, ")
    with pytest.raises(NoRule, match=r"^there is no learning rule `tbptt`: did you mean `truncated_bptt`\?$"):
        chosen(("tbptt",))
    with pytest.raises(ValueError, match=r"one by one, as in \('rtrl', 'snap1'\), found 'rtrl'$"):
        chosen("rtrl")


def test_what_is_asked_for_is_there_once() -> None:
    one = understand(read_text(SMALL))
    text = emit(one, learn=("truncated_gradient", "rtrl"))
    assert "RULES: tuple[str, ...] = ('bptt', 'truncated_gradient', 'rtrl')" in text
    assert [text.count(f"def {name}(") for name in ("places", "followed", "rtrl", "truncated_gradient_step")] == [1] * 4
    assert "def rtrl" not in emit(one, learn=("truncated_gradient",))
    assert "RULES: tuple[str, ...] = ()" in emit(
        understand(read_text(SMALL.replace("  loss   squared_error(y, t)\n", "")))
    )


@pytest.mark.parametrize("rules", (("truncated_gradient",), ("rtrl", "snap2")))
def test_a_network_that_does_not_allow_a_rule_says_so(rules: tuple[str, ...]) -> None:
    """Each rule for the same reason, which is told once."""
    reads_end = "  unit   e[n] : H = tanh(full(x) + bias)\n  output"
    for text in (
        SMALL.replace("y[n-1]", "y[n+1]"),
        SMALL.replace("y[n-1]", "y[n-1], e[last]").replace("  output", reads_end),
    ):
        with pytest.raises(Rejected) as rejected:
            emit(understand(read_text(text)), learn=rules)
        assert [d.code for d in rejected.value.diagnostics] == ["E308"]
