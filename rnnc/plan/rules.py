"""What each learning rule of the compiler runs and holds, as the plan counts it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rnnc.learning.rules import CHECKPOINTS, RULES, Rule, rule
from rnnc.plan.arrays import Arrays
from rnnc.plan.blocks import of_block
from rnnc.plan.counting import added_products
from rnnc.plan.passing import WHOLE
from rnnc.plan.symbols import Symbols
from rnnc.program.forms import Program
from rnnc.sizes import Size

Made = Mapping[str, Arrays]
"""What each function of the module makes, by its name."""


def planned() -> Iterator[Rule]:
    """Every rule; of a family the one with the number 1. Behind back-propagation comes that with checkpoints."""
    for known in RULES:
        yield rule(f"{known.name[:-1]}1") if known.family else known
        if known.name == CHECKPOINTS.form_of:
            yield CHECKPOINTS


def peaks(of: Rule, made: Made, program: Program, letters: Symbols, parameters: Size) -> tuple[Size, ...]:
    """How many numbers are held at each of the moments of which one is the worst, given what the functions make, and
    how many parameters there are."""
    if of.learned is None:
        found = _of_bptt(made, parameters)
    elif program.across:
        found = of_block(made[f"_{of.name}"], program, letters, parameters)
    else:
        found = _of_whole(made[f"_{of.name}"], program, letters, parameters)
    return tuple(z + of_call(letters) for z in found)


def of_call(letters: Symbols) -> Size:
    """What a call itself knows of every sequence: its lengths, where it begins and what its loss counts for."""
    return letters.sequences * Size.of(WHOLE * len(letters.steps) + 1 + 1)


def _of_bptt(made: Made, parameters: Size) -> tuple[Size, ...]:
    forward, loss, backward = made["_forward"], made["_loss"], made["_backward"]
    kept = forward.handed_on()
    before = kept + loss.handed_on() + parameters
    if "_state" in made:
        before = before + made["_state"].copies
    return (*forward.all(), *(kept + z for z in loss.all()), *(before + z for z in backward.all()))


def _of_whole(own: Arrays, program: Program, letters: Symbols, parameters: Size) -> tuple[Size, ...]:
    held = own.whole() + parameters
    moments = (parameters + z for z in own.moments)
    return (held + own.copies, *moments, *(held + z for z in added_products(program, letters)))
