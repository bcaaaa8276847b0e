"""A writer of Python lines that keeps the indentation, and the rows that a loop has named already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rnnc.emit.naming import MADE


class Lines:
    """Text of one function while it is written."""

    def __init__(self, depth: int = 0, taken: frozenset[str] = frozenset()) -> None:
        self.taken = taken
        self.lines: list[str] = []
        self.depth = depth
        self._rows: list[dict[str, str]] = [{}]

    def add(self, line: str = "") -> None:
        self.lines.append("    " * self.depth + line if line else "")

    def comment(self, text: str) -> None:
        """A comment, broken at 110 columns."""
        width = 108 - 4 * self.depth
        while len(text) > width:
            # the indentation of a continued line is no place to break it; a word without end goes past the margin
            cut = text.rfind(" ", 2, width)
            cut = cut if cut > 0 else text.find(" ", width)
            if cut < 0:
                break
            self.add("# " + text[:cut].rstrip())
            text = "  " + text[cut:].strip()
        self.add("# " + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """An indented block; the rows named inside are forgotten after it."""
        self.add(head)
        self.depth += 1
        self._rows.append({})
        before = len(self.lines)
        yield
        if all(line.strip().startswith("#") for line in self.lines[before:]):
            self.add("pass")
        self._rows.pop()
        self.depth -= 1

    def row(self, expression: str, name: str) -> str:
        """The variable that holds `expression`, assigned on first use inside the current block."""
        for known in reversed(self._rows):
            if expression in known:
                return known[expression]
        used = {v for known in self._rows for v in known.values()}
        name = f"v_{name}" if MADE.fullmatch(name) else name
        final, count = name, 1
        while final in used or final in self.taken:
            count += 1
            final = f"{name}_{count}"
        self._rows[-1][expression] = final
        self.add(f"{final} = {expression}")
        return final

    def text(self) -> str:
        return "\n".join(self.lines)
