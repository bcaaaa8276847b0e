"""The learning rules that a CuPy module of a network can have."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rnnc.compiler import learners, understand
from rnnc.diagnostics import Rejected
from rnnc.frontend.read import read_text
from rnnc.learning.rules import RULES

NAMES = tuple(rule.name.removesuffix("N") + "1" * rule.family for rule in RULES if rule.learned is not None)
"""Every rule beside back-propagation; of a family the first."""


def allowed(path: Path) -> tuple[str, ...]:
    """Those that a module for the specification at `path` can have."""
    return allowed_in(path.read_text(encoding="utf-8"))


@cache
def allowed_in(text: str) -> tuple[str, ...]:
    """The same for a specification's text."""
    understood, found = understand(read_text(text, "<test>")), []
    for name in NAMES:
        try:
            learners(understood, (name,))
        except Rejected:
            continue
        found.append(name)
    return tuple(found)
