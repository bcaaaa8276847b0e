"""`truncated_bptt` of the protocol: back-propagation over windows of a sequence."""

from __future__ import annotations

from rnnc.emit.arguments import KEYWORDS, arguments
from rnnc.emit.calling import check_reduce, check_seed, drops, learning_call
from rnnc.emit.lines import Lines
from rnnc.emit.streaming import Streaming
from rnnc.emit.views import Names
from rnnc.learning.rules import Rule
from rnnc.model.forms import Model

K1, K2 = 10, 20
"""Steps between two windows, and steps of a window: h = 2 h', which Williams and Peng (1990) found to do well."""


def windows(rule: Rule, model: Model, names: Names, stream: Streaming) -> str:
    """The text of `truncated_bptt`."""
    lines = Lines()
    data = tuple(d.name for d in (*model.inputs, *model.targets))
    signature, others, given = arguments(data, names.python, (*KEYWORDS, "k1", "k2"))
    seed = ", seed=None" if drops(names.system) else ""
    head = f'p, *{signature}, lengths=None, reduce="mean", state=None, k1={K1}, k2={K2}{seed}{others}'
    with lines.block(f"def {rule.name}({head}):"):
        lines.add(f'"""The loss, and {rule.title} ({rule.paper}).')
        lines.add()
        lines.add(
            "Every `k1` steps, and at a sequence's end, the loss of the steps since then goes back over `k2` steps."
        )
        lines.add(f"The gradients lack {rule.drops}.")
        lines.add('"""')
        check_reduce(lines)
        if seed:
            check_seed(lines, rule.name, f"`{model.name}` uses dropout")
        lines.add('k1, k2 = whole_number("k1", k1, 1), whole_number("k2", k2, 1)')
        with lines.block("if k2 < k1:"):
            lines.add('raise ValueError(f"k2 is {k2}; a window has at least the k1 = {k1} steps whose loss goes back")')
        learning_call(lines, model, names, stream, given, bool(seed))
        lines.add('with np.errstate(all="ignore"):  # an infinity or NaN says so itself; padding must not')
        lines.add("    value, grads, state = over_windows(call, k1, k2, reduce)")
        if stream.refusal is None:
            lines.add("grads.state = state")
        lines.add("return value, grads")
    return lines.text()
