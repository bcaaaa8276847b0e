"""Mistakes of syntax: something is missing, too much, or in the wrong place."""

from __future__ import annotations

from typing import ClassVar

from rnnc.diagnostics import Edit, Help, Label, Span
from rnnc.frontend.errors_text import EXECUTED, TextDiagnostic

DECLARATIONS = (
    "declarations start with axis, input, target, param, fixed, gate, unit, output, start, loss, feedback, fn"
)


class UnknownStatement(TextDiagnostic):
    """Every statement starts with a keyword: `axis input target param fixed gate unit output start loss
    feedback fn` in a network, `return` too in a cell, and `use fn cell network` outside. A misspelt one is
    offered in its right spelling.

    Wrong:

        network a {
          axis n
          input x[n] : 3
          uint h[n] : 4 = tanh(full(x) + bias)
          output h
        }

    Right:

        unit h[n] : 4 = tanh(full(x) + bias)
    """

    code: ClassVar[str] = "E001"
    suggestion: str | None
    outside: bool
    equation: bool = False

    def message(self) -> str:
        wanted = "`network`, `cell`, `fn` or `use`" if self.outside else "a declaration"
        return f"expected {wanted}, found `{self.span.text}`"

    def label(self) -> str:
        if self.suggestion:
            return f"did you mean `{self.suggestion}`?"
        return "an equation starts with `unit`" if self.equation else "not a keyword"

    def notes(self) -> tuple[str, ...]:
        notes = () if self.outside else (DECLARATIONS,)
        return (*notes, EXECUTED) if self.span.text in ("import", "from", "def", "class", "exec") else notes

    def mending(self) -> Help | None:
        if self.suggestion:
            text = f"replace `{self.span.text}` by `{self.suggestion}`"
            return Help(text, (Edit(self.span, self.suggestion),))
        if self.equation:
            front = Span(self.span.source, self.span.start, self.span.start)
            return Help(f"write `unit {self.span.text}`", (Edit(front, "unit "),))
        return None


class Unexpected(TextDiagnostic):
    """Something is missing or too much: the message says what may stand there. Often it is a sign: the `=` of
    an equation, a comma between arguments, the operator between two operands.

    Wrong:

        network a {
          axis n
          input x[n] : 3
          output y[n] : 4 tanh(full(x) + bias)
        }

    Right:

        output y[n] : 4 = tanh(full(x) + bias)
    """

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

    def mending(self) -> Help | None:
        return self.mend


class Unclosed(TextDiagnostic):
    """Every `(`, `[` and `{` needs its partner, and the one opened last closes first. Inside a statement a
    bracket has to close before the next statement starts; a `{` before the next network or cell.

    Wrong:

        network a {
          axis n
          input x[n] : 3
          output y[n] : 4 = tanh(full(x) + bias

    Right:

        output y[n] : 4 = tanh(full(x) + bias)
        }
    """

    code: ClassVar[str] = "E002"
    closer: str
    before: Span | None
    said: str = ""
    mend: Help | None = None

    def message(self) -> str:
        return f"this `{self.span.text}` is never closed"

    def label(self) -> str:
        return "opened here"

    def others(self) -> tuple[Label, ...]:
        return (Label(self.before, self.said),) if self.before is not None else ()

    def mending(self) -> Help | None:
        return self.mend


class Mismatched(TextDiagnostic):
    """A bracket is closed by its own partner: `(` by `)`, `[` by `]`, `{` by `}`.

    Wrong:

        network a {
          axis n
          input x[n] : 3
          output y[n] : 4 = tanh(full(x] + bias)
        }

    Right:

        output y[n] : 4 = tanh(full(x) + bias)
    """

    code: ClassVar[str] = "E002"
    opener: Span
    closer: str

    def message(self) -> str:
        return f"`{self.span.text}` closes a `{self.opener.text}`"

    def label(self) -> str:
        return f"expected `{self.closer}`"

    def others(self) -> tuple[Label, ...]:
        return (Label(self.opener, "opened here"),)

    def mending(self) -> Help | None:
        return Help(f"replace `{self.span.text}` by `{self.closer}`", (Edit(self.span, self.closer),))


class Unopened(TextDiagnostic):
    """A closing bracket needs an opening one before it. A `}` too many often ended the network too early.

    Wrong:

        network a {
          axis n
          input x[n] : 3
          }
          output y[n] : 4 = tanh(full(x) + bias)
        }

    Right:

        network a {
          axis n
          input x[n] : 3
          output y[n] : 4 = tanh(full(x) + bias)
        }
    """

    code: ClassVar[str] = "E002"
    early: Span | None = None

    def message(self) -> str:
        return f"this `{self.span.text}` closes nothing"

    def label(self) -> str:
        return "nothing is open here"

    def others(self) -> tuple[Label, ...]:
        return (Label(self.early, "what was open was closed here"),) if self.early is not None else ()

    def mending(self) -> Help | None:
        wrong = self.early or self.span
        line = wrong.source.position(wrong.start)[0]
        return Help(f"remove the `{wrong.text}` of line {line}", (Edit(wrong, ""),))


class ReservedWord(TextDiagnostic):
    """The keywords of the language are no names: those that start a statement, and `over as backward first
    last learned bias`. Every other word is free, a Python keyword or a function's name too.

    Wrong:

        network a {
          axis n
          input gate[n] : 3
          output y[n] : 3 = tanh(full(gate))
        }

    Right:

        input gate_[n] : 3
        output y[n] : 3 = tanh(full(gate_))
    """

    code: ClassVar[str] = "E004"
    free: str

    def message(self) -> str:
        return f"`{self.span.text}` is a keyword and cannot be a name"

    def label(self) -> str:
        return "reserved"

    def mending(self) -> Help | None:
        return Help(f"replace `{self.span.text}` by `{self.free}`", (Edit(self.span, self.free),))


class Misplaced(TextDiagnostic):
    """Declarations stand inside a network or a cell, `return` in a cell alone; `use`, `cell` and `network`
    stand outside.

    Wrong:

        axis n
        input x[n] : 3
        output y[n] : 4 = tanh(full(x) + bias)

    Right:

        network a {
          axis n
          input x[n] : 3
          output y[n] : 4 = tanh(full(x) + bias)
        }
    """

    code: ClassVar[str] = "E009"
    place: str
    block: Span | None = None
    edits: tuple[Edit, ...] = ()
    advice: str = ""

    def message(self) -> str:
        return f"`{self.span.text}` belongs {self.place}"

    def label(self) -> str:
        return "not here"

    def others(self) -> tuple[Label, ...]:
        return (Label(self.block, "inside this"),) if self.block is not None else ()

    def mending(self) -> Help | None:
        return Help(self.advice, self.edits) if self.advice else None


class Misused(TextDiagnostic):
    """A form that reads well and says nothing: `first` and `last` are positions and stand between brackets;
    an input or a target gets its value from data, not from an equation; a random unit is one name; a named
    argument comes after the plain ones.

    Wrong:

        network a {
          axis n
          input x[n] : 3
          unit y[n] : 3 = where(n == first, 0, 1) * x
          output y
        }

    Right:

        unit y[n] : 3 = where(n == 0, 0, 1) * x
    """

    code: ClassVar[str] = "E012"
    said: str
    hint: str
    mend: Help | None = None

    def message(self) -> str:
        return self.said

    def label(self) -> str:
        return self.hint

    def mending(self) -> Help | None:
        return self.mend
