"""What can be wrong with a spec's text: one frozen class each, its docstring the long form of `rnnc explain`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rnnc.diagnostics import Diagnostic, Help, Label


@dataclass(frozen=True, kw_only=True)
class NotUtf8(Diagnostic):
    """A spec is a UTF-8 text."""

    code: ClassVar[str] = "E008"
    value: int

    def message(self) -> str:
        return f"the file is not UTF-8 text: byte 0x{self.value:02x}"

    def label(self) -> str:
        return "this byte fits no letter"


@dataclass(frozen=True, kw_only=True)
class NullCharacter(Diagnostic):
    """A spec holds no zero character."""

    code: ClassVar[str] = "E008"

    def message(self) -> str:
        return "the file is not a text: it holds a zero character"


@dataclass(frozen=True, kw_only=True)
class TooLarge(Diagnostic):
    """A spec has a largest size."""

    code: ClassVar[str] = "E503"
    limit: int

    def message(self) -> str:
        return f"a spec has at most {self.limit} bytes"


@dataclass(frozen=True, kw_only=True)
class Unexpected(Diagnostic):
    """The grammar wants something else here."""

    code: ClassVar[str] = "E002"
    expected: str
    found: str
    hint: str = ""
    mend: Help | None = None
    places: tuple[Label, ...] = ()
    remarks: tuple[str, ...] = ()

    def message(self) -> str:
        return f"expected {self.expected}, found {self.found}"

    def label(self) -> str:
        return self.hint

    def others(self) -> tuple[Label, ...]:
        return self.places

    def notes(self) -> tuple[str, ...]:
        return self.remarks

    def help(self) -> Help | None:
        return self.mend
