"""The functions of the protocol that differ from network to network: forward, bptt, start, step."""

from __future__ import annotations

from rnnc.emit.arguments import Arguments, arguments, passed_as, returned_as
from rnnc.emit.lines import Lines
from rnnc.emit.starting import needs_of, start
from rnnc.emit.streaming import Streaming
from rnnc.emit.views import Names
from rnnc.model.forms import Model
from rnnc.program.forms import Program
from rnnc.program.sections import needed


def api(model: Model, program: Program, names: Names, stream: Streaming) -> str:
    """Text of the public functions."""
    parts = [_observed(model, names), _forward(model, program, names, stream)]
    if program.system.loss is not None:
        parts.append(_bptt(model, program, names, stream))
    if stream.refusal is None:
        parts.append(_state(names, stream))
        parts.append(start(program, names, stream))
        parts.append(_step(model, program, names))
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


def _loss_targets(names: Names) -> tuple[str, ...]:
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


def _forward(model: Model, program: Program, names: Names, stream: Streaming) -> str:
    signature, others, given = _data(model, names)
    system = program.system
    units = tuple(v.name for v in system.values if v.role == "unit")
    outputs = model.outputs or units
    loss = next(s for s in program.sections if s.name == "loss")
    targets = _loss_targets(names)
    lines = Lines()
    also = "" if system.loss is None else ", and `loss` once its targets are given"
    with lines.block(f"def forward(p, *{signature}, lengths=None, observe=(), state=None{others}):"):
        lines.add(f'"""The outputs of `{model.name}` by name{also}.')
        lines.add()
        for text in _arguments(model):
            lines.add(text)
        lines.add("lengths: (batch,) or a whole number, a dict by axis where there are several; observe: more units.")
        lines.add("Raises ValueError, in the names of the spec, for wrong shapes, dtypes, lengths or tokens.")
        lines.add('"""')
        lines.add(f"data = {given}")
        needs, without = needs_of(names, outputs), needs_of(names, outputs, with_borders=False)
        if needs != without:
            lines.add(f"needs = {needs!r} if state is None else {without!r}")
        else:
            lines.add(f"needs = {needs!r}")
        if stream.refusal is not None:
            with lines.block("if state is not None:"):
                lines.add(f'raise ValueError("`{model.name}` cannot go on from a state: {stream.refusal}")')
        lines.add("call = Call(p, data, lengths, state, needs)")
        lines.add('with np.errstate(all="ignore"):  # an infinity or NaN says so itself; padding must not')
        lines.add("    saved = _forward(call)")
        if loss.body:
            every = tuple(sorted({*needs_of(names, (*units, *((system.loss,) if system.loss else ())))}))
            forward = next(s for s in program.sections if s.name == "forward")
            rest = tuple(u for u in units if u in loss.values)
            conditions = [f"name in call.data for name in {(*every, *targets)!r}"]
            text = f"all({conditions[0]})" if (*every, *targets) else "True"
            if not stream.refusal and needs != without:
                spared = tuple(n for n in needs if n not in without)
                lines.add(f"spared = () if state is None else {spared!r}")
                text = f"all(name in call.data or name in spared for name in {(*every, *targets)!r})"
            lines.add(f"complete = {text}")
            wanted = f"any(name in {rest!r} for name in observe)" if rest else ""
            with lines.block(f"if complete{' or ' + wanted if wanted else ''}:"):
                lines.add('with np.errstate(all="ignore"):')
                lines.add("    saved |= _loss(call, saved)")
            del forward
        lines.add("out = {name: _observed(call, saved, name) for name in dict.fromkeys((*OUTPUTS, *observe))}")
        for name in (u for u in units if returned_as(u) != u):
            with lines.block(f"if {name!r} in out:"):
                lines.add(f"out[{returned_as(name)!r}] = out.pop({name!r})")
        if system.loss is not None:
            variable = names.variable(system.loss)
            head = "if complete:" if loss.body else "if True:"
            with lines.block(head):
                lines.add(f'out["loss"] = call.give(saved[{variable!r}])')
        if stream.refusal is None:
            lines.add('out["state"] = _state(call, saved)')
        lines.add("return out")
    return lines.text()


