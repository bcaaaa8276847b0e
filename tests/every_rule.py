"""The learning rules that a network allows."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rnnc.compiler import learners, understand
from rnnc.diagnostics import Rejected
from rnnc.frontend.read import read_path
from rnnc.learning.rules import RULES

NAMES = tuple(rule.name.removesuffix("N") + "1" * rule.family for rule in RULES if rule.learned is not None)
"""Every rule beside back-propagation; of a family the first."""


@cache
def allowed(path: Path) -> tuple[str, ...]:
    """Those that a module for the specification at `path` can have."""
    understood, found = understand(read_path(path), path=path), []
    for name in NAMES:
        try:
            learners(understood, (name,))
        except Rejected:
            continue
        found.append(name)
    return tuple(found)
