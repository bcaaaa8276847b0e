"""Drafts become the expressions of the model, every shape and kind checked on the way."""

from __future__ import annotations

from rnnc.diagnostics import Diagnostic, Help
from rnnc.model import forms as m
from rnnc.model.drafts import Draft
from rnnc.model.entities import Equation
from rnnc.model.errors_shapes import DeclaredDiffers, ShapeUnknown, StartDiffers, WrongType
from rnnc.model.fitting import COMPARISONS, wrong_kind, wrong_shapes
from rnnc.model.reasons import reasons
from rnnc.model.resolution import Resolution
from rnnc.model.shapes import is_scalar, result
from rnnc.sizes import ONE, Shape, Size, show_shape


class Finishing:
    """The expressions of one network. `unknown` are shapes that do not follow: mistakes only where nothing
    else is wrong.
    """

    def __init__(self, r: Resolution) -> None:
        self.r = r
        self.unknown: list[Diagnostic] = []
        self.silent: set[str] = set()
        """Arrays of which nothing is said, because the unit they belong to has no shape itself."""
        self._place = {axis: k for k, axis in enumerate(r.axes)}

    def finish(self, equation: Equation) -> m.Expr | None:
        """The expression of an equation; None where something was wrong (reported)."""
        made: dict[int, m.Expr | None] = {}
        for draft in equation.order:
            args = [made[id(a)] for a in draft.args]
            made[id(draft)] = None if any(a is None for a in args) else self._one(draft, args)
        return made[id(equation.root)]

    def _type(self, draft: Draft, shape: Shape) -> m.Type:
        axes = tuple(sorted(draft.axes, key=self._place.__getitem__))
        return m.Type(axes, shape, draft.kind)

    def _one(self, draft: Draft, made: list[m.Expr | None]) -> m.Expr | None:
        args = tuple(a for a in made if a is not None)
        if draft.op == "poison":
            return None
        if draft.op == "read":
            return self._read(draft)
        if draft.op in ("number", "size", "position"):
            return self._leaf(draft)
        mistake = wrong_kind(draft)
        if mistake is not None:
            self.r.reporter.report(mistake)
            return None
        draft.kind = "truth" if draft.op in COMPARISONS else "real"
        shape = result(draft, [a.type.shape for a in args])
        if shape is None:
            self.r.reporter.report(wrong_shapes(draft, [a.type.shape for a in args]))
            return None
        if draft.ends is not None and not self._inside(draft, draft.ends, args[0]):
            return None
        return self._apply(draft, args, shape)

    def _apply(self, draft: Draft, args: tuple[m.Expr, ...], shape: Shape) -> m.Expr:
        kind = self._type(draft, shape)
        if draft.op == "over":
            where = args[1] if len(args) > 1 else None
            return m.Over(draft.function, draft.axis, args[0], where, kind, draft.span, draft.together)
        if draft.op == "flatten" and len(args[0].type.shape) == 1:
            return args[0]
        if draft.op == "concat":
            args = tuple(self._vector(a) for a in args)
            if len(args) == 1:
                return args[0]
        return m.Apply(draft.op, args, kind, draft.span, draft.numbers, draft.ends)

    def _vector(self, expr: m.Expr) -> m.Expr:
        """A number as a vector of one."""
        if expr.type.shape:
            return expr
        return m.Apply("flatten", (expr,), m.Type(expr.type.axes, (ONE,)), expr.span)

    def _inside(self, draft: Draft, ends: tuple[Size, Size], source: m.Expr) -> bool:
        """Whether a slice lies in its vector, for the network's defaults."""
        size = source.type.shape[0]
        start, stop, length = (self.r.value_of(z) for z in (*ends, size))
        if start is None or stop is None or length is None:
            return True
        whole = start.denominator == stop.denominator == 1
        if whole and 0 <= start < stop <= length:
            return True
        first, last, end = (
            str(z) if z.constant is not None else f"{z} = {value}"
            for z, value in ((ends[0], start), (ends[1], stop), (size, length))
        )
        if not whole:
            said, hint = f"this slice goes from {first} to {last}", "not between whole numbers"
        elif start < 0:
            said, hint = f"this slice begins at {first}", "not a place in a vector"
        elif stop <= start:
            said, hint = f"this slice is empty: from {first} up to, not including, {last}", "nothing between"
        else:
            said, hint = f"this slice ends at {last}, the vector at {end}", "past the end"
        self.r.reporter.report(WrongType(span=draft.span, said=said, hint=hint))
        return False

    def _leaf(self, draft: Draft) -> m.Expr:
        kind = self._type(draft, ())
        if draft.op == "position":
            return m.Position(draft.axis, kind, draft.span)
        if draft.op == "size" and draft.size is not None:
            return m.SizeNumber(draft.size, kind, draft.span)
        return m.Number(draft.value, kind, draft.span)

    def _read(self, draft: Draft) -> m.Expr | None:
        slot = draft.slot
        assert slot is not None
        if slot.broken:
            return None
        if slot.shape is None or draft.shape is None:
            return None
        if slot.kind == "token" and any(a.high is not None for a in draft.at):
            said = f"`{draft.span.text}` is a window of tokens"
            mend = Help("embed first, in a unit of its own, and take the window of that")
            self.r.reporter.report(WrongType(span=draft.span, said=said, hint="several tokens", mend=mend))
            return None
        windows = len(draft.shape) - len(slot.shape)
        shape = (*draft.shape[:windows], *slot.shape)
        return m.Read(slot.key, draft.at, self._type(draft, shape), draft.span)

    def right(self, equation: Equation) -> m.Expr | None:
        """A unit's right side, checked against its declaration."""
        made, slot = self.finish(equation), equation.slot
        assert slot is not None
        if slot.shape is None:
            self._unknown_unit(equation)
            return None
        if made is None:
            return None
        if made.type.kind != "real":
            shown = "a token" if made.type.kind == "token" else "true or false"
            said = f"a unit holds real numbers, the right side of `{slot.key}` is {shown}"
            self.r.reporter.report(WrongType(span=equation.right.span, said=said, hint="not a number"))
            return None
        if not agrees(made.type.shape, slot.shape):
            self._differs(equation, made, slot.shape)
            return None
        return made

    def _unknown_unit(self, equation: Equation) -> None:
        """A unit whose shape nothing forces; silent where that is because another's is unknown."""
        slot = equation.slot
        assert slot is not None
        others = [d.slot for d in equation.order if d.slot is not None and d.slot.is_unit]
        if any(o.shape is None and o is not slot for o in others):
            return
        written = slot.span.text
        mend = Help(f"write it: `{written} : ...` with the number of its units")
        self.unknown.append(ShapeUnknown(span=slot.span, what=f"`{written}`", mend=mend))
        self.silent.update(d.slot.key for d in equation.order if d.slot is not None)

    def _differs(self, equation: Equation, made: m.Expr, declared: Shape) -> None:
        slot = equation.slot
        assert slot is not None
        if equation.context.place == "start":
            self.r.reporter.report(
                StartDiffers(
                    span=equation.right.span,
                    name=slot.key,
                    wanted=declared,
                    found=made.type.shape,
                    declared=slot.span,
                )
            )
            return
        self.r.reporter.report(
            DeclaredDiffers(
                span=equation.right.span,
                name=slot.span.text if equation.cell is None else slot.key,
                declared=declared,
                found=made.type.shape,
                place=slot.span,
                reasons=reasons(equation.root) if equation.root is not None else (),
                mend=Help(f"declare `{slot.span.text} : {show_shape(made.type.shape)}`, or change the right side"),
            )
        )


def agrees(found: Shape, declared: Shape) -> bool:
    """Whether a value of one shape may stand where another is declared: equal, or a scalar."""
    return found == declared or is_scalar(found)
