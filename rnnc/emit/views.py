"""How a module reads and writes a value: index expressions over its buffers, with the labels of what is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from rnnc.emit.kernels import KernelSpelling
from rnnc.emit.lines import Lines
from rnnc.emit.naming import Taken, axis_names, identifiers, whole
from rnnc.model.forms import At
from rnnc.program.forms import Buffer, Extent, Home, Loop, Program, equations, statements
from rnnc.program.halos import halos
from rnnc.sizes import Size
from rnnc.system.forms import ROW, Access, Ctc, CtcGradient, Dropout, Equation, System, Value

BATCH = "(batch)"
"""The label of the batch's dimension: nothing an axis can be called."""

PLANE = "(plane)"
"""The label of the parts of a stack that lies in planes."""


@dataclass(frozen=True)
class View:
    """A Python expression and the labels of its dimensions, in order (axis names, BATCH, unit labels)."""

    text: str
    labels: tuple[str, ...]
    home: str
    """The variable whose memory it reads; for telling whether a result may be written over it."""
    along: tuple[str, str] | None = None
    """Where it is a row for every position of the innermost loop: the loop's variable, and the array of the rows."""


class Names:
    """Every value's variable, extents and label layout; `kernels` is how the back end writes elementwise equations."""

    def __init__(self, program: Program, kernels: KernelSpelling) -> None:
        self.program = program
        self.kernels = kernels
        self.system: System = program.system
        self.values: dict[str, Value] = {v.name: v for v in program.system.values}
        self.buffers: dict[str, Buffer] = {b.name: b for b in program.buffers}
        self.homes: dict[str, Home] = dict(program.homes)
        self.tenants = Counter(home.buffer for home in self.homes.values())
        self.taken = Taken()
        self.axis = axis_names(self.system.axes, self.taken)
        self.size = {n: self.taken.new(n) for n, _, _ in self.system.sizes}
        own = ("unit", "input", "target", "parameter", "fixed")
        self.python = identifiers(((v.name, v.role in own) for v in self.system.values), self.taken)
        for b in program.buffers:
            if b.name not in self.python:
                self.python[b.name] = self.taken.new(b.name)
        self.halos = halos(self.system)
        self.whole = frozenset(h.buffer for h in self.homes.values() if h.rows is None)
        self._units: dict[Home, str] = {}
        self._last: dict[Home, str] = {}
        for name, home in self.homes.items():
            if self.values[name].role == "unit":
                self._units.setdefault(home, name)
        for section in program.sections:
            here = {self.homes[name]: name for name in section.values}
            self._last = {**here, **self._last}
        self._variables: dict[Home, str] = {}
        self._derived: dict[tuple[str, str], str] = {}
        self._lattices: dict[tuple[object, ...], str] = {}
        self.still = _still(program)
        """Of every dropout in a scan the axes along which its mask stays the same."""
        self.strip = ""
        """The axis along which what is being written runs strip by strip."""

    def lattice(self, e: Equation) -> str:
        """The variable that keeps the alignments of a ctc loss from the loss to its gradient."""
        assert isinstance(e.op, Ctc | CtcGradient)
        key = (*e.reads[:2], e.op.blank)
        if key not in self._lattices:
            self._lattices[key] = self.taken.new("lattice")
        return self._lattices[key]

    def derived(self, variable: str, what: str) -> str:
        """The name of what is made of an array once: its transpose (T), the array seen as planes (planes), a vector
        written out for each sequence (each)."""
        key = (variable, what)
        if key not in self._derived:
            self._derived[key] = self.taken.new(f"{variable}_{what}")
        return self._derived[key]

    def plane(self, name: str) -> Size | None:
        """The size of the planes that a value has several of; None where it lies otherwise."""
        home = self.homes.get(name)
        plane = self.buffers[home.buffer].plane if home is not None else None
        return None if plane is None or self.values[name].shape[0] == plane else plane

    def variable(self, name: str) -> str:
        """The variable of the memory `name` lies in: a unit there gives it its name, or who comes last in the section
        that makes it."""
        home = self.homes.get(name)
        if home is None:
            return self.python[name]
        if home not in self._variables:
            own = self._units.get(home) or self._last[home]
            self._variables[home] = self.python[own]
        return self._variables[home]

    def extents(self, name: str) -> tuple[Extent, ...]:
        home = self.homes.get(name)
        if home is not None:
            return self.buffers[home.buffer].extents
        v = self.values[name]
        if v.role in ("input", "target", "given"):
            return tuple(Extent(a, *self.halos.get((name, k), (0, 0))) for k, a in enumerate(v.axes))
        return tuple(Extent(a) for a in v.axes)

    def size_text(self, size: Size) -> str:
        """A size as a Python expression of whole numbers."""
        return whole(size.spelled(self.size))

    def in_blocks(self, name: str, lead: str = "") -> str:
        """What turns an array as a caller has it into that of a refined value, its leading dimensions being `lead`."""
        if name not in self.program.refined:
            return ""
        return f".reshape({lead}{', '.join(self.size_text(z) for z in self.values[name].shape)})"

    def goes_on(self, axis: str) -> bool:
        """Whether what a call is given may begin behind the first position of an axis."""
        return self.program.along in ("", axis)

    def length(self, axis: str) -> str:
        return self.of_axis("len", axis)

    def stripped(self, text: str, axes: tuple[str, ...]) -> str:
        """What of an array with these `axes`, made for all positions, belongs to the strip being written."""
        if self.strip not in axes:
            return text
        return f"{text}[{', '.join([':'] * axes.index(self.strip) + [self.span(self.strip)])}]"

    def span(self, axis: str) -> str:
        """The positions of an axis that are being written: all of them, or those of a strip."""
        if axis != self.strip:
            return ":"
        return f"{self.of_axis('first', axis)}:{self.of_axis('stop', axis)}"

    def of_axis(self, what: str, *axes: str) -> str:
        """What a module derives from axes: `len_n`, `last_n`, `past_i_j`."""
        return "_".join([what, *(self.axis[a] for a in axes)])


