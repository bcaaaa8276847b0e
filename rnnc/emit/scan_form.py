"""The form of loops that can run as one CUDA kernel each.

A loop along one axis, inside no other, of products of a parameter matrix with a state, elementwise equations,
concatenations and clears; every value in it has one unit dimension, a whole multiple of one size. A block owns some
units of every value for some sequences, holds its rows of the matrices in shared memory, and waits for the other blocks
before each product that reads what they made; everything elementwise is a block's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rnnc.emit.cuda import CALLS, FUNCTIONS, RESERVED
from rnnc.emit.naming import fresh, spelled
from rnnc.emit.section import SectionWriter
from rnnc.emit.views import Names
from rnnc.model.forms import At
from rnnc.program.forms import Clear, Kernel, Loop, Step, equations, taken_apart
from rnnc.sizes import Size
from rnnc.system.forms import FROM_BORDER, Access, Concat, Contract, Equation, Slice

WORDS = """
length batch size units slice chunk lengths came given first some n k e b j unit past memory staged round rest meet
fetch product Four weights tile
"""
"""What the kernel's own text is made of."""

Place = tuple[str, int, int]
"""A part of memory, in blocks of the one size: buffer, offset along the axis, number of the block."""


class Unsupported(Exception):
    """The loop has another form: it is run step by step."""


@dataclass
class Product:
    """A product of a step: rows and inner blocks, the weight and whether its rows are the matrix's, the state read."""

    equation: Equation
    rows: int
    inner: int
    weight: str
    by_rows: bool
    state: Access


@dataclass
class Part:
    """What lies between two waits: products of what is there, then elementwise work."""

    products: list[Product] = field(default_factory=list)
    rest: list[Equation | Clear] = field(default_factory=list)


