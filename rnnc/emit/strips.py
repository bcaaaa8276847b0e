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
        plain = tuple(c for c in strips.body if not isinstance(c, Given))
        carried = _buffers(section, plain)
        for line in _carry(section, carried, axis):
            lines.add(line)
        for child in strips.body:
            if isinstance(child, Given):
                own = tuple(b for b in _buffers(section, child.body) if b not in carried)
                carried += own
                if halo := _carry(section, own, axis):
                    with lines.block(_asked(child)):
                        for line in halo:
                            lines.add(line)
        names.strip = axis
        for child in strips.body:
            if isinstance(child, Given):
                with lines.block(_asked(child)):
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


def _buffers(section: SectionWriter, body: tuple[Statement, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(section.names.homes[e.out].buffer for e in equations(body)))


def _carry(section: SectionWriter, buffers: tuple[str, ...], axis: str) -> list[str]:
    """Lines that put the positions next to a strip into the halo of its buffers."""
    rows, count = (section.names.of_axis(word, axis) for word in ("strip", "count"))
    found = []
    for name in buffers:
        variable = section.whole(name)
        for k, e in enumerate(section.names.buffers[name].extents):
            if e.strip and e.low:
                found.append(f"{_rows(variable, k, f':{e.low}')} = {_rows(variable, k, f'{rows}:{rows} + {e.low}')}")
            if e.strip and e.high:
                halo = _rows(variable, k, f"{count}:{count} + {e.high}")
                found.append(f"{halo} = {_rows(variable, k, f':{e.high}')}")
    return found


def _rows(variable: str, dimension: int, span: str) -> str:
    return f"{variable}[{', '.join([':'] * dimension + [span])}]"
