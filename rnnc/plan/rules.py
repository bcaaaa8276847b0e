"""The learning rules of the compiler, and what each costs: one record a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rnnc.compiler import Understood, differentiate
from rnnc.diagnostics import Reporter
from rnnc.plan.arrays import Arrays
from rnnc.plan.counting import added_products
from rnnc.plan.symbols import Symbols
from rnnc.program.forms import Program
from rnnc.sizes import Size

Peaks = Callable[[Mapping[str, Arrays], Program, Symbols, Size], tuple[Size, ...]]


@dataclass(frozen=True)
class Rule:
    """`program` is what the rule runs, None where the network does not allow it. `peaks` are how many numbers are held
    at each of the moments of which one is the worst, given what the functions make, and how many parameters there are.
    """

    name: str
    title: str
    exact: bool
    program: Callable[[Understood, Reporter], Program | None]
    peaks: Peaks


def _bptt(understood: Understood, reporter: Reporter) -> Program:
    from rnnc.program.lower import lower

    return lower(differentiate(understood))


def _of_bptt(made: Mapping[str, Arrays], program: Program, letters: Symbols, parameters: Size) -> tuple[Size, ...]:
    forward, loss, backward = made["_forward"], made["_loss"], made["_backward"]
    kept = forward.handed_on()
    return (
        forward.whole(),
        kept + loss.whole(),
        kept + loss.handed_on() + parameters + backward.whole(),
    )


def _rtrl(understood: Understood, reporter: Reporter) -> Program | None:
    from rnnc.learning.rtrl import followed
    from rnnc.program.online import online

    forward = followed(understood.system, reporter)
    return None if forward is None else online(forward)


def _of_rtrl(made: Mapping[str, Arrays], program: Program, letters: Symbols, parameters: Size) -> tuple[Size, ...]:
    own = made["_rtrl"]
    held = own.whole() + parameters
    return (held + own.copies, *(held + z for z in added_products(program, letters)))


RULES: tuple[Rule, ...] = (
    Rule("bptt", "back-propagation through time", True, _bptt, _of_bptt),
    Rule("rtrl", "real-time recurrent learning", True, _rtrl, _of_rtrl),
)
