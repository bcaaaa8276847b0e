"""How long specs without measure take, each in a process of its own, beside the five seconds and the gigabyte they may.

    python benchmarks/limits.py [NAME ...]

Seconds are of the processor, from the text to the imported module or the written-out diagnostics; memory is the whole
process's at its largest.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from typing import NamedTuple

from start_up import chain

GIGABYTE, MEGABYTE = 1 << 30, 1_000_000
GOAL, HANGS = 5, 60
"""Seconds that a spec may take, and those after which its process is ended: a slow hour is none of rnnc's mistakes."""

PROGRAM = """
import resource, sys, time
from rnnc.diagnostics import Rejected
from rnnc.compiler import compile_text
from rnnc.render import render
text = sys.stdin.read()
begin = time.process_time()
try:
    made = f"module {compile_text(text).NAME}"
except Rejected as rejected:
    made = render(rejected.diagnostics)
taken = time.process_time() - begin
print(taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
print(made)
"""


def inside(body: str, sizes: str = "D = 3") -> str:
    return f"network big({sizes}) {{\naxis n\ninput x[n] : D\n{body}\n}}\n"


def megabyte(statement: str) -> str:
    """A network of a megabyte of statements, numbered."""
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
    "a megabyte of misspelt words": ("network a {\n" + "uint x = 3\n" * 90_000 + "}", "E001"),
    "a megabyte of closing braces": ("network a { unit h = 1 " + "} " * (MEGABYTE // 2), "E002"),
    "a megabyte of names": ("network a { unit h = full(" + "a " * (MEGABYTE // 2) + ") }", "E002"),
    "a megabyte of colons": ("network a { unit h = x[" + ":" * MEGABYTE + "] }", "E002"),
    "a megabyte of cells": (inside("cell c(x) { unit y = x return y }\n" * 30_000), "E009"),
    "a megabyte of one strange letter": ("α" * MEGABYTE, "E003"),
    "a megabyte of strange words": (" ".join(f"α{k}" for k in range(MEGABYTE // 8)), "E003"),
    "a megabyte of quotes": ("'" * MEGABYTE, "E002"),
    "brackets never closed": (megabyte("unit h{0}[n] : D = hh{0}[n"), "E501"),
    "nested parentheses": (inside("output y[n] : D = " + "(" * 10_000 + "x" + ")" * 10_000), "E501"),
    "nested calls": (inside("output y[n] : D = " + "tanh(" * 10_000 + "x" + ")" * 10_000), "E501"),
    "signs": (inside("output y[n] : D = " + "-" * 10_000 + "x"), "E501"),
    "a sum": (inside("output y[n] : D = " + " + ".join(["x[n]"] * 10_000)), "E504"),
    "a sum of a few hundred": (inside("output y[n] : D = " + " + ".join(["x[n]"] * 400)), "module big"),
    "a size": (inside("output y[n] : K = full(x)", "D = 3, K = 1000000000000"), "module big"),
    "a literal size": (inside("output y[n] : 1000000000000 = full(x)"), "module big"),
    "an axis of connections": (
        inside("output y[n] : K = full(x, x[n-1])", "D = 3, K = 1000000000000000000"),
        "module big",
    ),
    "a size beyond measure": (inside("output y[n] : K = full(x)", "D = 3, K = 1000000000000000000000"), "E204"),
    "a far delay": (inside("output y[n] : D = x[n-1000000000000]"), "E502"),
    "thousands of early values": (
        inside(
            "output y[n] : D = full(x, y[n-2800])\n"
            + "\n".join(f"start y[first-{k}] = x[first]" for k in range(1, 2801))
        ),
        "module big",
    ),
    "a power": (inside("output y[n] : D = x ^ 1000000000000"), "module big"),
    "five hundred equations": (chain(500), "module chain"),
    "five hundred layers": (chain(500, recurrent=False), "module chain"),
}
"""A spec, and how what comes of it begins: a module, or the code of the first diagnostic."""


class End(NamedTuple):
    """What came of a spec, after how many seconds of the processor, in how many bytes."""

    seconds: float
    memory: int
    result: str


def end(text: str) -> End:
    """A spec's end in a process that has a gigabyte. Raises `subprocess.CalledProcessError` where it is neither a
    module nor a diagnostic."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (GIGABYTE, GIGABYTE))
        resource.setrlimit(resource.RLIMIT_CPU, (HANGS, HANGS))

    made = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=text,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
        preexec_fn=limited,
        check=True,
    )
    figures, _, result = made.stdout.partition("\n")
    seconds, memory = figures.split()
    return End(float(seconds), int(memory), result)


def main(names: list[str]) -> None:
    print(f"{'spec':<34} {'seconds':>8} {'goal':>5} {'MB':>6}")
    for name in names or SPECS:
        found = end(SPECS[name][0])
        goal = 2 * GOAL if name.startswith("five hundred") else GOAL
        print(f"{name:<34} {found.seconds:8.2f} {goal:5d} {found.memory / MEGABYTE:6.0f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
