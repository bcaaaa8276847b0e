"""What a wrong spec is told: spans, the base of every diagnostic, and the exception that carries them.

A diagnostic is a frozen class. Its fields are the facts, its methods the wording in the author's own names,
its docstring the long form that `rnnc explain CODE` prints. Codes: E0xx text and files, E1xx names, E2xx
shapes, E3xx graph and time, E4xx losses and data, E5xx limits, W1xx-W4xx the warnings of the same families.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from inspect import get_annotations
from typing import ClassVar, NoReturn, Self, dataclass_transform


@dataclass(frozen=True)
class Source:
    """One file of a spec: the name shown in messages and its whole text (LF line ends, no BOM)."""

    name: str
    text: str = field(repr=False)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset, both counted from 1."""
        starts = _line_starts(self.text)
        number = bisect_right(starts, offset)
        return number, offset - starts[number - 1] + 1

    def line(self, number: int) -> str:
        """The author's line `number`, counted from 1, without its end."""
        starts = _line_starts(self.text)
        if number > len(starts):
            return ""
        return (
            self.text[starts[number - 1] :].partition("\n")[0]
            if number == len(starts)
            else (self.text[starts[number - 1] : starts[number] - 1])
        )


@lru_cache(maxsize=4)
def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer("\n", text))]


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` (exclusive) of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of `other`, in one source."""
        return Span(self.source, self.start, max(self.end, other.end))


@dataclass(frozen=True)
class Label:
    """A second place involved, underlined with dashes."""

    span: Span
    text: str


@dataclass(frozen=True)
class Edit:
    """Replace the characters of `span` by `text`; applied, the spec compiles."""

    span: Span
    text: str


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits of one help made."""
    pieces: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: edit.span.start):
        pieces += (text[done : edit.span.start], edit.text)
        done = edit.span.end
    return "".join((*pieces, text[done:]))


@dataclass(frozen=True)
class Help:
    """What mends the mistake, in words, and as edits where they are certain."""

    text: str
    edits: tuple[Edit, ...] = ()


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Facts:
    """Base of frozen classes whose annotated names are fields, given by name. `dataclass` would write and compile a
    text for each of them, some seventy at every start."""

    fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        own = (name for name, kind in get_annotations(cls).items() if not str(kind).startswith("ClassVar"))
        cls.fields = tuple(dict.fromkeys((*cls.fields, *own)))

    def __init__(self, **facts: object) -> None:
        unknown = facts.keys() - set(self.fields)
        missing = [name for name in self.fields if name not in facts and not hasattr(type(self), name)]
        if unknown or missing:
            raise TypeError(f"{type(self).__name__} lacks {missing} and has no {sorted(unknown)}")
        self.__dict__.update(facts)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"`{name}` of a {type(self).__name__} stays what it is")

    def but(self, **facts: object) -> Self:
        """The same with other `facts`."""
        return type(self)(**{name: getattr(self, name) for name in self.fields} | facts)

    def _all(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.fields)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Facts) and other._all() == self._all()

    def __hash__(self) -> int:
        return hash((type(self), self._all()))


class Diagnostic(Facts):
    """Base of every error and warning; see a subclass."""

    code: ClassVar[str] = "E000"

    span: Span

    @property
    def is_error(self) -> bool:
        return not self.code.startswith("W")

    def message(self) -> str:
        """One line: lower case, no full stop, names in backticks, understandable alone."""
        raise NotImplementedError

    def label(self) -> str:
        """The few words beside the carets; may be empty."""
        return ""

    def others(self) -> tuple[Label, ...]:
        return ()

    def notes(self) -> tuple[str, ...]:
        return ()

    def help(self) -> Help | None:
        return None


class Said(Diagnostic):
    """One whose wording is chosen where the mistake is found: `said` is the message, `hint` stands beside the carets,
    `declared` is underlined with `place`, and `mend` is the help."""

    said: str
    hint: str = ""
    declared: Span | None = None
    place: str = "declared here"
    mend: Help | None = None

    def message(self) -> str:
        return self.said

    def label(self) -> str:
        return self.hint

    def others(self) -> tuple[Label, ...]:
        return (Label(self.declared, self.place),) if self.declared is not None else ()

    def help(self) -> Help | None:
        return self.mend


class Rejected(Exception):
    """A spec was refused; `diagnostics` says why (errors, and the warnings found so far)."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(map(_line, self.diagnostics)))


def _line(one: Diagnostic) -> str:
    """What is wrong, where, and what mends it, for one who sees an exception alone."""
    line, column = one.span.source.position(one.span.start)
    mend = one.help()
    return f"{one.span.source.name}:{line}:{column}: {one.code}: {one.message()}" + (f" ({mend.text})" if mend else "")


class Reporter:
    """Collects the diagnostics of one compilation; a stage reports all it finds, then `stop_if_wrong` ends
    it.
    """

    def __init__(self, most: int | None = None) -> None:
        """`most` is the number after which further ones are not kept."""
        self._most = most
        self._found: list[Diagnostic] = []
        self._at: dict[tuple[str, str, int], list[Diagnostic]] = {}

    def report(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic; the same one reported twice is kept once."""
        if self._most is not None and len(self._found) >= self._most:
            return
        span = diagnostic.span
        here = self._at.setdefault((diagnostic.code, span.source.name, span.start), [])
        if diagnostic not in here:
            here.append(diagnostic)
            self._found.append(diagnostic)

    @property
    def wrong(self) -> bool:
        return any(d.is_error for d in self._found)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """In the order of the text: by file, then position."""
        return tuple(sorted(self._found, key=lambda d: (d.span.source.name, d.span.start, d.code)))

    def stop_if_wrong(self) -> None:
        """Raise `Rejected` if any error was reported."""
        if self.wrong:
            raise Rejected(self.diagnostics)
