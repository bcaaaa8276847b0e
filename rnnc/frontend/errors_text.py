"""Mistakes of characters, files and limits: found before the grammar is asked."""

from __future__ import annotations

from typing import ClassVar

from rnnc.diagnostics import Diagnostic, Edit, Help, Label, Span

EXECUTED = "nothing in a spec is ever executed"


class TextDiagnostic(Diagnostic):
    """Base of the mistakes in a text. `sure` is set where making the edits was tried and mends the text."""

    sure: bool = False

    def mending(self) -> Help | None:
        """What may mend it; edits are only offered where they are sure."""
        return None

    def help(self) -> Help | None:
        mend = self.mending()
        return mend if mend is None or self.sure or not mend.edits else None


class BadCharacter(TextDiagnostic):
    """Names match `[A-Za-z][A-Za-z0-9_]*`, and the signs of the language are ASCII: a Greek letter is spelled
    out, a product is `*`. Statements need no `;`, comments start with `#`, and texts stand between double
    quotes.

    Wrong:

        network a {
          axis n
          input α[n] : 3
          output α
        }

    Right:

        input alpha[n] : 3
    """

    code: ClassVar[str] = "E003"
    word: bool
    spelled: str | None
    others_too: tuple[Span, ...] = ()
    hint: str = ""

    def message(self) -> str:
        shown = self.span.text if self.span.text.isprintable() else f"U+{ord(self.span.text[0]):04X}"
        if not self.word:
            return f"`{shown}` has no place in a spec"
        if self.span.text.isascii():
            return f"a name starts with a letter, found `{shown}`"
        return f"a name has the letters a to z, found `{shown}`"

    def label(self) -> str:
        return self.hint

    def notes(self) -> tuple[str, ...]:
        return (EXECUTED,) if self.span.text.startswith("__") else ()

    def mending(self) -> Help | None:
        if self.spelled is None:
            return None
        spans = (self.span, *self.others_too)
        text = f"replace `{self.span.text}` by `{self.spelled}`"
        if not self.spelled.strip():
            text = "remove it" if not self.spelled else "replace it by a space"
        return Help(text, tuple(Edit(span, self.spelled) for span in spans))


class NothingDeclared(TextDiagnostic):
    """A file holds at least one network, cell or function.

    Wrong:

        # only a comment

    Right:

        network smallest { axis n input x[n] : 1 output h[n] : 1 = tanh(x + h[n-1]) }
    """

    code: ClassVar[str] = "E005"

    def message(self) -> str:
        return "the spec declares nothing"

    def label(self) -> str:
        return "only comments" if self.span.text.strip() else "empty"

    def mending(self) -> Help | None:
        smallest = "network smallest { axis n input x[n] : 1 output h[n] : 1 = tanh(x + h[n-1]) }"
        end = Span(self.span.source, len(self.span.source.text), len(self.span.source.text))
        front = "" if self.span.source.text.endswith("\n") or not self.span.source.text else "\n"
        return Help(f"smallest spec: `{smallest}`", (Edit(end, f"{front}{smallest}\n"),))


class NotText(TextDiagnostic):
    """A spec is a text in UTF-8, with or without a byte order mark, and holds no zero character. An editor's
    "save with encoding UTF-8" mends a file written in another encoding.

    Wrong: a file in Latin-1, where the letter e with an accent is the one byte 0xE9.

    Right: the same file in UTF-8, where that letter is the two bytes 0xC3 0xA9.
    """

    code: ClassVar[str] = "E008"
    byte: int

    def message(self) -> str:
        if self.byte == 0:
            return "the file is no text: it holds a zero character"
        return f"the file is not UTF-8: byte 0x{self.byte:02X} fits no letter"

    def label(self) -> str:
        return f"byte 0x{self.byte:02X}"

    def mending(self) -> Help | None:
        return Help("save the file as UTF-8") if self.byte else None


class BadNumber(TextDiagnostic):
    """Numbers are written `3`, `0.5` and `1e-3`: a point has digits on both sides (so that `n-5..n` is a
    range), and a product with a name has its `*`.

    Wrong:

        network a {
          axis n
          input x[n] : 3
          output y[n] : 3 = .5 * x
        }

    Right:

        output y[n] : 3 = 0.5 * x
    """

    code: ClassVar[str] = "E013"
    meant: str | None

    def message(self) -> str:
        return f"`{self.span.text}` is not a number"

    def label(self) -> str:
        return "numbers are written `3`, `0.5`, `1e-3`"

    def mending(self) -> Help | None:
        if self.meant is None:
            return None
        return Help(f"replace `{self.span.text}` by `{self.meant}`", (Edit(self.span, self.meant),))


class TooDeep(TextDiagnostic):
    """Brackets, signs and powers nest at most 50 deep. An equation that needs more is several equations.

    Wrong: a unit whose right side starts with 51 opening parentheses.

    Right: the inner part as a unit of its own, read by name.
    """

    code: ClassVar[str] = "E501"
    limit: int
    outermost: Span | None

    def message(self) -> str:
        return f"this `{self.span.text}` nests more than {self.limit} deep"

    def label(self) -> str:
        return "one too many"

    def others(self) -> tuple[Label, ...]:
        return (Label(self.outermost, "the outermost"),) if self.outermost is not None else ()

    def mending(self) -> Help | None:
        return Help("give the inner part a unit of its own")


class TooLarge(TextDiagnostic):
    """A spec has at most a million and a half characters; a network is its equations, its numbers live in the
    parameters.

    Wrong: a file of three megabytes.

    Right: equations over axes instead of one equation for every position.
    """

    code: ClassVar[str] = "E503"
    limit: int

    def message(self) -> str:
        return f"a spec has at most {self.limit} characters"
