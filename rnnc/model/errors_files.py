"""What can be wrong with `use`: a cycle, a file that is not there, a path that leaves the folder."""

from __future__ import annotations

from typing import ClassVar

from rnnc.diagnostics import Diagnostic, Edit, Help


class UseCycle(Diagnostic):
    """Files that use each other in a circle. What both need goes into a third file that both use.

    Wrong: `a.rnn` says `use "b.rnn"`, and `b.rnn` says `use "a.rnn"`.

    Right: `a.rnn` and `b.rnn` both say `use "parts.rnn"`.
    """

    code: ClassVar[str] = "E006"
    chain: tuple[str, ...]
    steps: tuple[str, ...]

    def message(self) -> str:
        return "use cycle: " + " -> ".join(self.chain)

    def label(self) -> str:
        return ", ".join(self.steps)


class MissingFile(Diagnostic):
    """`use` takes a path that ends in `.rnn`, relative to the file it stands in, or the name of a shipped
    spec.

    Wrong:

        use "lstmm"

    Right:

        use "lstm"
    """

    code: ClassVar[str] = "E007"
    path: str
    reason: str
    meant: str | None = None

    def message(self) -> str:
        return f"cannot use `{self.path}`: {self.reason}"

    def label(self) -> str:
        return "not found"

    def help(self) -> Help | None:
        if self.meant is None:
            return None
        return Help(f'replace `"{self.path}"` by `"{self.meant}"`', (Edit(self.span, f'"{self.meant}"'),))


class LeavesFolder(Diagnostic):
    """`use` stays inside the folder of the spec that is compiled, and the shipped specs: no absolute path, no
    way up and out, no link that leads elsewhere. The file is not opened.

    Wrong:

        use "../../other/cells.rnn"

    Right: a copy of the file beside the spec, and

        use "cells.rnn"
    """

    code: ClassVar[str] = "E010"

    def message(self) -> str:
        return "`use` may not leave the folder of the spec"

    def label(self) -> str:
        return "outside"

    def notes(self) -> tuple[str, ...]:
        return ("the file was not opened",)


ERRORS: tuple[type[Diagnostic], ...] = (UseCycle, MissingFile, LeavesFolder)
