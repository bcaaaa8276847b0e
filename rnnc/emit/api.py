"""The functions of the protocol that differ from network to network: forward, bptt, start, step."""

from __future__ import annotations

from contextlib import nullcontext

from rnnc.emit.arguments import Arguments, arguments, returned_as
from rnnc.emit.calling import (
    check_labels,
    check_reduce,
    check_seed,
    drops,
    learning_call,
    loss_targets,
    needs_going_on,
    needs_text,
    refuse_states,
)
from rnnc.emit.carrying import last_rows
from rnnc.emit.generate import generate
from rnnc.emit.lines import Lines
from rnnc.emit.section import start_inputs
from rnnc.emit.starting import needs_of, start
from rnnc.emit.streaming import Streaming
from rnnc.emit.views import Names
from rnnc.model.forms import Model
from rnnc.program.forms import Program, equations
from rnnc.program.seed import reads_seed
from rnnc.system.stepping import label_axes, stepped


def api(model: Model, program: Program, names: Names, stream: Streaming, checkpoints: bool = False) -> str:
    """Text of the public functions; with `checkpoints`, `bptt` runs in pieces."""
    parts = [_observed(model, names), _forward(model, names, stream), _run(model, program, names, stream)]
    if program.system.loss is not None:
        parts.append(_bptt(model, program, names, stream, checkpoints))
    if stream.refusal is None:
        parts.append(_state(names, stream))
        parts.append(start(program, names, stream))
        parts.append(_step(model, names, stream))
        if model.feedbacks:
            parts.append(generate(model, names))
    return "\n\n\n".join(parts)


def _data(model: Model, names: Names) -> Arguments:
    return arguments(tuple(d.name for d in (*model.inputs, *model.targets)), names.python)


def _named(model: Model, names: Names) -> str:
    if not _data(model, names).others:
        return ""
    lines = Lines()
    with lines.block("def named(others):"):
        lines.add('"""Arguments whose names Python or this module has taken: passed as `**{name: array}`."""')
        with lines.block("for name in others:"), lines.block("if name not in (*INPUTS, *TARGETS):"):
            lines.add('raise TypeError(f"unexpected argument {name!r}")')
        lines.add("return others")
    return lines.text() + "\n\n\n"


def _arguments(model: Model) -> list[str]:
    lines = []
    for d in (*model.inputs, *model.targets):
        axes = [f"len_{a}" for a in d.type.axes]
        shape = ", ".join([*axes, "batch", *(str(z) for z in d.type.shape)])
        kind = f"tokens 0..{d.token}-1" if d.token is not None else "real"
        lines.append(f"{d.name}: {d.role}, ({shape}), {kind}; without the batch, less that dimension")
    return lines


def _observed(model: Model, names: Names) -> str:
    lines = Lines()
    with lines.block("def _observed(call, saved, name):"):
        lines.add('"""A unit as the caller sees it."""')
        for v in sorted((v for v in names.system.values if v.role == "unit"), key=lambda v: v.name):
            rows = names.extents(v.name)
            cut = ""
            if any(e.low or e.high for e in rows):
                cut = "[" + ", ".join(f"{e.low}:{e.low} + call.length[{e.axis!r}]" for e in rows) + "]"
            axes = "".join(f", {a!r}" for a in v.axes)
            with lines.block(f"if name == {v.name!r}:"):
                lines.add(f"return call.give(saved[{names.variable(v.name)!r}]{cut}{axes})")
        lines.add("raise ValueError(f\"network `{NAME}` has no unit `{name}`; its units are {', '.join(UNITS)}\")")
    return _named(model, names) + lines.text()


def _forward(model: Model, names: Names, stream: Streaming) -> str:
    signature, others, given = _data(model, names)
    lines = Lines()
    also = "" if names.system.loss is None else ", and `loss` once its targets are given"
    with lines.block(f"def forward(p, *{signature}, lengths=None, observe=(), state=None{others}):"):
        lines.add(f'"""The outputs of `{model.name}` by name{also}.')
        lines.add()
        for text in _arguments(model):
            lines.add(text)
        lines.add("lengths: (batch,) or a whole number, a dict by axis where there are several; observe: more units.")
        lines.add("Raises ValueError, in the names of the spec, for wrong shapes, dtypes, lengths or tokens.")
        lines.add('"""')
        lines.add(f"return _run(p, {given}, lengths, observe, state)")
    return lines.text()


