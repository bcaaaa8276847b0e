"""The report as an SVG picture: a row for every parameter, a column for every rule, the darker the further off."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rnnc.fidelity.report import ALL, Figures, Report, Row, over
from rnnc.fidelity.spell import cosine, error
from rnnc.fidelity.text import extent
from rnnc.picture.measure import text_width
from rnnc.picture.style import FONT, INK, PAPER, QUIET
from rnnc.picture.svg import escape

_MARGIN, _TOP, _HEAD, _HIGH, _GAP, _WIDE, _KEY = 24, 62, 48, 34, 28, 76, 40
_LIGHT, _DARK, EXACT, RIM = (255, 244, 214), (176, 36, 24), "#e7f6e9", "#d9dee4"
BOLD = 1.15
"""How much wider bold letters are."""
LEAST, MOST = 1e-3, 1.0
"""Errors from which on a cell has a colour, and from which on it is darkest."""


def picture(report: Report) -> str:
    """The file's text; the same report gives the same bytes."""
    names = [ALL, *(name for name, _, _ in report.parameters)]
    labels = ["all parameters", *names[1:]]
    left = _MARGIN + int(max(BOLD * text_width(label, 12) for label in labels)) + 16
    rules = report.rows
    column = max(_WIDE, *(int(text_width(row.rule, 11)) + 16 for row in rules))
    title = f"{report.network}: how far each rule's gradient is from the exact one"
    caption = f"{extent(report)}, {report.read}; weights {report.weights}"
    key = "above: |g - g*| / |g*|; below: cosine of g and g*; of a rule that draws, one draw's"
    texts = ((title, BOLD * 16), (caption, 11), (key, 11))
    inner = max(left + column * len(rules), *(_MARGIN + int(text_width(text, size)) for text, size in texts))
    width = inner + _MARGIN
    panel = _HEAD + _HIGH * len(names)
    height = _TOP + len(report.spans) * (panel + _GAP) + _KEY + 20
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-labelledby="title" font-family="{FONT}">',
        f'<title id="title">{escape(title)}</title>',
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        _text(_MARGIN, _MARGIN + 8, title, INK, 'font-size="16" font-weight="bold"'),
        _text(_MARGIN, _MARGIN + 28, caption, QUIET, 'font-size="11"'),
    ]
    for number, (span, heading) in enumerate(report.spans):
        top = _TOP + number * (panel + _GAP)
        lines.append(_text(_MARGIN, top + 20, heading, INK, 'font-size="13" font-weight="bold"'))
        for k, row in enumerate(rules):
            middle = left + column * k + column // 2
            lines.append(_text(middle, top + 38, row.rule, INK, 'font-size="11" text-anchor="middle"'))
        for line, (name, label) in enumerate(zip(names, labels, strict=True)):
            y = top + _HEAD + _HIGH * line
            bold = ' font-weight="bold"' if name == ALL else ""
            lines.append(_text(left - 12, y + 20, label, INK, f'font-size="12" text-anchor="end"{bold}'))
            for k, row in enumerate(rules):
                lines += _cell(row, span, name, label, left + column * k + 2, y, column - 4)
    below = _TOP + len(report.spans) * (panel + _GAP)
    lines += _scale(_MARGIN, below)
    lines += [_text(_MARGIN, below + 44, key, QUIET, 'font-size="11"'), "</svg>"]
    return "\n".join(lines) + "\n"


def _text(x: int, y: int, text: str, colour: str, more: str) -> str:
    return f'<text x="{x}" y="{y}" fill="{colour}" {more}>{escape(text)}</text>'


def _cell(row: Row, span: str, name: str, label: str, x: int, y: int, wide: int) -> Iterator[str]:
    found = over(row, span)
    high = _HIGH - 4
    if found is None:
        yield f'<rect x="{x}" y="{y}" width="{wide}" height="{high}" fill="none" stroke="{RIM}"/>'
        return
    one = found[name]
    fill, ink = colour(one.error)
    yield f"<g><title>{escape(_said(row, one, label))}</title>"
    yield f'<rect x="{x}" y="{y}" width="{wide}" height="{high}" fill="{fill}" stroke="{RIM}"/>'
    middle = x + wide // 2
    yield _text(middle, y + 13, error(one.error), ink, 'font-size="11" text-anchor="middle"')
    yield _text(middle, y + 26, cosine(one.cosine), ink, 'font-size="10" text-anchor="middle"') + "</g>"


def _said(row: Row, one: Figures, label: str) -> str:
    said = f"{row.rule}, {label}: error {error(one.error)}, cosine {cosine(one.cosine)}"
    if one.mean_error is not None and one.standard_error is not None:
        said += f"; mean of {row.draws} draws: error {error(one.mean_error)}, by chance {error(one.standard_error)}"
    return said


def colour(value: float) -> tuple[str, str]:
    """Fill and ink of a cell: green below LEAST, then the darker the larger the root of the error."""
    if value < LEAST:
        return EXACT, INK
    share = math.sqrt(value / MOST) if value < MOST else 1.0
    parts = (round(a + (b - a) * share) for a, b in zip(_LIGHT, _DARK, strict=True))
    return "#" + "".join(f"{part:02x}" for part in parts), PAPER if share > 0.65 else INK


def _scale(x: int, y: int) -> Iterator[str]:
    for k, (value, said) in enumerate(((0.0, "< 0.001"), (1e-3, "0.001"), (1e-2, "0.01"), (0.1, "0.1"), (1.0, "1 …"))):
        fill, ink = colour(value)
        at = x + 62 * k
        yield f'<rect x="{at}" y="{y}" width="60" height="20" fill="{fill}" stroke="{RIM}"/>'
        yield _text(at + 30, y + 14, said, ink, 'font-size="10" text-anchor="middle"')
