"""One section of a program as the body of a Python function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rnnc.emit.carrying import beside, last_carried
from rnnc.emit.elementwise import Elementwise
from rnnc.emit.influences import begin, in_ring
from rnnc.emit.lines import Lines
from rnnc.emit.planes import as_planes, rows_index, unit_dims
from rnnc.emit.products import turned
from rnnc.emit.steps import Steps
from rnnc.emit.strips import first_halo, write_strips
from rnnc.emit.views import BATCH, Names, View, view
from rnnc.model.forms import At
from rnnc.ops.formula import spell
from rnnc.program.forms import (
    Buffer,
    Clear,
    Given,
    Kernel,
    Loop,
    Run,
    Section,
    Statement,
    Step,
    Strips,
    equations,
)
from rnnc.system.forms import Access, Border, Contract, Equation, Pointwise, Products, Value
from rnnc.system.needed import needed
from rnnc.system.show import show_access


class SectionWriter:
    """Writes buffers, borders and statements; `lines` is the finished body."""

    def __init__(
        self, names: Names, section: Section, made_before: frozenset[str], states: Mapping[str, int] | None = None
    ) -> None:
        self.states = states or {}
        self.start_inputs = start_inputs(names) if states else frozenset[str]()
        self.names = names
        self.section = section
        self.lines = Lines(1, frozenset(names.taken))
        self.work: dict[str, list[str]] = {}
        self.transposed: dict[str, str] = {}
        self.borders: dict[str, Border] = {b.name: b for b in names.system.borders}
        self.ready: set[str] = set(made_before)
        self.buffers: set[str] = set()
        self.elementwise = Elementwise(names, self.lines, self.work)
        self.steps = Steps(names, self.lines, self.transposed)
        self.computed = set(names.homes)
        self.held = {h.name: h for h in names.program.held}
        self.gradient_of = {g: n for n, g in reversed(names.system.gradients)}
        self.turned = {e.out for e in names.system.equations if turned(names, e)}

    def write(self) -> None:
        for statement in self.section.body:
            self._top(statement)

    def _top(self, statement: Statement) -> None:
        """Everything a statement needs stands before it: buffers, borders, padded inputs."""
        body = (statement,)
        inside = tuple(equations(body))
        if isinstance(statement, Given):
            self.prepare_shared(inside)
            with self.lines.block(f"if {' or '.join(f'{n!r} in wrt' for n in statement.names)}:"):
                for e in inside:
                    self._allocate(e.out)
                for child in statement.body:
                    self.statement(child, {})
            return
        if isinstance(statement, Strips):
            write_strips(self, statement)
            return
        self.prepare(inside)
        self.statement(statement, {})

    def prepare_shared(self, inside: tuple[Equation, ...]) -> None:
        """What a conditional statement shares with others stands before its condition."""
        self.unpack(inside)
        for e in inside:
            self._rows(e)
            if self._shared(e.out):
                self._allocate(e.out)

    def _shared(self, name: str) -> bool:
        """Whether a value outside the condition lies in the same buffer."""
        return self.names.tenants[self.names.homes[name].buffer] > 1

    def prepare(self, inside: tuple[Equation, ...]) -> None:
        self.unpack(inside)
        for e in inside:
            self._allocate(e.out)
            self._rows(e)
        for line in as_planes(self.names, inside):
            if line not in self.ready:
                self.ready.add(line)
                self.lines.add(line)

    def _rows(self, e: Equation) -> None:
        self.show(r.name for r in e.reads)

    def show(self, names: Iterable[str]) -> None:
        """Slices that are rows of a buffer take no step; they have their variable before they are read."""
        for name in names:
            if name in self.names.homes and name not in self.ready:
                self._allocate(name)

    def unpack(self, inside: tuple[Equation, ...]) -> None:
        for e in inside:
            for name in (*(r.name for r in e.reads), *self._border_reads(e.out)):
                self.given(name)

    def _border_reads(self, name: str) -> tuple[str, ...]:
        return self.borders[name].reads() if name in self.borders else ()

    def given(self, name: str) -> None:
        """An input or target, unpacked once, after what its own border reads."""
        v = self.names.values[name]
        if v.role in ("input", "target") and name not in self.ready:
            self.ready.add(name)
            for start in self._border_reads(name):
                self.given(start)
            self._padded(v)

    def _allocate(self, name: str) -> None:
        """The buffer a value lies in, its rows, and what it is outside the sequence."""
        home = self.names.homes[name]
        buffer = self.names.buffers[home.buffer]
        whole = self.whole(home.buffer)
        if home.buffer not in self.buffers and home.buffer not in self.ready:
            self.buffers.add(home.buffer)
            self._new(buffer, whole)
        self.ready.add(home.buffer)
        variable = self.names.variable(name)
        if home.rows is not None and f"rows {variable}" not in self.ready:
            self.ready.add(f"rows {variable}")
            self.lines.add(f"{variable} = {whole}{rows_index(self.names, buffer, home.rows)}")
        if f"border {name}" not in self.ready:
            self.ready.add(f"border {name}")
            v = self.names.values[name]
            if name in self.borders and not (name in self.held and in_ring(self.names, self.held[name])):
                self._border(v, variable)
            self._carried(v, variable, tuple((e.low, e.high) for e in self.names.extents(name)))
        self.ready.add(name)

    def whole(self, buffer: str) -> str:
        """The variable of a whole buffer."""
        return self.names.variable(buffer) if buffer in self.names.whole else self.names.python[buffer]

    def _dims(self, buffer: Buffer) -> str:
        dims = []
        for e in buffer.extents:
            if e.kept is None:
                halo = e.low + e.high
                length = self.names.of_axis("strip", e.axis) if e.strip else self.names.length(e.axis)
                dims.append(f"{length} + {halo}" if halo else length)
            elif e.kept > 1:
                dims.append(str(e.kept))
        dims += unit_dims(self.names, buffer.batched, buffer.shape, buffer.plane)
        return f"({', '.join(dims)}{',' if len(dims) == 1 else ''})"

    def _new(self, buffer: Buffer, variable: str) -> None:
        gradient = self.gradient_of.get(buffer.name)
        if gradient is not None and self.names.values[gradient].role == "parameter":
            stack = next((s for s in self.names.system.stacks if s.name == gradient), None)
            parts = ", ".join(repr(n) for n in (stack.parts if stack else (gradient,)))
            self.lines.add(
                f"{variable} = grads.stacked({parts})"
                if stack
                else f"{variable} = grads[{parts}]{self.names.in_blocks(gradient)}"
            )
            return
        kind = "real" if buffer.kind == "real" else "np.int64"
        order = ", call.order" if buffer.name in self.turned else ""
        self.lines.add(f"{variable} = np.empty({self._dims(buffer)}, {kind}{order})")
        if any(e.strip and (e.low or e.high) for e in buffer.extents):
            self.lines.add(first_halo(self.names, buffer, variable))
        rows = tuple((0, 0) if e.strip else (e.low, e.high) for e in buffer.extents if e.kept not in (0, 1))
        if any(low or high for low, high in rows) and buffer.name not in self.borders:
            self.lines.add(f"halo({variable}, {rows!r}, {('low',) * len(rows)!r}, None)")

    def _border(self, v: Value, variable: str) -> None:
        """Rows outside the sequence, along the axes that its memory has; with a state, the rows before the first come
        from it."""
        border = self.borders[v.name]
        extents = self.names.extents(v.name)
        axes = tuple(e.axis for e in extents if e.kept not in (0, 1))
        rows = tuple((e.low, e.high) for e in extents if e.axis in axes)
        sides = tuple(side for side, axis in zip(border.sides, v.axes, strict=True) if axis in axes)
        start = self._start_text(border.default)
        early = ", ".join(f"({k}, {self._start_text(e)})" for k, e in border.early)
        if rows and border.early and border.sides == ("high",):
            self.lines.add(f"edge_{variable} = np.empty_like({variable})")
            inside = f"edge_{variable}" + (f"[{rows[0][0]}:]" if rows[0][0] else "")
            self.lines.add(f"late({inside}, call.lengths[{v.axes[0]!r}], {start}, ({early},))")
            self.lines.add(f"halo({variable}, {rows!r}, {sides!r}, 0, edge_{variable})")
            return
        if any(low or high for low, high in rows):
            self.lines.add(f"halo({variable}, {rows!r}, {sides!r}, {start})")
        if len(rows) > 1:
            lengths = ", ".join(f"call.lengths[{a!r}]" for a in axes)
            with self.lines.block("if call.ragged:"):
                self.lines.add(f"both_outside({variable}, {rows!r}, {sides!r}, ({lengths}))")
        if rows and border.early and border.sides == ("low",):
            self.lines.add(f"early({variable}, {rows[0][0]}, ({early},))")

    def _start_text(self, name: str | None) -> str:
        return "None" if name is None else self.names.variable(name)

    def _padded(self, v: Value) -> None:
        """An input or target as the equations read it: with rows outside the sequence where they reach there."""
        variable = self.names.variable(v.name)
        axes = "".join(f", {a!r}" for a in v.axes)
        at_start = v.role == "input" and v.name in self.start_inputs
        kind = "input_or_zero" if at_start else "target"
        source = f'call.data["{v.name}"]' if v.role == "input" and not at_start else f'call.{kind}("{v.name}"{axes})'
        extents = self.names.extents(v.name)
        rows = tuple((e.low, e.high) for e in extents)
        if not any(low or high for low, high in rows):
            self.lines.add(f"{variable} = {source}")
            return
        self.lines.add(f"{variable} = np.pad({source}, {(*rows, *([(0, 0)] * (1 + len(v.shape))))!r})")
        if v.name in self.borders:
            self._border(v, variable)
        self._carried(v, variable, rows)

    def _carried(self, v: Value, variable: str, rows: tuple[tuple[int, int], ...]) -> None:
        """With a state, the rows before the first are what the chunk before left."""
        if v.name in self.states:
            low, own = rows[0][0], self.states[v.name]
            first = f"{low - own}:" if low > own else ":"
            with self.lines.block("if call.state is not None:"):
                place = f"{variable}[{first}{low}{beside(self.names, v.name)}]"
                self.lines.add(f"{place} = {last_carried(self.names, v.name, own, low)}")

    # ---- statements

    def statement(self, statement: Statement, scans: Mapping[str, str]) -> None:
        if isinstance(statement, Kernel | Run):
            self.names.kernels.run(self, statement, scans)
        elif isinstance(statement, Step):
            self.about(statement.equation)
            self.steps.equation(statement.equation, scans)
            self.ready.update(self.steps.kept)
        elif isinstance(statement, Clear):
            self._clear(statement.value, scans)
        elif isinstance(statement, Loop):
            self._loop(statement, scans)
        elif isinstance(statement, Strips):
            write_strips(self, statement)
        elif isinstance(statement, Given):
            for child in statement.body:
                self.statement(child, scans)
        else:
            raise AssertionError(f"no spelling of {type(statement).__name__}")

    def without_state(self, name: str) -> None:
        """What only a sequence's own start gives is nothing where a state goes on."""
        if self.states:
            with self.lines.block("if call.state is not None:"):
                self.lines.add(f"{self.names.variable(name)}[...] = 0.0")

    def about(self, e: Equation) -> None:
        """The equation above its lines: the author's words where there are any."""
        if isinstance(e.op, Pointwise | Contract) or e.about:
            self.lines.comment(self.caption(e))

    def caption(self, e: Equation) -> str:
        return e.about if e.about and not e.about.startswith("derivative") else self.equation_text(e)

    def equation_text(self, e: Equation) -> str:
        reads = [show_access(Access(r.name, r.at, ())) for r in e.reads]
        if isinstance(e.op, Pointwise):
            right = spell(e.op.formula, lambda k: reads[k])
        else:
            right = " . ".join(reads)
            gone = self._summed(e)
            right = f"sum over {', '.join(gone)} ({right})" if gone else right
        v = self.names.values[e.out]
        return f"{e.out}{'[' + ', '.join(v.axes) + ']' if v.axes else ''} = {right}"

    def _summed(self, e: Equation) -> tuple[str, ...]:
        out = self.names.values[e.out]
        axes = tuple(
            a for a in self.names.system.axes if a not in out.axes and any(a == t.axis for r in e.reads for t in r.at)
        )
        batch = any(self.names.values[r.name].batched for r in e.reads) and not out.batched
        return (*axes, *(("batch",) if batch else ()))

    def _clear(self, name: str, scans: Mapping[str, str]) -> None:
        v = self.names.values[name]
        if not v.batched:
            return
        out = view(
            self.names,
            Access(name, tuple(At(a) for a in v.axes), tuple(f".i{k}" for k in range(len(v.shape)))),
            scans,
            self.lines,
        )
        past = self.names.of_axis("past", *v.axes)
        index = ", ".join(scans.get(a) or self.names.span(a) for a in v.axes)
        where = f"{past}[{index}]" if set(index) - set(":, ") else past
        border = self.borders.get(name)
        with self.lines.block(f"if {past} is not None:"):
            if border is not None and border.sides == ("high",) and border.early:
                edge = view(self.names, Access(name, tuple(At(a) for a in v.axes), ()), {}, None)
                row = out.text if not scans else self._row_of(out.text, name)
                text = row.replace(self.names.variable(name), f"edge_{self.names.variable(name)}", 1)
                self.lines.add(f"clear({row}, {where}, {text})" if edge else "")
            elif border is not None and "high" in border.sides:
                self.lines.add(f"clear({out.text}, {where}, {self._start_text(border.default)})")
                self._clear_low(v, border, out, scans)
            else:
                self.lines.add(f"{out.text}[{where}] = 0.0")

    def _clear_low(self, v: Value, border: Border, out: View, scans: Mapping[str, str]) -> None:
        """Past the end of an axis that starts below it is zero, whatever the others say."""
        for axis, side in zip(v.axes, border.sides, strict=True):
            if side == "low":
                past = f"(np.arange(call.length[{axis!r}])[:, None] >= call.lengths[{axis!r}])"
                if axis in scans:
                    self.lines.add(f"clear_along({out.text}, {past}[{scans[axis]}], {out.labels.index(BATCH)})")
                else:
                    self.lines.add(
                        f"clear_along({out.text}, {past}, {out.labels.index(axis)}, {out.labels.index(BATCH)})"
                    )

    def _row_of(self, variable: str, name: str) -> str:
        """The index expression a row variable stands for."""
        for known in reversed(self.lines._rows):
            for expression, given in known.items():
                if given == variable:
                    return expression
        return variable

    def before_scan(self, loop: Loop, scans: Mapping[str, str]) -> None:
        """What a scan reads of itself from before its first position is zero."""
        for e in equations(loop.body):
            home = self.names.homes[e.out]
            for extent in self.names.buffers[home.buffer].extents:
                if extent.axis == loop.axis and extent.kept and e.out not in self.held:
                    self.lines.add(f"{self.names.variable(e.out)}[...] = 0.0")
            if e.out in self.held:
                begin(self, self.held[e.out], loop.axis)
            axes = self.names.values[e.out].axes
            if loop.axis not in axes and scans.keys() <= {*axes}:
                self.lines.add(f"{self.names.variable(e.out)}[...] = 0.0")
            if isinstance(e.op, Products):
                self.steps.terms.prepare(e, e.op, {**scans, loop.axis: self.names.axis[loop.axis]})
        if not scans:
            self.names.kernels.before_scan(self, loop)

    def short(self, e: Equation) -> bool:
        """Whether an equation makes or reads something that is held for a strip."""
        return any(x.strip for name in (e.out, *(r.name for r in e.reads)) for x in self.names.extents(name))

    def _loop(self, loop: Loop, scans: Mapping[str, str]) -> None:
        if loop.axis != self.names.strip:
            self.before_scan(loop, scans)
        whole = None if scans or self.names.strip else self.names.kernels.scan(self, loop)
        if whole is not None:
            self.lines.add(f"if not {whole[0]}(")
            for argument in whole[1:]:
                self.lines.add(f"    {argument},")
            with self.lines.block("):"):
                self._steps(loop, scans)
            return
        self._steps(loop, scans)

    def _steps(self, loop: Loop, scans: Mapping[str, str]) -> None:
        """The loop step by step."""
        variable, n = self.names.axis[loop.axis], self.names.length(loop.axis)
        first, stop = "", n
        if loop.axis == self.names.strip:
            first, stop = (self.names.of_axis(word, loop.axis) for word in ("first", "stop"))
        ahead = f"range({first}, {stop})" if first else f"range({stop})"
        back = f"range({stop} - 1, {f'{first} - 1' if first else '-1'}, -1)"
        with self.lines.scan(variable, ahead if loop.direction > 0 else back, loop.direction < 0):
            for statement in loop.body:
                self.statement(statement, {**scans, loop.axis: variable})


def start_inputs(names: Names) -> frozenset[str]:
    """The inputs that starts read, themselves or through units; where a state goes on those may be missing."""
    system = names.system
    by_out = {e.out: e for e in system.equations if names.values[e.out].role not in ("adjoint", "gradient")}
    starts = tuple(n for b in system.borders for n in b.reads())
    inside = needed(by_out, {b.name: b.reads() for b in system.borders}, starts)
    read = {r.name for n in inside for r in by_out[n].reads} | {*starts}
    return frozenset(v.name for v in system.values if v.role == "input" and v.name in read)