def _run(model: Model, program: Program, names: Names, stream: Streaming) -> str:
    """What `forward` and `step` share."""
    system = program.system
    units = tuple(v.name for v in system.values if v.role == "unit")
    loss = next(s for s in program.sections if s.name == "loss")
    lines = Lines()
    with lines.block(f"def _run(p, data, lengths, observe, state{', stepping=False' * (stream.refusal is None)}):"):
        lines.add('"""The outputs, the loss once its targets are given, the units of `observe` and the next state."""')
        lines.add("units = named_units(observe)")
        refuse_states(lines, model, stream)
        lines.add(f"needs = {needs_text(names, stream, model.outputs or units, model.outputs)}")
        further = _further(lines, model, names, stream) if loss.body else ""
        if stream.refusal is None:
            _observed_needs(lines, model, names)
        carries = ", carries" if _carries_more(names, stream) else ""
        stepping = ", stepping=stepping" * (stream.refusal is None)
        lines.add(f"call = Call(p, data, lengths, state, needs{carries}{stepping})")
        check_labels(lines, names)
        lines.add('with np.errstate(all="ignore"):  # an infinity or NaN says so itself; padding must not')
        lines.add("    saved = _forward(call)")
        if loss.body:
            with lines.block(f"if {further}:"), lines.block('with np.errstate(all="ignore"):'):
                lines.add("saved |= _loss(call, saved)")
        lines.add("out = {name: _observed(call, saved, name) for name in dict.fromkeys((*OUTPUTS, *units))}")
        for name in (u for u in units if returned_as(u) != u):
            with lines.block(f"if {name!r} in out:"):
                lines.add(f"out[{returned_as(name)!r}] = out.pop({name!r})")
        if system.loss is not None:
            condition = lines.block("if complete:") if loss.body else nullcontext()
            with condition:
                lines.add(f'out["loss"] = call.give(saved[{names.variable(system.loss)!r}])')
        if stream.refusal is None:
            lines.add('out["state"] = _state(call, saved)')
        lines.add("return out")
    return lines.text()


def _further(lines: Lines, model: Model, names: Names, stream: Streaming) -> str:
    """Whether the loss, and the units that the outputs do not read, can be computed and are asked for: a condition."""
    system = names.system
    units = tuple(v.name for v in system.values if v.role == "unit")
    loss = next(s for s in names.program.sections if s.name == "loss")
    rest = tuple(u for u in units if u in loss.values)
    loss_of = (system.loss,) if system.loss is not None else ()
    needs = needs_text(names, stream, model.outputs or units, model.outputs)
    every = needs_text(names, stream, (*units, *loss_of), (*model.outputs, *loss_of))
    known = "needs"
    if every != needs:
        known = "every"
        lines.add(f"every = {every}")
    if system.loss is not None:
        asked = f"(*{known}, {', '.join(map(repr, loss_targets(names)))})"
        lines.add(f"complete = all(data.get(name) is not None for name in {asked})")
    further = "complete" if system.loss is not None else "further"
    if rest:
        also = "complete or " if system.loss is not None else ""
        further = "further"
        lines.add(f"further = {also}any(name in {rest!r} for name in units)")
    if every != needs:
        with lines.block(f"if {further}:"):
            lines.add("needs = every")
    if _carries_more(names, stream):
        later = _later(names)
        less = tuple(n for n, _ in stream.carried if n not in later)
        lines.add(f"carries = tuple(STATES) if {further} else {less!r}")
    return further


def _carries_more(names: Names, stream: Streaming) -> bool:
    """Whether a state has values that only the loss, or a unit that no output reads, goes on from."""
    return bool(_later(names) & set(stream.states))


def _later(names: Names) -> frozenset[str]:
    """What the forward part neither makes nor reads."""
    forward = next(s for s in names.program.sections if s.name == "forward")
    seen = {*forward.values, *(r.name for e in equations(forward.body) for r in e.reads)}
    return frozenset(v.name for v in names.system.values if v.name not in seen)


def _observed_needs(lines: Lines, model: Model, names: Names) -> None:
    """With a state, a unit that only starts read has no inputs to be computed from, unless they are asked for."""
    units = tuple(sorted(v.name for v in names.system.values if v.role == "unit"))
    enough = needs_going_on(names, model.outputs or units, model.outputs)
    left = any(v.role == "input" and v.name not in enough for v in names.system.values)
    asking = units if left else ()
    more = {u: tuple(n for n in needs_of(names, (u,), with_borders=False) if n not in enough) for u in asking}
    more = {u: inputs for u, inputs in more.items() if inputs and set(inputs) & start_inputs(names)}
    if more:
        with lines.block("if state is not None:"):
            lines.add(f"reads = {more!r}")
            lines.add("needs = (*needs, *(name for unit in units for name in reads.get(unit, ())))")


