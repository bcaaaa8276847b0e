"""The place where the grammar stopped becomes a diagnostic: the common slips by name, the rest by what may
stand there.

Each rule looks at one slip and answers with a diagnostic and the repair that lets the reading go on, or with
None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rnnc.diagnostics import Edit, Help, Span
from rnnc.frontend.errors_syntax import Misplaced, ReservedWord, Unexpected, UnknownStatement
from rnnc.frontend.errors_text import EXECUTED, TextDiagnostic
from rnnc.frontend.expected import expected
from rnnc.frontend.lex import END
from rnnc.frontend.trouble import Repair, Trouble
from rnnc.frontend.words import BLOCKS, KEYWORDS, RESERVED, STATEMENTS, starts_statement
from rnnc.suggest import suggest

Verdict = tuple[TextDiagnostic, Repair]
_OPERANDS = ("NAME", "NUMBER", "BIAS", "FIRST", "LAST", "STRING")
_EQUATIONS = ("UNIT", "GATE", "OUTPUT", "START", "FEEDBACK")
_COMPARISONS = ("EQ", "NE", "LE", "GE", "LT", "GT")
# Forms that take any number of operands, so that a comma is what was forgotten.
_LISTS = ("full", "concat")
_LISTING = ("AXIS", "NETWORK", "CELL", "FN")
_ARRAYS = ("PARAM", "FIXED")
_DATA = ("INPUT", "TARGET", *_ARRAYS)
_DECLARING = ("INPUT", "TARGET", "PARAM", "FIXED", "GATE", "UNIT", "OUTPUT")


def word(trouble: Trouble) -> Verdict:
    """The diagnostic for a trouble, and how to go on."""
    for rule in RULES:
        verdict = rule(trouble)
        if verdict is not None:
            return verdict
    return _unexpected(trouble), Repair()


def _unexpected(
    trouble: Trouble,
    hint: str = "",
    mend: Help | None = None,
    notes: tuple[str, ...] = (),
    wanted: str = "",
    span: Span | None = None,
    found: str = "",
) -> Unexpected:
    return Unexpected(
        span=span or trouble.span,
        expected=wanted or expected(trouble),
        found=found or trouble.found,
        hint=hint,
        mend=mend,
        remarks=notes,
    )


def _statement_outside(trouble: Trouble) -> Verdict | None:
    """A declaration where only networks, cells, functions and `use` stand."""
    here = trouble.here
    if "NETWORK" not in trouble.allowed or here.kind not in STATEMENTS:
        return None
    front, back = here.start, len(trouble.source.text.rstrip())
    blocks = [one for one in trouble.lexemes[trouble.place :] if one.kind in BLOCKS]
    if blocks:
        back = trouble.lexemes[trouble.lexemes.index(blocks[0]) - 1].end
    if "#" in trouble.source.text[trouble.source.text.rfind("\n", 0, back) + 1 : back]:
        back = min(trouble.source.text.find("\n", back) % (len(trouble.source.text) + 1), len(trouble.source.text))
    edits: tuple[Edit, ...] = (
        Edit(Span(trouble.source, front, front), "network main {\n"),
        Edit(Span(trouble.source, back, back), "\n}\n"),
    )
    if here.kind == "RETURN":
        edits = ()
    return (
        Misplaced(
            span=Span(trouble.source, here.start, here.end),
            place="inside a network",
            edits=edits,
            advice="put `network main {` before it and `}` behind the last declaration" if edits else "",
        ),
        Repair(put=("NETWORK", "NAME", "LBRACE"), opens_block=True),
    )


def _no_colon(trouble: Trouble) -> Verdict | None:
    """`input x[n] D`, `param W (H, D)`, `input x y : D`: a size or a name right behind what is declared."""
    here, before, after = trouble.here, trouble.before, trouble.after
    head = trouble.lexemes[trouble.head].kind
    if before is None or head not in _DATA or "COLON" not in trouble.allowed or trouble.starts_line or trouble.inside:
        return None
    sizes = ("NAME", "NUMBER", "LPAREN") if before.kind == "RBRACKET" or head in _ARRAYS else ("NAME", "NUMBER")
    if here.kind not in sizes:
        return None
    at = Span(trouble.source, before.end, before.end)
    if before.kind == "NAME" and after.kind in ("COLON", "COMMA", "LBRACKET"):
        mend = Help("write `,` between them", (Edit(at, ","),))
        return _unexpected(trouble, "a comma is missing before this", mend, wanted="`,`"), Repair(put=("COMMA",))
    mend = Help("write `:` before the size", (Edit(at, " :"),))
    return _unexpected(trouble, "a size stands behind `:`", mend, wanted="`:`"), Repair(put=("COLON",))


def _size_brackets(trouble: Trouble) -> Verdict | None:
    """`param W : [H, D]`: a shape has round brackets."""
    here, before = trouble.here, trouble.before
    if before is None or here.kind != "LBRACKET" or before.kind != "COLON" or trouble.inside:
        return None
    closing = next((x for x in trouble.lexemes[trouble.place :] if x.kind == "RBRACKET"), here)
    whole = Span(trouble.source, here.start, closing.end)
    inner = Span(trouble.source, here.end, closing.start).text.strip()
    plain = bool(inner) and not set(inner) & set("[:=")
    sizes = f"({inner})" if "," in inner else inner
    mend = Help(f"write `{sizes}`", (Edit(whole, sizes),)) if plain else None
    return _unexpected(trouble, "several sizes stand in round brackets", mend, wanted="a size"), Repair()


def _unknown_statement(trouble: Trouble) -> Verdict | None:
    """A name where a statement could start: `uint h[n] = ...`, `Unit ...`, `h[n] = ...`, `import os`."""
    here, after = trouble.here, trouble.after
    inside = "UNIT" in trouble.allowed
    if here.kind != "NAME" or not (inside or "NETWORK" in trouble.allowed):
        return None
    words = (
        (*STATEMENTS.values(), "use", "network", "cell") if inside else (*BLOCKS.values(), "fn", *STATEMENTS.values())
    )
    meant = suggest(here.text, words) if after.kind in ("NAME", "STRING", "LPAREN", "NUMBER") else None
    kind = next((kind for kind, text in KEYWORDS.items() if text == meant), "")
    span = Span(trouble.source, here.start, here.end)
    if kind and (kind in trouble.allowed or not inside):
        found = UnknownStatement(span=span, suggestion=meant, outside=not inside and kind in (*BLOCKS, "FN"))
        if kind in trouble.allowed:
            return found, Repair(put=(kind,), skip=1)
        return found, Repair(put=("NETWORK", "NAME", "LBRACE", kind), skip=1, opens_block=True)
    if not trouble.starts_line and "PLUS" in trouble.allowed:
        return None
    equation = inside and after.kind in ("LBRACKET", "EQUAL", "COLON", "TILDE") and trouble.has_equation
    found = UnknownStatement(span=span, suggestion=None, outside=not inside, equation=equation)
    return found, Repair(put=("UNIT",)) if equation else Repair()


def _swallowed(trouble: Trouble) -> Verdict | None:
    """A name read as the end of `axis n` or of `~ ...` that was meant as the next statement: look at it
    instead.
    """
    before = trouble.before
    head = trouble.lexemes[trouble.head].kind
    if before is None or before.kind != "NAME" or trouble.place < 2:
        return None
    earlier = replace(trouble, place=trouble.place - 1, allowed=frozenset({*STATEMENTS, "RBRACE"}))
    if head == "AXIS" and trouble.allowed == {"LPAREN"}:
        if not earlier.starts_line:
            verdict = _two_operands(replace(earlier, allowed=frozenset({"COMMA"})))
            return (verdict[0], Repair(forget=1, put=("COMMA", "NAME"))) if verdict is not None else None
    elif head not in ("UNIT", "GATE", "OUTPUT") or not earlier.starts_line or "RBRACE" not in trouble.allowed:
        return None
    verdict = _unknown_statement(earlier)
    if verdict is None or "PLUS" in trouble.allowed:
        return None
    found, repair = verdict
    if not repair.put:
        return found, Repair()
    return found, Repair(forget=1, put=repair.put if repair.skip else (*repair.put, "NAME"))


def _reserved(trouble: Trouble) -> Verdict | None:
    """A keyword where a name is wanted."""
    here = trouble.here
    if "NAME" not in trouble.allowed or here.text not in RESERVED:
        return None
    if starts_statement(trouble.source, trouble.lexemes, trouble.place):
        return None
    taken = {lexeme.text for lexeme in trouble.lexemes if lexeme.kind == "NAME"}
    free = here.text + "_"
    while free in taken:
        free += "_"
    return ReservedWord(span=Span(trouble.source, here.start, here.end), free=free), Repair(put=("NAME",), skip=1)


def _equal_sign(trouble: Trouble) -> Verdict | None:
    """`==` or `:=` for `=`, and an equation without any."""
    here, before, allowed = trouble.here, trouble.before, trouble.allowed
    head = trouble.lexemes[trouble.head].kind
    if before is None:
        return None
    if here.kind == "EQUAL" and before.kind == "COLON":
        both = Span(trouble.source, before.start, here.end)
        mend = Help("replace `:=` by `=`", (Edit(both, "="),))
        return _unexpected(trouble, "equations have `=`", mend, wanted="`=`", found="`:=`", span=both), Repair(
            forget=1, put=("EQUAL",), skip=1
        )
    if "EQUAL" not in allowed or trouble.inside:
        return None
    if here.kind == "COLON" and trouble.after.kind == "EQUAL" and trouble.after.start == here.end:
        both = Span(trouble.source, here.start, trouble.after.end)
        mend = Help("replace `:=` by `=`", (Edit(both, "="),))
        return _unexpected(trouble, "equations have `=`", mend, wanted="`=`", found="`:=`", span=both), Repair(skip=1)
    stops = here.kind in ("RBRACE", END) or starts_statement(trouble.source, trouble.lexemes, trouble.place)
    if stops and head in _EQUATIONS:
        return _unexpected(trouble, wanted="`=` and an equation"), Repair()
    if here.kind == "EQ":
        mend = Help("replace `==` by `=`", (Edit(trouble.span, "="),))
        return _unexpected(trouble, "a comparison", mend, wanted="`=`"), Repair(put=("EQUAL",), skip=1)
    if here.kind not in (*_OPERANDS, "LPAREN", "MINUS") or trouble.inside:
        return None
    if here.kind == "LPAREN" and "LBRACKET" in allowed:
        return None
    at = Span(trouble.source, before.end, before.end)
    if here.kind == "NAME" and trouble.after.kind in ("EQUAL", "TILDE") and "COLON" in allowed:
        mend = Help("write `:` before the size", (Edit(at, " :"),))
        return _unexpected(trouble, "a size stands behind `:`", mend, wanted="`:`"), Repair(put=("COLON",))
    if head in _EQUATIONS and not trouble.starts_line:
        mend = Help("write `=` before the equation", (Edit(at, " ="),))
        return _unexpected(trouble, "the equation starts here", mend, wanted="`=`"), Repair(put=("EQUAL",))
    return None


def _habits(trouble: Trouble) -> Verdict | None:
    """Signs of other languages: `**` for a power, `a:b` for a range, a call where a declaration is."""
    here, before, allowed = trouble.here, trouble.before, trouble.allowed
    if before is None:
        return None
    both = Span(trouble.source, before.start, here.end)
    if here.kind == "STAR" and before.kind == "STAR" and before.end == here.start:
        mend = Help("replace `**` by `^`", (Edit(both, "^"),))
        return _unexpected(trouble, "a power is written `^`", mend, span=both, found="`**`"), Repair(
            forget=1, put=("CARET",), skip=1
        )
    if here.kind == "COLON" and "RANGE" in allowed:
        mend = Help("replace `:` by `..`", (Edit(trouble.span, ".."),))
        return _unexpected(trouble, "a range is written `a..b`", mend, wanted="`..`"), Repair(put=("RANGE",), skip=1)
    if here.kind in _COMPARISONS and "PLUS" in allowed and "EQUAL" not in allowed:
        return _unexpected(trouble, "one comparison at a time", notes=("comparisons do not chain",)), Repair()
    if here.kind == "LPAREN" and "LBRACKET" in allowed and "EQUAL" in allowed:
        notes = (EXECUTED,) if trouble.after.kind in ("STRING", "RPAREN") else ()
        hint = f"axes are written `{before.text}[n]`"
        return _unexpected(trouble, hint, notes=notes, wanted="`[`, `:` or `=` after the name"), Repair()
    if here.kind == "LBRACKET" and before.kind == "RPAREN":
        return _unexpected(trouble, "only a name has an index"), Repair()
    return None


def _declared_index(trouble: Trouble) -> Verdict | None:
    """`unit h[n-1] = ...`, `param W[4, 3]`: between the brackets of a declaration stand axes alone."""
    here, allowed = trouble.here, trouble.allowed
    declares = trouble.lexemes[trouble.head].kind in _DECLARING and trouble.inside == "LBRACKET"
    if not declares or "NUMBER" in allowed or not allowed & {"NAME", "RBRACKET"}:
        return None
    if "PLUS" in allowed:
        return None
    closing = trouble.place
    while trouble.lexemes[closing].kind not in ("RBRACKET", END):
        closing += 1
    opening = trouble.place
    while trouble.lexemes[opening].kind != "LBRACKET":
        opening -= 1
    inner = trouble.source.text[trouble.lexemes[opening].end : trouble.lexemes[closing].start]
    whole = Span(trouble.source, trouble.lexemes[opening].start, trouble.lexemes[closing].end)
    skip = closing - trouble.place
    if here.kind == "NUMBER":
        sizes = f"({inner})" if "," in inner else inner
        data = trouble.lexemes[trouble.head].kind in ("PARAM", "FIXED")
        name = trouble.lexemes[opening - 1].text
        mend = Help(f"write `{name} : {sizes}`", (Edit(whole, f" : {sizes}"),)) if data else None
        return _unexpected(trouble, "sizes stand behind `:`", mend), Repair(put=("NAME",), skip=skip)
    if here.kind in ("MINUS", "PLUS"):
        cut = Span(trouble.source, here.start, trouble.lexemes[closing].start)
        axis = trouble.before.text if trouble.before is not None else ""
        mend = Help(f"write `[{axis}]`", (Edit(cut, ""),)) if "," not in cut.text else None
        return _unexpected(trouble, "an equation declares its current position", mend), Repair(skip=skip)
    return None


def _two_operands(trouble: Trouble) -> Verdict | None:
    """Two operands with nothing between: a forgotten comma or operator."""
    here, before, allowed = trouble.here, trouble.before, trouble.allowed
    if before is None or here.kind not in (*_OPERANDS, "LPAREN"):
        return None
    at = Span(trouble.source, before.end, before.end)
    if here.kind == "LPAREN" and "STAR" in allowed and before.kind in ("NUMBER", "RPAREN", "RBRACKET"):
        mend = Help("write `*` between them", (Edit(at, " *"),))
        return _unexpected(trouble, "a product has its `*`", mend), Repair(put=("STAR",))
    if here.kind == "LPAREN" or "COMMA" not in allowed or (trouble.starts_line and not trouble.inside):
        return None
    names = not allowed & {"PLUS", "LPAREN"} or trouble.lexemes[trouble.head].kind in _LISTING
    if trouble.caller not in _LISTS and not names:
        return _unexpected(trouble, "a comma or an operator is missing before this"), Repair(put=("COMMA",))
    mend = Help("write `,` between them", (Edit(at, ","),))
    return _unexpected(trouble, "a comma is missing before this", mend), Repair(put=("COMMA",))


def _trailing_comma(trouble: Trouble) -> Verdict | None:
    """`full(a, b,)` and `axis n,`."""
    before = trouble.before
    if before is None or before.kind != "COMMA" or trouble.here.kind not in ("RPAREN", "RBRACKET"):
        return None
    comma = Span(trouble.source, before.start, before.end)
    mend = Help("remove the comma", (Edit(comma, ""),))
    return _unexpected(trouble, "nothing follows it", mend, span=comma, wanted="something after the comma"), Repair(
        forget=1
    )


def _suffixes(trouble: Trouble) -> Verdict | None:
    """`backward`, `over` and `as` belong behind a cell's parenthesis, in this order."""
    if trouble.here.kind not in ("BACKWARD", "OVER", "AS") or "PLUS" not in trouble.allowed:
        return None
    notes = ("behind a cell's arguments stand `backward`, `over n` and `as name`, in this order",)
    return _unexpected(trouble, "not here", notes=notes), Repair()


RULES: tuple[Callable[[Trouble], Verdict | None], ...] = (
    _statement_outside,
    _swallowed,
    _no_colon,
    _size_brackets,
    _unknown_statement,
    _reserved,
    _equal_sign,
    _habits,
    _declared_index,
    _two_operands,
    _trailing_comma,
    _suffixes,
)
