"""Before the grammar: what is no lexeme of the language is reported with its ASCII spelling, and read as that
spelling.

So a Greek letter or a stray `;` costs one message, and everything behind it is still checked.
"""

from __future__ import annotations

from rnnc.diagnostics import Edit, Help, Reporter, Source, Span
from rnnc.frontend.errors_syntax import Unexpected
from rnnc.frontend.errors_text import EXECUTED, BadCharacter, BadNumber
from rnnc.frontend.lex import END, ODD, Lexeme, lex
from rnnc.frontend.spelling import FUNCTIONS, spell_sign, spell_word
from rnnc.frontend.tables import Tables

_POINTED = ("NUMBER", "DOT")
_SUSPECT = frozenset({ODD, "PRIME", "SLASH", *_POINTED})
"""The kinds of what may be odd, by what stands beside it."""


class Oddities:
    """One walk over the lexemes of a source."""

    def __init__(self, source: Source, tables: Tables, reporter: Reporter) -> None:
        self._source = source
        self._tables = tables
        self._reporter = reporter
        self._called: set[str] = set()

    def mend(self, lexemes: list[Lexeme]) -> list[Lexeme]:
        """The same lexemes with every odd one replaced or gone; each mistake is reported once."""
        suspects = (place for place, lexeme in enumerate(lexemes) if lexeme.kind in _SUSPECT)
        if not any(self._is_suspect(lexemes, place) for place in suspects):
            return lexemes
        names = {lexeme.text for lexeme in lexemes if lexeme.kind == "NAME"}
        words: dict[str, list[Lexeme]] = {}
        for place, lexeme in enumerate(lexemes):
            if lexeme.kind == ODD:
                words.setdefault(lexeme.text, []).append(lexeme)
                if lexeme.text in FUNCTIONS and lexemes[place + 1].kind == "LPAREN":
                    self._called.add(lexeme.text)
        mended: list[Lexeme] = []
        skip = -1
        for place, lexeme in enumerate(lexemes):
            if lexeme.start < skip and lexeme.kind != END:
                continue
            if not self._is_suspect(lexemes, place):
                mended.append(lexeme)
            elif lexeme.kind == ODD and lexeme.text != '"':
                mended.extend(self._word_or_sign(words[lexeme.text], lexeme, names))
            elif lexeme.kind in ("PRIME", ODD):
                skip = self._quote(lexeme, mended)
            elif lexeme.kind == "SLASH":
                skip = self._comment(lexeme)
            else:
                skip = self._number(lexemes, place, mended)
        return mended

    def _is_suspect(self, lexemes: list[Lexeme], place: int) -> bool:
        lexeme = lexemes[place]
        kind = lexeme.kind
        if kind == ODD:
            return True
        if place + 1 == len(lexemes):
            return False
        after = lexemes[place + 1]
        touches = after.start == lexeme.end
        if kind == "PRIME":
            return place == 0 or lexemes[place - 1].end != lexeme.start
        if kind == "SLASH":
            return touches and after.kind == "SLASH"
        if kind == "NUMBER":
            return touches and after.kind in ("NAME", "DOT", "NUMBER")
        return kind == "DOT" and after.kind == "NUMBER" and touches

    def _span(self, start: int, end: int) -> Span:
        return Span(self._source, start, end)

    def _word_or_sign(self, all_like: list[Lexeme], lexeme: Lexeme, names: set[str]) -> list[Lexeme]:
        word = lexeme.text[0].isalnum() or lexeme.text[0] == "_" or len(lexeme.text) > 1
        spelled = spell_word(lexeme.text) if word else spell_sign(lexeme.text)
        if lexeme.text in self._called:
            spelled = FUNCTIONS[lexeme.text]
        elif word and spelled is not None:
            while spelled in names or spelled in self._tables.keywords:
                spelled += "_"
        if lexeme.text.startswith("__"):
            spelled = None
        if lexeme is all_like[0]:
            spans = tuple(self._span(other.start, other.end) for other in all_like)
            hint = "statements need no end sign" if lexeme.text == ";" else ""
            if lexeme.text in ("&", "|", "!"):
                hint = "conditions are nested, `where(a > 0, where(b > 0, x, y), y)`"
            if word and not lexeme.text.isascii():
                hint = "not an ASCII letter" if spelled else "no ASCII spelling is known"
            self._reporter.report(
                BadCharacter(span=spans[0], word=word, spelled=spelled, others_too=spans[1:], hint=hint)
            )
        if word:
            return [Lexeme("NAME", lexeme.start, lexeme.end, lexeme.text)]
        pieces = lex(spelled or "", self._tables)[:-1]
        return [Lexeme(piece.kind, lexeme.start, lexeme.end, piece.text) for piece in pieces if piece.kind != ODD]

    def _quote(self, lexeme: Lexeme, mended: list[Lexeme]) -> int:
        """A text in single quotes, or one that never ends; the offset where reading goes on."""
        text = self._source.text
        line_end = text.find("\n", lexeme.start)
        line_end = len(text) if line_end < 0 else line_end
        closing = text.find(lexeme.text, lexeme.end, line_end)
        if closing < 0:
            end = lexeme.start + len(text[lexeme.start : line_end].rstrip())
            span = self._span(lexeme.start, end)
            if lexeme.text == "'":
                self._reporter.report(BadCharacter(span=self._span(lexeme.start, lexeme.end), word=False, spelled=None))
                return lexeme.end
            self._reporter.report(
                Unexpected(
                    span=span,
                    expected='a closing `"`',
                    found="the end of the line",
                    hint="this text never ends",
                    remarks=(EXECUTED,),
                )
            )
        else:
            end = closing + 1
            span = self._span(lexeme.start, end)
            inner = text[lexeme.end : closing]
            edits = (Edit(span, f'"{inner}"'),) if '"' not in inner else ()
            mend = Help("write it between double quotes", edits)
            self._reporter.report(
                Unexpected(span=span, expected="double quotes", found="single ones", hint="a text in `'`", mend=mend)
            )
        mended.append(Lexeme("STRING", lexeme.start, end, f'"{text[lexeme.end : end - 1]}"'))
        return end

    def _comment(self, lexeme: Lexeme) -> int:
        text = self._source.text
        line_end = text.find("\n", lexeme.start)
        span = self._span(lexeme.start, lexeme.start + 2)
        mend = Help("replace `//` by `#`", (Edit(span, "#"),))
        self._reporter.report(
            Unexpected(
                span=span,
                expected="an expression",
                found="`//`",
                hint="comments start with `#`",
                mend=mend,
            )
        )
        return len(text) if line_end < 0 else line_end

    def _number(self, lexemes: list[Lexeme], place: int, mended: list[Lexeme]) -> int:
        """`4k`, `1.`, `.5`, `1.2.3`: the run of touching pieces is one number to the author."""
        end = place
        while (
            end + 1 < len(lexemes)
            and lexemes[end + 1].start == lexemes[end].end
            and lexemes[end + 1].kind in ("NAME", *_POINTED)
        ):
            end += 1
        first, last = lexemes[place], lexemes[end]
        pieces = lexemes[place : end + 1]
        text = self._source.text[first.start : last.end]
        kinds = [piece.kind for piece in pieces]
        meant: str | None = None
        if kinds == ["NUMBER", "NAME"] and not (first.text == "0" and last.text[0] in "xXbBoO"):
            exponent = last.text.strip("0123456789") in ("e", "E")
            meant = None if exponent else f"{first.text}*{last.text}"
        elif kinds == ["NUMBER", "DOT"]:
            meant = f"{first.text}.0"
        elif kinds == ["DOT", "NUMBER"]:
            meant = f"0{text}"
        self._reporter.report(BadNumber(span=self._span(first.start, last.end), meant=meant))
        mended.append(Lexeme("NUMBER", first.start, last.end, "1"))
        return last.end
