"""Runs of elementwise equations as CUDA kernels: one thread computes all of a run's values at one element."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from rnnc.emit.cuda import ELEMENTS, FUNCTIONS, operations
from rnnc.emit.launch import Laid, Launch, wrapped
from rnnc.emit.lines import Lines
from rnnc.emit.naming import OWN, fresh
from rnnc.emit.pieces import Piece, pieces
from rnnc.emit.places import Place
from rnnc.emit.scans import Scans
from rnnc.emit.section import SectionWriter
from rnnc.program.forms import Home, Kernel, Loop, Program, Run
from rnnc.system.forms import FROM_BORDER, Access, Concat, Equation, Slice

MOST = 64
"""Places in memory that one thread reads and writes: more, and its values would not fit the registers."""


class Fused:
    """The kernels of one module, written once, launched wherever a program has them."""

    def __init__(self) -> None:
        self.written: dict[str, str] = {}
        self.sources: dict[str, dict[str, str]] = {}
        self.functions: set[str] = set()
        self.memory: dict[int, Memory] = {}
        self.scans = Scans()

    def source(self, name: str) -> None:
        """The kernels to come are of the text of CUDA C that the module calls `name`."""
        self.sources[name] = {}

    def before_scan(self, section: SectionWriter, loop: Loop) -> None:
        """A thread reads a parameter for its own sequence."""

    def scan(self, section: SectionWriter, loop: Loop) -> tuple[str, ...] | None:
        """The loop as one kernel, where its form allows that."""
        taken = {*section.names.python.values(), *self.written.values()}
        return self.scans.call(section, loop, taken, self._memory(section).live)

    def _memory(self, section: SectionWriter) -> Memory:
        program = section.names.program
        return self.memory.setdefault(id(program), Memory(program))

    def run(self, section: SectionWriter, run: Kernel | Run, scans: Mapping[str, str]) -> None:
        """As few launches as the run can be done in."""
        group: tuple[Piece, ...] = ()
        for statement in (run,) if isinstance(run, Kernel) else run.body:
            for piece in pieces(section, statement):
                if group and not Launch(section, (*group, piece), scans).fits(MOST):
                    self._launch(section, group, scans)
                    group = ()
                group = (*group, piece)
                if section.states and piece.equation is not None and piece.equation.about == FROM_BORDER:
                    self._launch(section, group, scans)
                    section.without_state(piece.out)
                    group = ()
        self._launch(section, group, scans)

    def _launch(self, section: SectionWriter, group: tuple[Piece, ...], scans: Mapping[str, str]) -> None:
        """Adds the kernel's text to the module, and its call to the section."""
        if not group:
            return
        memory = self._memory(section)
        launch = Launch(section, group, scans)
        lines, written = launch.body(lambda laid: memory.needed(laid, group), self._function)
        if not written:
            return
        parameters = launch.signature.parameters(written, "\n".join(lines))
        last = next(p.out for p in reversed(group) if memory.homes[p.out])
        name = self._defined(section, last, [declared for _, declared in parameters], lines)
        texts = [launch.count(), *(text for text, _ in parameters)]
        if all(piece.clears for piece in group):
            with section.lines.block("if ragged:"):
                self._call(section, name, texts)
        else:
            self._call(section, name, texts)

    def _call(self, section: SectionWriter, name: str, texts: list[str]) -> None:
        line = f"{name}({', '.join(texts)})"
        if len(line) + 4 * section.lines.depth <= 110:
            section.lines.add(line)
            return
        section.lines.add(f"{name}(")
        for row in textwrap.wrap(", ".join(texts) + ",", 106 - 4 * section.lines.depth, break_long_words=False):
            section.lines.add(f"    {row}")
        section.lines.add(")")

    def _function(self, piece: Piece) -> None:
        self.functions.update(operations(piece.formula))

    def _defined(self, section: SectionWriter, value: str, parameters: list[str], body: list[str]) -> str:
        """The kernel's name; its definition is written the first time."""
        key = "\n".join((*parameters, *body))
        if key in self.written:
            return self.written[key]
        names = section.names
        # an author's own `fused` would give rows such as `fused_h`
        prefix = fresh("fused", {*names.python.values()})
        name = fresh(
            f"{prefix}_{names.python[value]}", {*OWN, *names.python.values(), *self.written.values(), *self.scans.named}
        )
        self.written[key] = name
        lines = Lines()
        lines.add(f"template <typename T> __global__ void {name}(")
        lines.lines += [f"    {row.strip()}" for row in wrapped(", ".join((*parameters, "long long count")))]
        lines.lines[-1] += ") {"
        lines.add("    for (long long element = first_element(); element < count; element += elements_apart()) {")
        lines.lines += [f"        {row}" for row in body]
        lines.add("    }")
        lines.add("}")
        list(self.sources.values())[-1][name] = lines.text()
        return name

    def text(self) -> str:
        """The functions that the kernels call, and the kernels."""
        used = self.functions | self.scans.functions
        wanted = [f"template <typename T> __device__ {text}" for name, text in FUNCTIONS if name in used]
        head = 'FUNCTIONS = """' + "".join(f"\n{text}" for text in (ELEMENTS.strip("\n"), *wanted)) + '\n"""'
        found = [head]
        for source, kernels in self.sources.items():
            if kernels:
                names = "".join(f'        "{k}",\n' for k in kernels)
                found.append("\n\n".join((f'{source} = Source(\n    FUNCTIONS\n    + """', *kernels.values())))
                found[-1] += f'\n""",\n    (\n{names}    ),\n)'
                found.append("\n".join(f'{k} = Each({source}, "{k}")' for k in kernels))
        return "\n\n".join((*found, *([self.scans.text()] if self.scans.named else [])))


