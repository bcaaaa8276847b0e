"""How diagnostics are shown: `full` with the author's lines and carets, `concise` one a line, `json` one
object a line.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rnnc.diagnostics import Diagnostic, Span

SHOWN = 20
_TAB = 4
_WIDE = 160
_QUOTED = 400
_LONG_QUOTE = re.compile(f"`[^`]{{{_QUOTED + 1},}}`")
_RESET = "\033[0m"
_BOLD, _RED, _YELLOW, _BLUE, _CYAN = "\033[1m", "\033[1;31m", "\033[1;33m", "\033[1;34m", "\033[1;36m"
Paint = Callable[[str, str], str]


def render(diagnostics: Iterable[Diagnostic], form: str = "full", color: bool = False, limit: int = SHOWN) -> str:
    """The text for standard error, ended by a line end unless empty; errors beyond `limit` are only counted.

    `form` is `full`, `concise` or `json` (which shows all); raises `ValueError` for another.
    """
    if form not in FORMS:
        raise ValueError(f"no such form of diagnostics: {form!r}; there are {', '.join(FORMS)}")
    found = list(diagnostics)
    if form == "json":
        return "".join(json.dumps(to_json(one)) + "\n" for one in found)
    errors = [one for one in found if one.is_error]
    hidden = {id(one) for one in errors[limit:]}
    shown = [one for one in found if id(one) not in hidden]
    paint: Paint = _paint if color else _plain
    show = _full if form == "full" else _concise
    pieces = [show(one, paint) for one in shown]
    if len(errors) > limit:
        pieces.append(f"{len(errors)} errors, the first {limit} are shown\n")
    return ("\n" if form == "full" else "").join(pieces)


FORMS = ("full", "concise", "json")


def to_json(one: Diagnostic) -> dict[str, object]:
    """All facts of a diagnostic as plain data; lines and columns count from 1, offsets from 0."""
    mend = one.help()
    return {
        "code": one.code,
        "severity": "error" if one.is_error else "warning",
        "message": one.message(),
        "place": _place(one.span),
        "label": one.label(),
        "others": [{"place": _place(label.span), "text": label.text} for label in one.others()],
        "notes": list(one.notes()),
        "help": None
        if mend is None
        else {
            "text": mend.text,
            "edits": [{"place": _place(edit.span), "text": edit.text} for edit in mend.edits],
        },
    }


def _place(span: Span) -> dict[str, object]:
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "start": span.start,
        "end": span.end,
    }


def _plain(text: str, style: str) -> str:
    return text


def _paint(text: str, style: str) -> str:
    return f"{style}{text}{_RESET}" if text else text


def _severity(one: Diagnostic) -> tuple[str, str]:
    return ("error", _RED) if one.is_error else ("warning", _YELLOW)


def _concise(one: Diagnostic, paint: Paint) -> str:
    line, column = one.span.source.position(one.span.start)
    word, style = _severity(one)
    return (
        f"{said(one.span.source.name)}:{line}:{column}: {paint(f'{word}[{one.code}]', style)}: {said(one.message())}\n"
    )


@dataclass(frozen=True)
class _Mark:
    """An underline in one line: characters `start` to `end` of it, the sign, and the words behind it."""

    line: int
    start: int
    end: int
    sign: str
    text: str


def _full(one: Diagnostic, paint: Paint) -> str:
    word, style = _severity(one)
    source = one.span.source
    line, column = source.position(one.span.start)
    marks: dict[str, list[_Mark]] = {source.name: [_mark(one.span, "^", one.label())]}
    spans = {source.name: one.span}
    for label in one.others():
        name = label.span.source.name
        spans.setdefault(name, label.span)
        marks.setdefault(name, []).append(_mark(label.span, "-", label.text))
    last = max(mark.line for several in marks.values() for mark in several)
    gutter = len(str(last))
    bar = paint("|", _BLUE)
    out = [f"{paint(f'{word}[{one.code}]', style)}{paint(': ' + said(one.message()), _BOLD)}"]
    for name, several in marks.items():
        first = several[0]
        place = f"{line}:{column}" if name == source.name else f"{first.line}:{_column(spans[name])}"
        arrow = "-->" if name == source.name else ":::"
        out.append(f"{' ' * gutter}{paint(arrow, _BLUE)} {said(name)}:{place}")
        out.append(f"{' ' * gutter} {bar}")
        out.extend(_lines(spans[name], several, gutter, style, paint))
    for note in one.notes():
        out.append(f"{' ' * gutter} {paint('=', _BLUE)} note: {said(note)}")
    mend = one.help()
    if mend is not None:
        out.append(f"{paint('help', _CYAN)}: {said(mend.text)}")
    return "\n".join(out) + "\n"


def _column(span: Span) -> int:
    return span.source.position(span.start)[1]


def _lines(span: Span, marks: list[_Mark], gutter: int, style: str, paint: Paint) -> list[str]:
    out: list[str] = []
    before = 0
    for number in sorted({mark.line for mark in marks}):
        if before and number == before + 2:
            between, _, _ = _window(span.source.line(before + 1), 0)
            out.append(_numbered(before + 1, between, gutter, paint))
        elif before and number > before + 2:
            out.append(paint("...", _BLUE))
        here = sorted((mark for mark in marks if mark.line == number), key=lambda mark: mark.sign == "-")
        line = span.source.line(number)
        shown, low, high = _window(line, here[0].start)
        out.append(_numbered(number, shown, gutter, paint))
        for mark in here:
            if not low <= mark.start <= high:
                continue
            front = _width(_display(line[low : mark.start])) + (3 if low else 0)
            under = _display(line[low : min(mark.end, high)])
            wide = max(_width(under) - front + (3 if low else 0), 1)
            words = f"{mark.sign * wide} {said(mark.text)}".rstrip()
            color = style if mark.sign == "^" else _BLUE
            out.append(f"{' ' * gutter} {paint('|', _BLUE)} {' ' * front}{paint(words, color)}")
        before = number
    return out


def _numbered(number: int, text: str, gutter: int, paint: Paint) -> str:
    return f"{paint(f'{number:>{gutter}} |', _BLUE)} {text}".rstrip()


def said(text: str) -> str:
    """Words as shown: nothing that colours a terminal, and the front alone of a quotation of hundreds of letters."""
    plain = text if text.isprintable() else "".join("?" if _is_unseen(letter) else letter for letter in text)
    return _LONG_QUOTE.sub(lambda quote: f"{quote[0][:_QUOTED]}...`", plain)


def _window(line: str, column: int) -> tuple[str, int, int]:
    """What is shown of a line, and the first and last character of it: of a very long line only a part around
    `column`.
    """
    if len(line) <= _WIDE:
        return _display(line), 0, len(line)
    low = max(min(column - _WIDE // 2, len(line) - _WIDE), 0)
    high = low + _WIDE
    front, back = "..." if low else "", "..." if high < len(line) else ""
    return front + _display(line[low:high]) + back, low, high


def _mark(span: Span, sign: str, text: str) -> _Mark:
    number, column = span.source.position(span.start)
    end_number, end_column = span.source.position(span.end)
    if end_number != number:
        end_column = len(span.source.line(number).rstrip()) + 1
    return _Mark(number, column - 1, max(end_column, column) - 1, sign, text)


def _display(text: str) -> str:
    """A line as shown: tabs to the next stop, what no terminal prints (and what would colour it) as `?`."""
    out, column = [], 0
    for letter in text:
        if letter == "\t":
            piece = " " * (_TAB - column % _TAB)
        elif _is_unseen(letter):
            piece = "?"
        else:
            piece = letter
        out.append(piece)
        column += _width(piece)
    return "".join(out)


def _is_unseen(letter: str) -> bool:
    """A letter that no terminal prints, or that would colour what follows."""
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _width(text: str) -> int:
    """Columns on a terminal: East Asian wide letters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