def _bptt(model: Model, program: Program, names: Names, stream: Streaming, checkpoints: bool) -> str:
    signature, others, given = _data(model, names)
    system = program.system
    assert system.loss is not None
    real = tuple(n for n, _ in system.gradients if names.values[n].role == "input")
    loss = next(s for s in program.sections if s.name == "loss")
    lines = Lines()
    seed = ", seed=None" if drops(system) else ""
    with lines.block(f'def bptt(p, *{signature}, lengths=None, wrt=(), reduce="mean", state=None{seed}{others}):'):
        lines.add('"""The loss and its gradients by back-propagation through time: (value, grads), grads named like p.')
        lines.add()
        lines.add(
            'wrt: inputs to differentiate by as well; reduce: "mean" or "sum" over the batch; the rest as in forward.'
        )
        lines.add("`grads.flat` is the one buffer of them, in the order of `p.flat`.")
        lines.add('"""')
        check_reduce(lines)
        if seed:
            check_seed(lines, "bptt", f"`{model.name}` uses dropout")
        lines.add("wrt = (wrt,) if isinstance(wrt, str) else tuple(wrt)")
        with lines.block("for name in wrt:"), lines.block(f"if name not in {real!r}:"):
            lines.add(f'raise ValueError(f"wrt names `{{name}}`; inputs with a gradient: {", ".join(real) or "none"}")')
        learning_call(lines, model, names, stream, given, bool(seed))
        lines.add('with np.errstate(all="ignore"):  # an infinity or NaN says so itself; padding must not')
        if checkpoints:
            lines.add("    value, grads, state = in_checkpoints(call, wrt, reduce)")
            if stream.refusal is None:
                lines.add("grads.state = state")
            lines.add("return value, grads")
            return lines.text()
        lines.add("    saved = _forward(call)")
        if loss.body:
            lines.add('with np.errstate(all="ignore"):')
            lines.add("    saved |= _loss(call, saved)")
        lines.add(f"loss = saved[{names.variable(system.loss)!r}]")
        lines.add('value = loss.mean() if reduce == "mean" else loss.sum()')
        lines.add("grads = Parameters(call.sizes, call.real)")
        if stream.refusal is None:
            lines.add("grads.state = _state(call, saved)")
        lines.add('with np.errstate(all="ignore"):')
        seed = ", np.ones(call.batch, call.real)" if reads_seed(system) else ""
        lines.add(f"    _backward(call, saved{seed}, wrt, grads)")
        with lines.block('if reduce == "mean" and call.batch > 1:'):
            lines.add("grads.flat *= 1.0 / call.batch")
            if real:
                with lines.block("for name in {*wrt}:"):
                    lines.add("grads[name] *= 1.0 / call.batch")
        lines.add("return value, grads")
    return lines.text()


def _state(names: Names, stream: Streaming) -> str:
    lines = Lines()
    with lines.block("def _state(call, saved):"):
        lines.add('"""What the next step or chunk reads of this one: the last positions of each sequence."""')
        lines.add("state = {}")
        later = _later(names)
        for name, low in stream.reach.items():
            rows = last_rows(names, name, low, f"saved[{names.variable(name)!r}]")
            if name in later:
                with lines.block(f"if {names.variable(name)!r} in saved:"):
                    lines.add(f"state[{name!r}] = {rows}")
            else:
                lines.add(f"state[{name!r}] = {rows}")
        if stream.counter is not None:
            lines.add(f"state[{stream.counter!r}] = call.begin + call.lengths[{stream.counter!r}]")
        with lines.block("if not call.batched:"):
            lines.add("state = {name: a[:, 0] if STATES[name] > 1 else a[0] for name, a in state.items()}")
        lines.add("return state")
    return lines.text()


def _step(model: Model, names: Names, stream: Streaming) -> str:
    labels = label_axes(names.system)
    data = (d for d in (*model.inputs, *model.targets) if not set(d.type.axes) & set(labels))
    signature, others, given = arguments(tuple(d.name for d in data), names.python)
    (axis,) = stepped(names.system)
    lines = Lines()
    with lines.block(f"def step(p, state{', *' if signature else ''}{signature}{others}):"):
        lines.add(
            f'"""One step of axis `{axis}`: (outputs, next state). Arrays are those of `forward` less the axis."""'
        )
        lines.add(f"out = _run(p, {given}, {stream.one_step}, (), state, stepping=True)")
        lines.add('return out, out.pop("state")')
    return lines.text()