def _bptt(model: Model, program: Program, names: Names, stream: Streaming) -> str:
    signature, others, given = _data(model, names)
    system = program.system
    assert system.loss is not None
    units = tuple(v.name for v in system.values if v.role == "unit")
    needs = needs_of(names, (*units, system.loss))
    without = needs_of(names, (*units, system.loss), with_borders=False)
    targets = _loss_targets(names)
    real = tuple(n for n, _ in system.gradients if names.values[n].role == "input")
    loss = next(s for s in program.sections if s.name == "loss")
    lines = Lines()
    drops = any("call.mask(" in x for x in _dropouts(program))
    seed = ", seed=None" if drops else ""
    with lines.block(f'def bptt(p, *{signature}, lengths=None, wrt=(), reduce="mean", state=None{seed}{others}):'):
        lines.add('"""The loss and its gradients by back-propagation through time: (value, grads), grads named like p.')
        lines.add()
        lines.add(
            'wrt: inputs to differentiate by as well; reduce: "mean" or "sum" over the batch; the rest as in forward.'
        )
        lines.add("`grads.flat` is the one buffer of them, in the order of `p.flat`.")
        lines.add('"""')
        with lines.block('if reduce not in ("mean", "sum"):'):
            lines.add('raise ValueError(f"reduce must be \\"mean\\" or \\"sum\\", found {reduce!r}")')
        lines.add("wrt = (wrt,) if isinstance(wrt, str) else tuple(wrt)")
        with lines.block("for name in wrt:"), lines.block(f"if name not in {real!r}:"):
            lines.add(
                f'raise ValueError(f"wrt names `{{name}}`; the inputs with a gradient are {", ".join(real) or "none"}")'
            )
        lines.add(f"data = {given}")
        lines.add(f"needs = {needs!r}" + (f" if state is None else {without!r}" if needs != without else ""))
        if targets:
            with lines.block(f"if all(data.get(name) is None for name in {targets!r}):"):
                lines.add(f'raise ValueError("a target is missing: {", ".join(targets)}")')
        if stream.refusal is not None:
            with lines.block("if state is not None:"):
                lines.add(f'raise ValueError("`{model.name}` cannot go on from a state: {stream.refusal}")')
        lines.add(f"call = Call(p, data, lengths, state, needs{', seed' if drops else ''})")
        lines.add('with np.errstate(all="ignore"):  # an infinity or NaN says so itself; padding must not')
        lines.add("    saved = _forward(call)")
        if loss.body:
            lines.add('with np.errstate(all="ignore"):')
            lines.add("    saved |= _loss(call, saved)")
        lines.add(f"loss = saved[{names.variable(system.loss)!r}]")
        lines.add('value = loss.mean() if reduce == "mean" else loss.sum()')
        lines.add("grads = Parameters(call.sizes, call.real)")
        if stream.refusal is None:
            lines.add("grads.state = _state(call, saved)")
        lines.add('share = 1.0 / call.batch if reduce == "mean" else 1.0')
        lines.add('with np.errstate(all="ignore"):')
        lines.add("    _backward(call, saved, np.full(call.batch, share, call.real), wrt, grads)")
        lines.add("return value, grads")
    return lines.text()


def _dropouts(program: Program) -> list[str]:
    from rnnc.system.forms import Dropout

    return ["call.mask(" for e in program.system.equations if isinstance(e.op, Dropout)]


def _state(names: Names, stream: Streaming) -> str:
    lines = Lines()
    with lines.block("def _state(call, saved):"):
        lines.add('"""What the next step or chunk reads of this one: the last positions of each sequence."""')
        lines.add("state = {}")
        loss = next(s.values for s in names.program.sections if s.name == "loss")
        for name, low in zip(stream.states, stream.low, strict=True):
            rows = f"last_rows(saved[{names.variable(name)!r}], {low}, call.lengths[{names.system.axes[0]!r}])"
            if name in loss:
                with lines.block(f"if {names.variable(name)!r} in saved:"):
                    lines.add(f"state[{name!r}] = {rows}")
            else:
                lines.add(f"state[{name!r}] = {rows}")
        with lines.block("if not call.batched:"):
            lines.add("state = {name: a[:, 0] if STATES[name][0] > 1 else a[0] for name, a in state.items()}")
        if stream.positions:
            axis = names.system.axes[0]
            lines.add(f'state["position"] = call.begin + call.lengths[{axis!r}]')
        lines.add("return state")
    return lines.text()


def _step(model: Model, program: Program, names: Names) -> str:
    signature, others, given = _data(model, names)
    axis = model.axes[0]
    stepping = tuple(d.name for d in (*model.inputs, *model.targets) if d.type.axes)
    lines = Lines()
    with lines.block(f"def step(p, state{', *' if signature else ''}{signature}{others}):"):
        lines.add(
            f'"""One step of axis `{axis}`: (outputs, next state). Arrays are those of `forward` less the axis."""'
        )
        lines.add(f"data = {given}")
        lines.add(f"stepping = {stepping!r}")
        lines.add("data = {name: a for name, a in data.items() if a is not None}")
        lines.add("data = {name: np.asarray(a)[None] if name in stepping else a for name, a in data.items()}")
        renamed = passed_as(tuple(d.name for d in (*model.inputs, *model.targets)), names.python)
        if renamed:
            lines.add(f"data = {{{renamed!r}.get(name, name): a for name, a in data.items()}}")
        lines.add("out = forward(p, **data, lengths=1, state=state)")
        lines.add('state = out.pop("state")')
        units = {v.name: v for v in names.system.values if v.role == "unit"}
        moving = tuple(returned_as(n) for n in (*model.outputs, *units) if units[n].axes)
        lines.add(f"moving = {tuple(dict.fromkeys(moving))!r}")
        lines.add("return {name: a[0] if name in moving else a for name, a in out.items()}, state")
    return lines.text()
