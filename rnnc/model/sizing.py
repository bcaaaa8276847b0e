"""Size expressions and constants: which names are sizes, and what an expression of them comes to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from rnnc.diagnostics import Help, Span
from rnnc.frontend import syntax
from rnnc.model.entities import Broken, Constant, Scope, SizeName, UseName, ValueName
from rnnc.model.errors_names import WrongKind
from rnnc.model.errors_shapes import TOO_LARGE, BadSize, WrongType, edit_of, spelled
from rnnc.model.lookup import unknown
from rnnc.model.resolution import Resolution
from rnnc.model.walk import expressions, shape_expressions, walk
from rnnc.sizes import Shape, Size

MOST_TERMS = 4096
LARGEST = 10**18

NO_NUMBERS = frozenset(("true", "false", "none", "nan", "inf"))
"""What other languages write where a size should stand."""

SIZED_ARGUMENTS = {"block": (1,), "embedding": (1,)}
OF_A_CELL = {**SIZED_ARGUMENTS, "slice": (1, 2)}
"""In a cell a formal is a size or a value; a network's name that stands in ends of slices alone is a constant."""


def size_names(body: Iterable[syntax.Statement], cells: Mapping[str, syntax.Cell], in_cell: bool = False) -> set[str]:
    """The names that stand where a size does: in a shape, as a count of blocks, as the width of an embedding,
    in a cell as an end of a slice, and as an argument of a cell that uses it so.
    """
    return _size_names(body, cells, {}, (), OF_A_CELL if in_cell else SIZED_ARGUMENTS)


def _size_names(
    body: Iterable[syntax.Statement],
    cells: Mapping[str, syntax.Cell],
    known: dict[str, set[str]],
    active: tuple[str, ...],
    sized: Mapping[str, tuple[int, ...]],
) -> set[str]:
    found: set[str] = set()
    for statement in body:
        for expr in shape_expressions(statement):
            found |= _references(expr)
        for call in (e for top in expressions(statement) for e in walk(top) if isinstance(e, syntax.Call)):
            name = call.function.text
            for k in sized.get(name, ()):
                if k < len(call.args):
                    found |= _references(call.args[k])
            cell = cells.get(name)
            if cell is None or name in active or len(active) > 40:
                continue
            if name not in known:
                known[name] = _size_names(cell.body, cells, known, (*active, name), OF_A_CELL)
            for formal, argument in zip(cell.formals, call.args, strict=False):
                if formal.name.text in known[name]:
                    found |= _references(argument)
    return found


def _references(expr: syntax.Expr) -> set[str]:
    return {e.name.text for e in walk(expr) if isinstance(e, syntax.Reference)}


def size_of(expr: syntax.Expr, scope: Scope, r: Resolution) -> Size | None:
    """A size expression, checked to be whole and positive for the network's defaults; None where it was
    reported.
    """
    size = size_expression(expr, scope, r)
    if size is None:
        return None
    mistake = not_whole(size, expr.span, r)
    if mistake is not None:
        r.reporter.report(mistake.but(mend=_positive(expr, size)))
        return None
    return size


def not_whole(size: Size, span: Span, r: Resolution) -> BadSize | None:
    """The mistake of a size that is not whole and positive for the network's defaults."""
    value = r.value_of(size)
    if value is None or (value.denominator == 1 and value >= 1):
        return None
    shown = str(value) if value.denominator == 1 else f"{float(value):g}"
    names = ", ".join(f"{n} = {r.defaults[n]}" for n in size.names)
    found = f"{size} = {shown} for {names}" if names else shown
    hint = "not a whole number" if value.denominator != 1 else "zero" if value == 0 else "negative"
    return BadSize(span=span, found=found, hint=hint, least=value.denominator == 1)


def _positive(expr: syntax.Expr, size: Size) -> Help | None:
    if isinstance(expr, syntax.Unary) and isinstance(expr.operand, syntax.Number) and size.constant:
        return edit_of(expr.span, expr.operand.text)
    return None


def shape_of(shape: syntax.Shape, scope: Scope, r: Resolution) -> Shape | None:
    """The sizes of a shape, every mistake in it reported; None where there was one."""
    dims = [size_of(d, scope, r) for d in shape.dims]
    return None if any(d is None for d in dims) else tuple(d for d in dims if d is not None)


def size_expression(expr: syntax.Expr, scope: Scope, r: Resolution) -> Size | None:
    """A size expression, whatever it comes to; None where it is none (reported)."""
    if isinstance(expr, syntax.Number):
        return _whole(expr, r)
    if isinstance(expr, syntax.Reference):
        return _named(expr, scope, r)
    if isinstance(expr, syntax.Unary):
        inner = size_expression(expr.operand, scope, r)
        return None if inner is None else -inner
    if isinstance(expr, syntax.Chain) and all(op in "+-*/" for op, _ in expr.rest):
        return _chain(expr, scope, r)
    shown = "a text" if isinstance(expr, syntax.Strings) else f"`{expr.span.text}`"
    r.reporter.report(BadSize(span=expr.span, found=shown, hint="sizes are made with `+ - * /`", least=False))
    return None


