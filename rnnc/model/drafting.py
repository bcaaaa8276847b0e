"""Syntax to drafts: every name of an expression resolved, functions expanded, connections turned into
parameters.
"""

from __future__ import annotations

import math

from rnnc.diagnostics import Diagnostic, Span
from rnnc.frontend import syntax
from rnnc.model.calls import BUILTINS, call
from rnnc.model.drafts import Draft, joined, number, poison
from rnnc.model.entities import AxisName, Context, Scope
from rnnc.model.errors_axes import TooMuch
from rnnc.model.errors_names import UnknownName, WrongKind
from rnnc.model.errors_shapes import WrongType
from rnnc.model.lookup import unknown
from rnnc.model.reading import reference
from rnnc.model.resolution import DEEPEST_EXPRESSION, Overflow, Resolution

LONGEST_FOLD = 16
"""A longer chain becomes a balanced tree, so that no later stage has to go deep for it."""


class Drafting:
    """The expressions of one network."""

    def __init__(self, r: Resolution) -> None:
        self.r = r
        self._level = 0

    def report(self, diagnostic: Diagnostic) -> None:
        self.r.reporter.report(diagnostic)

    def draft(self, expr: syntax.Expr, context: Context) -> Draft:
        """The draft of an expression; poison stands where something was wrong."""
        self.r.count(context.call or expr.span)
        self._level += 1
        try:
            if self._level > DEEPEST_EXPRESSION:
                self._too_deep(context.call or expr.span)
            found = self._draft(expr, context)
            if found.depth > DEEPEST_EXPRESSION:
                self._too_deep(context.call or expr.span)
            return found
        finally:
            self._level -= 1

    def _too_deep(self, span: Span) -> None:
        what = "the depth of this expression, functions expanded,"
        self.report(TooMuch(span=span, what=what, limit=DEEPEST_EXPRESSION))
        raise Overflow

    def _draft(self, expr: syntax.Expr, context: Context) -> Draft:
        if isinstance(expr, syntax.Number):
            if not math.isfinite(expr.value):
                self.report(WrongType(span=expr.span, said="a number must be finite", hint="too large"))
                return poison(expr.span)
            return number(expr.value, expr.span)
        if isinstance(expr, syntax.Reference):
            return reference(expr, context, self)
        if isinstance(expr, syntax.Call):
            return call(expr, context, self)
        if isinstance(expr, syntax.Unary):
            inner = self.draft(expr.operand, context)
            span = context.call or expr.span
            if inner.op == "number":
                return number(-inner.value, span)
            return self.apply("neg", (inner,), span)
        if isinstance(expr, syntax.Chain):
            return self._chain(expr, context)
        self.report(WrongKind(span=expr.span, said="a text is no value", hint="only `use` takes a text"))
        return poison(expr.span)

    def apply(self, op: str, args: tuple[Draft, ...], span: Span, numbers: tuple[float, ...] = ()) -> Draft:
        """An operation; poison where an operand is, so that one mistake is one error."""
        self.r.count(span)
        if any(a.op == "poison" for a in args):
            return poison(span)
        return joined(op, args, span, numbers)

    def _chain(self, expr: syntax.Chain, context: Context) -> Draft:
        first = self.draft(expr.first, context)
        rest = [(op, self.draft(e, context)) for op, e in expr.rest]
        span = context.call or expr.span
        if any(d.op == "poison" for _, d in rest) or first.op == "poison":
            return poison(span)
        if len(rest) > LONGEST_FOLD and all(op in "+-" for op, _ in rest):
            terms = [first] + [d if op == "+" else self.apply("neg", (d,), span) for op, d in rest]
            return self._balanced("+", terms, span)
        if len(rest) > LONGEST_FOLD and all(op == "*" for op, _ in rest):
            return self._balanced("*", [first, *(d for _, d in rest)], span)
        total = first
        for op, operand in rest:
            part = span if context.call else first.span.to(operand.span)
            total = self.apply("matmul" if op == "@" else op, (total, operand), part)
        if total.depth > 4 * DEEPEST_EXPRESSION:
            self._too_deep(span)
        return total

    def _balanced(self, op: str, terms: list[Draft], span: Span) -> Draft:
        while len(terms) > 1:
            pairs = [terms[k : k + 2] for k in range(0, len(terms), 2)]
            terms = [self.apply(op, (p[0], p[1]), span) if len(p) == 2 else p[0] for p in pairs]
        return terms[0]

    def unknown_value(self, name: syntax.Name, scope: Scope, words: tuple[str, ...] = ()) -> UnknownName:
        """The diagnostic of a name that should be a value, or one of the `words` that may stand there."""
        remark = ""
        if name.text in BUILTINS or name.text in scope.functions or name.text in self.r.functions:
            remark = f"`{name.text}` is a function: write `{name.text}(...)`"
        elif name.text in self.r.cells:
            remark = f"`{name.text}` is a cell: a use of it is the whole right side of a unit"
        else:
            remark = "a value is declared as `input` or `unit` or, for numbers to learn, `param`"
        found = unknown(name, scope, remark=remark, more=words)
        if found.meant is not None and isinstance(scope.get(found.meant), AxisName) and len(name.text) == 1:
            return UnknownName(span=name.span, remark=remark)
        return found
