"""Every name of CuPy that a module uses is one that CuPy 13 and 14 have, called as they can be called."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from cupy_signatures import FUNCTIONS, METHODS, NAMES, bind
from every_rule import allowed

from rnnc.compiler import emit, understand
from rnnc.frontend.read import read_path

ROOT = Path(__file__).resolve().parent.parent
SPECS = sorted((ROOT / "specs").glob("*.rnn"))
OPEN = ("copyto", "einsum", "matmul", "may_share_memory")
"""Functions that hand on whatever they are given."""
ALL_RULES = ("elman", "echo_state", "gru", "learned_delays", "self_recurrent")


def dotted(node: ast.expr) -> str:
    """`cp.cuda.runtime`, of names and attributes alone."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else "?"


def uses(text: str) -> Iterator[tuple[str, ast.Call | None]]:
    """Names under `cp.`, the longest of each chain, with their calls; those that a local name stands for too."""
    tree = ast.parse(text)
    calls = {id(n.func): n for n in ast.walk(tree) if isinstance(n, ast.Call)}
    inner = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in inner and dotted(node).startswith(("cp.", "ask.")):
            name = re.sub(r"^ask\.", "cuda.runtime.", dotted(node)).removeprefix("cp.")
            yield name, calls.get(id(node))


def check(text: str) -> None:
    # CuPy has the host count a mask's entries at every such assignment
    assert not re.search(r"\[past_\w+(\[.*\])?\] = ", text)
    for name, call in uses(text):
        if call is None:
            assert name in (*FUNCTIONS, *NAMES, "cuda.runtime", "max", "min"), f"cp.{name}"
        elif not any(isinstance(a, ast.Starred) for a in call.args) and all(k.arg for k in call.keywords):
            bind(name, tuple(call.args), {str(k.arg): k.value for k in call.keywords})


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_what_modules_call(path: Path) -> None:
    """As they are compiled unasked; some with all the rules that their networks allow."""
    understood = understand(read_path(path), path=path)
    check(emit(understood, "cupy", allowed(path) if path.stem in ALL_RULES else None))


@pytest.mark.parametrize("line", ("cp.put_along_axis(a, b, c, 0)", "cp.max(a, initial=0)", "f(cp.r_)", "cp.stack()"))
def test_what_cupy_has_not_is_seen(line: str) -> None:
    with pytest.raises((AssertionError, AttributeError, TypeError)):
        check(line)


def parameters(function: Any) -> list[str]:
    """Their names, from the signature or, of a compiled function, from the first line of what it says of itself."""
    try:
        return list(signature(function).parameters)
    except (TypeError, ValueError):
        line = (function.__doc__ or "").strip().split("\n")[0]
    inside = line[line.index("(") + 1 : line.rindex(")")]
    parts = (part.split("=")[0].split()[-1].lstrip("*\\") for part in inside.split(",") if part.split("=")[0].strip())
    return [name for name in parts if name not in ("", "/", "self")]


def test_the_table_is_cupys() -> None:
    """With CuPy installed, GPU or not: every name is there, and has at least these parameters in this order."""
    cupy = pytest.importorskip("cupy")
    owners = [(cupy, name, given) for name, given in FUNCTIONS.items()]
    owners += [(cupy.ndarray, name, given) for name, given in METHODS.items()]
    for owner, name, given in owners:
        found: Any = owner
        for part in name.split("."):
            found = getattr(found, part)
        real = iter(parameters(found))
        own = [p.split("=")[0].strip(" *") for p in given.split(",")]
        if name not in OPEN:
            missing = [p for p in own if p not in ("", "/") and p not in real]
            assert not missing, f"{name}({given}): {missing} are not there, or in another order"
    for name in NAMES:
        found = cupy
        for part in name.split("."):
            found = getattr(found, part)
