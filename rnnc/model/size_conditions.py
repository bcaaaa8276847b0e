"""What the sizes of a network have to fulfil that their defaults alone cannot show: a module's user chooses others."""

from __future__ import annotations

from dataclasses import dataclass

from rnnc.model import forms as m
from rnnc.model.warn import visit
from rnnc.sizes import Shape, Size


@dataclass(frozen=True)
class Slice:
    """Entries `start` up to, not including, `stop` of a vector of `length`, as `text` takes them."""

    text: str
    start: Size
    stop: Size
    length: Size

    def sure(self) -> bool:
        """Whether it lies in its vector whatever the sizes are."""
        ahead = (self.start, self.length - self.stop)
        return _grows(self.stop - self.start) and all(not z.terms or _grows(z) for z in ahead)


def size_conditions(model: m.Model) -> tuple[tuple[Size, ...], tuple[Slice, ...]]:
    """The sizes that may come out broken, zero or negative, divisors before what they divide; and the slices that may
    leave their vector."""
    starts = [u.start for u in model.units if u.start is not None] + [i.start for i in model.input_starts]
    roots = [u.right for u in model.units] + [x.right for x in model.losses]
    roots += [e for start in starts for e in (start.default, *(e for _, e in start.early))]
    nodes = [node for root in roots for node in visit(root)]
    slices = dict.fromkeys(
        Slice(" ".join(node.span.text.split()), *node.ends, node.args[0].type.shape[0])
        for node in nodes
        if isinstance(node, m.Apply) and node.ends is not None
    )
    shapes: list[Shape] = [p.shape for p in model.parameters]
    shapes += [(*d.type.shape, *((d.token,) if d.token is not None else ())) for d in (*model.inputs, *model.targets)]
    shapes += [node.type.shape for node in nodes if not (isinstance(node, m.Apply) and node.ends is not None)]
    wholes = dict.fromkeys(part for shape in shapes for z in shape for part in _parts(z) if not _grows(part))
    return tuple(wholes), tuple(x for x in slices if not x.sure())


def _parts(size: Size) -> tuple[Size, ...]:
    """What a size divides by, then the size."""
    return (*(z for name, inner in size.quotients if name.startswith("(") for z in _parts(inner)), size)


def _grows(size: Size) -> bool:
    """Whether a size is whole and positive for all sizes that are."""
    return bool(size.terms) and all(
        c > 0 and c.denominator == 1 and all(k > 0 for _, k in powers) for powers, c in size.terms
    )
