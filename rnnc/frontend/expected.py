"""What the grammar allows, in an author's words: never the name of a terminal."""

from __future__ import annotations

from rnnc.frontend.lex import END
from rnnc.frontend.trouble import Trouble
from rnnc.frontend.words import BLOCKS, STATEMENTS

_SIGNS = {
    "LPAREN": "`(`",
    "LBRACKET": "`[`",
    "LBRACE": "`{`",
    "COLON": "`:`",
    "TILDE": "`~`",
    "EQUAL": "`=`",
    "RANGE": "`..`",
    "COMMA": "`,`",
    "RPAREN": "`)`",
    "RBRACKET": "`]`",
    "RBRACE": "`}`",
    "DOT": "`.`",
    "PRIME": "`'`",
    "OVER": "`over`",
    "AS": "`as`",
    "BACKWARD": "`backward`",
}
_NAMED_AFTER = {
    "AXIS": "the name of an axis",
    "NETWORK": "the name of a network",
    "CELL": "the name of a cell",
    "FN": "the name of a function",
    "OVER": "the name of an axis",
    "AS": "a name to share",
    "RETURN": "the name of a unit",
}
# After an operand nearly everything may follow; these few say enough.
_FOLLOWING = ("EQUAL", "RANGE", "COMMA", "RPAREN", "RBRACKET", "LBRACE")


def expected(trouble: Trouble) -> str:
    """`an expression`, `a name`, `an operator, `,` or `)``."""
    allowed = trouble.allowed
    words: list[str]
    if "NUMBER" in allowed:
        words = ["an expression", *(_SIGNS[kind] for kind in ("RPAREN",) if kind in allowed)]
    elif "PLUS" in allowed or "STAR" in allowed or "CARET" in allowed:
        named = trouble.inside == "LPAREN"
        words = [
            "an operator",
            *(_SIGNS[k] for k in _FOLLOWING if k in allowed and not (named and k == "EQUAL")),
        ]
    elif "NAME" in allowed and not allowed & STATEMENTS.keys():
        before = trouble.before
        name = _NAMED_AFTER.get(before.kind if before is not None else "", "a name")
        declares = trouble.inside == "LBRACKET" and "NUMBER" not in allowed
        words = ["the name of an axis" if declares else name, *_signs(allowed)]
    elif "STRING" in allowed:
        words = ['a path in double quotes, `"lstm"`']
    else:
        words = _signs(allowed)
    if allowed & STATEMENTS.keys():
        words.append("a declaration")
    elif allowed & (BLOCKS.keys() | {END}) and not words:
        words = ["`network`, `cell`, `fn`", "`use`"]
    if not words:
        words = ["something else"]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _signs(allowed: frozenset[str]) -> list[str]:
    return [sign for kind, sign in _SIGNS.items() if kind in allowed]
