"""Before the grammar: every bracket gets its partner, so that the automaton never sees an unbalanced text.

A linear walk with a stack. A statement keyword ends whatever bracket is open inside a statement, a new
network ends the one before; both tell more exactly than a grammar can what was forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnc.diagnostics import Edit, Help, Reporter, Source, Span
from rnnc.frontend.errors_syntax import Mismatched, Misplaced, Unclosed, Unexpected, Unopened
from rnnc.frontend.errors_text import TooDeep
from rnnc.frontend.lex import END, Lexeme
from rnnc.frontend.words import BLOCKS, STATEMENTS, starts_statement

DEPTH = 50
CLOSER = {"LPAREN": "RPAREN", "LBRACKET": "RBRACKET", "LBRACE": "RBRACE"}
SIGN = {"RPAREN": ")", "RBRACKET": "]", "RBRACE": "}"}
_OPENERS = {closer: opener for opener, closer in CLOSER.items()}
_OPERANDS = frozenset({"NAME", "NUMBER", "STRING", "RPAREN", "RBRACKET", "BIAS", "FIRST", "LAST"})


@dataclass
class _Open:
    lexeme: Lexeme
    place: int
    ends_soon: bool | None = None


class Brackets:
    """One walk over the lexemes of a source."""

    def __init__(self, source: Source, reporter: Reporter) -> None:
        self._source = source
        self._reporter = reporter
        self._open: list[_Open] = []
        self._out: list[Lexeme] = []
        self._moved: list[Lexeme] = []
        self._last_brace: int | None = None
        self._braces_match = True

    def balance(self, lexemes: list[Lexeme]) -> list[Lexeme] | None:
        """The lexemes with partners put in and strays left out; None where they nest too deep to go on."""
        if self._too_deep(lexemes):
            return None
        opens = sum(lexeme.kind == "LBRACE" for lexeme in lexemes)
        self._braces_match = opens == sum(lexeme.kind == "RBRACE" for lexeme in lexemes)
        place = 0
        while place < len(lexemes):
            lexeme = lexemes[place]
            kind = lexeme.kind
            if kind in BLOCKS and self._open and starts_statement(self._source, lexemes, place):
                nested = self._nested(lexemes, place)
                if nested is not None:
                    place = nested
                    continue
                self._close_all(0, lexeme)
            elif (kind in STATEMENTS and starts_statement(self._source, lexemes, place)) or kind == "LBRACE":
                self._close_all(self._braces(), lexeme)
            elif kind in ("COLON", "TILDE", "EQUAL"):
                self._at_sign(lexemes, place)
            if kind in BLOCKS and kind != "USE":
                self._head(lexemes, place)
            if kind in CLOSER:
                self._open.append(_Open(lexeme, place))
            if kind in _OPENERS:
                if self._crossed(lexemes, place):
                    top = self._open[-1].lexeme
                    closer = SIGN[CLOSER[top.kind]]
                    self._reporter.report(Mismatched(span=self._span(lexeme), opener=self._span(top), closer=closer))
                    lexemes[place : place + 2] = lexemes[place + 1], lexeme
                    lexeme = lexemes[place]
                self._close(lexeme)
            elif kind == END:
                self._close_all(0, lexeme)
                self._out.extend(self._moved)
                self._out.append(lexeme)
            else:
                self._out.append(lexeme)
            place += 1
        return self._out

    def _span(self, lexeme: Lexeme) -> Span:
        return Span(self._source, lexeme.start, lexeme.end)

    def _braces(self) -> int:
        """How many of the open brackets are outside the current statement."""
        return next((k + 1 for k in range(len(self._open) - 1, -1, -1) if self._open[k].lexeme.kind == "LBRACE"), 0)

    def _close_all(self, keep: int, before: Lexeme) -> None:
        """Close what is open beyond the outermost `keep`, saying so once for the outermost of each sort."""
        left = self._open[keep:]
        if not left:
            return
        del self._open[keep:]
        inner = [one for one in left if one.lexeme.kind != "LBRACE"]
        braces = [one for one in left if one.lexeme.kind == "LBRACE"]
        at = self._out[-1].end
        if inner:
            closers = "".join(SIGN[CLOSER[one.lexeme.kind]] for one in reversed(inner))
            edits: tuple[Edit, ...] = (Edit(Span(self._source, at, at), closers),)
            if any(one.lexeme.kind == "LBRACKET" for one in inner):
                edits = ()
            line = self._source.position(at)[0]
            mend = Help(f"add `{closers}` at the end of line {line}", edits)
            said = "the head ends here" if before.kind == "LBRACE" else "the statement ends here"
            self._report_unclosed(inner[0], before if before.kind != END else None, said, mend)
        for one in reversed(left):
            self._out.append(Lexeme(CLOSER[one.lexeme.kind], at, at, ""))
        if braces and braces[0].lexeme.text:
            line = self._source.position(at)[0]
            mend = Help(f"add `}}` after line {line}", (Edit(Span(self._source, at, at), "\n}"),))
            said = ""
            if before.kind != END:
                word = before.text if before.kind in BLOCKS else "block"
                said = f"a new {word} starts here, so the brace was probably missing before this line"
            self._report_unclosed(braces[0], before if before.kind != END else None, said, mend)

    def _report_unclosed(self, one: _Open, before: Lexeme | None, said: str, mend: Help | None) -> None:
        self._reporter.report(
            Unclosed(
                span=self._span(one.lexeme),
                closer=SIGN[CLOSER[one.lexeme.kind]],
                before=self._span(before) if before is not None else None,
                said=said,
                mend=mend,
            )
        )

    def _close(self, lexeme: Lexeme) -> None:
        wanted = _OPENERS[lexeme.kind]
        deeper = [k for k in range(len(self._open)) if self._open[k].lexeme.kind == wanted]
        fence = self._braces() if lexeme.kind != "RBRACE" else 0
        if deeper and deeper[-1] >= fence:
            while self._open[-1].lexeme.kind != wanted:
                self._put_closer(lexeme)
            self._open.pop()
        elif len(self._open) > fence and lexeme.kind != "RBRACE":
            top = self._open.pop().lexeme
            closer = SIGN[CLOSER[top.kind]]
            self._reporter.report(Mismatched(span=self._span(lexeme), opener=self._span(top), closer=closer))
            lexeme = Lexeme(CLOSER[top.kind], lexeme.start, lexeme.end, closer)
        else:
            early = self._last_brace if lexeme.kind == "RBRACE" else None
            stray = early is not None and any(piece.kind in STATEMENTS for piece in self._out[early:])
            where = self._span(self._out[early]) if early is not None and stray else None
            self._reporter.report(Unopened(span=self._span(lexeme), early=where))
            if early is None or not stray:
                return
            del self._out[early]
        if lexeme.kind == "RBRACE":
            self._last_brace = len(self._out)
        self._out.append(lexeme)

    def _crossed(self, lexemes: list[Lexeme], place: int) -> bool:
        """`x[n-1)]` for `x[n-1])`: two closing brackets in the wrong order."""
        if len(self._open) < 2 or lexemes[place].kind == "RBRACE":
            return False
        top, below = self._open[-1].lexeme.kind, self._open[-2].lexeme.kind
        return (
            top != below
            and lexemes[place].kind == CLOSER[below]
            and lexemes[place + 1].kind == CLOSER[top]
            and lexemes[place + 1].text != ""
        )

    def _put_closer(self, before: Lexeme) -> None:
        """Close the topmost bracket in front of `before`, where it was forgotten."""
        one = self._open.pop()
        closer = SIGN[CLOSER[one.lexeme.kind]]
        at = self._out[-1].end
        mend = Help(f"add `{closer}` before `{before.text}`", (Edit(Span(self._source, at, at), closer),))
        self._report_unclosed(one, before, f"expected `{closer}` before this", mend)
        self._out.append(Lexeme(CLOSER[one.lexeme.kind], at, at, ""))

    def _at_sign(self, lexemes: list[Lexeme], place: int) -> None:
        """`:`, `~` and mostly `=` stand in no bracket; a range written `a:b` is left to the grammar."""
        if not self._open or self._open[-1].lexeme.kind == "LBRACE":
            return
        top = self._open[-1]
        if lexemes[place].kind == "EQUAL" and top.lexeme.kind == "LPAREN":
            return
        if top.ends_soon is None:
            top.ends_soon = self._ends_soon(lexemes, place, top)
        if not top.ends_soon:
            self._put_closer(lexemes[place])

    def _ends_soon(self, lexemes: list[Lexeme], place: int, top: _Open) -> bool:
        depth = 1
        for ahead in range(place + 1, len(lexemes)):
            kind = lexemes[ahead].kind
            if kind == END or kind in ("LBRACE", "RBRACE") or starts_statement(self._source, lexemes, ahead):
                return False
            depth += (kind == top.lexeme.kind) - (kind == CLOSER[top.lexeme.kind])
            if depth == 0:
                return True
        return False

    def _nested(self, lexemes: list[Lexeme], place: int) -> int | None:
        """A whole block written inside a network is read beside it: the place behind it, or None."""
        if not self._braces_match or not self._braces():
            return None
        depth = 0
        for ahead in range(place, len(lexemes)):
            kind = lexemes[ahead].kind
            depth += (kind == "LBRACE") - (kind == "RBRACE")
            if depth == 0 and kind in ("RBRACE", "STRING"):
                break
        else:
            return None
        outer = next((one.place for one in self._open if one.lexeme.kind == "LBRACE"), 0)
        outside = next((k for k in range(outer, -1, -1) if lexemes[k].kind in BLOCKS), None)
        if outside is None:
            return None
        self._close_all(self._braces(), lexemes[place])
        self._reporter.report(
            Misplaced(
                span=self._span(lexemes[place]),
                place=f"outside a {lexemes[outside].text}, not inside one",
                block=self._span(lexemes[outside]),
                advice=f"move it in front of line {self._source.position(lexemes[outside].start)[0]}",
            )
        )
        inside = Brackets(self._source, self._reporter)
        self._moved.extend(inside.balance([*lexemes[place : ahead + 1], lexemes[-1]]) or [])
        del self._moved[-1:]
        return ahead + 1

    def _head(self, lexemes: list[Lexeme], place: int) -> None:
        """A network or cell whose `{` was forgotten gets one in front of its first statement."""
        for ahead in range(place + 1, len(lexemes)):
            kind = lexemes[ahead].kind
            if kind == "LBRACE" or kind in BLOCKS:
                return
            if kind in (END, "RBRACE") or starts_statement(self._source, lexemes, ahead):
                break
        at = lexemes[ahead - 1].end
        here = Span(self._source, at, at)
        self._reporter.report(
            Unexpected(
                span=here,
                expected=f"`{{` after the head of a {lexemes[place].text}",
                found=f"`{lexemes[ahead].text}`" if lexemes[ahead].text else "the end of the text",
                hint="opens here",
                mend=Help("add `{`", (Edit(here, " {"),) if lexemes[ahead].kind != END else ()),
            )
        )
        lexemes.insert(ahead, Lexeme("LBRACE", at, at, ""))

    def _too_deep(self, lexemes: list[Lexeme]) -> bool:
        """Report the first bracket, sign or power beyond the limit."""
        levels, total = [0], 0
        opened: list[Lexeme] = []
        operand = False
        for lexeme in lexemes:
            kind = lexeme.kind
            if kind in CLOSER:
                levels.append(0)
                opened.append(lexeme)
                total += 1
            elif kind in _OPENERS and len(levels) > 1:
                total -= levels.pop() + 1
                opened.pop()
            elif kind == "CARET" or (kind == "MINUS" and not operand):
                levels[-1] += 1
                total += 1
            elif not (kind in _OPERANDS or kind == "DOT") or (kind == "NAME" and operand):
                total -= levels[-1]
                levels[-1] = 0
            operand = kind in _OPERANDS
            if kind in STATEMENTS or kind in BLOCKS:
                total -= levels[-1]
                levels[-1] = 0
            if total > DEPTH:
                outermost = self._span(opened[0]) if opened else None
                self._reporter.report(TooDeep(span=self._span(lexeme), limit=DEPTH, outermost=outermost))
                return True
        return False
