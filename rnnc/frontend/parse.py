"""Text to syntax tree: the whole way from a source's characters to a `File`, with every mistake on the way reported."""

from __future__ import annotations

from rnnc.diagnostics import Reporter, Source, Span
from rnnc.frontend.automaton import Automaton
from rnnc.frontend.build import Build
from rnnc.frontend.errors import Unexpected
from rnnc.frontend.lex import lex
from rnnc.frontend.stored import tables
from rnnc.frontend.syntax import File


def parse(source: Source, reporter: Reporter) -> File:
    """The syntax tree of a source; where something was reported the tree holds what could be read."""
    table = tables()
    build = Build(source)
    automaton = Automaton(table, build.actions(), {"NAME": build.name})
    for lexeme in lex(source.text, table):
        if not automaton.feed(lexeme):
            reporter.report(
                Unexpected(
                    span=Span(source, lexeme.start, lexeme.end),
                    expected=", ".join(sorted(automaton.allowed())),
                    found=f"`{lexeme.text}`" if lexeme.text else "the end of the text",
                )
            )
            return File((), (), (), (), Span(source, 0, len(source.text)))
    result: File = automaton.result
    return result
