"""What a rule that goes by blocks of rows costs: of the programs of one block the counts of a whole call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rnnc.learning.forms import Rowwise
from rnnc.learning.row_size import LEAST, MOST, SHARE, along, entries, parameters, work
from rnnc.learning.rowwise import ENTRIES
from rnnc.plan.arrays import Arrays
from rnnc.plan.counting import multiplications
from rnnc.plan.symbols import Symbols
from rnnc.program.forms import Program
from rnnc.program.learner import Learner
from rnnc.sizes import Size, number

BLOCK = "rows of a block of hybrid, chosen so that carrying influences over costs little"
"""What the letter of a block's rows means."""


def in_rows(learner: Learner) -> Rowwise | None:
    """What a rule goes by blocks of rows by; None where it does not."""
    return learner.learned if isinstance(learner.learned, Rowwise) else None


def row_steps(learners: tuple[Learner, ...], at: Mapping[str, int], letters: Symbols) -> dict[str, int]:
    """The rows of a block, by its letter."""
    for one in learners:
        found = in_rows(one)
        if found is not None:
            own = dict(at) | {f"|{axis}|": at[letter] for axis, letter in letters.steps}
            over, row = (int(z.value(own)) for z in work(found))
            rows = max(LEAST, -(-SHARE * over // row)) if row else MOST
            rows = max([rows, *(low for _, low in found.rows)])
            return {letters.block: min(rows, at[letters.steps[0][1]])}
    return {}


@dataclass(frozen=True)
class RowBlocks:
    """The figures of a rule; `whole`: one block is all there is, for the sizes of the plan."""

    found: Rowwise
    programs: tuple[Program, ...]
    letters: Symbols
    whole: bool

    @property
    def inside(self) -> Symbols:
        """The letters of a block by itself."""
        (axis, _), *others = self.letters.steps
        return replace(self.letters, steps=((axis, self.letters.block), *others))

    @property
    def length(self) -> Size:
        return Size.named(self.letters.steps[0][1])

    @property
    def handed_on(self) -> Size:
        """How many entries of states a block hands on, in letters."""
        return entries(self.found).bind({f"|{axis}|": Size.named(x) for axis, x in self.letters.steps})

    @property
    def moved(self) -> Size:
        return parameters(self.found)

    def call(self, blocks: Size) -> Size:
        """The multiplications of a call of so many `blocks`: every block's own, every block's but the last one's of the
        rows that it hands on, and the products that take influences over and put them into gradients."""
        *others, block = self.programs
        opening = others.pop(0) if self.found.opening is not None else None
        total = self._over(multiplications(block, self.inside), self.length, blocks)
        if opening is not None:
            total = total + multiplications(opening, self.letters)
        if self.whole or not others:
            return total
        one, two = (blocks - Size.of(k) for k in (1, 2))
        ending = multiplications(others[0], self.inside).bind({ENTRIES: self.handed_on})
        short = Size.named(self.letters.block)
        total = total + self._over(ending, one * short, one)
        met = self.letters.sequences * self.moved * self.handed_on
        return total + met * self.handed_on * two + met * one

    def _over(self, one: Size, length: Size, blocks: Size) -> Size:
        """Of a block's `one` what grows with its rows for every row of `length`, the rest for each of the blocks."""
        growing = Size(tuple((p, c) for p, c in one.terms if dict(p).get(self.letters.block)), one.quotients)
        return growing / Size.named(self.letters.block) * length + (one - growing) * blocks

    def peaks(self, made: Mapping[str, Arrays], name: str, every: Size) -> tuple[Size, ...]:
        """The numbers held at the worst moments, of a network of so many parameters in all: a block's arrays, what its
        last rows come to, and the product that takes influences over."""
        letter, short = self.letters.steps[0][1], Size.named(self.letters.block)
        bound = {letter: short, ENTRIES: self.handed_on}
        block = made[f"_{name}"]
        known = every + every + self._rows()
        if self.whole or self.found.ending is None:
            return tuple(z.bind(bound) + known for z in block.all())
        square = self.handed_on * self.handed_on
        influences = self.letters.sequences * self.moved * self.handed_on
        known = known + square + influences
        ending = made[f"_{name}_ending"]
        over = influences + influences + influences + self.letters.sequences * square * Size.of(2)
        return (
            *(z.bind(bound) + known for z in block.all()),
            *(z.bind(bound) + known for z in ending.all()),
            known + over,
        )

    def _rows(self) -> Size:
        """The rows of all values that a block is given."""
        values = {v.name: v for v in self.found.block.values}
        total = Size.of(0)
        for name, low in self.found.rows:
            v = values[name]
            lead = number((*(along(a) for a in v.axes[1:]), *v.shape)) * Size.of(low) * self.letters.sequences
            total = total + lead.bind({f"|{axis}|": Size.named(x) for axis, x in self.letters.steps})
        return total
