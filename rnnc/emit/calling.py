"""What functions of the protocol do before they compute anything: their arguments are checked, and a call is made of
them."""

from __future__ import annotations

from rnnc.emit.lines import Lines
from rnnc.emit.naming import whole
from rnnc.emit.section import start_inputs
from rnnc.emit.starting import needs_of
from rnnc.emit.streaming import Streaming
from rnnc.emit.views import Names
from rnnc.model.forms import Model
from rnnc.system.forms import Ctc, Dropout, System
from rnnc.system.needed import needed

Wanted = tuple[tuple[str, ...], tuple[str, ...]]
"""What is computed, and what of it has to be right where a state goes on."""


def drops(system: System) -> bool:
    """Whether dropout draws masks."""
    return any(isinstance(e.op, Dropout) for e in system.equations)


def check_reduce(lines: Lines) -> None:
    with lines.block('if reduce not in ("mean", "sum"):'):
        lines.add('raise ValueError(f"reduce must be \\"mean\\" or \\"sum\\", found {reduce!r}")')


def check_seed(lines: Lines, function: str, why: str) -> None:
    with lines.block("if seed is None:"):
        text = f"{why}: {function} needs seed=, a whole number"
        lines.add(f"raise ValueError({text!r})")


def learned(names: Names) -> Wanted:
    """What a learning rule wants: every unit and the loss, which alone has to be right."""
    assert names.system.loss is not None
    units = tuple(v.name for v in names.system.values if v.role == "unit")
    return (*units, names.system.loss), (names.system.loss,)


def learning_call(
    lines: Lines, model: Model, names: Names, stream: Streaming, data: str, seeded: bool, call: str = "Call("
) -> None:
    """Makes `call` of the dict `data`; `call` is the text up to the arguments that all rules have."""
    lines.add(f"data = {data}")
    lines.add(f"needs = {needs_text(names, stream, *learned(names))}")
    targets = loss_targets(names)
    if targets:
        with lines.block(f"if all(data.get(name) is None for name in {targets!r}):"):
            lines.add(f'raise ValueError("a target is missing: {", ".join(targets)}")')
    refuse_states(lines, model, stream)
    lines.add(f"call = {call}p, data, lengths, state, needs{', seed=seed' * seeded})")
    check_labels(lines, names)


def loss_targets(names: Names) -> tuple[str, ...]:
    """The targets the losses compare with: what the loss section reads and the outputs do not."""
    system = names.system
    by_out = {e.out: e for e in system.equations}
    if system.loss is None:
        return ()
    cone = needed(by_out, {}, (system.loss,))
    units = {v.name for v in system.values if v.role == "unit"}
    seen: set[str] = set()
    stack = [system.loss]
    while stack:
        name = stack.pop()
        if name in seen or name in units:
            continue
        seen.add(name)
        if name in cone:
            stack.extend(r.name for r in by_out[name].reads)
    return tuple(sorted(v.name for v in system.values if v.role == "target" and v.name in seen))


def refuse_states(lines: Lines, model: Model, stream: Streaming) -> None:
    if stream.refusal is not None:
        with lines.block("if state is not None:"):
            lines.add(f'raise ValueError("`{model.name}` cannot go on from a state: {stream.refusal}")')


def needs_text(names: Names, stream: Streaming, wanted: tuple[str, ...], going_on: tuple[str, ...]) -> str:
    """The inputs that have to be there to compute `wanted`; with a state those without which `going_on` is wrong."""
    needs = needs_of(names, wanted)
    without = needs_going_on(names, wanted, going_on)
    return f"{needs!r}" + (f" if state is None else {without!r}" if needs != without and not stream.refusal else "")


def needs_going_on(names: Names, wanted: tuple[str, ...], going_on: tuple[str, ...]) -> tuple[str, ...]:
    """What starts alone read stands for nothing where a state is given."""
    spared = start_inputs(names)
    inside = needs_of(names, going_on, with_borders=False)
    return tuple(n for n in needs_of(names, wanted) if n in inside or n not in spared)


def check_labels(lines: Lines, names: Names) -> None:
    """The labels of every ctc loss are checked before anything is computed."""
    sizes = {n: f"call.sizes[{n!r}]" for n, _, _ in names.system.sizes}
    for e in names.system.equations:
        if isinstance(e.op, Ctc):
            blank = whole(e.op.blank.spelled(sizes))
            lines.add(f"checked_labels(call, {e.reads[1].name!r}, {e.op.over[1]!r}, {blank}, {e.op.title!r})")
