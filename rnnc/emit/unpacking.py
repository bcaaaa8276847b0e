"""The top of a generated function: every name its body reads and does not make."""

from __future__ import annotations

import re
from functools import lru_cache

from rnnc.emit.lines import Lines
from rnnc.emit.section import SectionWriter
from rnnc.emit.views import Names
from rnnc.program.forms import Clear, statements
from rnnc.system.forms import Value


@lru_cache(maxsize=4)
def _read(text: str) -> frozenset[str]:
    """The names a text reads or assigns: its words but attributes and what stands in quotes."""
    return frozenset(re.findall(r"(?<![\w.\"'])\w+(?![\w\"'])", text))


def uses(text: str, name: str) -> bool:
    return name in _read(text)


def variables(writer: SectionWriter) -> list[str]:
    """The whole-sequence arrays a section makes, by variable."""
    names = writer.names
    found: dict[str, None] = {}
    for name in sorted(writer.ready, key=lambda n: (n.removeprefix("rows "), n)):
        if name.startswith("border "):
            continue
        rows = name.startswith("rows ")
        variable = name.removeprefix("rows ") if rows or name not in names.values else names.variable(name)
        found[variable] = None
        found[f"edge_{variable}"] = None
    assigned = frozenset(re.findall(r"^\s*(\w+)(?:, \w+)* = ", writer.lines.text(), re.M))
    return [v for v in found if v in assigned]


def unpacked(
    names: Names, writer: SectionWriter, extra: str, earlier: list[SectionWriter] | None = None
) -> tuple[list[str], str]:
    """Lines that assign every name the body (and `extra`) reads and does not make; and the body with its work
    arrays."""
    made = Lines(1)
    for space, pools in writer.work.items():
        for pool in pools:
            dims = f"({space}{',' if space and ',' not in space else ''})"
            made.add(f"{pool} = np.empty({dims}, real)")
    for value, name in writer.elementwise.numbers.items():
        made.add(f"{name} = np.array({value!r}, real)")
    for weight, kept in writer.transposed.items():
        made.add(f"{kept} = np.asarray({weight}.T, order=call.order)")
    body = "\n".join(x for x in (made.text(), writer.lines.text()) if x)
    head = Lines(1)
    text = body + "\n" + extra

    def need(name: str, value: str) -> None:
        if uses(text, name):
            head.add(f"{name} = {value}")

    stacks = {s.name: s for s in names.system.stacks}
    parameters = [v for v in names.system.values if v.role in ("parameter", "fixed")]
    for axis in names.system.axes:
        rows = names.of_axis("strip", axis)
        need(names.length(axis), f"call.length[{axis!r}]")
        need(rows, f"call.strip({axis!r})")
    for size, variable in names.size.items():
        need(variable, f"call.sizes[{size!r}]")
    for name in ("batch", "real"):
        need(name, f"call.{name}")
    for v in parameters:
        variable = names.variable(v.name)
        if v.name in stacks:
            need(variable, f"stacked(call.p, {', '.join(repr(n) for n in stacks[v.name].parts)})")
        else:
            need(variable, f"call.p[{v.name!r}]{names.in_blocks(v.name)}")
    for v in names.system.values:
        if v.role == "given":
            need(names.variable(v.name), _told(names, v))
    for axis in names.system.axes:
        begin = "call.begin" if names.goes_on(axis) else "0 * call.begin"
        need(names.of_axis("length", axis), f"call.count({axis!r})")
        need(names.of_axis("last", axis), f"call.lengths[{axis!r}] - 1")
        need(names.of_axis("inside", axis), f"np.arange(call.length[{axis!r}])[:, None] < call.lengths[{axis!r}]")
        need(names.of_axis("position", axis), f"np.arange(call.length[{axis!r}])[:, None] + {begin}")
        need(names.of_axis("row", axis), f"np.arange(call.length[{axis!r}])[:, None] + 0 * call.begin")
    need("ragged", "call.ragged")
    for axes in past_names(names):
        need(names.of_axis("past", *axes), f"call.padding({', '.join(map(repr, axes))})")
    for target, mask in writer.elementwise.absent.items():
        over = "".join(f", {a!r}" for a in names.values[target].axes)
        need(mask, f"call.absent({target!r}{over})")
    for other in earlier or []:
        for variable in variables(other):
            need(variable, f"saved[{variable!r}]")
    return head.lines, body


def _told(names: Names, v: Value) -> str:
    """What a part of a sequence is told, with zeros outside the part where equations read it there."""
    rows = tuple((e.low, e.high) for e in names.extents(v.name))
    told = f"call.given[{v.name!r}]"
    if not any(low or high for low, high in rows):
        return told
    return f"np.pad({told}, {(*rows, *([(0, 0)] * (v.batched + len(v.shape))))!r})"


def past_names(names: Names) -> tuple[tuple[str, ...], ...]:
    """The groups of axes whose padding the program asks for."""
    found = []
    for section in names.program.sections:
        for statement in statements(section.body):
            if isinstance(statement, Clear):
                axes = names.values[statement.value].axes
                if axes not in found:
                    found.append(axes)
    return tuple(found)
