"""A plan as the text that `rnnc plan` prints."""

from __future__ import annotations

import re

from rnnc.plan.advice import advice
from rnnc.plan.pattern import Cell, Pattern
from rnnc.plan.plan import REAL, Cost, Plan
from rnnc.plan.spell import polynomial, short
from rnnc.sizes import number, show_shape

Row = tuple[str, ...]


def text(plan: Plan) -> str:
    """Sizes, rules with their costs, how these grow, the influences, and which rule to take."""
    lines = [f"{plan.name}: {', '.join(f'{n} = {v}' for n, v in plan.sizes)}"]
    steps = ", ".join(f"{letter} = {plan.at[letter]}" for _, letter in plan.letters.steps)
    steps = f"{steps} steps" if steps else "no axis"
    lines.append(f"{steps}, {plan.letters.batch} = {plan.at[plan.letters.batch]} sequences, float32")
    total = polynomial(plan.parameters, plan.at)
    lines += [f"parameters: {total} = {plan.value(plan.parameters):,}", ""]
    lines += _table((("rule", "exact", "multiply-adds a step", "a sequence", "bytes held"), *_costs(plan)), "<<>>>")
    reasons = dict.fromkeys(why.message() for _, why in plan.refused)
    for reason in reasons:
        names = ", ".join(rule.name for rule, why in plan.refused if why.message() == reason)
        lines.append(f"{names}: impossible here, {reason}")
    lines.append("")
    grows = tuple(row for c in plan.costs for row in _grows(plan, c))
    lines += _table(grows, "<<<")
    read = {word for *_, formula in grows for word in re.split(r"[ ^/]", formula)}
    used = tuple((f"{n} = {plan.at[n]:,}", what) for n, what in plan.meaning if n in read)
    if used:
        lines += ["", *_table(used, "<<")]
    if plan.pattern is not None:
        lines += ["", *_influences(plan, plan.pattern)]
    return "\n".join([*lines, "", advice(plan)]) + "\n"


def _costs(plan: Plan) -> tuple[Row, ...]:
    batch = plan.at[plan.letters.batch]
    return tuple(
        (
            c.rule.name,
            "yes" if c.rule.exact else "no",
            "-" if c.step is None else short(plan.value(c.step)),
            short(plan.value(c.call) // batch),
            short(plan.value(c.held) * REAL, "B"),
        )
        for c in plan.costs
    )


def _grows(plan: Plan, c: Cost) -> tuple[Row, ...]:
    size, what = (c.call, "a call") if c.step is None else (c.step, "a step")
    return (
        (c.rule.name, f"multiply-adds {what}", polynomial(size, plan.at)),
        ("", "numbers held", polynomial(c.held, plan.at)),
    )


def _influences(plan: Plan, found: Pattern) -> list[str]:
    if not found.states:
        return ["influences: none, no trained parameter acts on a state"]
    heads = (f"{state} : {show_shape(shape)}" for state, shape in found.states)
    rows: list[Row] = [("influence of", "", *(f"on {head}" for head in heads))]
    for name, shape in found.parameters:
        cells = (_cell(plan, found.cell(state, name)) for state, _ in found.states)
        rows.append((name, show_shape(shape), *cells))
    kept, every = counts(plan, found)
    return [
        *_table(tuple(rows), "<" * len(rows[0])),
        f"influences kept: {kept:,} of {every:,} numbers a sequence ({100 * kept / every:.3g} %)",
    ]


def counts(plan: Plan, found: Pattern) -> tuple[int, int]:
    """Entries that are kept, and all that there are of every state by every parameter."""
    rows = sum(plan.value(number(shape)) for _, shape in found.states)
    return sum(plan.value(c.kept) for c in found.cells), rows * plan.value(plan.parameters)


def _cell(plan: Plan, cell: Cell | None) -> str:
    return "none" if cell is None else f"{cell.form} {plan.value(cell.kept):,}"


def _table(rows: tuple[Row, ...], sides: str) -> list[str]:
    """Columns side by side, `<` set left and `>` set right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(sides))]
    return [
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)).rstrip()
        for row in rows
    ]
