"""A generated module as text: what it says of its network, the code of this network, the functions of the protocol."""

from __future__ import annotations

from rnnc.emit.api import api
from rnnc.emit.facts import facts
from rnnc.emit.learners import functions
from rnnc.emit.lines import Lines
from rnnc.emit.out_calls import OutCalls
from rnnc.emit.section import SectionWriter
from rnnc.emit.streaming import Streaming, streaming
from rnnc.emit.support_text import copied, needed_operations
from rnnc.emit.unpacking import unpacked, uses, variables
from rnnc.emit.views import Names
from rnnc.model.forms import Model
from rnnc.program.forms import Program, Section
from rnnc.program.learner import Learner
from rnnc.program.seed import reads_seed
from rnnc.system.forms import System


def module(model: Model, program: Program, spec: str, learners: tuple[Learner, ...] = ()) -> str:
    """The text of a NumPy module for `program`; `spec` is the author's text, kept in it as SPEC. `learners` are the
    rules it has beside back-propagation."""
    names = Names(program, OutCalls())
    stream = streaming(program.system)
    checkpoints = any(one.rule.form_of == "bptt" for one in learners)
    networks = "\n\n\n".join(bodies(names, stream, back=not checkpoints))
    learning = functions(model, learners, OutCalls(), names, stream)
    head = facts(model, program, names, spec, stream, tuple(x.rule.name for x in learners if not x.rule.form_of))
    operations = needed_operations("\n".join((head, networks, *learning)))
    parts = [
        head,
        copied("parameters"),
        copied("calls"),
        copied("generating") if model.feedbacks else "",
        operations,
        copied("ctc") if "Lattice(" in networks else "",
        networks,
        api(model, program, names, stream, checkpoints),
        *learning,
    ]
    return "\n\n\n".join(p.strip("\n") for p in parts if p.strip()) + "\n"


def bodies(names: Names, stream: Streaming, back: bool = True) -> list[str]:
    """`_forward`, `_loss` and, with `back`, `_backward`, each with what it needs unpacked at its top."""
    program = names.program
    before: frozenset[str] = frozenset()
    written: list[tuple[Section, SectionWriter]] = []
    for section in (s for s in program.sections if back or s.name != "backward"):
        writer = SectionWriter(names, section, before, stream.reach)
        writer.write()
        written.append((section, writer))
        before = frozenset(writer.ready)
    texts = []
    for k, (section, writer) in enumerate(written):
        if not section.body and section.name != "forward":
            continue
        later = "\n".join(w.lines.text() for _, w in written[k + 1 :])
        earlier = [w for _, w in written[:k]]
        texts.append(_function(names, section, writer, earlier, later, stream))
    return texts


def _function(
    names: Names,
    section: Section,
    writer: SectionWriter,
    earlier: list[SectionWriter],
    later: str,
    stream: Streaming,
) -> str:
    seed = ", seed" if reads_seed(names.system) else ""
    arguments = {"forward": "call", "loss": "call, saved", "backward": f"call, saved{seed}, wrt, grads"}[section.name]
    title = {
        "forward": "Every unit that the outputs read, at every position.",
        "loss": "The loss of each sequence, and the units that the outputs do not read.",
        "backward": "The gradients of the loss (BPTT), into `grads`; what it overwrites is no longer needed.",
    }[section.name]
    head = Lines(1)
    head.add(f'"""{title}"""')
    more, body = unpacked(names, writer, "", earlier)
    head.lines.extend(more)
    returned = _returned(names, section, stream)
    wanted = [v for v in variables(writer) if uses(later, v) or v in returned]
    tail = Lines(1)
    if section.name == "backward":
        inputs = [(n, g) for n, g in names.system.gradients if names.values[n].role == "input"]
        for name, gradient in inputs:
            v = names.values[name]
            with tail.block(f"if {name!r} in wrt:"):
                variable = names.variable(gradient)
                cut = _inside(names, gradient)
                axes = "".join(f", {a!r}" for a in v.axes)
                tail.add(f"grads[{name!r}] = call.give({variable}{cut}{axes})")
    else:
        tail.add("return {" + ", ".join(f"{v!r}: {v}" for v in wanted) + "}")
    return f"def _{section.name}({arguments}):\n" + "\n".join(x for x in (head.text(), body, tail.text()) if x.strip())


def _inside(names: Names, name: str) -> str:
    """The index that leaves the rows outside the sequence away."""
    rows = names.extents(name)
    if not any(e.low or e.high for e in rows):
        return ""
    return "[" + ", ".join(f"{e.low}:{e.low} + call.length[{e.axis!r}]" for e in rows) + "]"


def _returned(names: Names, section: Section, stream: Streaming) -> set[str]:
    """Variables that the functions of the protocol read: units, the loss, what a state is cut from."""
    system: System = names.system
    wanted = {names.variable(v.name) for v in system.values if v.role == "unit" and v.name in section.values}
    if system.loss in section.values:
        wanted.add(names.variable(system.loss))
    wanted.update(names.variable(n) for n in stream.states)
    return wanted
