"""The words of the language by what they do, and how a statement's start is told from a keyword used as a
name.
"""

from __future__ import annotations

from rnnc.diagnostics import Source
from rnnc.frontend.lex import Lexeme

STATEMENTS = {
    "AXIS": "axis",
    "INPUT": "input",
    "TARGET": "target",
    "PARAM": "param",
    "FIXED": "fixed",
    "GATE": "gate",
    "UNIT": "unit",
    "OUTPUT": "output",
    "START": "start",
    "LOSS": "loss",
    "FEEDBACK": "feedback",
    "FN": "fn",
    "RETURN": "return",
}
BLOCKS = {"USE": "use", "CELL": "cell", "NETWORK": "network"}
KEYWORDS = {**STATEMENTS, **BLOCKS}
RESERVED = (
    *KEYWORDS.values(),
    "over",
    "as",
    "backward",
    "first",
    "last",
    "learned",
    "bias",
)


def first_on_line(source: Source, lexemes: list[Lexeme], place: int) -> bool:
    """Does only white space (or nothing of the same line) stand before the lexeme?"""
    return place == 0 or "\n" in source.text[lexemes[place - 1].end : lexemes[place].start]


def starts_statement(source: Source, lexemes: list[Lexeme], place: int) -> bool:
    """A statement keyword starts a statement at the start of a line, or where a name or a text follows it."""
    if lexemes[place].kind not in KEYWORDS:
        return False
    if first_on_line(source, lexemes, place):
        return True
    return lexemes[place + 1].kind in ("NAME", "STRING") and not first_on_line(source, lexemes, place + 1)
