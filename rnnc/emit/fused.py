"""Runs of elementwise equations as CUDA kernels: one thread computes all of a run's values at one element."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

from rnnc.emit.cuda import CALLS, FUNCTIONS, RESERVED, Speller, operations
from rnnc.emit.lines import Lines
from rnnc.emit.naming import OWN, fresh, spelled
from rnnc.emit.scans import Scans
from rnnc.emit.section import SectionWriter
from rnnc.emit.views import Names, aligned, target_labels, view
from rnnc.program.forms import Home, Kernel, Loop, Program
from rnnc.sizes import Size
from rnnc.system.forms import FROM_BORDER, Access, Equation, Pointwise

MOST = 48
"""Operands of one kernel: its arguments have to fit the 4 KB that CUDA passes."""

WIDTH = 100
Group = tuple[Equation, ...]


@dataclass
class _Arguments:
    """The parameters of one kernel while it is written: C declaration and Python text of each."""

    taken: set[str]
    inputs: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """(value, Python text) to (C name, type)."""
    made: dict[str, str] = field(default_factory=dict)
    """Values of the run itself to C names."""

    def named(self, base: str) -> str:
        name = fresh(base, self.taken)
        self.taken.add(name)
        return name

    def own_type(self) -> str:
        """A type of its own, for what need not be real numbers of the module's dtype."""
        used = {kind for _, kind in self.inputs.values()}
        return next(letter for letter in "IJKLMNOPQRSUVWXYZABCDEFGH" if letter not in used)


class Fused:
    """The kernels of one module: written once, launched wherever the program has them."""

    def __init__(self, program: Program) -> None:
        self.readings: dict[str, list[tuple[Equation, Access]]] = {}
        for e in program.system.equations:
            for r in e.reads:
                self.readings.setdefault(r.name, []).append((e, r))
        system = program.system
        self.kept = {v.name for v in system.values if v.role in ("unit", "gradient")} | set(program.cleared)
        self.kept |= {n for b in system.borders for n in b.reads()} | {system.loss or ""}
        self.written: dict[tuple[str, str, str], str] = {}
        self.definitions: list[str] = []
        self.functions: set[str] = set()
        self.scans = Scans(self._live)

    def scan(self, section: SectionWriter, loop: Loop) -> tuple[str, ...] | None:
        """The loop as one kernel, where its form allows that."""
        return self.scans.call(section, loop, {*section.names.python.values(), *self.written.values()})

    def _live(self, name: str, inside: set[str]) -> bool:
        """Whether a value is read beyond the equations of `inside`, or by them from elsewhere than its own place."""
        readings = self.readings.get(name, ())
        return name in self.kept or any(by.out not in inside or not _in_place(r) for by, r in readings)

    # ---- the run, cut where one thread could not compute it alone

    def kernel(self, section: SectionWriter, kernel: Kernel, scans: Mapping[str, str]) -> None:
        group: Group = ()
        for e in kernel.equations:
            if group and not self._fits(section.names, group, e, scans):
                self._launch(section, group, scans)
                group = ()
            group = (*group, e)
            if e.about == FROM_BORDER and section.states:
                self._launch(section, group, scans)
                section.without_state(e.out)
                group = ()
        self._launch(section, group, scans)

    def _fits(self, names: Names, group: Group, e: Equation, scans: Mapping[str, str]) -> bool:
        """Whether a thread may go on to `e`.

        It may read the run's results only where they are made, and write over nothing others read.
        """
        outs = {g.out for g in group}
        if not all(r.dims == e.dims for r in e.reads if r.name in outs):
            return False
        if any(_moved(names, e.out, g, r, scans) for g in (*group, e) for r in g.reads):
            return False
        return len({(r.name, r.at, r.dims) for g in (*group, e) for r in g.reads}) + len(group) < MOST

    def _stored(self, group: Group) -> Group:
        """The equations whose values something else reads; the others live in a register."""
        outs = {e.out for e in group}
        return tuple(e for e in group if self._live(e.out, outs))

    # ---- one kernel

    def _launch(self, section: SectionWriter, group: Group, scans: Mapping[str, str]) -> None:
        """Adds the kernel's text to the module, and its call to the section."""
        stored = self._stored(group)
        if not stored:
            return
        names = section.names
        arguments = _Arguments({*RESERVED, *CALLS.values(), *(f for f, _ in FUNCTIONS)})
        body = []
        for e in group:
            assert isinstance(e.op, Pointwise)
            self.functions.update(operations(e.op.formula))
            right = _speller(section, e, scans, arguments).spell(e.op.formula)
            arguments.made[e.out] = arguments.named(spelled(names.python[e.out]))
            body += _wrapped(f"{'' if e in stored else 'const T '}{arguments.made[e.out]} = {right};")
        outs = [section.elementwise.output(e, scans).text for e in stored]
        inputs = ", ".join(f"{kind} {name}" for name, kind in arguments.inputs.values())
        outputs = ", ".join(f"T {arguments.made[e.out]}" for e in stored)
        name = self._defined(section, group, stored, (inputs, outputs, "\n".join(body)))
        texts = [text for _, text in arguments.inputs] + outs
        line = f"{name}({', '.join(texts)})"
        if len(line) + 4 * section.lines.depth <= 110:
            section.lines.add(line)
            return
        section.lines.add(f"{name}(")
        for text in texts:
            section.lines.add(f"    {text},")
        section.lines.add(")")

    def _defined(self, section: SectionWriter, group: Group, stored: Group, text: tuple[str, str, str]) -> str:
        """The kernel's name; its definition is written the first time."""
        if text in self.written:
            return self.written[text]
        names = section.names
        # an author's own `fused` would give rows such as `fused_h`
        prefix = fresh("fused", {*names.python.values()})
        name = fresh(f"{prefix}_{names.python[stored[-1].out]}", {*OWN, *names.python.values(), *self.written.values()})
        self.written[text] = name
        inputs, outputs, body = text
        lines = Lines()
        for e in group:
            lines.comment(section.caption(e))
        with lines.block(f"{name} = Kernel("):
            lines.add(f'"{name}",')
            for declared in (inputs, outputs):
                rows = textwrap.wrap(declared, WIDTH) or [""]
                for k, row in enumerate(rows):
                    lines.add(f'"{row}"' if k == len(rows) - 1 else f'"{row} "')
                lines.lines[-1] += ","
            lines.add('"""')
            for row in body.split("\n"):
                lines.add(row)
            lines.add('""",')
        lines.add(")")
        self.definitions.append(lines.text())
        return name

    def text(self) -> str:
        """The functions that the kernels call, and the kernels."""
        used = self.functions | self.scans.functions
        wanted = [f"template <typename T> __device__ {text}" for name, text in FUNCTIONS if name in used]
        head = 'FUNCTIONS = """' + "".join(f"\n{text}" for text in wanted) + ("\n" if wanted else "") + '"""'
        return "\n\n".join((head, *self.definitions, *([self.scans.text()] if self.scans.named else [])))


