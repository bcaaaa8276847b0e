"""What a generated module says of its network: names, sizes, shapes, the author's spec."""

from __future__ import annotations

from contextlib import AbstractContextManager

from rnnc import __version__
from rnnc.emit.lines import Lines
from rnnc.emit.naming import whole
from rnnc.emit.streaming import Streaming
from rnnc.emit.views import Names
from rnnc.model.forms import Datum, Model
from rnnc.model.label_losses import labellings
from rnnc.model.show import show_model
from rnnc.model.size_conditions import size_conditions
from rnnc.program.forms import Program
from rnnc.sizes import Shape, Size
from rnnc.system.forms import System, Value
from rnnc.system.stepping import label_axes

LONGEST = 160
"""Characters of an equation in a module's head; of longer ones the beginning stands there."""


def facts(
    model: Model, program: Program, names: Names, spec: str, stream: Streaming, rules: tuple[str, ...] = ()
) -> str:
    """The head of a module, up to the first function of the protocol; `rules`: those it has beside `bptt`."""
    lines = Lines()
    lines.add(f'"""{model.name}: a recurrent network, written out by rnnc {__version__}.')
    lines.add()
    for text in show_model(model).splitlines():
        # all names and numbers: nothing here could end the docstring
        lines.add("    " + (text if len(text) <= LONGEST else text[: LONGEST - 4] + " ..."))
    lines.add('"""')
    lines.add()
    lines.add("from __future__ import annotations")
    lines.add()
    lines.add("import math")
    lines.add("from collections.abc import Iterable, Mapping")
    lines.add("from typing import Any")
    lines.add()
    lines.add("import numpy as np")
    lines.add()
    lines.add("PROTOCOL = 1")
    lines.add(f"NAME = {model.name!r}")
    lines.add(f"AXES = {model.axes!r}")
    lines.add(f"LABEL_AXES: tuple[str, ...] = {label_axes(program.system)!r}")
    lines.add(f"SIZES: dict[str, int] = { {z.name: z.default for z in model.sizes}!r}")
    lines.add(f"PINNED: tuple[str, ...] = {tuple(z.name for z in model.sizes if z.pinned)!r}")
    _records(lines, model, program)
    lines.add(f"OUTPUTS: tuple[str, ...] = {model.outputs!r}")
    units = tuple(v.name for v in program.system.values if v.role == "unit")
    lines.add(f"UNITS: tuple[str, ...] = {tuple(sorted(units))!r}")
    lines.add(f"STATES: dict[str, int] = {dict(stream.carried)!r}")
    learned = ("bptt", *rules) if program.system.loss is not None else ()
    lines.add(f"RULES: tuple[str, ...] = {learned!r}")
    if model.feedbacks:
        fed = {f.input: (f.kind, f.sources) for f in model.feedbacks}
        lines.add(f"FEEDBACK: dict[str, tuple[str, tuple[str, ...]]] = {fed!r}")
    _labellings(lines, model, units)
    _sizes_from(lines, model)
    lines.add("SPEC = (")
    for text in spec.splitlines(keepends=True) or [""]:
        lines.add(f"    {text!r}")
    lines.add(")")
    lines.add()
    lines.add()
    _shapes(lines, model, names, stream)
    return lines.text()


def _records(lines: Lines, model: Model, program: Program) -> None:
    lines.add("PARAMETERS: dict[str, dict[str, Any]] = {")
    by_name = {p.name: p for p in model.parameters}
    for name in parameter_order(program.system):
        p = by_name[name]
        columns = "" if p.columns_of is None else f', "columns_of": {_of_sizes(p.columns_of, model)}'
        init = (p.init.kind, p.init.numbers)
        lines.add(
            f'    {p.name!r}: {{"shape": {shape_text(p.shape)!r}, "trained": {p.trained}, "init": {init!r}{columns}}},'
        )
    lines.add("}")
    for title, data in (("INPUTS", model.inputs), ("TARGETS", model.targets)):
        lines.add(f"{title}: dict[str, dict[str, Any]] = {{")
        for d in data:
            token = None if d.token is None else str(d.token)
            shape = tuple(str(z) for z in d.type.shape)
            lines.add(f'    {d.name!r}: {{"axes": {d.type.axes!r}, "shape": {shape!r}, "token": {token!r}}},')
        lines.add("}")


def _labellings(lines: Lines, model: Model, units: tuple[str, ...]) -> None:
    """How the labels of a ctc loss are read off a unit; nothing for a network that has none."""
    found = [labelling for labelling in labellings(model) if labelling.unit in units]
    if found:
        lines.add("CTC: tuple[dict[str, Any], ...] = (")
        for one in found:
            blank = _of_sizes(one.blank, model)
            lines.add(
                f'    {{"unit": {one.unit!r}, "axis": {one.axis!r}, "target": {one.target!r}, "blank": {blank}}},'
            )
        lines.add(")")


