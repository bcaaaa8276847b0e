"""What forced a shape: the declarations it comes from, to be underlined beside a mismatch."""

from __future__ import annotations

from rnnc.diagnostics import Label
from rnnc.model.drafts import Draft
from rnnc.model.errors_shapes import spelled
from rnnc.model.shapes import KEEPING, is_pointwise, is_scalar

MOST = 3
"""How many declarations a message underlines for one shape."""


def reasons(draft: Draft) -> tuple[Label, ...]:
    """Labels at the declarations that give a draft its shape; none where its own text says it."""
    found: dict[int, Label] = {}
    stack = [draft]
    while stack and len(found) < MOST:
        node = stack.pop()
        slot = node.slot
        if slot is not None:
            if (slot.written or slot.is_unit) and slot.shape is not None and slot.span != draft.span:
                text = f"`{slot.span.text}` has shape {spelled(slot.shape)}"
                found.setdefault(id(slot), Label(slot.span, text))
            continue
        stack.extend(reversed(_givers(node)))
    return tuple(found.values())


def _givers(node: Draft) -> tuple[Draft, ...]:
    """The operands that the shape of an operation follows from."""
    if is_pointwise(node):
        full = [a for a in node.args if a.shape is not None and not is_scalar(a.shape)]
        return tuple(full[:1])
    if node.op in KEEPING or node.op in ("over", "flatten", "transpose", "block", "sparse", "bilinear"):
        return node.args[:1]
    if node.op == "matmul":
        return node.args if node.args[0].shape is not None and len(node.args[0].shape) == 1 else node.args[:1]
    return node.args if node.op in ("concat", "outer") else ()
