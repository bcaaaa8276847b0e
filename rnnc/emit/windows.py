"""`truncated_bptt` of the protocol: back-propagation over windows of a sequence."""

from __future__ import annotations

from rnnc.emit.api import loss_targets, needs_text, refuse_states
from rnnc.emit.arguments import KEYWORDS, arguments
from rnnc.emit.lines import Lines
from rnnc.emit.streaming import Streaming
from rnnc.emit.views import Names
from rnnc.learning.rules import Rule
from rnnc.model.forms import Model
from rnnc.system.forms import Dropout

K1, K2 = 10, 20
"""Steps between two windows, and steps of a window: h = 2 h', which Williams and Peng (1990) found to do well."""


def windows(rule: Rule, model: Model, names: Names, stream: Streaming) -> str:
    """The text of `truncated_bptt`."""
    system, lines = names.system, Lines()
    assert system.loss is not None
    data = tuple(d.name for d in (*model.inputs, *model.targets))
    signature, others, given = arguments(data, names.python, (*KEYWORDS, "k1", "k2"))
    units = tuple(v.name for v in system.values if v.role == "unit")
    drops = any(isinstance(e.op, Dropout) for e in system.equations)
    seed = ", seed=None" if drops else ""
    head = f'p, *{signature}, lengths=None, reduce="mean", state=None, k1={K1}, k2={K2}{seed}{others}'
    with lines.block(f"def {rule.name}({head}):"):
        lines.add(f'"""The loss, and {rule.title} ({rule.paper}).')
        lines.add()
        lines.add(
            "Every `k1` steps, and at a sequence's end, the loss of the steps since then goes back over `k2` steps."
        )
        lines.add(f"The gradients lack {rule.drops}.")
        lines.add('"""')
        with lines.block('if reduce not in ("mean", "sum"):'):
            lines.add('raise ValueError(f"reduce must be \\"mean\\" or \\"sum\\", found {reduce!r}")')
        lines.add('k1, k2 = whole_number("k1", k1, 1), whole_number("k2", k2, 1)')
        with lines.block("if k2 < k1:"):
            lines.add('raise ValueError(f"k2 is {k2}; a window has at least the k1 = {k1} steps whose loss goes back")')
        lines.add(f"data = {given}")
        lines.add(f"needs = {needs_text(names, stream, (*units, system.loss), (system.loss,))}")
        targets = loss_targets(names)
        if targets:
            with lines.block(f"if all(data.get(name) is None for name in {targets!r}):"):
                lines.add(f'raise ValueError("a target is missing: {", ".join(targets)}")')
        refuse_states(lines, model, stream)
        if drops:
            with lines.block("if seed is None:"):
                lines.add(f'raise ValueError("`{model.name}` uses dropout: {rule.name} needs seed=, a whole number")')
        lines.add(f"call = Call(p, data, lengths, state, needs{', seed=seed' * drops})")
        lines.add('with np.errstate(all="ignore"):  # an infinity or NaN says so itself; padding must not')
        lines.add("    value, grads, state = over_windows(call, k1, k2, reduce)")
        if stream.refusal is None:
            lines.add("grads.state = state")
        lines.add("return value, grads")
    return lines.text()
