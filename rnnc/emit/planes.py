"""Stacks in planes: how their parts are indexed, and what lies side by side seen in the same form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rnnc.emit.views import Names
from rnnc.program.forms import Buffer, Extent, Home
from rnnc.program.planes import number_of
from rnnc.sizes import Shape, Size
from rnnc.system.forms import Concat, Equation


def unit_dims(names: Names, batched: bool, shape: Shape, plane: Size | None) -> list[str]:
    """The dimensions of an array behind those of its axes, as Python expressions."""
    parts = [] if plane is None else [str(number_of(shape[0], plane)), "batch", names.size_text(plane)]
    return parts or [*(["batch"] if batched else []), *(names.size_text(z) for z in shape)]


def rows_index(names: Names, buffer: Buffer, rows: tuple[Size, Size]) -> str:
    """The index of some rows of the first unit dimension of a buffer, or of the planes that hold them."""
    if buffer.plane is not None:
        return planes_index(buffer, rows)
    start, stop = (names.size_text(z) for z in rows)
    return f"[..., {start}:{stop}{', :' * (len(buffer.shape) - 1)}]"


def rows_as_slices(names: Names, buffer: Buffer, rows: tuple[Size, Size]) -> str:
    """The same index as a tuple, for who keeps it."""
    if buffer.plane is not None:
        start, stop = _planes(buffer, rows)
        last = str(start) if stop == start + 1 else f"slice({start}, {stop})"
        return f"({'slice(None), ' * _lead(buffer.extents)}{last},)"
    first, end = (names.size_text(z) for z in rows)
    return f"(..., slice({first}, {end}){', slice(None)' * (len(buffer.shape) - 1)})"


def planes_index(buffer: Buffer, rows: tuple[Size, Size], before: str = "") -> str:
    """The index of the planes that hold `rows`, behind what is indexed of the axes `before`."""
    start, stop = _planes(buffer, rows)
    given = before.split(", ") if before else []
    index = [*given, *[":"] * (_lead(buffer.extents) - len(given))]
    index.append(str(start) if stop == start + 1 else f"{start}:{stop}")
    return f"[{', '.join(index)}]"


def _planes(buffer: Buffer, rows: tuple[Size, Size]) -> tuple[int, int]:
    """The first of the planes that hold some rows, and the one behind the last."""
    assert buffer.plane is not None
    start, stop = (number_of(z, buffer.plane) for z in rows)
    assert start is not None and stop is not None
    return start, stop


def _lead(extents: tuple[Extent, ...]) -> int:
    """How many dimensions an array has for its axes."""
    return sum(e.kept not in (0, 1) for e in extents)


def as_planes(names: Names, made: Iterable[Equation]) -> Iterator[str]:
    """Lines that name what equations over planes read or make where the parts lie side by side, seen as planes: the
    same memory, the parts before the batch."""
    for e in made:
        plane = names.plane(e.out)
        seen = tuple(r.name for r in e.reads if r.dims and names.plane(r.name) is None)
        if parts := joined_planes(names, e):
            plane, seen = names.buffers[parts].plane, (e.out,)
        if plane is not None:
            for name in seen:
                yield f"{names.derived(names.variable(name), 'planes')} = {_as_planes(names, name, plane)}"


def joined_planes(names: Names, e: Equation) -> str | None:
    """The buffer whose planes a concatenation joins side by side, where they lie there in its order."""
    homes = [names.homes.get(r.name) for r in e.reads]
    if not isinstance(e.op, Concat) or not homes or homes[0] is None or any(i is None for _, i in e.op.parts):
        return None
    buffer = names.buffers[homes[0].buffer]
    if buffer.plane is None or buffer.name == names.homes[e.out].buffer:
        return None
    at = Size.of(0)
    for size, index in e.op.parts:
        if homes[index or 0] != Home(buffer.name, (at, at + size)):
            return None
        at = at + size
    return buffer.name if at == buffer.shape[0] else None


def _as_planes(names: Names, name: str, plane: Size) -> str:
    v, variable = names.values[name], names.variable(name)
    lead = _lead(names.extents(name))
    count, size = number_of(v.shape[0], plane), names.size_text(plane)
    dims = [f"*{variable}.shape[:{lead}]"] if lead > 1 else ["-1"] * lead
    dims += ["batch"] if v.batched else []
    turned = f".swapaxes({lead}, {lead + 1})" if v.batched else ""
    return f"{variable}.reshape({', '.join([*dims, str(count), size])}){turned}"
