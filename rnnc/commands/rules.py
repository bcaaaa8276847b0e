"""The learning rules that `--learn` names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rnnc.commands.failure import Failure

if TYPE_CHECKING:
    from rnnc.learning.rules import Rule


def rule_names(text: str) -> tuple[str, ...]:
    """`bptt,rtrl` as names."""
    return tuple(name.strip() for name in text.split(","))


def named_rules(names: Iterable[str]) -> tuple[Rule, ...]:
    """The rules of these names, back-propagation first. `Failure` where there is none of a name."""
    from rnnc.learning.rules import NoRule, chosen

    try:
        return chosen(names)
    except NoRule as problem:
        raise Failure(problem.said, problem.hint) from None
