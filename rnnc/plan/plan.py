"""The plan of a network: what each learning rule costs it, which influences there are, which exact rule is cheapest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rnnc.compiler import Understood, differentiate
from rnnc.diagnostics import Diagnostic, Reporter
from rnnc.emit.module import module
from rnnc.learning.rules import Rule, rule
from rnnc.plan.alignments import FRAMES, SEQUENCES, together
from rnnc.plan.arrays import Arrays, arrays, told
from rnnc.plan.blocks import BLOCK, block_steps, blocks_of, in_blocks, of_call
from rnnc.plan.counting import a_step, multiplications
from rnnc.plan.pattern import Pattern, pattern
from rnnc.plan.pieces import Run, calls, run_of
from rnnc.plan.pieces import peaks as pieces_peaks
from rnnc.plan.rows import BLOCK as ROWS
from rnnc.plan.rows import RowBlocks, in_rows, row_steps
from rnnc.plan.rules import of_call as of_lengths
from rnnc.plan.rules import peaks, planned
from rnnc.plan.symbols import Symbols, symbols
from rnnc.program.forms import Loop, Program, statements
from rnnc.program.learner import Learner, learner
from rnnc.program.lower import lower
from rnnc.sizes import Size, number
from rnnc.system.forms import System
from rnnc.system.pieces import Pieces

REAL = 4
"""Bytes of a number, float32."""

STRIP = "positions that are computed at a time"
"""What the letter of a strip means."""


@dataclass(frozen=True)
class Cost:
    """Of one rule: multiply-adds of a `step` (of one sequence; None where the network has no single step) and of a
    `call` (all steps, all sequences), and the numbers `held` at the worst moment for the sizes of the plan."""

    rule: Rule
    step: Size | None
    call: Size
    held: Size


@dataclass(frozen=True)
class Plan:
    """`at` gives every letter its value, `meaning` says of some what they count. `refused` says of rules why the
    network does not allow them."""

    name: str
    letters: Symbols
    sizes: tuple[tuple[str, int], ...]
    at: Mapping[str, int]
    parameters: Size
    costs: tuple[Cost, ...]
    meaning: tuple[tuple[str, str], ...]
    refused: tuple[tuple[Rule, Diagnostic], ...]
    pattern: Pattern | None

    def value(self, size: Size) -> int:
        return int(size.value(self.at))

    def of(self, name: str) -> Cost | None:
        return next((c for c in self.costs if c.rule.name == name), None)


def plan(understood: Understood, steps: Mapping[str, int], batch: int, rules: Iterable[Rule] | None = None) -> Plan:
    """`steps` gives every axis its number of positions. The network must have a loss and trained parameters. `rules`:
    what is planned, bptt in any case; None: every rule."""
    system = understood.system
    letters = symbols(system)
    trained = {p.name for p in system.parameters if p.trained}
    parameters = tuple(v for v in system.values if v.role == "parameter" and v.name in trained)
    count = sum((number(v.shape) for v in parameters), Size.of(0))
    learners, refused = _learners(system, tuple(planned() if rules is None else rules))
    main = lower(differentiate(understood))
    text = module(understood.model, main, understood.source.text, tuple(x for x in learners if not _cut(x)))
    made = arrays(text, letters, _shapes(system, letters))
    at = _values(system, letters, steps, batch, told(text, "STRIP"))
    at |= block_steps(learners, at, letters) | row_steps(learners, at, letters)
    at |= together(system, letters, at, text)
    costs: list[Cost] = []
    meaning = [(letter, STRIP) for _, letter in letters.strips]
    in_several = any(in_rows(x) is not None for x in learners)
    meaning += [(letters.block, ROWS if in_several else BLOCK)] if letters.block in at else []
    meaning += zip(letters.alignments, (SEQUENCES, FRAMES), strict=False)
    for x in (None, *learners):
        one, program = (rule("bptt"), main) if x is None else (x.rule, x.programs[-1])
        if x is not None and _cut(x):
            cost, run = _in_pieces(x, understood, main, letters, count, at)
            costs.append(cost)
            meaning += run.meaning
            continue
        rows = None if x is None else in_rows(x)
        if x is not None and rows is not None:
            costs.append(_in_rows(x, RowBlocks(rows, x.programs, letters, _one_block(letters, at)), made, count, at))
            continue
        blocks = None if x is None else in_blocks(x)
        call = long = multiplications(program, letters)
        if blocks is not None and x is not None:
            call, long = (of_call(x, blocks, letters, blocks_of(letters, begun)) for begun in (True, False))
        moments = peaks(one, made, program, letters, count)
        held = max(moments, key=lambda z: z.value(at))
        costs.append(Cost(one, _step(long, program, letters), call, held))
    followed = next((x.programs[-1] for x in learners if x.rule.name == "rtrl"), None)
    return Plan(
        understood.model.name,
        letters,
        tuple((name, at[name]) for name, _, _ in system.sizes),
        at,
        count,
        tuple(costs),
        tuple(meaning),
        refused,
        None if followed is None else pattern(followed, parameters),
    )


def _cut(one: Learner) -> bool:
    """Whether a rule runs a sequence in pieces."""
    return isinstance(one.learned, Pieces)


def _one_block(letters: Symbols, at: Mapping[str, int]) -> bool:
    (_, letter), *_ = letters.steps
    return at[letters.block] == at[letter]


def _in_rows(one: Learner, own: RowBlocks, made: Mapping[str, Arrays], count: Size, at: Mapping[str, int]) -> Cost:
    """The cost of a rule that goes by blocks of rows."""
    call, long = (own.call(blocks_of(own.letters, begun)) for begun in (True, False))
    moments = tuple(z + of_lengths(own.letters) for z in own.peaks(made, one.rule.name, count))
    step = _step(long, own.programs[-1], own.letters)
    return Cost(one.rule, step, call, max(moments, key=lambda z: z.value(at)))


def _in_pieces(
    one: Learner, understood: Understood, main: Program, letters: Symbols, parameters: Size, at: dict[str, int]
) -> tuple[Cost, Run]:
    """The cost of such a rule; adds its letters to `at`."""
    text = module(understood.model, main, understood.source.text, (one,))
    run, known = run_of(one, letters, at, told(text, "STRIP"))
    at |= known
    call = calls(one, run, letters)
    moments = pieces_peaks(one, run, letters, text, _shapes(understood.system, letters), parameters)
    ((_, length),) = letters.steps
    step = a_step(call.bind(run.long(Size.named(length))), (length, letters.batch))
    return Cost(one.rule, step, call, max(moments, key=lambda z: z.value(at))), run


def _learners(
    system: System, rules: tuple[Rule, ...]
) -> tuple[tuple[Learner, ...], tuple[tuple[Rule, Diagnostic], ...]]:
    """What the rules beside back-propagation run, and why the network does not allow the others."""
    found, refused = [], []
    for one in rules:
        if one.learned is None:
            continue
        reporter = Reporter()
        made = learner(one, system, reporter)
        if made is not None:
            found.append(made)
        else:
            refused.append((one, reporter.diagnostics[0]))
    return tuple(found), tuple(refused)


def _shapes(system: System, letters: Symbols) -> dict[str, tuple[Size, ...]]:
    """Of every array that is given, with its axes and the batch."""
    found = {}
    for v in system.values:
        lead = (*(letters.length(a) for a in v.axes), *((letters.sequences,) if v.batched else ()))
        if v.role in ("input", "target", "parameter", "fixed"):
            found[v.name] = (*lead, *v.shape)
    return found


def _values(system: System, letters: Symbols, steps: Mapping[str, int], batch: int, rows: int) -> dict[str, int]:
    found = {name: value for name, value, _ in system.sizes}
    found |= {letter: steps[axis] for axis, letter in letters.steps}
    found |= {letter: min(steps[axis], max(1, rows // batch)) for axis, letter in letters.strips}
    return found | {letters.batch: batch}


def _step(call: Size, program: Program, letters: Symbols) -> Size | None:
    """What one position of one sequence takes, along the axes that loops run along."""
    scanned = {s.axis for section in program.sections for s in statements(section.body) if isinstance(s, Loop)}
    grown = (*(letter for axis, letter in letters.steps if axis in scanned), letters.batch)
    if len(letters.steps) == 1:
        grown = (letters.steps[0][1], letters.batch)
    found = a_step(call, grown)
    whole = a_step(call, (letters.batch,))
    rest = [p for p, _ in whole.terms if any(dict(p).get(n, 0) == 0 for n in grown[:-1])]
    crossed = any(n in found.names for _, n in letters.steps)
    return None if crossed or (len(letters.steps) > 1 and rest) else found