def _chain(expr: syntax.Chain, scope: Scope, r: Resolution) -> Size | None:
    operands = [size_expression(e, scope, r) for e in (expr.first, *(e for _, e in expr.rest))]
    total = operands[0]
    for (op, written), operand in zip(expr.rest, operands[1:], strict=True):
        if total is None or operand is None:
            return None
        if op in "*/" and len(total.terms) * max(1, len(operand.terms)) > MOST_TERMS:
            r.reporter.report(BadSize(span=expr.span, found="too long a product", hint="too long", least=False))
            return None
        if op == "+":
            total = total + operand
        elif op == "-":
            total = total - operand
        elif op == "*":
            total = total * operand
        elif not operand.terms:
            r.reporter.report(BadSize(span=written.span, found="a division by zero", hint="zero", least=False))
            return None
        else:
            total = total / operand
    return total


def _whole(number: syntax.Number, r: Resolution) -> Size | None:
    value = number.value
    if is_whole(value) and abs(value) <= LARGEST:
        whole = int(number.text) if number.whole else int(value)
        if number.whole:
            return Size.of(whole)
        mend = edit_of(number.span, str(whole))
        hint = "written without point or exponent"
        r.reporter.report(BadSize(span=number.span, found=number.text, hint=hint, least=False, mend=mend))
        return None
    shown = number.text if len(number.text) < 25 else f"{value:g}"
    hint = "not a whole number" if abs(value) <= LARGEST else TOO_LARGE
    r.reporter.report(BadSize(span=number.span, found=shown, hint=hint, least=False))
    return None


def _named(ref: syntax.Reference, scope: Scope, r: Resolution) -> Size | None:
    entity = scope.get(ref.name.text)
    if entity is None and ref.name.text.lower() in NO_NUMBERS:
        found, hint = f"`{ref.name.text}`", "not a number"
        r.reporter.report(BadSize(span=ref.span, found=found, hint=hint, least=False))
        return None
    if entity is None:
        r.reporter.report(unknown(ref.name, scope, kind="size", wanted=(SizeName, Constant)))
        return None
    if isinstance(entity, Broken):
        return None
    if isinstance(entity, SizeName) and not ref.parts and ref.index is None:
        entity.used = True
        return entity.size
    if isinstance(entity, Constant) and not ref.parts and ref.index is None:
        entity.used = True
        if is_whole(entity.value):
            return Size.of(int(entity.value))
        r.reporter.report(BadSize(span=ref.span, found=f"{entity.value:g}", hint="not a whole number", least=False))
        return None
    r.reporter.report(
        WrongKind(
            span=ref.span,
            said=f"a size is wanted, `{ref.span.text}` is {entity.what}",
            hint="not a size",
            declared=entity.span,
            what=entity.what,
        )
    )
    return None


def constant_of(expr: syntax.Expr, scope: Scope) -> float | None:
    """The number an expression of literals and constants comes to; None where it holds anything else."""
    if isinstance(expr, syntax.Number):
        return expr.value
    if isinstance(expr, syntax.Unary):
        inner = constant_of(expr.operand, scope)
        return None if inner is None else -inner
    if isinstance(expr, syntax.Reference) and not expr.parts and expr.index is None:
        entity = scope.get(expr.name.text)
        if isinstance(entity, Constant):
            entity.used = True
            return entity.value
        return None
    if isinstance(expr, syntax.Chain):
        total = constant_of(expr.first, scope)
        for op, operand in expr.rest:
            value = constant_of(operand, scope)
            if total is None or value is None:
                return None
            total = arithmetic(op, total, value)
        return total
    return None


def is_whole(value: float) -> bool:
    """Whether a number is finite and whole."""
    return math.isfinite(value) and value == int(value)


def arithmetic(op: str, a: float, b: float) -> float | None:
    """One operation on numbers; None where it has no finite value."""
    try:
        if op == "+":
            return a + b
        if op == "-":
            return a - b
        if op == "*":
            return a * b
        if op == "/":
            return a / b
        if op == "^":
            power = a**b
            return power if isinstance(power, float | int) else None
    except (ZeroDivisionError, OverflowError, ValueError):
        return None
    return None


def number_of(expr: syntax.Expr, scope: Scope, r: Resolution, what: str) -> float | None:
    """A number that has to be known when the spec is compiled; None where it is none (reported)."""
    value = constant_of(expr, scope)
    if value is not None and math.isfinite(value):
        return value
    if isinstance(expr, syntax.Reference):
        entity = scope.get(expr.name.text)
        if entity is None:
            r.reporter.report(unknown(expr.name, scope))
            return None
        if isinstance(entity, Broken):
            return None
        slot = entity.slot if isinstance(entity, ValueName | UseName) else None
        shape = f" of shape {spelled(slot.shape)}" if slot is not None and slot.shape is not None else ""
        kind = entity.what.split(" ", 1)[1]
        said = f"expected a number, found {kind} `{expr.span.text}`{shape}"
        r.reporter.report(WrongType(span=expr.span, said=said, hint=what, declared=entity.span))
        return None
    r.reporter.report(WrongType(span=expr.span, said=f"expected a number, found `{expr.span.text}`", hint=what))
    return None
