"""NumPy's kernels: runs of calls with `out=`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby, takewhile
from typing import TYPE_CHECKING

from rnnc.emit.naming import spelled
from rnnc.emit.planes import planes_index
from rnnc.emit.views import view
from rnnc.model.forms import At
from rnnc.ops.elementary import BY_NAME
from rnnc.ops.formula import Operand, Operation
from rnnc.program.forms import Kernel, Loop, Run, equations
from rnnc.sizes import Size
from rnnc.system.forms import FROM_BORDER, Access, Equation, Pointwise

if TYPE_CHECKING:
    from rnnc.emit.section import SectionWriter


class OutCalls:
    """NumPy's: every equation by itself, as calls with `out=`; neighbouring rows under one function in one call."""

    def run(self, section: SectionWriter, run: Kernel | Run, scans: Mapping[str, str]) -> None:
        if isinstance(run, Run):
            for statement in run.body:
                section.statement(statement, scans)
            return
        left = list(run.equations)
        while left:
            row = _neighbours(section, left)
            for e in row:
                left.remove(e)
                section.about(e)
            if len(row) > 1:
                self._together(section, row, scans)
                continue
            e = row[0]
            section.elementwise.equation(e, scans)
            if e.about == FROM_BORDER:
                section.without_state(e.out)

    def before_scan(self, section: SectionWriter, loop: Loop) -> None:
        """A vector that every sequence has in common, such as peephole weights, is written out for each: a call over
        arrays of one shape takes half of what it takes to repeat one of them."""
        names, lines = section.names, section.lines
        for e in equations(loop.body):
            if not isinstance(e.op, Pointwise) or not names.values[e.out].batched or len(e.dims) != 1:
                continue
            for r in e.reads:
                v, variable = names.values[r.name], names.variable(r.name)
                if v.axes or v.batched or r.dims != e.dims or f"for each {variable}" in section.ready:
                    continue
                repeated = section.elementwise.repeated.setdefault(r.name, names.derived(variable, "each"))
                lines.add(f"{repeated} = for_each({variable}, batch)")
                if lines.depth == 1:
                    section.ready.add(f"for each {variable}")

    def scan(self, section: SectionWriter, loop: Loop) -> tuple[str, ...] | None:
        """NumPy's loops run step by step."""
        return None

    def _together(self, section: SectionWriter, run: list[Equation], scans: Mapping[str, str]) -> None:
        """One call over the rows of all equations of `run`; of tanh and half_tanh the latter's rows are finished."""
        functions = [_function(e) for e in run]
        place, call = _rows(section, run, scans), section.elementwise.call
        if len(set(functions)) == 1:
            lines = call(functions[0], [place], place, scans)
        else:
            lines = call("tanh", [place], place, scans)
            half = section.elementwise.number(0.5) if scans else "0.5"
            for function, some in groupby(run, _function):
                if function == "half_tanh":
                    own = _rows(section, list(some), scans)
                    lines += [*call("*", [own, half], own, scans), *call("+", [own, half], own, scans)]
        for line in lines:
            section.lines.add(line)


def _rows(section: SectionWriter, run: list[Equation], scans: Mapping[str, str]) -> str:
    """The rows that neighbours fill in their buffer."""
    names = section.names
    first, last = names.homes[run[0].out], names.homes[run[-1].out]
    assert first.rows is not None and last.rows is not None
    axes = tuple(At(a) for a in names.values[run[0].out].axes)
    own = view(names, Access(run[0].out, axes, run[0].dims), scans, None)
    start, stop = names.size_text(first.rows[0]), names.size_text(last.rows[1])
    base = section.whole(first.buffer)
    buffer = names.buffers[first.buffer]
    filled = (first.rows[0], last.rows[1])
    whole = filled == (Size.of(0), buffer.shape[0])

    def rows(array: str) -> str:
        index = array.removeprefix(names.variable(run[0].out))
        if whole:
            return f"{base}{index}"
        if buffer.plane is not None:
            return f"{base}{planes_index(buffer, filled, index[1:-1])}"
        return f"{base}{index[:-1]}, ..., {start}:{stop}]" if index else f"{base}[..., {start}:{stop}]"

    along = (own.along[0], rows(own.along[1])) if own.along else None
    if not scans and whole:
        return rows(own.text)
    return section.lines.row(rows(own.text), f"{base}_{'_'.join(spelled(e.out) for e in run)}", along)


def _function(e: Equation) -> str:
    assert isinstance(e.op, Pointwise) and isinstance(e.op.formula, Operation)
    return e.op.formula.op


def _neighbours(section: SectionWriter, equations: list[Equation]) -> list[Equation]:
    """The first equation, and of those right behind it the ones that apply its function in place to the next rows."""
    run = [equations[0]]
    found = _in_place(section, run[0])
    if found is None:
        return run
    same = list(takewhile(lambda e: _in_place(section, e) == found, equations))
    for _ in same:
        for e in same:
            if e in run:
                continue
            ends = (section.names.homes[run[0].out].rows, section.names.homes[run[-1].out].rows)
            rows = section.names.homes[e.out].rows
            assert ends[0] is not None and ends[1] is not None and rows is not None
            if rows[0] == ends[1][1]:
                run.append(e)
            elif rows[1] == ends[0][0]:
                run.insert(0, e)
    return run


def _in_place(section: SectionWriter, e: Equation) -> tuple[str, str] | None:
    """The function and the buffer of an equation that overwrites rows with a function of themselves."""
    names = section.names
    home = names.homes[e.out]
    formula = e.op.formula if isinstance(e.op, Pointwise) else None
    if home.rows is None or len(names.values[e.out].shape) != 1 or not isinstance(formula, Operation):
        return None
    if formula.op not in BY_NAME or formula.args != (Operand(0),) or names.homes.get(e.reads[0].name) != home:
        return None
    in_place = e.reads[0].in_place and e.reads[0].dims == e.dims
    return ("tanh" if formula.op == "half_tanh" else formula.op, home.buffer) if in_place else None
