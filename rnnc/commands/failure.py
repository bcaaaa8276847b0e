"""Why a command cannot be done: usage, or a file."""

from __future__ import annotations


class Failure(Exception):
    """One line that says what is wrong, and perhaps what to do instead. The exit status is 2."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def text(self) -> str:
        """For standard error, ended by a line end."""
        from rnnc.render import said

        return f"error: {said(self.message)}\n" + (self.hint.rstrip("\n") + "\n" if self.hint else "")