def _still(program: Program) -> dict[str, tuple[str, ...]]:
    """By key of the dropout: the axes of the scans that make what is dropped out."""
    values = {v.name: v for v in program.system.values}
    found: dict[str, tuple[str, ...]] = {}
    for section in program.sections:
        for loop in statements(section.body):
            if not isinstance(loop, Loop):
                continue
            for e in equations(loop.body):
                if isinstance(e.op, Dropout) and values[e.out].role not in ("adjoint", "gradient"):
                    found[e.op.key] = (*found.get(e.op.key, ()), loop.axis)
    return found


def view(
    names: Names,
    access: Access,
    scans: Mapping[str, str],
    lines: Lines | None,
    planes: bool = False,
    array: str | None = None,
) -> View:
    """`access` inside the given scans (axis to loop variable). Rows are given a name of their own through `lines`. With
    `planes` parts of a stack have a dimension of their own, wherever they lie; of `array`, if that is given."""
    v = names.values[access.name]
    base = array or names.variable(access.name)
    if v.role in ("position", "length", "seed"):
        return _of_call(names, access, scans)
    planes = planes and bool(access.dims)
    if planes and array is None and names.plane(access.name) is None:
        base = names.derived(base, "planes")
    rows: list[str] = []
    spans: dict[int, str] = {}
    labels: list[str] = []
    later: list[tuple[At, Extent]] = []
    windows = iter(access.dims)
    row_name = base
    extents = names.extents(access.name)
    for at, extent in zip(access.at, extents, strict=True):
        tap = next(windows) if at.high is not None else None
        if at.anchor == "here" and at.axis in scans:
            if extent.kept in (0, 1):
                continue
            if at.axis == tuple(scans)[-1] and at.high is None and extent.kept is None:
                spans[len(rows)] = _span(names, extent, at.low)
            rows.append(_row(names, at, extent, scans[at.axis]))
            row_name += "_" + scans[at.axis] + _offset_name(at)
            if tap is not None:
                assert not extent.strip
                _tap(rows, labels, tap, scans[at.axis], at, extent)
            continue
        if at.anchor != "here" or isinstance(tap, str):
            rows.append(":")
            labels.append(f"{'~' if at.anchor == 'here' else '@'}{at.axis}")
            later.append((at, extent))
            continue
        low = at.low + (tap if isinstance(tap, int) else 0)
        rows.append(_span(names, extent, low))
        labels.append(at.axis)
    for d in (*((PLANE,) if planes else ()), *((BATCH,) if v.batched else ()), *windows):
        rows.append(":" if isinstance(d, str) else str(d))
        labels += [d] if isinstance(d, str) else []
    text = _indexed(base, rows)
    along = _along(base, rows, spans, scans)
    if names.strip in v.axes and names.strip not in scans and not later:
        row_name += "_strip" + "".join(_offset_name(at) for at in access.at if at.axis == names.strip)
    if lines is not None and row_name != base and not later:
        text = lines.row(text, row_name, along)
    return _anchored(names, View(text, tuple(labels), base, along), later, access)


def _along(base: str, rows: list[str], spans: Mapping[int, str], scans: Mapping[str, str]) -> tuple[str, str] | None:
    """The innermost loop, and the array that has a row of `base` for each of its positions; None where that has other
    positions before them."""
    if len(spans) != 1:
        return None
    ((k, span),) = spans.items()
    if any(":" in row for row in rows[:k]):
        return None
    return tuple(scans.values())[-1], _indexed(base, [*rows[:k], span, *rows[k + 1 :]])


def _row(names: Names, at: At, extent: Extent, variable: str) -> str:
    if extent.strip:
        assert extent.kept is None
        variable = f"{variable} - {names.of_axis('first', at.axis)}"
    if extent.kept is not None:
        return f"({variable}{at.low:+d}) % {extent.kept}" if at.low else f"{variable} % {extent.kept}"
    if at.high is not None:
        return ""
    shift = extent.low + at.low
    return _plus(variable, shift)


