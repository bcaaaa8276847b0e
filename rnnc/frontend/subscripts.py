"""Subscripts as a paper sets them, `h_{n-1}` and `W_{xh}`: said once, and read as `h[n-1]` and `W_xh`."""

from __future__ import annotations

from rnnc.diagnostics import Edit, Help, Reporter, Source, Span
from rnnc.frontend.errors_syntax import Unexpected
from rnnc.frontend.lex import Lexeme
from rnnc.frontend.words import BLOCKS


def read_subscripts(source: Source, lexemes: list[Lexeme], reporter: Reporter) -> list[Lexeme]:
    """The lexemes, braces behind `_` made positions or parts of names; every one is reported."""
    out: list[Lexeme] = []
    place = 0
    while place < len(lexemes):
        end = _end(lexemes, place)
        if end is None or (out and out[-1].kind in BLOCKS):
            out.append(lexemes[place])
            place += 1
            continue
        name, brace, inner, closer = lexemes[place], lexemes[place + 1], lexemes[place + 2 : end], lexemes[end]
        stem = name.text.rstrip("_")
        whole = Span(source, name.start, closer.end)
        if len(inner) == 1 and inner[0].kind == "NAME" and len(inner[0].text) > 1:
            text, hint = f"{stem}_{inner[0].text}", "a name is letters, digits and `_`"
            out.append(Lexeme("NAME", name.start, closer.end, text))
        else:
            written = source.text[brace.end : closer.start].strip()
            text, hint = f"{stem}[{written}]", "a position stands in square brackets"
            out.append(Lexeme("NAME", name.start, name.start + len(stem), stem))
            out += (Lexeme("LBRACKET", *brace[1:3], "["), *inner, Lexeme("RBRACKET", *closer[1:3], "]"))
        mend = Help(f"write `{text}`", (Edit(whole, text),))
        found = f"`{whole.text}`"
        reporter.report(Unexpected(span=whole, expected=f"`{text}`", found=found, hint=hint, mend=mend))
        place = end + 1
    return out


def _end(lexemes: list[Lexeme], place: int) -> int | None:
    """Where the brace closes that stands at once behind this name, on its line; None where there is none."""
    name = lexemes[place]
    if name.kind != "NAME" or not name.text.endswith("_") or lexemes[place + 1].kind != "LBRACE":
        return None
    if lexemes[place + 1].start != name.end:
        return None
    for k in range(place + 2, min(place + 12, len(lexemes))):
        if lexemes[k].kind in ("RBRACE", "LBRACE", "EQUAL", "COLON"):
            return k if lexemes[k].kind == "RBRACE" and k > place + 2 else None
    return None
