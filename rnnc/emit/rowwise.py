"""What a module needs to learn by blocks of rows along the first of several axes: `_hybrid`, what its last rows come
to, and `hybrid` of the protocol."""

from __future__ import annotations

from rnnc.emit.arguments import KEYWORDS, arguments
from rnnc.emit.carrying import beside
from rnnc.emit.kernels import KernelSpelling
from rnnc.emit.lines import Lines
from rnnc.emit.naming import whole
from rnnc.emit.online import Online
from rnnc.emit.section import SectionWriter
from rnnc.emit.streaming import Streaming
from rnnc.emit.unpacking import unpacked
from rnnc.emit.views import Names
from rnnc.learning import forms
from rnnc.learning.row_size import LEAST, MOST, SHARE, work
from rnnc.learning.rules import Rule
from rnnc.model.forms import Model
from rnnc.program.forms import Program


class Rowwise(Online):
    """The texts of one rule; `programs` are those of `rnnc.program.blockwise.rowwise`."""

    def __init__(
        self,
        rule: Rule,
        found: forms.Rowwise,
        model: Model,
        programs: tuple[Program, ...],
        kernels: KernelSpelling,
        main: Names,
        stream: Streaming,
    ) -> None:
        *others, block = programs
        super().__init__(rule, model, block, kernels, main, stream)
        self.found = found
        self.opening = Names(others.pop(0), kernels) if found.opening is not None else None
        self.ending = Names(others.pop(0), kernels) if found.ending is not None else None

    def functions(self) -> tuple[str, ...]:
        """The texts of the rule's own functions, public and not."""
        texts = [] if self.opening is None else [self._open(self.opening)]
        texts += [] if self.ending is None else [self._end(self.ending)]
        return (*texts, self._edges(), self._size(), self.body(), self._call())

    def body(self) -> str:
        """The text of a block of rows."""
        names = self.names
        tail = Lines(1)
        tail.add("left = {")
        for name, low in self.found.rows:
            first = names.extents(name)[0]
            assert first.kept is None, "rows that the next block reads are kept"
            length, more = names.length(first.axis), first.low - low
            span = f"{length}{f' + {more}' if more else ''}:{length} + {first.low}{beside(names, name)}"
            tail.lines.append(f"        {name!r}: {names.variable(name)}[{span}].copy(),")
        tail.add("}")
        assert names.system.loss is not None
        before = self._rows(names, tuple(e.adjoint for e in self.found.edges))
        tail.add(f"return {names.variable(names.system.loss)}, left, {before}")
        title = (
            "The losses of a block, the rows behind it, and the derivatives of its loss by rows before it; gradients\n"
            "    into `grads`."
        )
        return self._written(f"def _{self.rule.name}(call, seed, grads):", title, names, tail)

    def _written(self, head: str, title: str, names: Names, tail: Lines) -> str:
        states = {n: low for n, low in self.found.rows if n in names.values and names.extents(n)[0].low}
        writer = SectionWriter(names, names.program.sections[0], frozenset(), states)
        writer.write()
        top, body = unpacked(names, writer, tail.text())
        parts = (head, f'    """{title}"""', *top, body, tail.text())
        return "\n".join(x for x in parts if x.strip())

    def _rows(self, names: Names, rows: tuple[str | None, ...]) -> str:
        """Derivatives by rows before a block, each with how many dimensions number positions."""
        made = (
            "(None, 0)" if row is None else f"({self._batched(names, row)}, {len(names.values[row].axes)})"
            for row in rows
        )
        return f"[{', '.join(made)}]"

    def _batched(self, names: Names, name: str) -> str:
        """A value with a batch, of one sequence where all have the same."""
        v = names.values[name]
        return names.variable(name) + ("" if v.batched else f"[{':, ' * len(v.axes)}None]")

    def _open(self, names: Names) -> str:
        """The text of what is known of a whole sequence."""
        tail = Lines(1)
        pairs = ", ".join(f"{n!r}: {names.variable(n)}" for n in names.system.kept)
        tail.add(f"return {{{pairs}}}")
        title = "What the data say of a whole sequence, and every block is told."
        return self._written(f"def _{self.rule.name}_opening(call):", title, names, tail)

    def _end(self, names: Names) -> str:
        """The text of what the last rows of a block come to."""
        tail = Lines(1)
        tail.add("return {")
        for name, gradient in self.found.own:
            tail.lines.append(f"        {name!r}: {self._batched(names, gradient)},")
        tail.add(f"}}, {self._rows(names, tuple(e.by for e in self.found.edges))}")
        title = (
            "The derivatives of all entries that a block hands on, by what its rows read of parameters, and by the\n"
            "    rows before it."
        )
        return self._written(f"def _{self.rule.name}_ending(call):", title, names, tail)

    def _edges(self) -> str:
        """The text of which rows a block hands on."""
        names, lines = self.names, Lines()
        with lines.block(f"def _{self.rule.name}_edges(call):"):
            lines.add('"""The rows that a block hands on: (shape, how many rows back, its entries, its row)."""')
            found = []
            for e in self.found.edges:
                v = names.values[e.state]
                parts = [*(names.length(a) for a in v.axes[1:]), *(names.size_text(z) for z in v.shape)]
                found.append(f"(({', '.join(parts)},), {e.back}, {e.one!r}, {e.last!r}),")
            text = "\n".join(found)
            for axis in names.system.axes[1:]:
                if names.length(axis) in text:
                    lines.add(f"{names.length(axis)} = call.length[{axis!r}]")
            wanted = {n for e in self.found.edges for z in names.values[e.state].shape for n in z.names}
            lines.lines.extend(f"    {v} = call.sizes[{n!r}]" for n, v in names.size.items() if n in wanted)
            lines.add("return [")
            lines.lines.extend(f"        {one}" for one in found)
            lines.add("]")
        return lines.text()

    def _size(self) -> str:
        """The text of how many rows a block has where nothing is said."""
        block, row = work(self.found)
        names, lines = self.names, Lines()
        spelled = names.size | {f"|{a}|": names.length(a) for a in names.system.axes}
        with lines.block(f"def {self.rule.name}_block(sizes, lengths):"):
            lines.add('"""The rows of a block where `block` does not say, for these sizes and lengths of axes: so many')
            lines.add(
                f'that carrying influences over takes no more than about 1 / {SHARE + 1} of all multiply-adds."""'
            )
            read = {*block.names, *row.names}
            lines.lines.extend(f"    {v} = sizes[{n!r}]" for n, v in names.size.items() if n in read)
            for axis in names.system.axes:
                if f"|{axis}|" in read:
                    lines.add(f"{names.length(axis)} = lengths[{axis!r}]")
            if row.terms:
                carried, own = (whole(z.spelled(spelled)) for z in (block, row))
                lines.add(f"return max({LEAST}, -(-{SHARE} * ({carried}) // ({own})))")
            else:
                lines.add(f"return {MOST}")
        return lines.text()

    def _call(self) -> str:
        signature, others, given = arguments(self.data, self.names.python, (*KEYWORDS, "block"))
        name, seed = self.rule.name, ", seed=None" if self.drops else ""
        axis = self.found.axis
        lines = Lines()
        options = f'lengths=None, reduce="mean", state=None, block=None{seed}{others}'
        with lines.block(f"def {name}(p, *{signature}, {options}):"):
            lines.add(f'"""{self._about()}')
            lines.add()
            lines.add(f"block: how many rows along axis `{axis}` errors are passed back before influences are carried")
            lines.add(f"over, by one product; `{name}_block` chooses it from the sizes and lengths.")
            lines.add('"""')
            self._checks(lines, name)
            with lines.block("if block is not None:"):
                lines.add('block = whole_number("block", block, 1)')
            self._learning_call(lines, given)
            least = max((low for _, low in self.found.rows), default=1)
            size = f"block or {name}_block(call.sizes, call.length)"
            lines.add(f"size = {size}" if least == 1 else f"size = max({least}, {size})")
            opening = "None" if self.opening is None else f"_{name}_opening"
            ending = "None" if self.ending is None else f"_{name}_ending"
            parts = f"_{name}_edges(call), _{name}, {ending}, {opening}"
            lines.add(f"return in_rows(call, {axis!r}, size, reduce, {parts})")
        return lines.text()
