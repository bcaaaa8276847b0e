"""What rules cost that run a sequence in pieces, or go back over windows of it: checkpoints and `truncated_bptt`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rnnc.emit.windows import K1, K2
from rnnc.plan.arrays import Arrays, arrays, told
from rnnc.plan.counting import multiplications
from rnnc.plan.passing import WHOLE
from rnnc.plan.rules import of_call
from rnnc.plan.symbols import Symbols
from rnnc.plan.symbols import letters as unused
from rnnc.program.learner import Learner
from rnnc.sizes import Size, number
from rnnc.system.forms import Value
from rnnc.system.pieces import Pieces

Shapes = Mapping[str, tuple[Size, ...]]
ONE = Size.of(1)


@dataclass(frozen=True)
class Run:
    """The letters of pieces or windows: how many steps one has, how many there are, the steps of all together, and
    those of a strip; `meaning` is what the text of a plan says of the letters. `every` is how many steps windows are
    apart, 0 of pieces."""

    steps: str
    count: str
    total: str
    strip: str
    meaning: tuple[tuple[str, str], ...]
    every: int = 0

    def inside(self, letters: Symbols) -> Symbols:
        """The letters of a plan for one piece."""
        ((axis, _),) = letters.steps
        return replace(letters, steps=((axis, self.steps),), strips=((axis, self.strip),))

    def long(self, length: Size) -> dict[str, Size]:
        """What the letters come to in a sequence of `length` steps that is long."""
        count = length / Size.of(self.every) if self.every else length / Size.named(self.steps)
        return {self.count: count, self.total: count * Size.named(self.steps)}

    def all(self, one: Size, count: Size | None = None, total: Size | None = None) -> Size:
        """Of all pieces what one takes: what grows with its steps once for every step, the rest once for each."""
        count, total = count or Size.named(self.count), total or Size.named(self.total)
        growing = Size(tuple((p, c) for p, c in one.terms if dict(p).get(self.steps)), one.quotients)
        return growing / Size.named(self.steps) * total + (one - growing) * count


def run_of(one: Learner, letters: Symbols, at: Mapping[str, int], rows: int) -> tuple[Run, dict[str, int]]:
    """The letters of a rule's pieces, and what they stand for."""
    ((_, length),) = letters.steps
    steps = at[length]
    meaning: tuple[tuple[str, str], ...]

    def computed(size: int) -> int:
        return min(size, max(1, rows // at[letters.batch]))

    if one.rule.form_of:
        size = math.isqrt(steps - 1) + 1
        r, m, q = unused(("R", "M", "Q"), at)
        meaning = (
            (r, f"steps of a piece of {one.rule.name}"),
            (m, f"pieces of {one.rule.name}"),
            (q, "positions of a piece that are computed at a time"),
        )
        return Run(r, m, length, q, meaning), {r: size, m: math.ceil(steps / size), q: computed(size)}
    size, count = min(K2, steps), -(-steps // K1)
    w, n, u, q = unused(("W", "N", "U", "V"), at)
    meaning = (
        (w, f"steps of a window of {one.rule.name}, one every {K1} steps"),
        (n, f"windows of {one.rule.name}"),
        (u, "steps of all windows together"),
        (q, "positions of a window that are computed at a time"),
    )
    # They end at K1, 2 K1, … and at the last step; only the first begin where the sequence does.
    early = range(K1, min(K2, steps), K1)
    whole = sum(early) + size * (count - len(early))
    return Run(w, n, u, q, meaning, K1), {w: size, n: count, u: whole, q: computed(size)}


def calls(one: Learner, run: Run, letters: Symbols) -> Size:
    """The multiply-adds of a call."""
    assert isinstance(one.learned, Pieces)
    *others, piece = one.programs
    inside = run.inside(letters)
    back = run.all(multiplications(piece, inside, ("backward",)))
    whole = sum((multiplications(p, letters) for p in others), Size.of(0)) + back
    if run.every:
        return whole + multiplications(piece, letters, ("forward", "loss"))
    forward = multiplications(piece, inside, ("forward", "loss"))
    count, steps = Size.named(run.count), Size.named(run.steps)
    last = run.all(forward, ONE, Size.named(run.total) - (count - ONE) * steps)
    return whole + run.all(forward) + run.all(forward) - last


def peaks(one: Learner, run: Run, letters: Symbols, text: str, shapes: Shapes, parameters: Size) -> tuple[Size, ...]:
    """How many numbers are held at each of the moments of which one is the worst."""
    found = one.learned
    assert isinstance(found, Pieces)
    ((_, length),) = letters.steps
    steps, batch = Size.named(run.steps), letters.sequences
    inside = {n: tuple(z.bind({length: steps}) for z in shape) for n, shape in shapes.items()}
    piece = arrays(text, run.inside(letters), inside)
    values = {v.name: v for v in found.piece.values}
    states = sum((Size.of(c.steps) * _one(values[c.name], batch) for c in found.carried), Size.of(0))
    summed = sum((steps * _one(values[s.name], batch) for s in found.sums if s.adjoint), Size.of(0))
    # what calls know of their sequences: that of the caller, that of all steps as one piece and that of a piece
    calls = of_call(letters) + Size.of(2 * (WHOLE + 1)) * batch
    # and which step is a sequence's first or last
    known = calls + Size.of(len(told(text, "ENDS"))) * batch * (Size.named(length) + steps)
    rest = piece["_piece"].handed_on() + summed + parameters + parameters
    back = tuple(rest + z for z in piece["_piece_back"].all())
    if run.every:
        whole: Arrays = arrays(text, letters, shapes)["_piece"]
        data = (s for n, s in inside.items() if n in values and values[n].role in ("input", "target"))
        copied = sum((number(s) for s in data), Size.of(0))
        behind = known + states + whole.handed_on() + copied
        return (*(known + states + z for z in whole.all()), *(behind + z for z in back))
    learned = (c for c in found.carried if c.after and values[c.name].role != "input")
    given = sum(((Size.of(3 * c.steps) + steps) * _one(values[c.name], batch) for c in learned), Size.of(0))
    held = (Size.named(run.count) + ONE) * states
    return (*(held + known + z for z in piece["_piece"].all()), *(held + known + given + z for z in back))


def _one(v: Value, batch: Size) -> Size:
    return batch * number(v.shape)
