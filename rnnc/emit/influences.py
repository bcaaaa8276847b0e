"""Influences in a module: what a loop starts them with, and their names and places in a learner."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rnnc.autodiff.kept import Kept
from rnnc.emit.lines import Lines
from rnnc.emit.views import Names

if TYPE_CHECKING:
    from rnnc.emit.section import SectionWriter


def along_one(names: Names, held: Kept) -> bool:
    """Whether an influence goes along one axis, so that a learner can carry it on."""
    return len(names.values[held.name].axes) < 2


def delay(names: Names, held: Kept) -> int:
    """How many steps of an influence are carried."""
    for across in names.program.across:
        if across.held == held:
            return len(across.before)
    (extent,) = names.extents(held.name)
    return (extent.kept or 1) - 1


def columns(names: Names, held: Kept) -> tuple[tuple[str, str], ...]:
    """Of every parameter of a panel its key, and its place as Python text: first column and shape, and for rows shared
    with others their width and the first of its own."""
    found = []
    shapes = {name: names.values[name].shape for name in held.measured()}
    for key, c in held.pieces(shapes):
        shape = ", ".join(names.size_text(z) for z in c.shape)
        place = f"{names.size_text(c.start)}, ({shape}{',' if len(c.shape) == 1 else ''})"
        if c.width is not None:
            place += f", {names.size_text(c.width)}, {names.size_text(c.offset)}"
        found.append((key, place))
    return tuple(found)


def places(rules: Iterable[tuple[str, Names, tuple[Kept, ...]]]) -> str:
    """What a module says of the influences that each rule carries: the names in a learner, and where they lie."""
    lines = Lines()
    every = tuple(rules)
    lines.add("INFLUENCES = {")
    for rule, names, carried in every:
        lines.add(f"    {rule!r}: {{" + ("" if carried else "},"))
        for held in carried:
            lines.lines.extend(f"        {name!r}: {delay(names, held)}," for name, _ in columns(names, held))
        if carried:
            lines.add("    },")
    lines.add("}")
    lines.add('"""By rule, for every influence that a learner holds, STATE by PARAMETER, how many steps of it."""')
    lines.add()
    lines.add()
    with lines.block("def places(rule, sizes):"):
        lines.add('"""The influences of a rule that lie side by side in one array: (name, where of `piece`)."""')
        for rule, names, carried in every:
            if carried:
                with lines.block(f"if rule == {rule!r}:"):
                    _placed(lines, names, carried)
        if not all(carried for _, _, carried in every):
            lines.add("return {}")
    return lines.text()


def _placed(lines: Lines, names: Names, carried: tuple[Kept, ...]) -> None:
    sizes = {n for h in carried for z in _sizes(names, h) for n in z}
    for size, variable in names.size.items():
        if size in sizes:
            lines.add(f"{variable} = sizes[{size!r}]")
    lines.add("return {")
    for held in carried:
        lines.add(f"    {names.variable(held.name)!r}: (")
        lines.lines.extend(f"            ({n!r}, ({place}))," for n, place in columns(names, held))
        lines.add("    ),")
    lines.add("}")


def _sizes(names: Names, held: Kept) -> tuple[tuple[str, ...], ...]:
    return tuple(z.names for name in held.measured() for z in names.values[name].shape)


def in_ring(names: Names, held: Kept) -> bool:
    """Whether no more of an influence is held than later steps read."""
    return any(e.kept for e in names.extents(held.name))


def begin(section: SectionWriter, held: Kept, axis: str) -> None:
    """The lines that fill a ring along `axis` with what stands before the first step: nothing, what starts gave, or a
    learner's."""
    names, lines = section.names, section.lines
    variable = names.variable(held.name)
    border = section.borders.get(held.name)
    if not along_one(names, held):
        if any(e.axis == axis and e.kept for e in names.extents(held.name)):
            start = border.default if border is not None else None
            lines.add(f"{variable}[...] = {'0.0' if start is None else names.variable(start)}")
        return
    if not delay(names, held):
        return
    lines.add(f"call.recall({variable!r}, {variable})")
    if border is not None:
        with lines.block("if call.state is None:"):
            early = dict(border.early)
            for k in range(1, delay(names, held) + 1):
                start = early.get(k, border.default)
                if start is not None:
                    lines.add(f"{variable}[-{k}] = {names.variable(start)}")
