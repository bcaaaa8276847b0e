"""The text of `start`: the state before the first step."""

from __future__ import annotations

from typing import NamedTuple

from rnnc.emit.arguments import arguments
from rnnc.emit.lines import Lines
from rnnc.emit.section import SectionWriter
from rnnc.emit.streaming import Streaming
from rnnc.emit.unpacking import unpacked
from rnnc.emit.views import Names
from rnnc.program.forms import Given, Kernel, Loop, Program, Run, Section, Statement, Step, equations
from rnnc.system.forms import Role
from rnnc.system.needed import needed

DATA: tuple[Role, Role] = ("input", "target")


def needs_of(names: Names, wanted: tuple[str, ...], with_borders: bool = True, role: Role = "input") -> tuple[str, ...]:
    """The inputs (or what has another role) that computing `wanted` reads."""
    system = names.system
    by_out = {e.out: e for e in system.equations}
    borders = {b.name: b.reads() for b in system.borders} if with_borders else {}
    inside = needed(by_out, borders, wanted)
    read = {r.name for n in inside for r in by_out[n].reads} | {
        b for n in (*inside, *wanted) for b in borders.get(n, ())
    }
    for name in list(read):
        read |= set(borders.get(name, ()))
        for border in borders.get(name, ()):
            read |= set(needs_of(names, (border,), role=role)) if border in by_out else {border}
    return tuple(sorted(v.name for v in system.values if v.role == role and v.name in read))


def kept(body: tuple[Statement, ...], wanted: set[str]) -> tuple[Statement, ...]:
    """The statements that make `wanted`."""
    result: list[Statement] = []
    for s in body:
        if isinstance(s, Kernel):
            inside = tuple(e for e in s.equations if e.out in wanted)
            if inside:
                result.append(Kernel(inside))
        elif isinstance(s, Step):
            if s.equation.out in wanted:
                result.append(s)
        elif isinstance(s, Run):
            inner = tuple(x for x in kept(s.body, wanted) if isinstance(x, Kernel | Step))
            result += [Run(inner)] if inner else []
        elif isinstance(s, Loop | Given) and any(e.out in wanted for e in equations((s,))):
            result.append(s)
    return tuple(result)


class StartArguments(NamedTuple):
    """`wanted` stands before the first step of what is carried, `read` is what starts read; `start` takes the `inputs`,
    all of them, and the `targets`, missing where they are not passed."""

    wanted: tuple[str, ...]
    read: tuple[str, ...]
    inputs: tuple[str, ...]
    targets: tuple[str, ...]


def start_arguments(names: Names, stream: Streaming) -> StartArguments:
    """What the text of `start` hangs on."""
    system = names.system
    by_out = {e.out: e for e in system.equations}
    borders = {b.name: b for b in system.borders}
    wanted = tuple(sorted({n for s in stream.states if s in borders for n in borders[s].reads()}))
    units = tuple(v.name for v in system.values if v.role == "unit")
    loss = (system.loss,) if system.loss is not None else ()
    run = needed(by_out, {b.name: b.reads() for b in system.borders}, (*units, *loss))
    reached = {*run, *(r.name for n in run for r in by_out[n].reads)}
    read = tuple(sorted({n for b in system.borders if b.name in reached for n in b.reads()}))
    given = [
        tuple(sorted({*needs_of(names, read, role=role), *(n for n in read if names.values[n].role == role)}))
        for role in DATA
    ]
    return StartArguments(wanted, read, *given)


def start(program: Program, names: Names, stream: Streaming) -> str:
    """The text of `start`, which computes what stands before the first step."""
    system = program.system
    by_out = {e.out: e for e in system.equations}
    wanted, read, inputs, targets = start_arguments(names, stream)
    inside = needed(by_out, {b.name: b.reads() for b in system.borders}, wanted)
    body = tuple(x for s in program.sections for x in kept(s.body, inside))
    writer = SectionWriter(names, Section("forward", body, tuple(inside)), frozenset())
    writer.write()
    returned = " ".join(names.variable(n) for n in wanted)
    lines = Lines()
    signature, others, given = arguments((*inputs, *targets), names.python)
    with lines.block(f"def start(p, batch=None{', *' if signature else ''}{signature}{others}):"):
        lines.add(
            '"""The state before the first step: arrays (batch, ...) by name; without `batch`, of one sequence."""'
        )
        opened(lines, bool(read), given, inputs, stream.one_step)
        for name in wanted:
            writer.given(name)
        head, text = unpacked(names, writer, f"{returned} lead")
        for line in (*head, *text.split("\n")):
            if line.strip():
                lines.lines.append(line)
        for size, variable in names.size.items():
            if any(size in z.names for n in stream.states for z in names.values[n].shape) and not any(
                line.strip().startswith(f"{variable} = ") for line in lines.lines
            ):
                lines.add(f"{variable} = sizes[{size!r}]")
        _rows(names, stream, lines)
    return lines.text()


def opened(lines: Lines, computed: bool, given: str, inputs: tuple[str, ...], one_step: str, seeded: str = "") -> None:
    """What the function knows of its arguments: sizes, dtype, batch; `seeded` hands a seed on."""
    with lines.block("if batch is not None:"):
        lines.add('batch = whole_number("batch", batch, 1)')
    if not computed:
        lines.add("sizes = sizes_of(p, {})")
        lines.add("p, real = checked_parameters(p, sizes)")
        lines.add("lead = () if batch is None else (batch,)")
    else:
        lines.add(f"call = Call(p, {given}, {one_step}, None, {inputs!r}{seeded})")
        with lines.block("if call.batch == 1 and batch is not None and not call.data:"):
            lines.add("call.batch = batch")
        with lines.block("elif call.data and batch not in (None, call.batch):"):
            lines.add('raise ValueError(f"batch is {batch}, the inputs have {call.batch} sequences")')
        lines.add("lead = (call.batch,) if call.batched or batch is not None else ()")
        lines.add("sizes = call.sizes")
        lines.add("real = call.real")


def _rows(names: Names, stream: Streaming, lines: Lines) -> None:
    """An array for every value that is carried, filled with its start."""
    borders = {b.name: b for b in names.system.borders}
    lines.add("state = {}")
    for name, low in zip(stream.states, stream.low, strict=True):
        v = names.values[name]
        shape = "".join(f", {names.size_text(z)}" for z in v.shape)
        rows = f"{low}, " if low > 1 else ""
        kind = "real" if v.kind == "real" else "np.int64"
        lines.add(f"state[{name!r}] = np.zeros(({rows}*lead{shape},), {kind})")
        border = borders.get(name)
        if border is None:
            continue
        if border.default is not None:
            lines.add(f"state[{name!r}][...] = {one(names, border.default)}")
        for k, e in border.early:
            place = f"state[{name!r}]" + (f"[{low - k}]" if low > 1 else "")
            if k <= low:
                lines.add(f"{place}[...] = {'0.0' if e is None else one(names, e)}")
    if stream.counter is not None:
        lines.add(f"state[{stream.counter!r}] = np.zeros(lead, real)")
    lines.add("return state")


def one(names: Names, name: str) -> str:
    """A border's value for the state: without the batch where the caller has none."""
    variable = names.variable(name)
    return f"({variable} if lead else {variable}[0])" if names.values[name].batched else variable
