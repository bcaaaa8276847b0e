"""The influence pattern as an SVG picture: a row for every parameter, a column for every state."""

from __future__ import annotations

from collections.abc import Iterator

from rnnc.picture.measure import text_width
from rnnc.picture.style import FONT, INK, PAPER, QUIET
from rnnc.picture.svg import escape
from rnnc.plan.pattern import Cell
from rnnc.plan.plan import Plan
from rnnc.plan.text import counts
from rnnc.sizes import show_shape

_MARGIN, _TITLE, _HEAD, _WIDE, _HIGH = 24, 52, 40, 84, 44
FILL, RIM, EMPTY = "#c9b8f0", "#6b3fb8", "#d9dee4"


def picture(plan: Plan) -> str:
    """The file's text; the same plan gives the same bytes. The plan must have a pattern."""
    found = plan.pattern
    assert found is not None
    labels = [f"{name} : {show_shape(shape)}" for name, shape in found.parameters]
    heads = [f"{name} : {show_shape(shape)}" for name, shape in found.states]
    left = _MARGIN + int(max(text_width(label, 12) for label in labels)) + 16
    column = max(_WIDE, int(max((text_width(head, 12) for head in heads), default=0)) + 20)
    title = f"{plan.name}: the influence of parameters on states"
    if found.states:
        kept, every = counts(plan, found)
        caption = f"{kept:,} of {every:,} numbers a sequence can differ from zero and are kept"
    else:
        caption = "no trained parameter acts on a state"
    key = "filled: dense; squares: block; line: diagonal; empty: none"
    inner = max(left + column * len(heads), *(_MARGIN + int(text_width(t, 16)) for t in (title, key)))
    width, below = inner + _MARGIN, _MARGIN + _TITLE + _HEAD + _HIGH * len(labels)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{below + 44}" '
        f'viewBox="0 0 {width} {below + 44}" role="img" aria-labelledby="title" font-family="{FONT}">',
        f'<title id="title">{escape(title)}</title>',
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        _text(_MARGIN, _MARGIN + 8, title, INK, 'font-size="16" font-weight="bold"'),
        _text(_MARGIN, _MARGIN + 28, caption, QUIET, 'font-size="11"'),
    ]
    for k, head in enumerate(heads):
        middle = left + column * k + column // 2
        lines.append(_text(middle, _MARGIN + _TITLE + 20, head, INK, 'font-size="12" text-anchor="middle"'))
    for row, (label, (name, _)) in enumerate(zip(labels, found.parameters, strict=True)):
        top = _MARGIN + _TITLE + _HEAD + _HIGH * row
        lines.append(_text(left - 12, top + 20, label, INK, 'font-size="12" text-anchor="end"'))
        for k, (state, _) in enumerate(found.states):
            lines += _cell(found.cell(state, name), left + column * k + (column - _WIDE) // 2 + 4, top, plan)
    lines += [_text(_MARGIN, below + 20, key, QUIET, 'font-size="11"'), "</svg>"]
    return "\n".join(lines) + "\n"


def _text(x: int, y: int, text: str, colour: str, more: str) -> str:
    return f'<text x="{x}" y="{y}" fill="{colour}" {more}>{escape(text)}</text>'


def _cell(cell: Cell | None, x: int, y: int, plan: Plan) -> Iterator[str]:
    wide, high = _WIDE - 8, _HIGH - 12
    if cell is None:
        yield f'<rect x="{x}" y="{y}" width="{wide}" height="{high}" fill="none" stroke="{EMPTY}"/>'
        return
    said = f"{cell.parameter} on {cell.state}: {cell.form}, {plan.value(cell.kept):,} of {plan.value(cell.there):,}"
    yield f"<g><title>{escape(said)}</title>"
    fill = FILL if cell.form == "dense" else "none"
    yield f'<rect x="{x}" y="{y}" width="{wide}" height="{high}" fill="{fill}" stroke="{RIM}"/>'
    if cell.form == "diagonal":
        yield f'<path d="M{x} {y}L{x + wide} {y + high}" stroke="{RIM}" stroke-width="3"/>'
    if cell.form == "block":
        for k in range(4):
            at = f'x="{x + wide * k // 4}" y="{y + high * k // 4}" width="{wide // 4}" height="{high // 4}"'
            yield f'<rect {at} fill="{FILL}" stroke="{RIM}"/>'
    yield "</g>"
