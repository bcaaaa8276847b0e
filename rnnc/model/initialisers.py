"""The initialisers by name: how many numbers each takes, and what arrays it suits."""

from __future__ import annotations

from rnnc.diagnostics import Edit, Help
from rnnc.frontend import syntax
from rnnc.model.entities import Scope
from rnnc.model.errors_shapes import BadInit
from rnnc.model.forms import Init
from rnnc.model.resolution import Resolution
from rnnc.model.sizing import number_of
from rnnc.sizes import Shape, show_shape
from rnnc.suggest import suggest

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "zeros": (),
    "ones": (),
    "constant": ("v",),
    "uniform": ("a", "b"),
    "normal": ("s",),
    "glorot": (),
    "he": (),
    "orthogonal": (),
    "identity": (),
    "sparse": ("density", "radius"),
}


def initialiser(expr: syntax.Expr, scope: Scope, r: Resolution) -> Init | None:
    """`ones`, `uniform(-0.5, 0.5)`, `sparse(density = 0.1, radius = 0.95)`; None where it was wrong
    (reported).
    """
    name, args, keywords = _parts(expr)
    if name is None or name.text not in ARGUMENTS:
        shown = name.text if name is not None else expr.span.text
        meant = suggest(shown, ARGUMENTS)
        span = name.span if name is not None else expr.span
        mend = Help(f"replace `{shown}` by `{meant}`", (Edit(span, meant),)) if meant else None
        hint = "one of " + ", ".join(ARGUMENTS)
        if isinstance(expr, syntax.Number):
            mend = Help(f"write `constant({expr.text})`", (Edit(expr.span, f"constant({expr.text})"),))
        r.reporter.report(BadInit(span=span, said=f"unknown initialiser `{shown}`", hint=hint, mend=mend))
        return None
    wanted = ARGUMENTS[name.text]
    given: dict[str, syntax.Expr] = dict(zip(wanted, args, strict=False))
    wrong = len(args) > len(wanted)
    for keyword in keywords:
        wrong = wrong or keyword.name.text in given or keyword.name.text not in wanted
        given[keyword.name.text] = keyword.value
    if wrong or len(given) != len(wanted):
        form = f"{name.text}({', '.join(wanted)})" if wanted else name.text
        said = f"the initialiser `{name.text}` is written `{form}`"
        r.reporter.report(BadInit(span=expr.span, said=said, hint=f"takes {len(wanted)} numbers"))
        return None
    numbers = [number_of(given[w], scope, r, f"`{w}` is a number") for w in wanted]
    if any(n is None for n in numbers):
        return None
    values = tuple(n for n in numbers if n is not None)
    return Init(name.text, values) if _sensible(expr, name.text, values, r) else None


def _parts(
    expr: syntax.Expr,
) -> tuple[syntax.Name | None, tuple[syntax.Expr, ...], tuple[syntax.Keyword, ...]]:
    if isinstance(expr, syntax.Reference) and not expr.parts and expr.index is None:
        return expr.name, (), ()
    if isinstance(expr, syntax.Call) and not expr.over and expr.backward is None and expr.shared is None:
        return expr.function, expr.args, expr.keywords
    return None, (), ()


def _sensible(expr: syntax.Expr, name: str, values: tuple[float, ...], r: Resolution) -> bool:
    said = ""
    if name == "sparse" and not 0 < values[0] <= 1:
        said = f"the density of `sparse` is a share above 0 and at most 1, found {values[0]:g}"
    elif name == "sparse" and values[1] < 0:
        said = f"the radius of `sparse` is not negative, found {values[1]:g}"
    elif name == "uniform" and values[1] < values[0]:
        said = f"`uniform` draws between its first number and its second, found {values[0]:g} and {values[1]:g}"
    elif name == "normal" and values[0] < 0:
        said = f"`normal` takes the standard deviation, which is not negative, found {values[0]:g}"
    if said:
        r.reporter.report(BadInit(span=expr.span, said=said))
    return not said


def suits(init: Init, shape: Shape) -> str:
    """Why an initialiser cannot fill an array of this shape; empty where it can."""
    if init.kind in ("orthogonal", "identity") and len(shape) != 2:
        return f"`{init.kind}` fills a matrix, not shape {show_shape(shape)}"
    if init.kind == "sparse" and (len(shape) != 2 or shape[0] != shape[1]):
        return f"`sparse` fills a square matrix, not shape {show_shape(shape)}"
    return ""
