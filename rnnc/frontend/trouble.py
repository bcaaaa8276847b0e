"""The place where the grammar cannot go on, and what a reading does to go on all the same."""

from __future__ import annotations

from dataclasses import dataclass, field

from rnnc.diagnostics import Source, Span
from rnnc.frontend.lex import END, Lexeme
from rnnc.frontend.words import KEYWORDS, first_on_line

# How far back a statement is looked at: far enough for any that a person wrote.
_FAR = 5000


@dataclass(frozen=True)
class Repair:
    """Forget `forget` symbols, feed `put` (kinds), then go on behind `skip` lexemes; nothing at all means:
    skip the statement.
    """

    put: tuple[str, ...] = ()
    skip: int = 0
    forget: int = 0
    opens_block: bool = False

    @property
    def gives_up(self) -> bool:
        return not (self.put or self.skip or self.forget)


@dataclass(frozen=True)
class Trouble:
    """`lexemes[place]` is not among the `allowed` kinds."""

    source: Source
    lexemes: list[Lexeme] = field(repr=False)
    place: int
    allowed: frozenset[str]

    @property
    def here(self) -> Lexeme:
        return self.lexemes[self.place]

    @property
    def before(self) -> Lexeme | None:
        return self.lexemes[self.place - 1] if self.place else None

    @property
    def after(self) -> Lexeme:
        return self.lexemes[min(self.place + 1, len(self.lexemes) - 1)]

    @property
    def head(self) -> int:
        """The place of the keyword that starts the statement, or 0."""
        stop = max(self.place - _FAR, -1)
        return next((k for k in range(self.place - 1, stop, -1) if self.lexemes[k].kind in KEYWORDS), 0)

    @property
    def starts_line(self) -> bool:
        return first_on_line(self.source, self.lexemes, self.place)

    @property
    def span(self) -> Span:
        """Of the wrong lexeme, or just behind the one before it where the text stops short."""
        here, before = self.here, self.before
        short = here.kind == END or not here.text or (self.starts_line and (here.kind in KEYWORDS or here.text == "}"))
        if short and before is not None:
            return Span(self.source, before.end, before.end)
        return Span(self.source, here.start, here.end)

    @property
    def found(self) -> str:
        """What stands there, in the author's eyes."""
        here = self.here
        if here.kind == END:
            return "the end of the text"
        if not here.text:
            return "the end of the statement"
        text = here.text if len(here.text) <= 40 else here.text[:37] + "..."
        return f"`{text}`"

    @property
    def inside(self) -> str:
        """The kind of the innermost bracket open here, or `""`."""
        return self.lexemes[self._opener].kind if self._opener else ""

    @property
    def caller(self) -> str:
        """The word in front of the innermost bracket open here, or `""`."""
        return self.lexemes[self._opener - 1].text if self._opener else ""

    @property
    def has_equation(self) -> bool:
        """Does a `=` or `~` follow before the line ends?"""
        for k in range(self.place + 1, len(self.lexemes)):
            if first_on_line(self.source, self.lexemes, k) or self.lexemes[k].kind == END:
                return False
            if self.lexemes[k].kind in ("EQUAL", "TILDE"):
                return True
        return False

    @property
    def _opener(self) -> int:
        depth = 0
        for k in range(self.place - 1, max(self.head, self.place - _FAR), -1):
            kind = self.lexemes[k].kind
            if kind in ("RPAREN", "RBRACKET"):
                depth += 1
            elif kind in ("LPAREN", "LBRACKET"):
                if depth == 0:
                    return k
                depth -= 1
        return 0
