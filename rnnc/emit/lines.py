"""A writer of Python lines that keeps the indentation, and the rows that a loop has named already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rnnc.emit.naming import MADE

WIDTH = 110
"""Columns that a generated line keeps to, where it can be broken."""


@dataclass
class Scan:
    """A loop while its body is written: `rows` are what its head names of arrays at each position, by name; `numbers`
    the positions, as Python text."""

    variable: str
    back: bool
    numbers: str
    depth: int
    rows: dict[str, str] = field(default_factory=dict)

    def head(self, body: str, indent: str) -> list[str]:
        """The lines of its head, given what it repeats."""
        pairs = [(name, f"{array}[::-1]" if self.back else array) for name, array in self.rows.items()]
        if not pairs or re.search(rf"\b{self.variable}\b", body):
            pairs.insert(0, (self.variable, self.numbers))
        names, arrays = zip(*pairs, strict=True)
        if len(pairs) == 1:
            return [f"{indent}for {names[0]} in {arrays[0]}:"]
        line = f"{indent}for {', '.join(names)} in zip({', '.join(arrays)}):"
        if len(line) <= WIDTH:
            return [line]
        deeper = indent + "    "
        first = f"{indent}for {', '.join(names)} in zip("
        begun = [first] if len(first) <= WIDTH else [f"{indent}for (", *_filled(names, deeper), f"{indent}) in zip("]
        return [*begun, *_filled(arrays, deeper), f"{indent}):"]


def _filled(items: Iterable[str], indent: str) -> list[str]:
    """Lines of items, as many on each as it holds."""
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + len(item) + 2 <= WIDTH:
            lines[-1] += f" {item},"
        else:
            lines.append(f"{indent}{item},")
    return lines


class Lines:
    """Text of one function while it is written."""

    def __init__(self, depth: int = 0, taken: frozenset[str] = frozenset()) -> None:
        self.taken = taken
        self.lines: list[str] = []
        self.depth = depth
        self._rows: list[dict[str, str]] = [{}]
        self._scans: list[Scan] = []

    def add(self, line: str = "") -> None:
        self.lines.append("    " * self.depth + line if line else "")

    def comment(self, text: str) -> None:
        """A comment, broken at the margin."""
        width = WIDTH - 2 - 4 * self.depth
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
            if head.startswith("if "):
                del self.lines[before - 1 :]
            else:
                self.add("pass")
        self._rows.pop()
        self.depth -= 1

    @contextmanager
    def scan(self, variable: str, numbers: str, back: bool) -> Iterator[None]:
        """A loop over positions; it runs over rows of arrays, and over the positions where its body reads them."""
        own = Scan(variable, back, numbers, self.depth + 1)
        self._scans.append(own)
        at = len(self.lines)
        with self.block(""):
            yield
        self._scans.pop()
        head = own.head("\n".join(self.lines[at + 1 :]), "    " * self.depth)
        self.lines[at : at + 1] = head

    def row(self, expression: str, name: str, along: tuple[str, str] | None = None) -> str:
        """The variable that holds `expression`, assigned on first use inside the current block. `along` is a loop's
        variable and the array that has the expression for its rows, position by position."""
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
        if (
            along is not None
            and self._scans
            and (along[0], self.depth) == (self._scans[-1].variable, self._scans[-1].depth)
        ):
            self._scans[-1].rows[final] = along[1]
        else:
            self.add(f"{final} = {expression}")
        return final

    def text(self) -> str:
        return "\n".join(self.lines)
