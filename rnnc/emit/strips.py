"""Strips of positions: the loop over them, what of the strip before a strip reads, and what is added up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnc.emit.views import Names
from rnnc.program.forms import Buffer, Given, Loop, Statement, Strips, equations
from rnnc.system.forms import Equation

if TYPE_CHECKING:
    from rnnc.emit.section import SectionWriter


def write_strips(section: SectionWriter, strips: Strips) -> None:
    """What the strips need stands before them; then one strip of positions after the other."""
    names, lines, axis = section.names, section.lines, strips.axis
    _prepare(section, strips)
    first, stop, count, rows = (names.of_axis(word, axis) for word in ("first", "stop", "count", "strip"))
    length = names.length(axis)
    ahead = strips.direction > 0
    span = f"{first} in range(0, {length}, {rows})" if ahead else f"{stop} in range({length}, 0, -{rows})"
    with lines.block(f"for {span}:"):
        lines.add(f"{stop} = min({length}, {first} + {rows})" if ahead else f"{first} = max(0, {stop} - {rows})")
        lines.add(f"{count} = {stop} - {first}")
        carried = _carry(section, tuple(c for c in strips.body if not isinstance(c, Given)), axis, frozenset())
        names.strip = axis
        for child in strips.body:
            if isinstance(child, Given):
                with lines.block(_asked(child)):
                    _carry(section, child.body, axis, carried)
                    section.statement(child, {})
            else:
                section.statement(child, {})
        names.strip = ""


def _prepare(section: SectionWriter, strips: Strips) -> None:
    for child in strips.body:
        inside = tuple(equations((child,)))
        section.unpack(inside)
        if isinstance(child, Given):
            section.prepare_shared(inside)
            with section.lines.block(_asked(child)):
                _allocate(section, child.body, inside, strips.axis)
        else:
            _allocate(section, (child,), inside, strips.axis)
    for name in strips.sums:
        if section.names.homes[name].buffer not in section.gradient_of:
            section.lines.add(f"{section.names.variable(name)}[...] = 0.0")


def _allocate(section: SectionWriter, body: tuple[Statement, ...], inside: tuple[Equation, ...], axis: str) -> None:
    section.prepare(inside)
    for statement in body:
        if isinstance(statement, Loop) and statement.axis == axis:
            section.before_scan(statement, {})


def _asked(given: Given) -> str:
    return f"if {' or '.join(f'{n!r} in wrt' for n in given.names)}:"


def first_halo(names: Names, buffer: Buffer, variable: str) -> str:
    """Beyond the first strip there is nothing: the rows that the next strip takes over as its halo are zero."""
    k, e = next((k, e) for k, e in enumerate(buffer.extents) if e.strip)
    rows = names.of_axis("strip", e.axis)
    return f"{_rows(variable, k, f'{rows}:' if e.low else f':{e.high}')} = 0.0"


def _carry(section: SectionWriter, body: tuple[Statement, ...], axis: str, carried: frozenset[str]) -> frozenset[str]:
    """The positions next to a strip are in the halo of its buffers, those in `carried` already. The buffers seen."""
    names = section.names
    rows, count = (names.of_axis(word, axis) for word in ("strip", "count"))
    found = tuple(dict.fromkeys(names.homes[e.out].buffer for e in equations(body)))
    for name in (n for n in found if n not in carried):
        buffer = names.buffers[name]
        variable = section.whole(buffer.name)
        for k, e in enumerate(buffer.extents):
            if e.strip and e.low:
                lines = f"{_rows(variable, k, f':{e.low}')} = {_rows(variable, k, f'{rows}:{rows} + {e.low}')}"
                section.lines.add(lines)
            if e.strip and e.high:
                halo = _rows(variable, k, f"{count}:{count} + {e.high}")
                section.lines.add(f"{halo} = {_rows(variable, k, f':{e.high}')}")
    return frozenset(found)


def _rows(variable: str, dimension: int, span: str) -> str:
    return f"{variable}[{', '.join([':'] * dimension + [span])}]"
