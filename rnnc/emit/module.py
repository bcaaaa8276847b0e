"""A generated module as text: what it says of its network, the code of this network, the functions of the protocol."""

from __future__ import annotations

import re
from functools import lru_cache

from rnnc.emit.api import api
from rnnc.emit.facts import facts
from rnnc.emit.lines import Lines
from rnnc.emit.out_calls import OutCalls
from rnnc.emit.section import SectionWriter, past_names
from rnnc.emit.streaming import Streaming, streaming
from rnnc.emit.support_text import copied, needed_operations
from rnnc.emit.views import Names
from rnnc.model.forms import Model
from rnnc.program.forms import Program, Section
from rnnc.system.forms import System


def module(model: Model, program: Program, spec: str) -> str:
    """The text of a NumPy module for `program`; `spec` is the author's text, kept in it as SPEC."""
    names = Names(program, OutCalls())
    stream = streaming(program.system)
    networks = "\n\n\n".join(bodies(names, stream))
    operations = needed_operations(networks)
    parts = [
        facts(model, program, names, spec, stream),
        copied("parameters"),
        copied("calls"),
        operations,
        networks,
        api(model, program, names, stream),
    ]
    return "\n\n\n".join(p.strip("\n") for p in parts if p.strip()) + "\n"


def bodies(names: Names, stream: Streaming) -> list[str]:
    """`_forward`, `_loss` and `_backward`, each with what it needs unpacked at its top."""
    program = names.program
    before: frozenset[str] = frozenset()
    written: list[tuple[Section, SectionWriter]] = []
    for section in program.sections:
        writer = SectionWriter(names, section, before, stream.states)
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


@lru_cache(maxsize=4)
def _read(text: str) -> frozenset[str]:
    """The names a text reads or assigns: its words but attributes and what stands in quotes."""
    return frozenset(re.findall(r"(?<![\w.\"'])\w+(?![\w\"'])", text))


def _uses(text: str, name: str) -> bool:
    return name in _read(text)


def _variables(writer: SectionWriter) -> list[str]:
    """The whole-sequence arrays a section makes, by variable."""
    names = writer.names
    found: dict[str, None] = {}
    for name in sorted(writer.ready):
        if name.startswith("border "):
            continue
        variable = names.variable(name) if name in names.values else name
        found[variable] = None
        found[f"edge_{variable}"] = None
    assigned = frozenset(re.findall(r"^\s*(\w+)(?:, \w+)* = ", writer.lines.text(), re.M))
    return [v for v in found if v in assigned]


def _function(
    names: Names,
    section: Section,
    writer: SectionWriter,
    earlier: list[SectionWriter],
    later: str,
    stream: Streaming,
) -> str:
    arguments = {"forward": "call", "loss": "call, saved", "backward": "call, saved, seed, wrt, grads"}[section.name]
    title = {
        "forward": "Every unit that the outputs read, at every position.",
        "loss": "The loss of each sequence, and the units that the outputs do not read.",
        "backward": "The gradients of the loss (BPTT), into `grads`; what is overwritten on the way is no longer needed.",
    }[section.name]
    head = Lines(1)
    head.add(f'"""{title}"""')
    more, body = unpacked(names, writer, "", earlier)
    head.lines.extend(more)
    returned = _returned(names, section, stream)
    wanted = [v for v in _variables(writer) if _uses(later, v) or v in returned]
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
    return f"def _{section.name}({arguments}):\n" + "\n".join(
        x for x in (head.text(), body, tail.text()) if x.strip()
    )


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


def unpacked(
    names: Names, writer: SectionWriter, extra: str, earlier: list[SectionWriter] | None = None
) -> tuple[list[str], str]:
    """Lines that assign every name the body (and `extra`) reads and does not make; and the body with its work arrays."""
    made = Lines(1)
    for space, pools in writer.work.items():
        for pool in pools:
            dims = f"({space}{',' if space and ',' not in space else ''})"
            made.add(f"{pool} = np.empty({dims}, real)")
    for weight, kept in writer.transposed.items():
        made.add(f"{kept} = np.ascontiguousarray({weight}.T)")
    body = "\n".join(x for x in (made.text(), writer.lines.text()) if x)
    head = Lines(1)
    text = body + "\n" + extra

    def need(name: str, value: str) -> None:
        if _uses(text, name):
            head.add(f"{name} = {value}")

    stacks = {s.name: s for s in names.system.stacks}
    parameters = [v for v in names.system.values if v.role in ("parameter", "fixed")]
    for axis in names.system.axes:
        need(f"len_{axis}", f"call.length[{axis!r}]")
    for size, variable in names.size.items():
        need(variable, f"call.sizes[{size!r}]")
    for name in ("batch", "real"):
        need(name, f"call.{name}")
    for v in parameters:
        variable = names.variable(v.name)
        if v.name in stacks:
            need(variable, f"stacked(call.p, {', '.join(repr(n) for n in stacks[v.name].parts)})")
        else:
            need(variable, f"call.p[{v.name!r}]")
    for axis in names.system.axes:
        need(f"length_{axis}", f"call.lengths[{axis!r}].astype(call.real)")
        need(f"last_{axis}", f"call.lengths[{axis!r}] - 1")
        need(f"inside_{axis}", f"np.arange(call.length[{axis!r}])[:, None] < call.lengths[{axis!r}]")
        need(f"position_{axis}", f"np.arange(call.length[{axis!r}])[:, None] + call.begin")
    need("ragged", "call.ragged")
    for axes in past_names(names):
        need("past_" + "_".join(axes), f"call.padding({', '.join(map(repr, axes))})")
    for other in earlier or []:
        for variable in _variables(other):
            need(variable, f"saved[{variable!r}]")
    return head.lines, body
