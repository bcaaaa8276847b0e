"""`feedback` lines: how a network makes the next step of its inputs when it generates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rnnc.diagnostics import Edit, Help
from rnnc.frontend import syntax
from rnnc.model.entities import Context, Equation, FeedbackLine, Owner, Scope, Slot, ValueName
from rnnc.model.errors_feedback import BadFeedback
from rnnc.model.errors_names import WrongArguments
from rnnc.model.forms import At
from rnnc.model.lookup import unknown
from rnnc.model.resolution import Resolution

if TYPE_CHECKING:
    from rnnc.model.drafting import Drafting

FORMS = "`sample(p[n])`, `sample(pi[n], mu[n], sigma[n])` or `sample(pi[n], mu[n], sigma[n], rho[n])`"


def declare_feedbacks(body: Iterable[syntax.Statement], scope: Scope, r: Resolution) -> None:
    """The `feedback` lines of a network, each resolved to the input it is about."""
    seen: dict[str, syntax.Feedback] = {}
    for statement in body:
        if not isinstance(statement, syntax.Feedback):
            continue
        slot = _input(statement, scope, r)
        if slot is None or slot.broken:
            continue
        first = seen.setdefault(slot.key, statement)
        if first is not statement:
            said = f"`{slot.key}` has two feedbacks"
            r.reporter.report(
                BadFeedback(span=statement.span, said=said, hint="the second", declared=first.span, place="first here")
            )
            continue
        line = _line(statement, slot, scope, r)
        if line is not None:
            r.feedbacks.append(line)


def _input(statement: syntax.Feedback, scope: Scope, r: Resolution) -> Slot | None:
    name = statement.left.name
    entity = scope.get(name.text)
    if entity is None:
        r.reporter.report(unknown(name, scope, "input", (ValueName,)))
        return None
    if isinstance(entity, ValueName) and entity.slot.role == "input":
        if len(entity.slot.axes) == 1 or entity.slot.broken:
            return entity.slot
        many = "several axes" if entity.slot.axes else "no axis"
        said = f"`{name.text}` has {many}, and a feedback gives the next step of an input with one"
        hint = "which step is next?" if entity.slot.axes else "one value a sequence"
    else:
        said = f"what is fed back is the next step of an input, `{name.text}` is {entity.what}"
        hint = "not an input"
    r.reporter.report(BadFeedback(span=statement.left.span, said=said, hint=hint, declared=entity.span))
    return None


def _line(statement: syntax.Feedback, slot: Slot, scope: Scope, r: Resolution) -> FeedbackLine | None:
    reader = f"the feedback of `{slot.key}`"
    right = statement.right
    if not (isinstance(right, syntax.Call) and right.function.text == "sample" and not right.over_first):
        if slot.kind == "token":
            said = f"`{slot.key}` holds tokens, and the next one is drawn"
            mend = Help("write `sample(p[n])` with a softmax `p` over its tokens")
            r.reporter.report(BadFeedback(span=right.span, said=said, hint="no draw", declared=slot.span, mend=mend))
            return None
        context = Context(scope, slot.axes, frozenset(), Owner(f"{slot.key}.next"), reader, "unit")
        return FeedbackLine(slot, statement, False, (Equation(right, context, None, statement.span),))
    if right.keywords or len(right.args) not in (1, 3, 4):
        found = f"{len(right.args)} argument{'s' * (len(right.args) != 1)}"
        said = f"`sample` has no option `{right.keywords[0].name.text}`" if right.keywords else ""
        said = said or f"`sample` takes a distribution, found {found}"
        r.reporter.report(WrongArguments(span=right.span, said=said, hint="", remarks=(f"written {FORMS}",)))
        return None
    context = Context(scope, slot.axes, frozenset(), None, reader, "unit")
    return FeedbackLine(slot, statement, True, tuple(Equation(a, context, None, a.span) for a in right.args))


def understand_feedbacks(drafting: Drafting) -> None:
    """Drafts of every feedback; a plain expression that is no unit yet becomes one, `x.next`."""
    r = drafting.r
    for line in r.feedbacks:
        r.drafts = 0
        _next_step(line, drafting)
        for equation in line.equations:
            equation.root = drafting.draft(equation.right, equation.context)
        (first, *_) = line.equations
        if line.drawn or first.root is None or first.root.op == "poison" or line.source(first) is not None:
            continue
        key = f"{line.slot.key}.next"
        span = line.statement.left.name.span
        first.slot = Slot(key, "unit", line.slot.axes, line.slot.shape, span, used=True)
        r.slots[key] = first.slot
        r.equations.append(first)


def _next_step(line: FeedbackLine, drafting: Drafting) -> None:
    """Reports a left side that is not the very next step."""
    left, slot = line.statement.left, line.slot
    used = slot.used
    draft = drafting.draft(left, line.equations[0].context)
    slot.used = used
    axis = slot.axes[0]
    if draft.op == "poison" or draft.at == (At(axis, 1),):
        return
    wanted = f"{left.name.text}[{axis}+1]"
    said = f"a feedback gives the next step, `{wanted}`, found `{left.span.text}`"
    mend = Help(f"write `{wanted}`", (Edit(left.span, wanted),))
    drafting.report(BadFeedback(span=left.span, said=said, hint="not the next step", mend=mend))