def _tap(rows: list[str], labels: list[str], tap: str | int, variable: str, at: At, extent: Extent) -> None:
    """Replace the row just added by the rows of a window (or one of them)."""
    assert at.high is not None
    first = extent.low + at.low
    if isinstance(tap, int):
        shift = first + tap
        rows[-1] = _plus(variable, shift)
        return
    start = variable + (f" + {first}" if first else "")
    rows[-1] = f"{start}:{variable} + {extent.low + at.high + 1}"
    labels.append(tap)


def _offset_name(at: At) -> str:
    if at.high is not None:
        return "_window"
    return "" if not at.low else f"_minus_{-at.low}" if at.low < 0 else f"_plus_{at.low}"


def _span(names: Names, extent: Extent, low: int) -> str:
    start = extent.low + low
    if names.strip == extent.axis and extent.strip:
        return f"{start or ''}:{_plus(names.of_axis('count', extent.axis), start)}"
    if names.strip == extent.axis:
        first, stop = (names.of_axis(word, extent.axis) for word in ("first", "stop"))
        return f"{_plus(first, start)}:{_plus(stop, start)}"
    if not extent.low and not extent.high:
        return ":"
    end = names.length(extent.axis) + (f" + {start}" if start else "")
    return f"{start or ''}:{end}"


def _plus(text: str, shift: int) -> str:
    return text + (f" + {shift}" if shift > 0 else f" - {-shift}" if shift else "")


def _indexed(base: str, rows: list[str]) -> str:
    while rows and rows[-1] == ":":
        rows.pop()
    return f"{base}[{', '.join(rows)}]" if rows else base


def _anchored(names: Names, made: View, later: list[tuple[At, Extent]], access: Access) -> View:
    """Reads at a sequence's end and whole windows, which an index alone cannot say."""
    text, labels = made.text, list(made.labels)
    windows = iter(access.dims)
    taps = {at.axis: next(windows) for at in access.at if at.high is not None}
    for at, extent in later:
        if at.anchor == "here":
            k = labels.index(f"~{at.axis}")
            count = (at.high or 0) - at.low + 1
            start = extent.low + at.low
            span = f"{start or ''}:{names.length(at.axis)} + {start + count - 1}"
            cut = f"{text}[{', '.join([':'] * k + [span])}]" if (extent.low or extent.high) else text
            text = f"windows({cut}, {count}, {k})"
            labels[k] = at.axis
            labels.append(str(taps[at.axis]))
            continue
        k = labels.index(f"@{at.axis}")
        row, tap = extent.low + at.low, taps.get(at.axis)
        if isinstance(tap, int):
            row += tap
        elif at.high is not None:
            text = f"windows({text}, {at.high - at.low + 1}, {k})"
            labels.append(str(tap))
        index = str(row) if at.anchor == "first" else names.of_axis("last", at.axis)
        if at.anchor == "last" and row:
            index += f" + {row}" if row > 0 else f" - {-row}"
        batch = labels.index(BATCH) if BATCH in labels else -1
        text = f"pick({text}, {k}, {index}, {batch})"
        labels.pop(k)
    return View(text, tuple(labels), made.home, None if later else made.along)


def _of_call(names: Names, access: Access, scans: Mapping[str, str]) -> View:
    """What a call says by itself: positions, lengths, the seed."""
    role = names.values[access.name].role
    if role != "position":
        name = "seed" if role == "seed" else names.of_axis("length", access.name.strip("|"))
        return View(name, (BATCH,), names.variable(access.name))
    at = access.at[0]
    name = names.of_axis("row" if access.name.endswith(ROW) else "position", at.axis)
    shift = f" + {at.low}" if at.low else ""
    if at.axis in scans:
        return View(f"({name}[{scans[at.axis]}]{shift})", (BATCH,), name)
    name = names.stripped(name, (at.axis,))
    return View(f"({name}{shift})" if shift else name, (at.axis, BATCH), name)


def target_labels(names: Names, equation: Equation, scans: Mapping[str, str]) -> tuple[str, ...]:
    """The labels of an equation's output, in the order of its array, inside the given scans."""
    v = names.values[equation.out]
    axes = tuple(a for a in v.axes if a not in scans)
    plane = (PLANE,) if names.plane(equation.out) is not None else ()
    return (*axes, *plane, *((BATCH,) if v.batched else ()), *equation.dims)


def aligned(made: View, target: tuple[str, ...]) -> str:
    """The expression, transposed and with new dimensions where it lacks labels of the target, ready to broadcast."""
    order = [label for label in target if label in made.labels]
    text = made.text
    if list(made.labels) != order:
        text = f"{text}.transpose({', '.join(str(made.labels.index(x)) for x in order)})"
    if not order:
        return text
    tail = target[target.index(order[0]) :]
    if list(tail) == order:
        return text
    missing = [":" if x in order else "None" for x in tail]
    first = tail.index(order[0])
    while missing and len(missing) > first and missing[-1] == ":":
        missing.pop()
    if all(m == "None" for m in missing[1:]) and len(order) == 1:
        return f"{text}[:, {', '.join(missing[1:])}]"
    if order == list(tail[: len(order)]):
        return f"{text}[..., {', '.join(['None'] * (len(tail) - len(order)))}]"
    return f"{text}[{', '.join(missing)}]"
