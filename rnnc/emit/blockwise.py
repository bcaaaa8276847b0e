"""What a module needs to learn block by block: `_hybrid`, what opens it, and `hybrid` of the protocol."""

from __future__ import annotations

from rnnc.emit.arguments import KEYWORDS, arguments
from rnnc.emit.kernels import KernelSpelling
from rnnc.emit.lines import Lines
from rnnc.emit.online import Online
from rnnc.emit.section import SectionWriter
from rnnc.emit.streaming import Streaming
from rnnc.emit.unpacking import unpacked
from rnnc.emit.views import Names
from rnnc.learning import forms
from rnnc.learning.block_size import LEAST, MOST, SHARE, work
from rnnc.learning.rules import Rule
from rnnc.model.forms import Model
from rnnc.program.forms import Program

WHOLE = "its loss needs the whole sequence"


class Blockwise(Online):
    """The texts of one rule; `programs` are what opens it, where there is more than one block, and a block's."""

    def __init__(
        self,
        rule: Rule,
        found: forms.Blockwise,
        model: Model,
        programs: tuple[Program, ...],
        kernels: KernelSpelling,
        main: Names,
        stream: Streaming,
    ) -> None:
        *opening, block = programs
        self.work = work(found)
        whole = stream if opening else Streaming(stream.refusal or WHOLE, (), (), None)
        super().__init__(rule, model, block, kernels, main, whole)
        self.opening = Names(opening[0], kernels) if opening else None

    def functions(self) -> tuple[str, ...]:
        """The texts of the rule's own functions, public and not."""
        if self.opening is None:
            return self.body(), self._call()
        return self._handed_on(), self._open(self.opening), self._size(), self.body(), self._call()

    def _made(self) -> str:
        if self.opening is None:
            return super()._made()
        return "The losses of a block, what it leaves as a state, and what the next is given; gradients into `grads`."

    def _finish(self, lines: Lines) -> None:
        """What the next block takes over of this one."""
        names = self.names
        if self.opening is None:
            super()._finish(lines)
            return
        lines.add("left = {}")
        self._states(lines, "left")
        lines.add("behind = {")
        for across in self.program.across:
            pairs = zip(across.before, across.after, strict=True)
            lines.lines.extend(f"        {before!r}: {names.variable(after)}," for before, after in pairs)
        lines.add("}")
        assert names.system.loss is not None
        lines.add(f"return {names.variable(names.system.loss)}, left, behind")

    def _handed_on(self) -> str:
        lines = Lines()
        lines.add("HANDED_ON = {")
        for across in self.program.across:
            lines.add(f"    {self.names.variable(across.held.name)!r}: {across.before!r},")
        lines.add("}")
        lines.add(
            '"""What a block is given of influences that lie side by side: of the last step, the one before, ..."""'
        )
        return lines.text()

    def _open(self, names: Names) -> str:
        """The text of what the first block is given."""
        program = names.program
        writer = SectionWriter(names, program.sections[0], frozenset(), self.stream.reach)
        # what only the influences of starts need may be missing where a state goes on
        writer.start_inputs = frozenset(v.name for v in names.system.values if v.role == "input")
        writer.write()
        tail = Lines(1)
        tail.add("given = {}")
        started = {n for a in program.across for n in a.starts if n is not None}
        for name in program.system.kept:
            if name not in started:
                tail.add(f"given[{name!r}] = {names.variable(name)}")
        for across in program.across:
            ring = self.names.variable(across.held.name)
            shape = "".join(f", {names.size_text(z)}" for z in self.names.values[across.held.name].shape)
            tail.add(f"{ring} = np.empty(({len(across.before)}, batch{shape}), real)")
            tail.add(f"call.recall({ring!r}, {ring})")
            if any(across.starts):
                with tail.block("if call.state is None:"):
                    for k, start in enumerate(across.starts, start=1):
                        if start is not None:
                            tail.add(f"{ring}[-{k}] = {names.variable(start)}")
            for k, before in enumerate(across.before, start=1):
                tail.add(f"given[{before!r}] = {ring}[-{k}]")
        tail.add(f"return given, {'call.state is None or ' * bool(started)}bool(call.influences)")
        head, body = unpacked(names, writer, tail.text())
        title = '    """What the first block is given, and whether it has influences other than zero."""'
        name = f"def _{self.rule.name}_opening(call):"
        return "\n".join(x for x in (name, title, *head, body, tail.text()) if x.strip())

    def _size(self) -> str:
        """The text of how long a block is where nothing is said."""
        block, step = self.work
        lines = Lines()
        with lines.block(f"def {self.rule.name}_block(sizes):"):
            lines.add('"""The steps of a block where `block` does not say: so many that to carry influences over from')
            lines.add(f'block to block takes no more than 1 / {SHARE + 1} of all multiply-adds."""')
            for size, variable in self.names.size.items():
                if size in (*block.names, *step.names):
                    lines.add(f"{variable} = sizes[{size!r}]")
            carried, own = (self.names.size_text(z) for z in (block, step))
            lines.add(f"return max({LEAST}, -(-{SHARE} * ({carried}) // ({own})))" if own != "0" else f"return {MOST}")
        return lines.text()

    def _call(self) -> str:
        signature, others, given = arguments(self.data, self.names.python, (*KEYWORDS, "block"))
        name, seed = self.rule.name, ", seed=None" if self.drops else ""
        lines = Lines()
        options = f'lengths=None, reduce="mean", state=None, block=None{seed}{others}'
        with lines.block(f"def {name}(p, *{signature}, {options}):"):
            lines.add(f'"""{self._about()}')
            lines.add()
            self._about_blocks(lines)
            lines.add('"""')
            self._checks(lines, name)
            with lines.block("if block is not None:"):
                lines.add('block = whole_number("block", block, 1)')
            self._learning_call(lines, given)
            if self.opening is None:
                lines.add(f"return followed(call, reduce, _{name})")
            else:
                (axis,) = self.names.system.axes
                lines.add(f"size = block or {name}_block(call.sizes)")
                lines.add(f"return in_blocks(call, {axis!r}, size, reduce, _{name}_opening, _{name})")
        return lines.text()

    def _about_blocks(self, lines: Lines) -> None:
        if self.opening is None:
            lines.add(f"The only block is the whole sequence, whatever `block` says: {self.stream.refusal}.")
            return
        own = self.rule.name
        lines.add("block: how many steps errors are passed back before influences are carried over, by one product;")
        lines.add(f"`{own}_block` chooses it from the sizes. With `grads.state` as its `state` the next call goes on,")
        lines.add("and its gradient is that of its own loss through the whole past.")
