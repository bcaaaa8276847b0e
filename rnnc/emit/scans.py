"""Whole scans as one CUDA kernel each, where `ScanForm` finds that they can: what a module has of them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from rnnc.emit.cuda import Speller, operations
from rnnc.emit.lines import Lines
from rnnc.emit.naming import OWN, fresh
from rnnc.emit.scan_form import Part, Place, Product, ScanForm, Unsupported, wide_text
from rnnc.emit.section import SectionWriter
from rnnc.program.forms import Clear, Loop
from rnnc.sizes import Size
from rnnc.system.forms import Access, Concat, Equation, Pointwise, Slice

Live = Callable[[str, set[str]], bool]
"""Whether a value, by name, is read beyond the equations whose results are in the set."""


def times(count: int, what: str) -> str:
    return what if count == 1 else f"{count} * {what}"


def _tile_row(rows: int, block: int) -> str:
    """Where the units of a block begin in the row of a thread's sequence."""
    return f"(e / units * {rows} + {block}) * units + "


def _wrapped(line: str) -> list[str]:
    """A line of C in rows of at most 110 columns."""
    if len(line) <= 110:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    more = f"{indent}//   " if line.lstrip().startswith("//") else f"{indent}    "
    return textwrap.wrap(line, 110, subsequent_indent=more, break_long_words=False, break_on_hyphens=False)


class Scans:
    """The scan kernels of one module."""

    def __init__(self) -> None:
        self.kernels: list[str] = []
        self.named: dict[str, tuple[tuple[int, int], ...]] = {}
        self.functions: set[str] = set()

    def call(self, section: SectionWriter, loop: Loop, taken: set[str], live: Live) -> tuple[str, ...] | None:
        """The call that runs all of `loop`, name and arguments; None where its form is another."""
        try:
            scan = ScanWriter(section, loop, live)
        except Unsupported:
            return None
        first = next(p for part in scan.parts for p in part.products)
        name = fresh(f"scan_{section.names.python[first.state.name]}", {*OWN, *taken, *self.named})
        self.kernels.append(scan.text(name))
        self.named[name] = tuple((p.rows, p.inner) for part in scan.parts for p in part.products)
        self.functions |= scan.functions
        names = section.names
        sizes = (names.length(loop.axis), "batch", names.size_text(scan.size), "real", f"call.lengths[{loop.axis!r}]")
        return (name, *sizes, *scan.arrays, *(f"float({text})" for text in scan.numbers))

    def text(self) -> str:
        """The kernels, and what launches each."""
        if not self.named:
            return ""
        names = "".join(f"{name!r}, " for name in self.named)
        lines = ["SCANS = Source(", "    FUNCTIONS", "    + TOGETHER", '    + """', *self.kernels, '""",']
        lines += [f"    ({names}),", ")"]
        lines += [f"{name} = Scan(SCANS, {name!r}, {products!r})" for name, products in self.named.items()]
        return "\n".join(lines)


