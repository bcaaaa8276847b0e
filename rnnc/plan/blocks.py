"""What a rule that goes block by block costs: of one block's program the counts of a whole sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnc.learning.block_size import steps_of
from rnnc.learning.forms import Blockwise
from rnnc.plan.arrays import Arrays
from rnnc.plan.counting import added_products, multiplications, over_starts
from rnnc.plan.symbols import Symbols
from rnnc.program.forms import Program
from rnnc.program.learner import Learner
from rnnc.sizes import Size, begun_of

BLOCK = "steps of a block of hybrid, chosen so that carrying influences over costs little"
"""What the letter of a block's steps means."""


def in_blocks(learner: Learner) -> Blockwise | None:
    """What a rule goes by block by block; None where it does not, or the whole sequence is the only block."""
    found = learner.learned
    return found if isinstance(found, Blockwise) and found.opening is not None else None


def block_steps(learners: tuple[Learner, ...], sizes: Mapping[str, int], letters: Symbols) -> dict[str, int]:
    """The steps of a block, by its letter."""
    for one in learners:
        found = in_blocks(one)
        if found is not None:
            ((_, letter),) = letters.steps
            return {letters.block: min(sizes[letter], steps_of(found, sizes))}
    return {}


def of_call(learner: Learner, found: Blockwise, letters: Symbols, blocks: Size) -> Size:
    """The multiplications of a call of so many `blocks`: what grows with a block's steps once for every step of the
    sequence, the rest once for each block, and what opens it. Without learned starts there is nothing yet that the
    first block could take over."""
    opening, block = learner.programs
    ((_, letter),) = letters.steps
    inside = _inside(letters)
    one = multiplications(block, inside)
    growing = Size(tuple((p, c) for p, c in one.terms if dict(p).get(letters.block)), one.quotients)
    total = growing * Size.named(letter) / Size.named(letters.block) + (one - growing) * blocks
    total = total + multiplications(opening, letters)
    started = any(name is not None for a in found.across for name in a.starts)
    return total if started else total - over_starts(block, inside)


def blocks_of(letters: Symbols, begun: bool) -> Size:
    """How many blocks a sequence has along its first axis: those that are `begun`, or of a long one."""
    (_, letter), *_ = letters.steps
    share = Size.named(letter) / Size.named(letters.block)
    return begun_of(share) if begun else share


def of_block(own: Arrays, block: Program, letters: Symbols, parameters: Size) -> tuple[Size, ...]:
    """The numbers held at the worst moments: a block's arrays and all that it took over, the gradients of the block and
    of those before it, and a product that is added to an influence."""
    inside = _inside(letters)
    values = {v.name: v for v in block.system.values}
    known = Size.of(0)
    for name in (n for a in block.across for n in a.before):
        count = letters.sequences
        for z in values[name].shape:
            count = count * z
        known = known + count
    ((_, letter),) = letters.steps
    short = {letter: Size.named(letters.block)}
    given = known + parameters + parameters
    held = own.whole().bind(short) + given
    moments = (z.bind(short) + given for z in own.moments)
    return (held, *moments, *(held + z for z in added_products(block, inside)))


def _inside(letters: Symbols) -> Symbols:
    """The letters of a block by itself."""
    return replace(letters, steps=tuple((axis, letters.block) for axis, _ in letters.steps))
