"""What a value depends on."""

from __future__ import annotations

from rnnc.system.forms import Equation


def needed(by_out: dict[str, Equation], borders: dict[str, tuple[str, ...]], names: tuple[str, ...]) -> set[str]:
    """The computed values that `names` depend on, themselves included."""
    seen: set[str] = set()
    stack = list(names)
    while stack:
        name = stack.pop()
        if name in seen:
            continue
        seen.add(name)
        stack.extend(borders.get(name, ()))
        if name in by_out:
            stack.extend(r.name for r in by_out[name].reads)
    return {n for n in seen if n in by_out}
