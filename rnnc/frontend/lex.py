"""Text to lexemes. Never fails: what is no lexeme of the language becomes an `ODD` one, which a later step
words.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from rnnc.frontend.tables import Tables

ODD = "ODD"
END = "$END"

# A word with a letter that no name may hold, or with an underscore in front, is one piece: its mending is one
# edit.
_ODD_WORD = r"[A-Za-z0-9_]*[^\W\x00-\x7F]\w*|_\w*"


class Lexeme(NamedTuple):
    """A piece of the text: `kind` is a terminal of the grammar, `start` and `end` its characters."""

    kind: str
    start: int
    end: int
    text: str


@lru_cache(maxsize=2)
def _master(patterns: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    pieces = [f"(?P<{ODD}>{_ODD_WORD})", *(f"(?P<{name}>{pattern})" for name, pattern in patterns)]
    pieces.append("(?P<ODD_CHARACTER>.)")
    return re.compile("|".join(pieces), re.DOTALL)


def lex(text: str, tables: Tables) -> list[Lexeme]:
    """All lexemes of a text in order, without spaces and comments, ended by one of kind `END`."""
    ignored = frozenset(tables.ignored)
    keywords = tables.keywords
    found: list[Lexeme] = []
    for match in _master(tables.patterns).finditer(text):
        kind = match.lastgroup
        if kind is None or kind in ignored:
            continue
        piece = match.group()
        if kind == "NAME":
            kind = keywords.get(piece, kind)
        elif kind == "ODD_CHARACTER":
            kind = ODD
        found.append(Lexeme(kind, match.start(), match.end(), piece))
    found.append(Lexeme(END, len(text), len(text), ""))
    return found
