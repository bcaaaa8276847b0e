"""What a module needs to run a sequence in pieces: the functions of one piece, of what stands before the first and of
the loss of all, and what each of them is told and returns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rnnc.emit.kernels import KernelSpelling
from rnnc.emit.lines import Lines
from rnnc.emit.planes import rows_as_slices
from rnnc.emit.section import SectionWriter
from rnnc.emit.support_text import copied
from rnnc.emit.unpacking import unpacked, uses, variables
from rnnc.emit.views import Names
from rnnc.program.forms import Program
from rnnc.sizes import Size
from rnnc.system.forms import Dropout
from rnnc.system.pieces import Pieces


def pieces(found: Pieces, programs: tuple[Program, ...], loss: str, kernels: KernelSpelling) -> tuple[str, ...]:
    """The texts of the functions `_begin`, `_piece` and `_end`, each with its `_back`, and of the tables before them.
    `programs` are those of the parts that there are, the pieces' last; `loss` is the network's."""
    *others, last = programs
    piece = _Part("piece", "The steps of one piece; those before it are given.", last, kernels)
    parts = [piece]
    texts = [piece.forward(), piece.back()]
    if found.begin is None:
        texts += [_NO_BEGIN]
    else:
        begin = _Part("begin", "What stands before the first step.", others.pop(0), kernels)
        parts.append(begin)
        texts += [begin.forward(tuple(s.name for s in found.starts)), begin.back()]
    if found.end is None:
        texts += [_NO_END.replace("LOSS", repr(loss))]
    else:
        end = _Part("end", "The loss of each sequence, of what the pieces summed up.", others.pop(0), kernels)
        parts.append(end)
        texts += [end.forward((loss,)), end.back()]
    return (_tables(found, tuple(parts), loss), *texts, copied("pieces"))


_NO_BEGIN = '''def _begin(call):
    """What stands before the first step is zero."""
    return {}


def _begin_back(call, saved, seed, wrt, grads):
    return {}'''

_NO_END = '''def _end(call):
    """The loss of each sequence is what the pieces summed up."""
    return {LOSS: call.given[LOSS]}


def _end_back(call, saved, seed, wrt, grads):
    return {LOSS: seed}'''


def _tables(found: Pieces, parts: tuple[_Part, ...], loss: str) -> str:
    """What the module says of its pieces; the first of the `parts` is the piece."""
    piece, *_ = parts
    names, lines = piece.names, Lines()
    lines.add("CARRIED: dict[str, dict[str, Any]] = {")
    for c in found.carried:
        made = names.variable(c.name) if c.name in names.homes else None
        (extent,) = names.extents(c.name)
        assert extent.kept is None, "what the next piece reads is kept"
        more = extent.low - c.steps if made is not None else 0
        lines.add(
            f'    {c.name!r}: {{"steps": {c.steps}, "saved": {made!r}, "rows": {more}, "starts": {c.starts!r}, '
            f'"learned": {c.after is not None}}},'
        )
    lines.add("}")
    lines.add('"""Of what a piece reads of the steps before it how many there are, where it lies, how it starts."""')
    sums = {s.name: (names.variable(s.name), s.adjoint is not None) for s in found.sums}
    lines.add(f"SUMS: dict[str, tuple[str, bool]] = {sums!r}")
    lines.add('"""Of what is summed over the pieces where it lies, and whether it is learned."""')
    lines.add(f"STARTS: tuple[str, ...] = {tuple(s.name for s in found.starts if s.adjoint)!r}")
    ends = tuple(e for e in ("first", "last") if f"{e} of {found.axis}" in names.values)
    lines.add(f"ENDS: tuple[str, ...] = {ends!r}")
    lines.add(f"LOSS = {loss!r}")
    lines.add("KEPT: dict[str, tuple[int, int | None]] = {")
    for variable, (rows, batch) in piece.kept.items():
        lines.add(f"    {variable!r}: ({rows}, {batch}),")
    lines.add("}")
    lines.add(
        '"""Of what a piece keeps: rows beside those of its steps (-1: it has no steps), and the batch\'s dimension."""'
    )
    masks = {
        e.op.key: bool(own.values[e.out].axes) and e.op.key not in own.still
        for own in (part.names for part in parts)
        for e in own.system.equations
        if isinstance(e.op, Dropout) and own.values[e.out].role not in ("adjoint", "gradient")
    }
    lines.add(f"MASKS: dict[str, bool] = {masks!r}")
    lines.add('"""Of every dropout whether each step has its own mask."""')
    lines.add()
    lines.add()
    with lines.block("def carried_shapes(**sizes):"):
        lines.add('"""Of what a piece reads of the steps before it the unit shape."""')
        shapes = {c.name: names.values[c.name].shape for c in found.carried}
        _sizes(lines, names, (z for shape in shapes.values() for z in shape))
        text = ", ".join(f"{n!r}: ({''.join(f'{names.size_text(z)}, ' for z in shape)})" for n, shape in shapes.items())
        lines.add(f"return {{{text}}}")
    lines.add()
    lines.add()
    with lines.block("def kept_parts(**sizes):"):
        lines.add('"""Of what lies in other things that are kept: in which, and its index there."""')
        within = piece.parts()
        _sizes(lines, names, (z for _, rows, _ in within.values() for z in rows))
        text = ", ".join(f"{v!r}: ({whole!r}, {index})" for v, (whole, _, index) in within.items())
        lines.add(f"return {{{text}}}")
    return lines.text()


