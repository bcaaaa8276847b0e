"""Fill in every shape that follows: up from operands, down from what is declared, from equation to equation
until nothing changes.
"""

from __future__ import annotations

from collections import deque

from rnnc.model.drafts import in_order
from rnnc.model.entities import Equation, Slot
from rnnc.model.resolution import Resolution
from rnnc.model.shapes import down, up


def infer(r: Resolution) -> None:
    """Every shape of a draft and of a slot that anything forces."""
    everything = [*r.equations, *(s.equation for s in r.starts), *r.losses]
    equations = [e for e in everything if e.root is not None]
    readers: dict[int, list[Equation]] = {}
    for equation in equations:
        assert equation.root is not None
        equation.order = in_order(equation.root)
        for slot in _slots(equation):
            readers.setdefault(id(slot), []).append(equation)
    queue = deque(equations)
    waiting = {id(e) for e in equations}
    while queue:
        equation = queue.popleft()
        waiting.discard(id(equation))
        unknown = [s for s in _slots(equation) if s.shape is None]
        _settle(equation)
        for slot in unknown:
            if slot.shape is not None:
                for reader in readers.get(id(slot), []):
                    if id(reader) not in waiting:
                        waiting.add(id(reader))
                        queue.append(reader)


def _slots(equation: Equation) -> list[Slot]:
    found: dict[int, Slot] = {}
    if equation.slot is not None:
        found[id(equation.slot)] = equation.slot
    for draft in equation.order:
        if draft.slot is not None:
            found.setdefault(id(draft.slot), draft.slot)
    return list(found.values())


def _settle(equation: Equation) -> None:
    """One equation, up and down until nothing changes."""
    root = equation.root
    assert root is not None
    left = sum(d.shape is None for d in equation.order) + 1
    while True:
        for draft in equation.order:
            draft.shape = up(draft)
        slot = equation.slot
        if slot is not None and slot.shape is None and root.shape is not None and equation.context.place == "unit":
            slot.shape = root.shape
        if root.shape is None and slot is not None and slot.shape is not None:
            root.shape = slot.shape
        for draft in reversed(equation.order):
            down(draft)
        now = sum(d.shape is None for d in equation.order)
        if now == 0 or now >= left:
            return
        left = now
