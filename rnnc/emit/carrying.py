"""What a state hands on: the last rows of a value, and where they stand in the next call."""

from __future__ import annotations

from rnnc.emit.views import Names


def beside(names: Names, name: str) -> str:
    """The index of what lies inside the sequence along the axes behind the first."""
    inner = names.extents(name)[1:]
    return "".join(f", {e.low}:{e.low} + {names.length(e.axis)}" if e.low or e.high else ", :" for e in inner)


def last_carried(names: Names, name: str, own: int, low: int) -> str:
    """The last `low` of the `own` rows of a value that a state has, or all of them."""
    rows = f'call.carried("{name}"){names.in_blocks(name, f"{own}, batch, ")}'
    return rows + (f"[{own - low}:]" if own > low else "")


def last_rows(names: Names, name: str, low: int, array: str) -> str:
    """The last `low` positions of a value that lies in `array`: its buffer may have more rows before the first."""
    more = names.extents(name)[0].low - low
    (axis,) = names.values[name].axes
    return f"last_rows({array}{f'[{more}:]' if more else ''}, {low}, call.lengths[{axis!r}])"