def _sizes(lines: Lines, names: Names, used: Iterable[Size]) -> None:
    """Unpacks the network's sizes that these are made of."""
    for size in dict.fromkeys(n for z in used for n in z.names):
        lines.add(f"{names.size[size]} = sizes[{size!r}]")


@dataclass
class _Part:
    """One of the three programs, as the functions `_title` and `_title_back`."""

    title: str
    about: str
    program: Program
    kernels: KernelSpelling

    def __post_init__(self) -> None:
        self.names = Names(self.program, self.kernels)
        before: frozenset[str] = frozenset()
        self.writers: dict[str, SectionWriter] = {}
        for section in self.program.sections:
            writer = SectionWriter(self.names, section, before)
            writer.write()
            self.writers[section.name] = writer
            before = frozenset(writer.ready)
        later = self.writers["backward"].lines.text()
        self.kept: dict[str, tuple[int, int | None]] = {}
        units = {self.names.variable(v.name) for v in self.program.system.values if v.role == "unit"}
        for variable in variables(self.writers["forward"]):
            if uses(later, variable) or variable in units:
                self.kept[variable] = self._layout(variable)

    def _layout(self, variable: str) -> tuple[int, int | None]:
        """Rows beside those of the steps, and which dimension the batch is."""
        names = self.names
        for name, v in names.values.items():
            if names.variable(name) == variable and v.role not in ("parameter", "fixed"):
                rows = names.extents(name)
                batch = len(rows) + (names.plane(name) is not None)
                return (sum(e.low + e.high for e in rows) if rows else -1), batch if v.batched else None
        raise AssertionError(f"{variable} holds no value")

    def parts(self) -> dict[str, tuple[str, tuple[Size, Size], str]]:
        """Of what is kept what lies in another buffer that is kept: that, its rows of the first unit dimension, and the
        index of these."""
        names, writer, found = self.names, self.writers["forward"], {}
        for name, home in names.homes.items():
            variable, whole = names.variable(name), writer.whole(home.buffer)
            if home.rows is not None and variable in self.kept and whole in self.kept and variable != whole:
                found[variable] = (whole, home.rows, rows_as_slices(names, names.buffers[home.buffer], home.rows))
        return found

    def forward(self, returned: tuple[str, ...] = ()) -> str:
        """`returned`: values to return under their own names, instead of everything that the way back reads."""
        names, writer, tail = self.names, self.writers["forward"], Lines(1)
        for name in returned:
            writer.given(name)
        given = {v: v for v in self.kept} | {n: names.variable(n) for n in returned}
        tail.add("return {" + ", ".join(f"{key!r}: {v}" for key, v in given.items()) + "}")
        head, body = unpacked(names, writer, tail.text())
        return _function(f"_{self.title}(call)", self.about, head, body, tail)

    def back(self) -> str:
        names, writer, tail = self.names, self.writers["backward"], Lines(1)
        writer.show(g for _, g in names.system.gradients)
        parameters = {v.name for v in names.system.values if v.role == "parameter"}
        tail.add("out = {}")
        for name, gradient in names.system.gradients:
            if name in parameters:
                continue
            rows = names.extents(gradient)
            cut = "".join(f"[{e.low}:{e.low} + call.length[{e.axis!r}]]" for e in rows if e.low or e.high)
            line = f"out[{name!r}] = {names.variable(gradient)}{cut}"
            if names.values[name].role == "input":
                with tail.block(f"if {name!r} in wrt:"):
                    tail.add(line)
            else:
                tail.add(line)
        tail.add("return out")
        head, body = unpacked(names, writer, tail.text(), [self.writers["forward"]])
        about = "The gradients of what it minimises, into `grads`; those by what was given are returned."
        return _function(f"_{self.title}_back(call, saved, seed, wrt, grads)", about, head, body, tail)


def _function(signature: str, about: str, head: list[str], body: str, tail: Lines) -> str:
    parts = (f"def {signature}:", f'    """{about}"""', *head, body, tail.text())
    return "\n".join(x for x in parts if x.strip())
