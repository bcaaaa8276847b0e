"""The text of the support files as it is copied into a module."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib.resources import files

BEGIN, END = "# ---- copied from here", "# ---- copied to here"

_TOP = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)


@cache
def copied(name: str) -> str:
    """What stands between the marks of a support file."""
    text = files("rnnc.emit.support").joinpath(f"{name}.py").read_text(encoding="utf-8")
    return text.split(BEGIN, 1)[1].split(END, 1)[0].strip("\n")


@cache
def _functions() -> tuple[tuple[str, str], ...]:
    text = copied("operations")
    tree = ast.parse(text)
    lines = text.split("\n")
    return tuple(
        (node.name, "\n".join(lines[node.lineno - 1 : node.end_lineno]))
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    )


@cache
def support_names() -> tuple[str, ...]:
    """Every name the support files define at their top."""
    always = ("parameters", "calls", "operations", "ctc", "generating")
    parts = (*always, "influences", "block", "blocks", "rows", "signs", "pieces")
    return tuple(name for part in parts for name in _TOP.findall(copied(part)))


def needed_operations(body: str) -> str:
    """The support functions that `body` calls, and those that the protocol's functions call."""
    always = ("last_rows",)
    chosen = [text for name, text in _functions() if f"{name}(" in body or name in always]
    return "\n\n\n".join(chosen)
