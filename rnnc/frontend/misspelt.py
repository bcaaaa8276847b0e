"""Misspelt keywords at the start of a line, `uint h[n] : H = ...`, found before brackets and grammar are looked at.

Nowhere in a spec does one name follow another inside a statement, save behind `axis`, a comma or `~`. So such a line
starts a statement of its own, whatever is wrong with those around it.
"""

from __future__ import annotations

from rnnc.diagnostics import Reporter, Source, Span
from rnnc.frontend.errors_syntax import UnknownStatement
from rnnc.frontend.lex import Lexeme
from rnnc.frontend.words import KEYWORDS, STATEMENTS, first_on_line
from rnnc.suggest import suggest

# Twenty errors are shown; a text with many more is not read word for word.
_ENOUGH = 100
_BEFORE_A_NAME = frozenset({*KEYWORDS, "COMMA", "TILDE"})


def mend_keywords(source: Source, lexemes: list[Lexeme], reporter: Reporter) -> list[Lexeme]:
    """The same lexemes, the misspelt keywords inside braces reported and read as what they were meant to be."""
    kinds = {text: kind for kind, text in STATEMENTS.items()}
    mended = list(lexemes)
    depth = found = 0
    for k, here in enumerate(lexemes[:-1]):
        depth += (here.kind == "LBRACE") - (here.kind == "RBRACE")
        if here.kind != "NAME" or lexemes[k + 1].kind != "NAME" or depth < 1:
            continue
        apart = first_on_line(source, lexemes, k) and not first_on_line(source, lexemes, k + 1)
        if not apart or mended[k - 1].kind in _BEFORE_A_NAME:
            continue
        meant = suggest(here.text, kinds)
        if meant is not None:
            found += 1
            span = Span(source, here.start, here.end)
            reporter.report(UnknownStatement(span=span, suggestion=meant, outside=False))
            mended[k] = here._replace(kind=kinds[meant])
            if found == _ENOUGH:
                break
    return mended
