"""Every expression below one, in the order of the text, without recursion."""

from __future__ import annotations

from collections.abc import Iterator

from rnnc.frontend import syntax


def children(expr: syntax.Expr) -> tuple[syntax.Expr, ...]:
    """What an expression holds, from left to right."""
    if isinstance(expr, syntax.Chain):
        return (expr.first, *(operand for _, operand in expr.rest))
    if isinstance(expr, syntax.Unary):
        return (expr.operand,)
    if isinstance(expr, syntax.Call):
        return (*expr.args, *(k.value for k in expr.keywords))
    if isinstance(expr, syntax.Reference) and expr.index is not None:
        return tuple(e for i in expr.index for e in (i.low, i.high) if e is not None)
    return ()


def walk(expr: syntax.Expr) -> Iterator[syntax.Expr]:
    """The expression and all below it."""
    stack = [expr]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def expressions(statement: syntax.Statement) -> tuple[syntax.Expr, ...]:
    """The expressions a statement holds, shapes left out."""
    if isinstance(statement, syntax.Unit | syntax.Start | syntax.Loss | syntax.Feedback):
        return (statement.right,)
    if isinstance(statement, syntax.Data) and statement.init is not None:
        return (statement.init,)
    if isinstance(statement, syntax.AxisDeclaration) and statement.definition is not None:
        return (statement.definition,)
    return ()


def shape_expressions(statement: syntax.Statement) -> tuple[syntax.Expr, ...]:
    """The size expressions of a statement's shape."""
    if not isinstance(statement, syntax.Data | syntax.Unit) or statement.shape is None:
        return ()
    token = statement.shape.token
    return statement.shape.dims + ((token,) if token is not None else ())