class ScanWriter(ScanForm):
    """The kernel of one loop."""

    def __init__(self, section: SectionWriter, loop: Loop, live: Live) -> None:
        super().__init__(section, loop)
        self.live = live
        self.functions: set[str] = set()
        self.known: dict[Place, str] = {}
        self.changed: dict[Place, str] = {}
        self.lines = Lines(1)
        self.lines.lines.append("")
        self._body()

    # ---- the kernel

    def text(self, name: str) -> str:
        """The whole kernel."""
        sizes = ("length", "batch", "size", "units", "slice", "chunk")
        declared = [f"long long {s}" for s in sizes] + ["const long long* lengths", "unsigned* came"]
        declared += [f"T* {a}" for a in self.arrays.values()] + [f"double {d}" for d in self.numbers.values()]
        head = ["template <typename T>", f"__global__ void __launch_bounds__(256, 1) {name}("]
        head += _wrapped(f"    {', '.join(declared)}) {{")
        body = [row for line in self.lines.lines[1:] for row in _wrapped(line)]
        return "\n".join((*head, *body, "}"))

    def _body(self) -> None:
        add = self.lines.add
        add("extern __shared__ __align__(32) double memory[];")
        add("const long long given = blockIdx.x * units, first = blockIdx.y * slice;")
        add("const int some = batch - first < slice ? batch - first : slice;")
        self._memory()
        add("unsigned round = 0;")
        add("for (long long k = 0; k < length; ++k) {")
        self.lines.depth += 1
        add(f"const long long n = {'k' if self.loop.direction > 0 else 'length - 1 - k'};")
        number = 0
        for position, part in enumerate(self.parts):
            if part.products or not position:
                add("meet(came + blockIdx.y, ++round * gridDim.x);")
            for product in part.products:
                number += 1
                self._product_line(product, number)
            self._elements(part, number - len(part.products))
        self.lines.depth -= 1
        add("}")

    def _comment(self, text: str) -> None:
        """An equation in one line that `_wrapped` may break; nothing in it ends the string it stands in."""
        self.lines.add("// " + " ".join(text.replace("\\", "/").replace('"', "'").split()))

    def _memory(self) -> None:
        """Shared memory shared out; the weights brought there."""
        add = self.lines.add
        end = "(T*)memory"
        products = [p for part in self.parts for p in part.products]
        for k, p in enumerate(products, 1):
            add(f"T* weights_{k} = {end};")
            end = f"weights_{k} + {times(p.rows * p.inner, 'units')} * size"
        for k, p in enumerate(products, 1):
            add(f"T* tile_{k} = {end};")
            end = f"tile_{k} + {times(p.rows, 'units')} * slice"
        add(f"T* staged = {end};")
        for k, p in enumerate(products, 1):
            variable = self.names.variable(p.weight)
            inner = times(p.inner, "size")
            along, across = (inner, "1") if p.by_rows else ("1", times(p.rows, "size"))
            matrix = self.array(variable, variable)
            add(f"fetch({matrix}, {along}, {across}, {p.rows}, units, {inner}, size, given, weights_{k});")

    def _product_line(self, p: Product, number: int) -> None:
        array, wide = self.whole(p.state)
        row = self.row(p.state)
        places = self.places(p.state)
        start = f" + {times(places[0][2], 'size')}" if places[0][2] else ""
        at = f"({row} * batch + first)" if row else "first"
        self._comment(self.section.equation_text(p.equation))
        self.lines.add(
            f"product(weights_{number}, {array} + {at} * {wide_text(wide)}{start}, {wide_text(wide)}, "
            f"{times(p.inner, 'size')}, {times(p.rows, 'units')}, slice, some, chunk, staged, tile_{number});"
        )

    # ---- what a thread does for one unit of one sequence

    def _elements(self, part: Part, before: int) -> None:
        if not part.rest and not part.products:
            return
        self.known, self.changed = {}, {}
        add = self.lines.add
        add("for (int e = threadIdx.x; e < some * units; e += blockDim.x) {")
        self.lines.depth += 1
        add("const long long j = e % units, b = first + e / units, unit = given + j;")
        add("if (unit >= size) continue;")
        if any(isinstance(item, Clear) for item in part.rest):
            add("const bool past = n >= lengths[b];")
        for k, p in enumerate(part.products, before + 1):
            for g, place in enumerate(self.places(self.here(p.equation.out))):
                tile = f"tile_{k}[{_tile_row(p.rows, g)}j]"
                self.known[place], self.changed[place] = tile, p.equation.out
        for item in part.rest:
            if isinstance(item, Clear):
                self._clear(item.value)
            else:
                self._equation(item)
        inside = {item.out for item in part.rest if isinstance(item, Equation)}
        for place, name in self.changed.items():
            if self.live(name, inside):
                add(f"{self.element(self.here(name), place[2])} = {self.known[place]};")
        self.lines.depth -= 1
        add("}")

    def _clear(self, name: str) -> None:
        border = self.section.borders.get(name)
        if border is not None and "high" in border.sides and (border.default is not None or border.early):
            raise Unsupported
        here = self.here(name)
        for g, place in enumerate(self.places(here)):
            self._set(place, name, f"past ? T(0) : {self._read(here, g)}")

    def _equation(self, e: Equation) -> None:
        places = self.places(self.here(e.out))
        if isinstance(e.op, Concat):
            self._concat(e, e.op, places)
            return
        if isinstance(e.op, Slice):
            start = self.blocks_of(e.op.start)
            for g, place in enumerate(places):
                self._copy(place, e.out, e.reads[0], start + g)
            return
        assert isinstance(e.op, Pointwise)
        self.functions.update(operations(e.op.formula))
        self._comment(self.section.caption(e))
        for g, place in enumerate(places):
            right = self._speller(e, g).spell(e.op.formula)
            self._set(place, e.out, right)

    def _speller(self, e: Equation, block: int) -> Speller:
        def operand(index: int) -> str:
            r = e.reads[index]
            if r.dims not in ((), e.dims):
                raise Unsupported
            return self._read(r, block if r.dims else 0)

        def token(index: int) -> bool:
            return False

        def size(z: Size) -> str:
            text = self.names.size_text(z)
            if text not in self.numbers:
                self.numbers[text] = f"number_{len(self.numbers) + 1}"
            return f"T({self.numbers[text]})"

        return Speller(operand, token, size)

    def _concat(self, e: Equation, op: Concat, places: tuple[Place, ...]) -> None:
        at = 0
        for size, index in op.parts:
            for g in range(self.blocks_of(size)):
                if index is None:
                    self._set(places[at], e.out, "T(0)")
                else:
                    self._copy(places[at], e.out, e.reads[index], g)
                at += 1

    def _copy(self, place: Place, name: str, r: Access, block: int) -> None:
        """A number that may lie where it belongs."""
        source = self.places(r)[block]
        if source != place:
            self._set(place, name, self._read(r, block))
        elif place in self.changed:
            self.changed[place] = name

    def _read(self, r: Access, block: int) -> str:
        if self.names.values[r.name].kind == "token":
            raise Unsupported
        place = self.places(r)[block]
        if place not in self.known:
            value = self.element(r, place[2])
            self.known[place] = self._local(self.names.python[r.name], value)
        return self.known[place]

    def _set(self, place: Place, name: str, right: str) -> None:
        self.known[place] = self._local(self.names.python[name], right)
        self.changed[place] = name

    def _local(self, base: str, right: str) -> str:
        name = fresh(f"{base}_n", self.taken)
        self.taken.add(name)
        self.lines.add(f"const T {name} = {right};")
        return name