class Memory:
    """What of a program's values has to be in memory, beyond the registers of the launch that makes it."""

    def __init__(self, program: Program) -> None:
        system = program.system
        self.homes: dict[str, Home] = dict(program.homes)
        self.readings: dict[str, list[tuple[Equation, Access]]] = {}
        self.seen_as: dict[str, set[str]] = {}
        for e in system.equations:
            for r in e.reads:
                self.readings.setdefault(r.name, []).append((e, r))
                if self._view(e, r):
                    self.seen_as.setdefault(e.out, set()).add(r.name)
                    self.seen_as.setdefault(r.name, set()).add(e.out)
        self.kept = {v.name for v in system.values if v.role in ("unit", "gradient")}
        self.kept |= {n for b in system.borders for n in b.reads()} | {system.loss or ""}
        self.cleared = frozenset(program.cleared)

    def _view(self, e: Equation, r: Access) -> bool:
        """Whether an equation moves nothing: rows cut out, or side by side, where they lie."""
        mine, other = self.homes.get(e.out), self.homes.get(r.name)
        same = mine is not None and other is not None and mine.buffer == other.buffer
        return same and isinstance(e.op, Slice | Concat)

    def live(self, name: str, inside: set[str]) -> bool:
        """Whether a value is read beyond the equations of `inside`, or by them from elsewhere than its own place."""
        readings = self.readings.get(name, ())
        kept = name in self.kept or name in self.cleared
        return kept or any(by.out not in inside or not r.in_place for by, r in readings)

    def needed(self, laid: Laid, group: tuple[Piece, ...]) -> bool:
        """Whether anything but the launch itself reads what it leaves at a place."""
        makes = {p.out for p in group}
        cleared = {p.out for p in group if p.clears}
        # what was cleared in this launch stands for the values that lie there
        waiting, seen = [laid.piece.out], set[str]()
        while waiting:
            name = waiting.pop()
            if name in seen or not self._overlap(name, laid):
                continue
            seen.add(name)
            waiting += sorted(self.seen_as.get(name, ()))
            if name in self.kept or (name in self.cleared and name not in cleared):
                return True
            for e, r in self.readings.get(name, ()):
                if not self._view(e, r) and (e.out not in makes or not r.in_place):
                    return True
        return False

    def _overlap(self, name: str, laid: Laid) -> bool:
        """Whether a value of the same buffer lies on some of the rows of a place."""
        rows = self.homes[name].rows
        mine = Place(laid.out.array, "", rows=rows)
        return not mine.apart(Place(laid.out.array, "", rows=laid.out.rows))
