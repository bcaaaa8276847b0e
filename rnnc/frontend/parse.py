"""Text to syntax tree: the whole way from a source's characters to a `File`, with every mistake on the way
reported.

Lexemes, then odd characters, then brackets, then the grammar; each step mends what it reports, so the next
one sees a text that is whole. Where the grammar cannot go on, a small repair is tried, and else the rest of
the statement is left out.
"""

from __future__ import annotations

from bisect import bisect_left

from rnnc.collector import without_collections
from rnnc.diagnostics import Reporter, Source, Span
from rnnc.frontend.automaton import Automaton
from rnnc.frontend.brackets import Brackets
from rnnc.frontend.build import Build
from rnnc.frontend.errors_syntax import UnknownStatement
from rnnc.frontend.errors_text import NothingDeclared
from rnnc.frontend.lex import END, Lexeme, lex
from rnnc.frontend.misspelt import mend_keywords
from rnnc.frontend.oddities import Oddities
from rnnc.frontend.placement import check_borders, check_placement
from rnnc.frontend.stored import tables
from rnnc.frontend.subscripts import read_subscripts
from rnnc.frontend.syntax import File
from rnnc.frontend.trouble import Repair, Trouble
from rnnc.frontend.trying import tried
from rnnc.frontend.wording import word
from rnnc.frontend.words import BLOCKS, KEYWORDS

# Twenty errors are shown; a text with many more troubles than that is not a spec.
_ENOUGH = 100
# A megabyte of closing brackets is one mistake, not a million.
_MOST = 1000
_RESUME = frozenset({*KEYWORDS, "RBRACE"})


@without_collections
def parse(source: Source, reporter: Reporter) -> File:
    """The syntax tree of a source; where something was reported the tree holds what could be read."""
    mine = Reporter(most=_MOST)
    file = _parse(source, mine)
    for diagnostic in tried(source, mine.diagnostics, count_errors):
        reporter.report(diagnostic)
    return file or File((), (), (), (), Span(source, 0, len(source.text)))


def _parse(source: Source, reporter: Reporter) -> File | None:
    lexemes = lex(source.text, tables())
    if len(lexemes) == 1:
        reporter.report(NothingDeclared(span=_first_line(source)))
        return None
    lexemes = read_subscripts(source, Oddities(source, tables(), reporter).mend(lexemes), reporter)
    lexemes = mend_keywords(source, lexemes, reporter)
    balanced = Brackets(source, reporter).balance(lexemes)
    if balanced is None:
        return None
    file = _Reading(source, balanced, reporter).read()
    if file is not None and not reporter.wrong:
        check_borders(source, balanced, reporter)
        check_placement(file, reporter)
    return file


def count_errors(source: Source) -> int:
    """How many mistakes one reading of a source finds; none of its helps is tried."""
    reporter = Reporter(most=_MOST)
    _parse(source, reporter)
    return len(reporter.diagnostics)


class _Reading:
    """The automaton over one list of lexemes, with its recoveries."""

    def __init__(self, source: Source, lexemes: list[Lexeme], reporter: Reporter) -> None:
        build = Build(source)
        self._source = source
        self._lexemes = lexemes
        self._reporter = reporter
        self._automaton = Automaton(tables(), build.actions(), {"NAME": build.name})
        earlier = (d for d in reporter.diagnostics if d.span.source is source and not isinstance(d, UnknownStatement))
        self._wrong = sorted(found.span.start for found in earlier)
        self._left = _ENOUGH
        self._nearest = (0, -1)
        self._block_put_in = False
        self._told_until = -1

    def read(self) -> File | None:
        feed = self._automaton.feed
        place, last = 0, -1
        while place < len(self._lexemes):
            if feed(self._lexemes[place]):
                place += 1
            else:
                place, last = self._recover(place, again=place == last), place
                if place < 0:
                    return None
        file: File = self._automaton.result
        return file

    def _recover(self, place: int, again: bool) -> int:
        here = self._lexemes[place]
        if self._block_put_in and here.kind in (*BLOCKS, END) and self._put("RBRACE", here):
            self._block_put_in = False
            return place
        trouble = Trouble(self._source, self._lexemes, place, self._automaton.allowed())
        self._left -= 1
        if not self._left:
            return -1
        diagnostic, repair = word(trouble)
        if not self._is_told(trouble):
            self._reporter.report(diagnostic)
            mend = diagnostic.mending()
            if mend is None or not mend.edits:
                self._told_until = self._next_statement(place + 1)
        if again or repair.gives_up or not self._apply(repair, here):
            self._told_until = self._next_statement(place)
            return self._skip(place, trouble.head)
        self._block_put_in |= repair.opens_block
        return place + repair.skip

    def _is_told(self, trouble: Trouble) -> bool:
        """Was something already reported in this statement? What follows from it is not worth a message."""
        if trouble.place < self._told_until:
            return True
        start = self._lexemes[trouble.head].start
        at = bisect_left(self._wrong, start)
        end = self._lexemes[self._next_statement(trouble.place)].start
        return at < len(self._wrong) and self._wrong[at] < max(end, trouble.here.start + 1)

    def _apply(self, repair: Repair, here: Lexeme) -> bool:
        for _ in range(repair.forget):
            if not self._automaton.drop():
                return False
        return all(self._put(kind, here) for kind in repair.put)

    def _put(self, kind: str, here: Lexeme) -> bool:
        return self._automaton.feed(Lexeme(kind, here.start, here.end, here.text))

    def _next_statement(self, place: int) -> int:
        low, high = self._nearest
        if not low <= place <= high:
            high = place
            while high < len(self._lexemes) - 1 and self._lexemes[high].kind not in _RESUME:
                high += 1
            self._nearest = place, high
        return high

    def _skip(self, place: int, head: int) -> int:
        """Leave the statement out: the place of the next lexeme that can be taken, or -1 at the end."""
        if self._lexemes[head].kind in ("NETWORK", "CELL"):
            ahead = place
            while self._lexemes[ahead].kind not in (*KEYWORDS, "LBRACE", "RBRACE", END):
                ahead += 1
            # A head that cannot be read still opens its block, so that the block is checked.
            if self._lexemes[ahead].kind == "LBRACE" and self._automaton.settle("NETWORK"):
                self._put("NETWORK", self._lexemes[head])
                self._put("NAME", self._lexemes[head])
                return ahead
        place = self._next_statement(place)
        while not self._automaton.settle(self._lexemes[place].kind):
            if self._lexemes[place].kind == END:
                return -1
            place = self._next_statement(place + 1)
        return place


def _first_line(source: Source) -> Span:
    end = source.text.find("\n")
    return Span(source, 0, len(source.text) if end < 0 else end)
