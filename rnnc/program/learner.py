"""What a module needs to learn by one rule: the rule, what it made of the network, and the programs of that."""

from __future__ import annotations

from dataclasses import dataclass

from rnnc.diagnostics import Reporter
from rnnc.learning.forms import Asked, Blockwise, Learned, Rowwise
from rnnc.learning.rules import Rule
from rnnc.program.blockwise import blockwise, rowwise
from rnnc.program.forms import Program
from rnnc.program.lower import lower
from rnnc.program.online import online
from rnnc.system.forms import System
from rnnc.system.pieces import Pieces


@dataclass(frozen=True)
class Learner:
    """`programs` are in the order in which `rnnc.emit.learners` takes them, the one with all sums last."""

    rule: Rule
    learned: Learned
    programs: tuple[Program, ...]


def learner(
    rule: Rule, system: System, reporter: Reporter, most: int | None = None, by_strips: bool = True
) -> Learner | None:
    """None where the network does not allow the rule, which is reported, or has more than `most` influences; pieces of
    a sequence are lowered `by_strips` as all of it is."""
    assert rule.learned is not None, "bptt is in every module"
    learned = rule.learned(system, reporter, Asked(rule.number, most))
    return None if learned is None else Learner(rule, learned, _programs(learned, by_strips))


def _programs(learned: Learned, by_strips: bool) -> tuple[Program, ...]:
    if isinstance(learned, Pieces):
        parts = (learned.begin, learned.end, learned.piece)
        return tuple(lower(part, by_strips, piece=True) for part in parts if part is not None)
    if isinstance(learned, Rowwise):
        return rowwise(learned)
    return blockwise(learned) if isinstance(learned, Blockwise) else (online(learned),)
