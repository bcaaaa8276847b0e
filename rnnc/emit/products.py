"""A contraction as a matrix product where it is one, and as an einsum where it is not."""

from __future__ import annotations

from dataclasses import dataclass

from rnnc.autodiff.widened import EACH
from rnnc.emit.views import Names, View, aligned
from rnnc.system.forms import Equation, Pointwise


@dataclass(frozen=True)
class Factor:
    """A view, whether it is a weight (its transpose may be kept), and the sizes' text of its labels."""

    view: View
    weight: bool


def product(
    out: View, target: tuple[str, ...], factors: tuple[Factor, ...], small: bool = False, added: bool = False
) -> list[str]:
    """Lines that put the product of `factors`, summed over the labels `target` lacks, into `out`. `small`: a matrix
    product into an array that is whole in memory, often; there `dot` costs half of what `matmul` does.
    `added`: to what is there already."""
    if any(len(set(f.view.labels)) < len(f.view.labels) for f in factors):  # a diagonal
        return [_einsum(out, target, factors, added)]
    factors = tuple(_without_lone(f, factors, target) for f in factors)
    if len(factors) == 1:
        made = factors[0].view
        if added and len(target) == 1 and len(made.labels) > 1 and made.labels[-1:] == target:
            made = View(f"sum_of_rows({made.text})", target, made.home)
        return [_assign(out, target, _sum(made, target), added)]
    if len(factors) == 2:
        text = _matrix(out, target, factors[0], factors[1], small, added)
        if text is not None:
            return text
        if not added and {*factors[0].view.labels, *factors[1].view.labels} == {*target}:
            one, two = (aligned(f.view, target) for f in factors)
            return [f"np.multiply({one}, {two}, out={out.text})"]
        if EACH in target and not added:
            return _for_each(out, target, *factors)
        if not added and (summed := _inner(target, *(f.view for f in factors))):
            return [_assign(out, target, summed, False)]
    return [_einsum(out, target, factors, added)]


def turned(names: Names, e: Equation) -> bool:
    """Whether an equation makes the transpose of a weight, scaled perhaps, entry by entry."""
    v = names.values[e.out]
    plain = isinstance(e.op, Pointwise) and not v.axes and not v.batched and len(e.dims) == 2
    return plain and any(r.dims == e.dims[::-1] for r in e.reads)


def _for_each(out: View, target: tuple[str, ...], a: Factor, b: Factor) -> list[str]:
    """A product of what stands for many sums side by side: a matrix product at every position and sequence."""
    many, other = (a.view, b.view) if EACH in a.view.labels else (b.view, a.view)
    gone = tuple(x for x in many.labels if x in other.labels and x not in target)
    *lead, row, each = target
    inside = {*many.labels} <= {*lead, *gone, each} and {*other.labels} <= {*lead, row, *gone}
    if len(gone) == 1 and each == EACH and row in other.labels and row not in many.labels and inside:
        left, right = aligned(other, (*lead, row, *gone)), aligned(many, (*lead, *gone, each))
        return [f"np.matmul({left}, {right}, out={out.text})"]
    letters = _letters((*many.labels, *other.labels))
    texts = ("".join(letters[x] for x in labels) for labels in (many.labels, other.labels, target))
    one, two, result = texts
    return [f'{out.text}[...] = contracted("{one},{two}->{result}", {many.text}, {other.text})']


def _inner(target: tuple[str, ...], a: View, b: View) -> View | None:
    """The product of two arrays summed over their last dimension."""
    if a.labels != b.labels or a.labels[:-1] != target:
        return None
    return View(f"inner({a.text}, {b.text})", target, "")


def _letters(labels: tuple[str, ...]) -> dict[str, str]:
    return {x: chr(ord("a") + k) for k, x in enumerate(dict.fromkeys(labels))}


def _assign(out: View, target: tuple[str, ...], made: View, added: bool) -> str:
    if added:
        return f"{out.text}{'' if out.text.isidentifier() else '[...]'} += {aligned(made, target)}"
    return f"{out.text}[...] = {aligned(made, target)}"