def _of_sizes(size: Size, model: Model) -> str:
    """A function that gives a number for the sizes of a network."""
    return f"lambda **sizes: {whole(size.spelled({z.name: f'sizes[{z.name!r}]' for z in model.sizes}))}"


def parameter_order(system: System) -> tuple[str, ...]:
    """Stacked weights side by side, then the others: the order of `p.flat`."""
    stacked = [part for stack in system.stacks for part in stack.parts]
    others = [p.name for p in system.parameters if p.name not in stacked]
    return (*stacked, *others)


def shape_text(shape: Shape) -> str:
    return "(" + ", ".join(str(z) for z in shape) + ("," if len(shape) == 1 else "") + ")"


def _sizes(lines: Lines, model: Model, names: Names, title: str, gives: str) -> AbstractContextManager[None]:
    """The head of a function of the sizes; those that Python has no argument for are taken from a dict."""
    plain = all(names.size[z.name] == z.name for z in model.sizes)
    sizes = "*, " + ", ".join(f"{z.name}: int" for z in model.sizes) if plain else "**sizes: int"
    return lines.block(f"def {title}({sizes if model.sizes else ''}) -> {gives}:")


def _unpack(lines: Lines, model: Model, names: Names) -> None:
    if any(names.size[z.name] != z.name for z in model.sizes):
        for z in model.sizes:
            lines.add(f"{names.size[z.name]} = sizes[{z.name!r}]")


def _shapes(lines: Lines, model: Model, names: Names, stream: Streaming) -> None:
    with _sizes(lines, model, names, "shapes", "dict[str, tuple[int, ...]]"):
        lines.add('"""The shape of every parameter."""')
        _unpack(lines, model, names)
        _conditions(lines, model, names)
        lines.add("return {")
        order = {n: k for k, n in enumerate(parameter_order(names.system))}
        for p in sorted(model.parameters, key=lambda p: order[p.name]):
            inside = "".join(f"{names.size_text(z)}, " for z in p.shape).rstrip(" ")
            lines.add(f"    {p.name!r}: ({inside.rstrip(',') if len(p.shape) > 1 else inside}),")
        lines.add("}")
    lines.add()
    lines.add()
    with _sizes(lines, model, names, "data_shapes", "dict[str, tuple[tuple[int, ...], int]]"):
        lines.add(
            '"""For every input, target and value of a state its unit shape and its vocabulary (0: real numbers)."""'
        )
        _unpack(lines, model, names)
        lines.add("return {")
        for d in (*model.inputs, *model.targets):
            vocabulary = "0" if d.token is None else names.size_text(d.token)
            lines.add(f"    {d.name!r}: ({_tuple(d.type.shape, names)}, {vocabulary}),")
        data = {d.name for d in (*model.inputs, *model.targets)}
        for name, _ in stream.carried:
            if name not in data:
                shape = names.values[name].shape if name in names.values else ()
                lines.add(f"    {name!r}: ({_tuple(shape, names)}, 0),")
        lines.add("}")


def _conditions(lines: Lines, model: Model, names: Names) -> None:
    """Checks of sizes that may come out broken or negative, and of slices that may leave their vector."""
    wholes, slices = size_conditions(model)

    def given(*sizes: Size) -> str:
        return "{" + ", ".join(f"{n!r}: {names.size[n]}" for n in sorted({n for z in sizes for n in z.names})) + "}"

    for size in wholes:
        lines.add(f"check_size({str(size)!r}, {size.spelled(names.size)}, {given(size)})")
    for one in slices:
        ends = (one.start, one.stop, one.length)
        values = ", ".join(z.spelled(names.size) for z in ends)
        lines.add(f"check_slice({one.text!r}, {values}, {given(*ends)})")


def _tuple(shape: Shape, names: Names) -> str:
    return "(" + ", ".join(names.size_text(z) for z in shape) + ("," if len(shape) == 1 else "") + ")"


def _sizes_from(lines: Lines, model: Model) -> None:
    """Where a size can be read off: an axis of an array that is just that size."""
    found: dict[str, list[tuple[str, int]]] = {z.name: [] for z in model.sizes}
    for p in model.parameters:
        for k, z in enumerate(p.shape):
            if str(z) in found:
                found[str(z)].append((p.name, k))
    data: list[Datum | Value] = [*model.inputs, *model.targets]
    for d in data:
        shape = d.type.shape if isinstance(d, Datum) else d.shape
        for k, z in enumerate(shape):
            if str(z) in found:
                found[str(z)].append((d.name, k - len(shape)))
    text = ", ".join(f"{n!r}: {tuple(places)!r}" for n, places in found.items())
    lines.add(f"SIZES_FROM: dict[str, tuple[tuple[str, int], ...]] = {{{text}}}")
