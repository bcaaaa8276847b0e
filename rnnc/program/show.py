"""A program as text, what `rnnc dump --stage program` prints: buffers, who lies where, then what runs.

A buffer's axis may have rows before the first position and past the last, `[-1 n +2]`, hold the current
position alone, `[n: current]`, or be a ring, `[n: ring of 4]`. A value is listed where it does not lie in a
buffer of its own name and whole.
"""

from __future__ import annotations

from rnnc.program.forms import Buffer, Clear, Extent, Given, Home, Kernel, Loop, Program, Run, Statement, Step, Strips
from rnnc.sizes import show_shape
from rnnc.system.forms import Value
from rnnc.system.show import show_equation


def show_program(program: Program) -> str:
    """The whole program, one line a buffer, a home and an equation; the same program is the same text."""
    values = {v.name: v for v in program.system.values}
    lines = [f"program {program.system.name}"]
    lines += [f"  buffer {_buffer(one)}" for one in program.buffers]
    lines += [f"  place {name} in {_home(home)}" for name, home in program.homes if home != Home(name)]
    if program.cleared:
        lines.append(f"  cleared in padding: {', '.join(program.cleared)}")
    for section in program.sections:
        lines.append(f"  {section.name}")
        lines += _body(section.body, values, "    ")
    return "\n".join(lines) + "\n"


def _buffer(buffer: Buffer) -> str:
    axes = f"[{', '.join(_extent(one) for one in buffer.extents)}]" if buffer.extents else ""
    kind = "" if buffer.kind == "real" else f" {buffer.kind}"
    more = "" if buffer.batched else " unbatched"
    more += f" in planes of {buffer.plane}" if buffer.plane else ""
    return f"{buffer.name}{axes} : {show_shape(buffer.shape)}{kind}{more}"


def _extent(extent: Extent) -> str:
    low = f"-{extent.low} " if extent.low else ""
    high = f" +{extent.high}" if extent.high else ""
    if extent.strip:
        kept = ": strip"
    elif extent.kept is None:
        kept = ""
    elif extent.kept == 0:
        kept = ": current"
    elif extent.kept == 1:
        kept = ": carried"
    else:
        kept = f": ring of {extent.kept}"
    return f"{low}{extent.axis}{high}{kept}"


def _home(home: Home) -> str:
    if home.rows is None:
        return home.buffer
    start, stop = home.rows
    return f"{home.buffer}, rows {start} to {stop}"


def _body(body: tuple[Statement, ...], values: dict[str, Value], indent: str) -> list[str]:
    lines: list[str] = []
    deeper = indent + "  "
    for statement in body:
        match statement:
            case Kernel():
                lines.append(f"{indent}kernel")
                lines += [deeper + show_equation(one, values) for one in statement.equations]
            case Step():
                lines.append(f"{indent}step {show_equation(statement.equation, values)}")
            case Clear():
                lines.append(f"{indent}clear {statement.value}")
            case Loop():
                way = "forward" if statement.direction > 0 else "backward"
                lines.append(f"{indent}loop {statement.axis} {way}")
                lines += _body(statement.body, values, deeper)
            case Strips():
                way = "forward" if statement.direction > 0 else "backward"
                lines.append(f"{indent}strips of {statement.axis} {way}")
                lines += _body(statement.body, values, deeper)
            case Run():
                lines.append(f"{indent}run")
                lines += _body(statement.body, values, deeper)
            case Given():
                lines.append(f"{indent}where asked for: {', '.join(statement.names)}")
                lines += _body(statement.body, values, deeper)
    return lines
