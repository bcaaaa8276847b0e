"""What a module needs to learn forward in time by a rule: `_rtrl`, and `rtrl`, `rtrl_start` and `rtrl_step` of the
protocol, or those of another rule."""

from __future__ import annotations

from rnnc.autodiff.kept import Kept
from rnnc.emit.arguments import KEYWORDS, arguments
from rnnc.emit.calling import check_reduce, check_seed, drops, learned, learning_call, needs_going_on
from rnnc.emit.carrying import last_rows
from rnnc.emit.influences import along_one, delay
from rnnc.emit.kernels import KernelSpelling
from rnnc.emit.lines import Lines
from rnnc.emit.section import SectionWriter
from rnnc.emit.starting import kept, one, opened, start_arguments
from rnnc.emit.streaming import Streaming
from rnnc.emit.unpacking import unpacked
from rnnc.emit.views import Names
from rnnc.learning.rules import Rule
from rnnc.model.forms import Model
from rnnc.program.forms import Program, Section
from rnnc.system.forms import Border, Ctc
from rnnc.system.needed import needed

UNBIASED = "The gradients are estimates, drawn anew by every `seed`; their mean over all seeds is exact."


class Online:
    """The texts of one rule; `program` has one section, `main` names what the other functions make."""

    def __init__(
        self, rule: Rule, model: Model, program: Program, kernels: KernelSpelling, main: Names, stream: Streaming
    ) -> None:
        self.rule = rule
        self.model = model
        self.program = program
        self.names = Names(program, kernels)
        self.main = main
        whole = any(isinstance(e.op, Ctc) for e in main.system.equations)
        # a network may run step by step though its loss cannot
        self.stream = Streaming("its loss needs the whole sequence", (), (), None) if whole else stream
        self.drops = drops(program.system)
        self.seeded = self.drops or rule.random
        self.call = "SignedCall" if rule.random else "LearningCall"
        self.data = tuple(d.name for d in (*model.inputs, *model.targets))

    def body(self) -> str:
        """The text of `_rtrl`, or as the rule is called."""
        names, system = self.names, self.names.system
        assert system.loss is not None
        writer = SectionWriter(names, self.program.sections[0], frozenset(), self.stream.reach)
        writer.write()
        tail = Lines(1)
        self._finish(tail)
        head, body = unpacked(names, writer, tail.text())
        title = f'    """{self._made()}"""'
        return "\n".join([f"def _{self.rule.name}(call, seed, grads):", title, *head, body, tail.text()])

    def _made(self) -> str:
        """What the body makes."""
        carried = ", and what is carried on as `grads.state`" if self.stream.refusal is None else ""
        return f"The losses; their gradients into `grads`{carried}."

    def _finish(self, lines: Lines) -> None:
        """What stands behind the section: what is carried on, and the losses."""
        if self.stream.refusal is None:
            self._learner(lines)
        assert self.names.system.loss is not None
        lines.add(f"return {self.names.variable(self.names.system.loss)}")

    def _states(self, lines: Lines, to: str) -> None:
        """What the next step or chunk reads of this one, put into the dict `to`."""
        names = self.names
        for name, low in self.stream.reach.items():
            rows = last_rows(names, name, low, names.variable(name))
            if name in self.program.refined:
                units = ", ".join(names.size_text(z) for z in self.main.values[name].shape)
                rows += f".reshape({f'{low}, ' if low > 1 else ''}batch, {units})"
            lines.add(f"{to}[{name!r}] = {rows}")

    def _learner(self, lines: Lines) -> None:
        """What the next step or chunk reads of this one, with the influences."""
        names = self.names
        (axis,) = names.system.axes
        lines.add("learner = {}")
        self._states(lines, "learner")
        if self.stream.counter is not None:
            lines.add(f"learner[{axis!r}] = call.begin + call.lengths[{axis!r}]")
        with lines.block("if not call.batched:"):
            lines.add("learner = {name: a[:, 0] if STATES[name] > 1 else a[0] for name, a in learner.items()}")
        for held in self.carried():
            variable = names.variable(held.name)
            lines.add(f"learner |= call.recent({variable!r}, {variable}, {names.length(axis)})")
        if self.rule.random:
            lines.add(f"learner |= call.counted({names.length(axis)})")
        lines.add("grads.state = learner")

    def carried(self) -> tuple[Kept, ...]:
        """The influences that are read at an earlier step."""
        held = (*self.program.held, *(a.held for a in self.program.across))
        return tuple(h for h in held if along_one(self.names, h) and delay(self.names, h))

    # ---- the protocol

    def functions(self) -> tuple[str, ...]:
        """The texts of the rule's own functions, public and not."""
        texts = [self.body(), self._call()]
        if self.stream.refusal is None and not self.stream.ahead:
            texts += [self._start(), self._step()]
        return tuple(texts)

    def _about(self) -> str:
        """What the gradients are."""
        if self.rule.exact:
            return f"The loss and its gradients as `bptt` gives them, by {self.rule.title}."
        return f"The loss, and {self.rule.title} ({self.rule.paper})."

    def _checks(self, lines: Lines, function: str) -> None:
        check_reduce(lines)
        if self.seeded:
            self._check_seed(lines, function)

    def _check_seed(self, lines: Lines, function: str) -> None:
        why = f"`{self.model.name}` uses dropout" if self.drops else f"`{self.rule.name}` draws signs"
        check_seed(lines, function, why)

    def _learning_call(self, lines: Lines, data: str) -> None:
        call = f"{self.call}({self.rule.name!r}, "
        learning_call(lines, self.model, self.main, self.stream, data, self.seeded, call)

    def _call(self) -> str:
        signature, others, given = arguments(self.data, self.names.python)
        seed = ", seed=None" if self.seeded else ""
        name = self.rule.name
        lines = Lines()
        with lines.block(f'def {name}(p, *{signature}, lengths=None, reduce="mean", state=None{seed}{others}):'):
            lines.add(f'"""{self._about()}"""' if self.rule.exact else f'"""{self._about()}')
            if not self.rule.exact:
                lines.add()
                lines.add(f"The gradients lack {self.rule.drops}." if self.rule.drops else UNBIASED)
                lines.add('"""')
            self._checks(lines, name)
            self._learning_call(lines, given)
            lines.add(f"return followed(call, reduce, _{name})")
        return lines.text()

    def _step(self) -> str:
        signature, others, given = arguments(self.data, self.names.python, (*KEYWORDS, "learner"))
        (axis,) = self.names.system.axes
        seed = ", seed=None" if self.seeded else ""
        name = self.rule.name
        lines = Lines()
        with lines.block(f'def {name}_step(p, learner, *{signature}, reduce="mean"{seed}{others}):'):
            lines.add(f'"""One step of axis `{axis}`: (loss, gradients, next learner).')
            lines.add()
            if self.rule.exact:
                lines.add(
                    "The gradient is that of this step's loss through the whole past, exact while `p` stands still."
                )
            else:
                lacks = f"The gradient is that of this step's loss, but for {self.rule.drops}."
                lines.add(lacks if self.rule.drops else UNBIASED)
            lines.add(f"Arrays are those of `{name}` less the axis; a target that is not passed is missing.")
            lines.add('"""')
            self._checks(lines, f"{name}_step")
            inside = needs_going_on(self.main, *learned(self.main))
            seeded = ", seed=seed" if self.seeded else ""
            lines.add(f"call = {self.call}({name!r}, p, {given}, 1, learner, {inside!r}{seeded}, stepping=True)")
            lines.add(f"value, grads = followed(call, reduce, _{name})")
            lines.add("return value, grads, grads.state")
        return lines.text()

    def _start(self) -> str:
        """The learner before the first step."""
        names, system = self.names, self.names.system
        borders = {b.name: b for b in system.borders}
        carried = self.carried()
        of = {h.name: borders[h.name] for h in self.program.held if h in carried and h.name in borders}
        wanted = tuple(sorted({n for b in of.values() for n in b.reads()}))
        by_out = {e.out: e for e in system.equations}
        inside = needed(by_out, {b.name: b.reads() for b in system.borders}, wanted)
        statements = kept(self.program.sections[0].body, inside)
        writer = SectionWriter(names, Section("whole", statements, tuple(inside)), frozenset())
        writer.write()
        _, _, inputs, targets = start_arguments(self.main, self.stream)
        signature, others, given = arguments((*inputs, *targets), names.python)
        tail = Lines(1)
        for held in self.carried():
            self._started(tail, held, of.get(held.name))
        if self.rule.random:
            tail.add('learner["steps drawn"] = np.zeros(lead, np.int64)')
        tail.add("return learner")
        lines = Lines()
        keywords = signature + (", seed=None" if self.rule.random else "")
        with lines.block(f"def {self.rule.name}_start(p, batch=None{', *' if keywords else ''}{keywords}{others}):"):
            if self.rule.random:
                lines.add(
                    '"""The learner before the first step: the state of `start`, the estimate of what parameters did'
                )
                lines.add("to it, and for how many steps signs were drawn; `seed` is for those of learned starts.")
                lines.add('"""')
                if wanted:
                    self._check_seed(lines, f"{self.rule.name}_start")
            elif self.carried():
                lines.add('"""The learner before the first step: the state of `start`, and influences of parameters on')
                lines.add('states, "STATE by PARAMETER": (batch, units, ...), without `batch` of one sequence."""')
            else:
                lines.add('"""The learner before the first step: the state of `start`, and nothing else."""')
            lines.add(f"learner = start(p, batch, **{given})" if signature or others else "learner = start(p, batch)")
            if self.carried() or self.rule.random:
                seeded = ", seed=seed" if self.rule.random and wanted else ""
                opened(lines, bool(wanted or inputs), given, inputs, self.stream.one_step, seeded)
            if wanted:
                head, text = unpacked(names, writer, tail.text() + " lead")
                lines.lines.extend(line for line in (*head, *text.split("\n")) if line.strip())
            elif rows := {n for h in self.carried() for z in names.values[h.name].shape[:-1] for n in z.names}:
                lines.lines.extend(f"    {v} = sizes[{n!r}]" for n, v in names.size.items() if n in rows)
            lines.lines.extend(tail.lines)
        return lines.text()

    def _started(self, lines: Lines, held: Kept, border: Border | None) -> None:
        """The influences on one state before the first step."""
        names = self.names
        rows = "".join(f", {names.size_text(z)}" for z in names.values[held.name].shape[:-1])
        count = delay(names, held)
        steps = f"{count}, " if count > 1 else ""
        early = dict(border.early) if border else {}
        with lines.block(f"for key, where in places({self.rule.name!r}, sizes)[{names.variable(held.name)!r}]:"):
            lines.add(f"learner[key] = np.zeros(({steps}*lead{rows}, *where[1]), real)")
            for k in range(count, 0, -1) if border else ():
                value = early.get(k, border.default if border else None)
                if value is not None:
                    place = "learner[key]" + (f"[{count - k}]" if count > 1 else "")
                    lines.add(f"{place}[...] = piece({one(names, value)}, *where)")
