"""Specs without measure end in a module or a diagnostic in seconds and a gigabyte, each in its own process."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

GIGABYTE = 1 << 30
MEGABYTE = 1_000_000
SECONDS = 5.0
PACE = 0.3
"""Seconds of `pace` below on the machine that the limit is for; on one that has a slow hour it is as much longer."""

PROGRAM = """
import sys, time
def pace():
    begin = time.process_time()
    made = [(k, str(k), {k: k}) for k in range(300_000)]
    return time.process_time() - begin
from rnnc.diagnostics import Rejected
from rnnc.compiler import compile_text
from rnnc.render import render
text = sys.stdin.read()
before = pace()
begin = time.process_time()
try:
    made = f"module {compile_text(text).NAME}"
except Rejected as rejected:
    made = render(rejected.diagnostics)
taken = time.process_time() - begin
made, said = None, made
print(taken, (before + pace()) / 2)
print(said)
"""


def inside(body: str, sizes: str = "D = 3") -> str:
    return f"network big({sizes}) {{\naxis n\ninput x[n] : D\n{body}\n}}\n"


def equations(count: int, recurrent: bool) -> str:
    """A chain of units, one equation each, with a loss."""
    units, before = [], "x"
    for k in range(count - 1):
        memory = f" + full(h{k}[n-1])" if recurrent else ""
        units.append(f"unit h{k}[n] : D = tanh(full({before}[n]){memory} + bias)")
        before = f"h{k}"
    return inside("\n".join([*units, f"output y[n] : D = h{count - 2}", "target t[n] : D", "loss squared_error(y, t)"]))


def megabyte(statement: str) -> str:
    lines = []
    size = k = 0
    while size < MEGABYTE:
        lines.append(statement.format(k))
        size += len(lines[-1]) + 1
        k += 1
    return inside("\n".join(lines))


SPECS: dict[str, tuple[str, str]] = {
    "a megabyte of comments": (inside("# nothing\n" * 100_000 + "output y[n] : D = x"), "module big"),
    "a megabyte of units": (megabyte("unit h{0}[n] : D = tanh(full(x[n]) + full(h{0}[n-1]) + bias)"), "E504"),
    "a megabyte of one expression": (inside("output y[n] : D = " + "x * 2 + " * 125_000 + "x"), "E504"),
    "a megabyte of one name": (inside("output " + "y" * MEGABYTE + "[n] : D = x"), "module big"),
    "a megabyte of digits": (inside("output y[n] : D = x * " + "7" * MEGABYTE), "E205"),
    "a megabyte of mistakes": (megabyte("unit h{0}[n] : D = hh{0}[n]]"), "E002"),
    "brackets never closed": (megabyte("unit h{0}[n] : D = hh{0}[n"), "E501"),
    "nested parentheses": (inside("output y[n] : D = " + "(" * 10_000 + "x" + ")" * 10_000), "E501"),
    "nested calls": (inside("output y[n] : D = " + "tanh(" * 10_000 + "x" + ")" * 10_000), "E501"),
    "signs": (inside("output y[n] : D = " + "-" * 10_000 + "x"), "E501"),
    "a sum": (inside("output y[n] : D = " + " + ".join(["x[n]"] * 10_000)), "E504"),
    "a sum of a few hundred": (inside("output y[n] : D = " + " + ".join(["x[n]"] * 400)), "module big"),
    "a size": (inside("output y[n] : K = full(x)", "D = 3, K = 1000000000000"), "module big"),
    "a literal size": (inside("output y[n] : 1000000000000 = full(x)"), "module big"),
    "an axis of connections": (
        inside("output y[n] : K = full(x, x[n-1])", "D = 3, K = 10000000000000000000000"),
        "module big",
    ),
    "a far delay": (inside("output y[n] : D = x[n-1000000000000]"), "E502"),
    "a power": (inside("output y[n] : D = x ^ 1000000000000"), "module big"),
}


def compiled(text: str) -> tuple[float, str]:
    """Seconds of processor time at the limit's pace, and what came of a spec in a process that has one gigabyte."""
    made = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=text,
        capture_output=True,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (GIGABYTE, GIGABYTE)),
        timeout=120,
    )
    assert made.returncode == 0, made.stderr[-2_000:]
    figures, _, result = made.stdout.partition("\n")
    seconds, pace = map(float, figures.split())
    return seconds / max(1.0, pace / PACE), result


@pytest.mark.parametrize("name", SPECS)
def test_a_module_or_a_diagnostic(name: str) -> None:
    text, wanted = SPECS[name]
    seconds, result = compiled(text)
    assert wanted in result[:40], result[:400]
    assert len(result) < 40_000
    assert seconds < SECONDS


@pytest.mark.parametrize("recurrent", [True, False], ids=["recurrent", "layered"])
def test_five_hundred_equations(recurrent: bool) -> None:
    seconds, result = compiled(equations(500, recurrent))
    assert result.strip() == "module big"
    assert seconds < 2 * SECONDS