class ScanForm:
    """One loop taken apart, and where its values lie. Raises `Unsupported` where its form is another."""

    def __init__(self, section: SectionWriter, loop: Loop) -> None:
        self.section = section
        self.names: Names = section.names
        self.loop = loop
        self.taken = {*RESERVED, *CALLS.values(), *(f for f, _ in FUNCTIONS), *WORDS.split()}
        self.arrays: dict[str, str] = {}
        """Python text of an argument to its name in the kernel."""
        self.numbers: dict[str, str] = {}
        self.size = self._unit_size()
        self.parts = self._parts()
        self._check_waits()

    # ---- the form

    def _unit_size(self) -> Size:
        """The one size whose multiples all values of the loop have."""
        values = [self.names.values[e.out] for e in equations(self.loop.body)]
        if any(len(v.shape) != 1 or not v.batched or v.name in self.section.held for v in values):
            raise Unsupported
        shapes = [v.shape for v in values]
        for candidate in dict.fromkeys(shape[0] for shape in shapes):
            if all(self._times(shape[0], candidate) is not None for shape in shapes):
                return candidate
        raise Unsupported

    def _times(self, size: Size, unit: Size) -> int | None:
        if not unit.terms:
            return None
        return (size / unit).constant

    def blocks_of(self, size: Size) -> int:
        count = self._times(size, self.size)
        if count is None:
            raise Unsupported
        return count

    def _parts(self) -> list[Part]:
        parts: list[Part] = []
        for statement in taken_apart(self.loop.body):
            if isinstance(statement, Step) and isinstance(statement.equation.op, Contract):
                if not parts or parts[-1].rest:
                    parts.append(Part())
                parts[-1].products.append(self._product(statement.equation))
                continue
            if not parts:
                parts.append(Part())
            if isinstance(statement, Kernel):
                parts[-1].rest += statement.equations
            elif isinstance(statement, Clear):
                parts[-1].rest.append(statement)
            elif isinstance(statement, Step) and isinstance(statement.equation.op, Concat | Slice):
                parts[-1].rest.append(statement.equation)
            else:
                raise Unsupported
        if not any(part.products for part in parts):
            raise Unsupported
        for part in parts:
            for item in part.rest:
                if isinstance(item, Equation) and item.about == FROM_BORDER:
                    raise Unsupported
        return parts

    def _product(self, e: Equation) -> Product:
        """A parameter matrix by a state: the one label that is left is the output's."""
        if len(e.reads) != 2:
            raise Unsupported
        roles = [self.names.values[r.name].role for r in e.reads]
        matrix, state = e.reads if roles[0] in ("parameter", "fixed") else reversed(e.reads)
        value, own = self.names.values[matrix.name], self.names.values[state.name]
        if value.role not in ("parameter", "fixed") or len(matrix.dims) != 2 or value.kind == "token":
            raise Unsupported
        if matrix.name in self.names.program.refined or own.role in ("parameter", "fixed") or not own.batched:
            raise Unsupported
        if len(state.dims) != 1 or len(e.dims) != 1 or set(matrix.dims) != {state.dims[0], e.dims[0]}:
            raise Unsupported
        by_rows = matrix.dims[0] == e.dims[0]
        rows, inner = (self.blocks_of(z) for z in (value.shape if by_rows else value.shape[::-1]))
        return Product(e, rows, inner, matrix.name, by_rows, state)

    def _check_waits(self) -> None:
        """What a product reads of others may not be written over before the next wait."""
        for part in self.parts:
            written = {p for item in part.rest if isinstance(item, Equation) for p in self.places(self.here(item.out))}
            for product in part.products:
                low, _ = self.offset(product.state)
                for buffer, _, block in self.places(product.state):
                    for other, _, own in written:
                        if buffer == other and block == own and not low:
                            raise Unsupported

    # ---- memory

    def here(self, name: str) -> Access:
        return Access(name, tuple(At(a) for a in self.names.values[name].axes), (".i0",))

    def offset(self, r: Access) -> tuple[int, int | None]:
        """How far from the step a value is read, and how many positions its memory holds (None: all); a ring's
        own position is 0 however it is spelled."""
        if len(r.at) > 1 or any(at.axis != self.loop.axis or at.high is not None or at.anchor != "here" for at in r.at):
            raise Unsupported
        if not r.at:
            return 0, None
        low, kept = r.at[0].low, self.names.extents(r.name)[0].kept
        return (low % kept and low if kept else 0 if kept == 0 else low), kept

    def places(self, r: Access) -> tuple[Place, ...]:
        """Where a value lies, block by block; what has no place of its own is a buffer by itself."""
        low, _ = self.offset(r)
        value, home = self.names.values[r.name], self.names.homes.get(r.name)
        if len(value.shape) > 1 or r.name in self.names.program.refined:
            raise Unsupported
        count = self.blocks_of(value.shape[0]) if value.shape else 1
        if home is None:
            return tuple((f"={r.name}", low, a) for a in range(count))
        start = 0 if home.rows is None else self._times(home.rows[0], self.size)
        if start is None:
            raise Unsupported
        return tuple((home.buffer, low, start + a) for a in range(count))

    def array(self, text: str, base: str) -> str:
        """The kernel's name for an argument."""
        if text not in self.arrays:
            name = fresh(spelled(base), self.taken)
            self.taken.add(name)
            self.arrays[text] = name
        return self.arrays[text]

    def row(self, r: Access) -> str:
        """The position at which `r` is read, as a factor of the batch; empty where its memory has none."""
        low, _ = self.offset(r)
        if not r.at:
            return ""
        extent = self.names.extents(r.name)[0]
        if extent.strip:
            raise Unsupported
        if extent.kept == 0:
            return ""
        shift = low + (extent.low if extent.kept is None else 0)
        text = f"n {'+' if shift > 0 else '-'} {abs(shift)}" if shift else "n"
        if extent.kept is not None:
            # a position before the first is asked for as well
            return f"({text} + {extent.kept}) % {extent.kept}"
        return f"({text})" if shift else text

    def whole(self, r: Access) -> tuple[str, int]:
        """The array that `r` lies in, and how many blocks wide it is."""
        value, home = self.names.values[r.name], self.names.homes.get(r.name)
        if home is not None:
            shape = self.names.buffers[home.buffer].shape
            text = self.section.whole(home.buffer)
            return self.array(text, text), self.blocks_of(shape[0]) if shape else 0
        if value.role not in ("input", "target", "parameter", "fixed") or value.kind == "token":
            raise Unsupported
        text = self.names.variable(r.name)
        return self.array(text, text), self.blocks_of(value.shape[0]) if value.shape else 0

    def element(self, r: Access, block: int) -> str:
        """One number of a value, for sequence `b` and unit `unit`."""
        value = self.names.values[r.name]
        array, wide = self.whole(r)
        row = self.row(r)
        at = f"({row} * batch + b)" if row and value.batched else row or ("b" if value.batched else "")
        if not value.shape:
            return f"{array}[{at.removeprefix('(').removesuffix(')') if at else 0}]"
        unit = f"{block} * size + unit" if block > 1 else "size + unit" if block else "unit"
        return f"{array}[{at} * {wide_text(wide)} + {unit}]" if at else f"{array}[{unit}]"


def wide_text(blocks: int) -> str:
    return f"({blocks} * size)" if blocks > 1 else "size"