def _speller(section: SectionWriter, e: Equation, scans: Mapping[str, str], arguments: _Arguments) -> Speller:
    """Spells an equation's operands as parameters of the kernel, new ones where it has none yet."""
    names = section.names
    target = target_labels(names, e, scans)
    reads: dict[int, str] = {}

    def own(index: int) -> bool:
        v = names.values[e.reads[index].name]
        return v.kind == "token" or v.role == "position"

    def parameter(value: str, text: str, base: str, mine: bool) -> str:
        known = arguments.inputs.get((value, text))
        if known is None:
            known = (arguments.named(base), arguments.own_type() if mine else "T")
            arguments.inputs[value, text] = known
        return known[0]

    def operand(index: int) -> str:
        if index not in reads:
            r = e.reads[index]
            if r.name in arguments.made and _in_place(r):
                reads[index] = arguments.made[r.name]
            else:
                text = aligned(view(names, r, scans, section.lines), target)
                reads[index] = parameter(r.name, text, spelled(names.python[r.name]) + _offset(r), own(index))
        return reads[index]

    def size(z: Size) -> str:
        return parameter("", names.size_text(z), spelled(f"size_{z}"), False)

    return Speller(operand, own, size)


def _in_place(r: Access) -> bool:
    return all(a.low == 0 and a.high is None and a.anchor == "here" for a in r.at)


def _offset(r: Access) -> str:
    """What an operand's name says of where it is read."""
    text = ""
    for at in r.at:
        if at.anchor != "here":
            text += f"_{at.anchor}"
        if at.low:
            text += f"_{'minus' if at.low < 0 else 'plus'}_{abs(at.low)}"
    return text + "".join(f"_{d}" for d in r.dims if isinstance(d, int))


def _moved(names: Names, out: str, reader: Equation, r: Access, scans: Mapping[str, str]) -> bool:
    """Whether `r` reads, at another element than a thread's own, memory that `out` is written to."""
    home, other = names.homes[out], names.homes.get(r.name)
    if other is None or home.buffer != other.buffer or apart(home, other):
        return False
    if any(at.axis in scans and at.anchor == "here" and at.high is None and at.low for at in r.at):
        return False
    v, u = names.values[out], names.values[r.name]
    same = (u.axes, u.batched, u.shape) == (v.axes, v.batched, v.shape) and r.dims == reader.dims
    return not (same and home.rows == other.rows and _in_place(r))


def apart(a: Home, b: Home) -> bool:
    """Whether two places of one buffer share no row, whatever the sizes."""
    if a.rows is None or b.rows is None:
        return False
    return any(
        (y[0] - x[1]).constant == 0 or all(c > 0 for _, c in (y[0] - x[1]).terms)
        for x, y in ((a.rows, b.rows), (b.rows, a.rows))
    )


def _wrapped(line: str) -> list[str]:
    """A C statement in lines of at most WIDTH columns."""
    return textwrap.wrap(line, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
