"""After the grammar: forms that it lets pass and that say nothing where they stand."""

from __future__ import annotations

from rnnc.diagnostics import Edit, Help, Reporter, Source, Span
from rnnc.frontend import syntax
from rnnc.frontend.errors_syntax import Misplaced, Misused
from rnnc.frontend.lex import Lexeme
from rnnc.frontend.words import KEYWORDS


def check_placement(file: syntax.File, reporter: Reporter) -> None:
    """Report every statement of a file that stands in the wrong place or says too much."""
    for network in file.networks:
        for statement in network.body:
            if isinstance(statement, syntax.Return):
                _report_return(statement, network, reporter)
            else:
                _check(statement, reporter)
    for cell in file.cells:
        returns = [statement for statement in cell.body if isinstance(statement, syntax.Return)]
        if len(returns) != 1:
            said = f"cell `{cell.name.text}` returns {'two units' if returns else 'nothing'}"
            span = returns[1].span if returns else cell.name.span
            hint = "one `return` is enough" if returns else "a cell ends with `return` and the name of a unit"
            reporter.report(Misused(span=span, said=said, hint=hint))
        for statement in cell.body:
            _check(statement, reporter)


def check_borders(source: Source, lexemes: list[Lexeme], reporter: Reporter) -> None:
    """`first` and `last` are positions: report each that stands in no `[ ]`."""
    square = 0
    for lexeme in lexemes:
        if lexeme.kind in KEYWORDS:
            square = 0
        square += (lexeme.kind == "LBRACKET") - (lexeme.kind == "RBRACKET")
        if lexeme.kind in ("FIRST", "LAST") and square == 0:
            said = f"`{lexeme.text}` is a position and stands between brackets"
            hint = f"as in `h[{lexeme.text}]`"
            reporter.report(Misused(span=Span(source, lexeme.start, lexeme.end), said=said, hint=hint))


def _report_return(statement: syntax.Return, network: syntax.Network, reporter: Reporter) -> None:
    keyword = Span(statement.span.source, statement.span.start, statement.span.start + len("return"))
    name = statement.name.text
    reporter.report(
        Misplaced(
            span=keyword,
            place="inside a cell",
            block=network.name.span,
            edits=(Edit(keyword, "output"),),
            advice=f"a network has outputs: write `output {name}`",
        )
    )


def _check(statement: syntax.Statement, reporter: Reporter) -> None:
    if isinstance(statement, syntax.Data):
        _check_data(statement, reporter)
    elif isinstance(statement, syntax.Output):
        for declared in statement.names:
            _check_prime(declared, "an output without an equation", reporter)
    elif isinstance(statement, syntax.AxisDeclaration):
        if len(statement.names) > 1 and (statement.definition is not None or statement.kind is not None):
            said = "only one axis at a time can be given a meaning"
            reporter.report(Misused(span=statement.names[1].span, said=said, hint="declare it by itself"))
    elif isinstance(statement, syntax.Unit) and statement.word is not None and statement.word.text != "through":
        word = statement.word
        mend = Help(f"replace `{word.text}` by `through`", (Edit(word.span, "through"),))
        said = f"expected `through` or the next declaration, found `{word.text}`"
        reporter.report(Misused(span=word.span, said=said, hint="not known here", mend=mend))


def _check_data(data: syntax.Data, reporter: Reporter) -> None:
    keyword = data.keyword.text
    what = "an input" if keyword == "input" else f"a {keyword}"
    if keyword in ("input", "target") and data.init is not None:
        said = f"`{data.names[0].name.text}` is {what}: its values come from data"
        mend = Help("declare a `unit` for an equation, or a `param` for numbers to learn")
        reporter.report(Misused(span=data.init.span, said=said, hint="no value can stand here", mend=mend))
    for declared in data.names:
        _check_prime(declared, what, reporter)
        if keyword in ("param", "fixed") and declared.axes:
            source, name = declared.span.source, declared.name.span
            index = Span(source, name.end, declared.span.end)
            said = f"`{declared.name.text}` is {what}: all positions share it"
            axes = ", ".join(axis.text for axis in declared.axes)
            mend = Help(f"remove `[{axes}]`", (Edit(index, ""),))
            hint = "it has no axis"
            if data.shape is None and len(data.names) == 1:
                sizes = f"({axes})" if len(declared.axes) > 1 else axes
                mend = Help(f"write `{declared.name.text} : {sizes}`", (Edit(index, f" : {sizes}"),))
                hint = "sizes stand behind `:`"
            reporter.report(Misused(span=index, said=said, hint=hint, mend=mend))


def _check_prime(declared: syntax.Declared, what: str, reporter: Reporter) -> None:
    if declared.prime:
        prime = Span(declared.span.source, declared.span.end - 1, declared.span.end)
        mend = Help("remove the prime", (Edit(prime, ""),))
        said = f"`{declared.name.text}` is {what}: only a unit has an equation for its slope"
        reporter.report(Misused(span=prime, said=said, hint="a prime marks `unit h[u]'`", mend=mend))
