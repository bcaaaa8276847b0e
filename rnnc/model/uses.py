"""`use`: which file is meant, read once, never outside the folder of the spec and the shipped specs."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rnnc.diagnostics import Rejected, Reporter
from rnnc.frontend import syntax
from rnnc.frontend.parse import parse
from rnnc.frontend.read import Unreadable, read_path
from rnnc.model.calls import EVERY
from rnnc.model.declare import enter_function
from rnnc.model.errors_files import LeavesFolder, MissingFile, UseCycle
from rnnc.model.errors_names import DeclaredTwice
from rnnc.model.resolution import Resolution
from rnnc.places import shipped_specs, specs_folder
from rnnc.suggest import suggest

_LONGEST = 4096
_TOO_LONG = "a name in it is too long for a file"


@dataclass(frozen=True)
class Library:
    """The functions and cells a file sees, its own and those of the files it uses."""

    functions: dict[str, syntax.Function] = field(default_factory=dict)
    cells: dict[str, syntax.Cell] = field(default_factory=dict)
    brought: list[tuple[syntax.Use, frozenset[str]]] = field(default_factory=list)
    """For each `use` of the file itself, the names it brings."""
    alone: bool = True
    """Whether the file has one network, so that what that does not use is used by nothing in it."""


@dataclass
class Loader:
    """Reads used files for the spec at `path` (None for a text without a file, which sees the shipped specs
    alone).
    """

    path: Path | None
    reporter: Reporter
    files: dict[Path, syntax.File | None] = field(default_factory=dict)
    places: dict[str, Path] = field(default_factory=dict)
    """The real path of every source that was read here, by its shown name."""

    def __call__(self, use: syntax.Use) -> syntax.File | None:
        """The file a `use` means; None where it was reported."""
        found = self._find(use)
        if found is None:
            return None
        path, shown = found
        if path not in self.files:
            self.files[path] = self._read(use, path, shown)
        return self.files[path]

    def _find(self, use: syntax.Use) -> tuple[Path, str] | None:
        shipped = specs_folder().resolve()
        if not use.path.endswith(".rnn"):
            path = shipped / f"{use.path}.rnn"
            known = shipped_specs()
            if use.path in known:
                return path, f"specs/{use.path}.rnn"
            meant = suggest(use.path, known)
            self._missing(use, "no shipped spec has this name, and the path of a file ends in `.rnn`", meant)
            return None
        above = self.path is None and os.path.normpath(use.path).startswith("..")
        if os.path.isabs(use.path) or "\\" in use.path or above:
            self.reporter.report(LeavesFolder(span=use.path_span))
            return None
        if len(use.path) > _LONGEST:
            self._missing(use, _TOO_LONG)
            return None
        name = use.span.source.name
        user = self.places.get(name, self.path.resolve() if self.path is not None else None)
        if user is None:
            self._missing(use, "a spec that is not a file uses shipped specs by name only")
            return None
        root = shipped if user.parent == shipped or self.path is None else self.path.resolve().parent
        try:
            path = (user.parent / use.path).resolve()
            path.exists()
        except ValueError:
            self._missing(use, "it is no name that a file can have here")
            return None
        except (OSError, RuntimeError) as problem:
            too_long = isinstance(problem, OSError) and problem.errno == errno.ENAMETOOLONG
            self._missing(use, _TOO_LONG if too_long else "its links lead in a circle")
            return None
        if not path.is_relative_to(root):
            self.reporter.report(LeavesFolder(span=use.path_span))
            return None
        return path, os.path.join(os.path.dirname(name), use.path)

    def _read(self, use: syntax.Use, path: Path, shown: str) -> syntax.File | None:
        if self.path is not None and path == self.path.resolve():
            shown = self.path.name
        try:
            if path.exists() and not path.is_file():
                raise Unreadable("it is no ordinary file")
            source = read_path(path, shown)
        except Unreadable as problem:
            reason = "no such file" if not path.exists() else str(problem)
            near = [p.name for p in sorted(path.parent.glob("*.rnn"))] if path.parent.is_dir() else []
            meant = suggest(path.name, near)
            if meant is not None:
                meant = str(Path(use.path).parent / meant) if "/" in use.path else meant
            self._missing(use, reason, meant)
            return None
        except Rejected as rejected:
            for diagnostic in rejected.diagnostics:
                self.reporter.report(diagnostic)
            return None
        self.places[shown] = path
        return parse(source, self.reporter)

    def _missing(self, use: syntax.Use, reason: str, meant: str | None = None) -> None:
        self.reporter.report(MissingFile(span=use.path_span, path=use.path, reason=reason, meant=meant))


def gather(file: syntax.File, load: Callable[[syntax.Use], syntax.File | None], reporter: Reporter) -> Library:
    """The functions and cells of a file and of all it uses, each file once. Cycles and names defined twice
    are reported.
    """
    library, done = Library(alone=len(file.networks) == 1), {id(file)}
    links: dict[int, list[tuple[syntax.Use, syntax.File]]] = {}
    table = Resolution(reporter, library.functions, library.cells)
    _enter(file, library, table)
    chain: list[tuple[syntax.File, int]] = [(file, 0)]
    while chain:
        user, place = chain.pop()
        if place == len(user.uses):
            continue
        chain.append((user, place + 1))
        use = user.uses[place]
        used = load(use)
        if used is None:
            continue
        links.setdefault(id(user), []).append((use, used))
        names = [f.span.source.text for f, _ in chain]
        if used.span.source.text in names and (
            any(f is used for f, _ in chain) or used.span.source.text == file.span.source.text
        ):
            _cycle([f for f, _ in chain], used, use, reporter)
        elif id(used) not in done:
            done.add(id(used))
            _enter(used, library, table)
            chain.append((used, 0))
    library.brought.extend((use, _names(used, links)) for use, used in links.get(id(file), []))
    return library


def _names(file: syntax.File, links: dict[int, list[tuple[syntax.Use, syntax.File]]]) -> frozenset[str]:
    """What a file and the files it uses define."""
    found: set[str] = set()
    seen: set[int] = set()
    stack = [file]
    while stack:
        here = stack.pop()
        if id(here) not in seen:
            seen.add(id(here))
            found.update(f.name.text for f in here.functions)
            found.update(c.name.text for c in here.cells)
            stack.extend(used for _, used in links.get(id(here), []))
    return frozenset(found)


def _cycle(chain: list[syntax.File], used: syntax.File, use: syntax.Use, reporter: Reporter) -> None:
    start = next(k for k, f in enumerate(chain) if f.span.source.text == used.span.source.text)
    circle = chain[start:]
    names = [os.path.basename(f.span.source.name) for f in circle]
    names.append(names[0])
    first = circle[0].uses[0]
    steps = []
    for k, user in enumerate(circle):
        target = names[k + 1]
        link = next((u for u in user.uses if os.path.basename(u.path) == target), use)
        steps.append(f"{names[k]}:{user.span.source.position(link.span.start)[0]} uses {target}")
        first = link if k == 0 else first
    reporter.report(UseCycle(span=first.path_span, chain=tuple(names), steps=tuple(steps)))


def _enter(file: syntax.File, library: Library, table: Resolution) -> None:
    for function in file.functions:
        enter_function(function, library.functions, table)
    for cell in file.cells:
        name = cell.name.text
        first = library.cells.get(name)
        taken = library.functions.get(name)
        if first is not None or taken is not None or name in EVERY:
            span = first.name.span if first is not None else taken.name.span if taken is not None else None
            remark = f"`{name}` is built in" if span is None else ""
            table.reporter.report(DeclaredTwice(span=cell.name.span, name=name, first=span, remark=remark))
        else:
            library.cells[name] = cell
