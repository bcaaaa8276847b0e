"""A syntax tree as canonical text: parsing it gives the same tree again, up to spans.

What `rnnc dump --stage syntax` prints: one statement a line, two spaces of indentation, no parenthesis that
changes nothing.
"""

from __future__ import annotations

from rnnc.frontend import syntax
from rnnc.frontend.syntax import Call, Chain, Expr, Index, Number, Reference, Strings, Unary

# How tightly a form binds; a part that binds less than its place asks for stands in parentheses.
_COMPARISON, _SUM, _PRODUCT, _SIGNED, _POWER, _ATOM = range(6)
_LEVELS = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "@": _PRODUCT, "^": _POWER}
# What the operands at the left and the right of an operator have to bind.
_SIDES = {
    _COMPARISON: (_SUM, _SUM),
    _SUM: (_PRODUCT, _PRODUCT),
    _PRODUCT: (_SIGNED, _SIGNED),
    _POWER: (_ATOM, _SIGNED),
}


def show(file: syntax.File) -> str:
    """The whole file: uses, functions, cells, networks, each with an empty line before it."""
    blocks: list[str] = []
    if file.uses:
        blocks.append("".join(f'use "{use.path}"\n' for use in file.uses))
    if file.functions:
        blocks.append("".join(show_statement(function) + "\n" for function in file.functions))
    for cell in file.cells:
        over = f" over {_names(cell.over)}" if cell.over else ""
        blocks.append(_block(f"cell {cell.name.text}({_formals(cell.formals)}){over}", cell.body))
    for network in file.networks:
        formals = f"({_formals(network.formals)})" if network.formals else ""
        blocks.append(_block(f"network {network.name.text}{formals}", network.body))
    return "\n".join(blocks)


def _block(head: str, body: tuple[syntax.Statement, ...]) -> str:
    return f"{head} {{\n" + "".join(f"  {show_statement(one)}\n" for one in body) + "}\n"


def _formals(formals: tuple[syntax.Default, ...]) -> str:
    return ", ".join(
        one.name.text if one.value is None else f"{one.name.text} = {show_expr(one.value)}" for one in formals
    )


def _names(names: tuple[syntax.Name, ...]) -> str:
    return ", ".join(name.text for name in names)


def show_statement(one: syntax.Statement) -> str:
    """One statement on one line."""
    match one:
        case syntax.AxisDeclaration():
            definition = "" if one.definition is None else f" = {show_expr(one.definition)}"
            kind = "" if one.kind is None else f" {show_expr(one.kind)}"
            return f"axis {_names(one.names)}{definition}{kind}"
        case syntax.Data():
            init = "" if one.init is None else f" = {show_expr(one.init)}"
            return f"{one.keyword.text} {_declareds(one.names)}{_shape(one.shape)}{init}"
        case syntax.Unit():
            sign = "~" if one.random else "="
            word = "" if one.word is None else f" {one.word.text}"
            head = f"{one.keyword.text} {_declared(one.left)}{_shape(one.shape)}"
            return f"{head} {sign} {show_expr(one.right)}{word}"
        case syntax.Output():
            return f"{one.keyword.text} {_declareds(one.names)}"
        case syntax.Start():
            return f"start {_place(one.name, one.parts, one.index)} = {show_expr(one.right)}"
        case syntax.Loss():
            return f"loss {show_expr(one.right)}"
        case syntax.Feedback():
            return f"feedback {show_expr(one.left)} = {show_expr(one.right)}"
        case syntax.Function():
            return f"fn {one.name.text}({_names(one.formals)}) = {show_expr(one.body)}"
        case syntax.Return():
            return f"return {one.name.text}"


def _declareds(names: tuple[syntax.Declared, ...]) -> str:
    return ", ".join(_declared(name) for name in names)


def _declared(one: syntax.Declared) -> str:
    axes = f"[{_names(one.axes)}]" if one.axes else ""
    return one.name.text + axes + ("'" if one.prime else "")


def _shape(shape: syntax.Shape | None) -> str:
    if shape is None:
        return ""
    if shape.token is not None:
        return f" : token({show_expr(shape.token)})"
    dims = [_expr(dim, _SUM, tight=True) for dim in shape.dims]
    return f" : {dims[0]}" if len(dims) == 1 else f" : ({', '.join(dims)})"


def show_expr(expr: Expr) -> str:
    """An expression as an author writes it."""
    return _expr(expr, _COMPARISON, tight=False)


def _expr(expr: Expr, least: int, tight: bool) -> str:
    match expr:
        case Number():
            return expr.text
        case Strings():
            return f'"{expr.text}"'
        case Reference():
            return _place(expr.name, expr.parts, expr.index)
        case Call():
            return _call(expr)
        case Unary():
            text, level = f"{expr.op}{_expr(expr.operand, _SIGNED, tight)}", _SIGNED
        case Chain():
            level = _LEVELS.get(expr.rest[0][0], _COMPARISON)
            left, right = _SIDES[level]
            gap = "" if tight or level == _POWER else " "
            rest = (f"{gap}{op}{gap}{_expr(operand, right, tight)}" for op, operand in expr.rest)
            text = _expr(expr.first, left, tight) + "".join(rest)
    return f"({text})" if level < least else text


def _place(name: syntax.Name, parts: tuple[syntax.Name, ...], index: tuple[Index, ...] | None) -> str:
    text = ".".join((name.text, *(part.text for part in parts)))
    if index is None:
        return text
    return f"{text}[{', '.join(_entry(entry) for entry in index)}]"


def _entry(entry: Index) -> str:
    low = _expr(entry.low, _COMPARISON, tight=True)
    return low if entry.high is None else f"{low}..{_expr(entry.high, _COMPARISON, tight=True)}"


def _call(call: Call) -> str:
    if call.bare:
        return call.function.text
    given = [show_expr(argument) for argument in call.args]
    given += [f"{keyword.name.text} = {show_expr(keyword.value)}" for keyword in call.keywords]
    over = f" over {_names(call.over)}" if call.over else ""
    inside = ", ".join(given)
    if call.over_first:
        return f"{call.function.text}{over} ({inside})"
    backward = " backward" if call.backward is not None else ""
    shared = f" as {call.shared.text}" if call.shared is not None else ""
    return f"{call.function.text}({inside}){backward}{over}{shared}"
