"""What one statement of a generated module needs for a moment: arrays that NumPy makes and lets go."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from rnnc.sizes import Size

WHOLE = 2
"""Numbers of four bytes that a whole number of NumPy takes, or one in double precision."""

CAST = 4 * 8192
"""The numbers of NumPy's buffers where it casts both operands to double precision, or goes by places, some entries at a
time."""

Sized = Callable[[str], Size | None]
"""The entries of a variable; None of one that is small, a row of a loop's."""


def passing(node: ast.stmt, sized: Sized, row: Sized, part: Callable[[ast.expr], Size | None]) -> tuple[Size, ...]:
    """In single precision, at each of the statement's own moments. `row` gives the entries of an array at one place of
    its first dimension, `part` those of what a statement takes of one."""
    match node:
        case ast.Assign(
            targets=[ast.Subscript(value=ast.Name(id=out))],
            value=ast.Call(func=ast.Name(id="contracted"), args=[_, *factors]),
        ):
            # both factors in the order of the product, and the product
            known = (sized(out), *(part(f) for f in factors))
            return (sum((z for z in known if z is not None), Size.of(0)),)
        case ast.Assign(
            targets=[ast.Subscript(value=ast.Name(id=out), slice=ast.Constant(value=all_of_it))], value=value
        ) if all_of_it is ... and _makes(value):
            return _known(sized(out))
        case ast.AugAssign(target=ast.Name(id=out), value=ast.Call() | ast.BinOp(op=ast.MatMult())):
            return _known(sized(out))
        case ast.Expr(value=ast.Call(func=ast.Name(id="add_rows"), args=[_, token, _, out])):
            one, tokens = row(ast.unparse(out)), sized(ast.unparse(token))
            if one is not None and tokens is not None:
                # the order, and the tokens in order; then the rows in order
                return (tokens * (Size.of(2 * WHOLE) + one), tokens * Size.of(3 * WHOLE))
        case ast.Expr(value=ast.Call(func=ast.Name(id="place_token"), args=[_, token, *_])):
            tokens = sized(ast.unparse(token))
            if tokens is not None:
                # where each belongs, its value, and NumPy's buffers of the places
                return (tokens * Size.of(WHOLE + 1) + Size.of(CAST),)
        case ast.Expr(value=ast.Call(func=function, args=args)) if "matmul" in ast.unparse(function):
            copies = [z for z in (part(a) for a in _gathered(args)) if z is not None]
            return (sum(copies, Size.of(0)),) if copies else ()
        case ast.Assign(
            targets=[ast.Subscript(value=ast.Name(id=out))],
            value=ast.Subscript(value=ast.Name(id=same), slice=ast.Slice(upper=ast.Constant(value=int(rows)))),
        ) if out == same:
            # rows that may lie over those they are copied to
            one = row(out)
            return () if one is None else (one * Size.of(rows),)
    return ()


def _gathered(args: list[ast.expr]) -> Iterator[ast.expr]:
    """What is made a matrix and does not lie in one piece, having rows outside the sequence beside its own."""
    for node in (inner for a in args for inner in ast.walk(a)):
        match node:
            case ast.Call(
                func=ast.Name(id="as_matrix"),
                args=[ast.Subscript(slice=ast.Tuple(elts=[_, *spans])) as array, *_],
            ) if any(isinstance(span, ast.Slice) and span.upper is not None for span in spans):
                yield array


SEEN = ("block", "carried", "diagonal", "piece")
"""Functions of a module whose result is no array of its own."""


def _makes(value: ast.expr) -> bool:
    """Whether an expression is an array of its own before it is copied to where it belongs."""
    match value:
        case ast.Call(func=ast.Attribute(value=inner, attr="reshape")):
            # of windows, which lie over each other, a copy
            return "windows(" in ast.unparse(inner) or _makes(inner)
        case ast.Call(func=ast.Attribute(value=inner, attr="transpose")):
            return _makes(inner)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name not in SEEN
    return False


def _known(size: Size | None) -> tuple[Size, ...]:
    return () if size is None else (size,)