def _sum(made: View, target: tuple[str, ...]) -> View:
    gone = tuple(k for k, label in enumerate(made.labels) if label not in target)
    text = made.text
    labels = [label for label in made.labels if label in target]
    if gone:
        axis = gone[0] if len(gone) == 1 else gone
        text = f"{text}.sum(axis={axis})"
    return View(text, tuple(labels), made.home)


def _without_lone(f: Factor, factors: tuple[Factor, ...], target: tuple[str, ...]) -> Factor:
    """Sum a factor first over labels that nothing else has."""
    if len(factors) == 1:
        return f
    others = {x for g in factors if g is not f for x in g.view.labels}
    lone = tuple(k for k, x in enumerate(f.view.labels) if x not in others and x not in target)
    if not lone:
        return f
    labels = tuple(x for k, x in enumerate(f.view.labels) if k not in lone)
    return Factor(View(f"{f.view.text}.sum(axis={lone})", labels, f.view.home), False)


def _matrix(out: View, target: tuple[str, ...], a: Factor, b: Factor, small: bool, added: bool) -> list[str] | None:
    """One matrix product, where the labels fall into rows, columns and a common sum."""
    left, right = a.view.labels, b.view.labels
    shared = [x for x in left if x in right]
    if any(x in target for x in shared) or not shared:
        return None
    rows_a = [x for x in left if x not in shared]
    rows_b = [x for x in right if x not in shared]
    if list(target) == rows_a + rows_b:
        first, second, rows, columns = a, b, rows_a, rows_b
    elif list(target) == rows_b + rows_a:
        first, second, rows, columns = b, a, rows_b, rows_a
    else:
        return None
    one = _flat(first.view, rows, shared, rows_first=True)
    two = _flat(second.view, columns, shared, rows_first=False)
    if one is None or two is None:
        return None
    if added:
        shape = "" if len(rows) == len(columns) == 1 else f".reshape({out.text}.shape)"
        return [_assign(out, target, View(f"({one} @ {two}){shape}" if shape else f"{one} @ {two}", target, ""), True)]
    if len(rows) == 1 and len(columns) == 1:
        return [f"{one}.dot({two}, out={out.text})" if small else f"np.matmul({one}, {two}, out={out.text})"]
    if len(rows) >= 2 and len(columns) == 1 and columns[0] == target[-1]:
        return [f"matmul_into({one}, {two}, {out.text})"]
    return [f"{out.text}[...] = np.matmul({one}, {two}).reshape({out.text}.shape)"]


def _flat(made: View, free: list[str], shared: list[str], rows_first: bool) -> str | None:
    """The view as a matrix (free, shared), or (shared, free), of two dimensions (or one, where nothing is free)."""
    labels = list(made.labels)
    order = sorted(shared, key=labels.index)
    if order != shared:
        return None
    if not free:
        return made.text if len(shared) == 1 else f"{made.text}.reshape(-1)"
    wanted = free + shared if rows_first else shared + free
    turned = shared + free if rows_first else free + shared
    text = made.text
    if labels == wanted:
        return text if len(labels) == 2 else _rows(text, len(free if rows_first else shared), labels)
    if labels == turned:
        if len(labels) == 2:
            return f"{text}.T"
        return f"{_rows(text, len(shared if rows_first else free), labels)}.T"
    order_text = ", ".join(str(labels.index(x)) for x in wanted)
    return _rows(f"{text}.transpose({order_text})", len(free if rows_first else shared), labels)


def _rows(text: str, count: int, labels: list[str]) -> str:
    return f"as_matrix({text}, {count})"


def _einsum(out: View, target: tuple[str, ...], factors: tuple[Factor, ...], added: bool) -> str:
    letters: dict[str, str] = {}

    def spell(labels: tuple[str, ...]) -> str:
        return "".join(letters.setdefault(x, chr(ord("a") + len(letters))) for x in labels)

    left = ",".join(spell(f.view.labels) for f in factors)
    present = [x for x in target if x in letters]
    right = "".join(letters[x] for x in present)
    texts = ", ".join(f.view.text for f in factors)
    optimize = ", optimize=True" if len(factors) > 2 else ""
    text = f'np.einsum("{left}->{right}", {texts}{optimize})'
    return _assign(out, target, View(text, tuple(present), ""), added)
