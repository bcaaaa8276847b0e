"""ASCII spellings for letters and signs that a paper prints and a spec does not know."""

from __future__ import annotations

import re
import unicodedata

_GREEK = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu",
    "nu", "xi", "omicron", "pi", "rho", "sigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
]  # fmt: skip
_LETTERS = {chr(0x3B1 + place): name for place, name in enumerate(_GREEK)}
_LETTERS |= {chr(0x391 + place): name.capitalize() for place, name in enumerate(_GREEK) if chr(0x391 + place).isalpha()}
_LETTERS |= {"ϵ": "epsilon", "ϑ": "theta", "ϕ": "phi", "ϖ": "pi", "ϱ": "rho", "ς": "sigma", "µ": "mu"}
_LETTERS |= {"ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
_LETTERS |= {"đ": "d", "Đ": "D", "ð": "d", "þ": "th", "ı": "i", "∂": "d", "∇": "grad"}
# Cyrillic letters that look like Latin ones.
_LETTERS |= dict(zip("аеорсухіАВЕКМНОРСТХ", "aeopcyxiABEKMHOPCTX", strict=True))

# What papers call by one letter, where a parenthesis follows.
FUNCTIONS = {"σ": "sigmoid", "Σ": "sum"}
SIGNS = {
    "×": "*", "·": "*", "⋅": "*", "∗": "*", "⊙": "*", "∘": "*", "÷": "/", "∕": "/", "−": "-", "–": "-",
    "—": "-", "≤": "<=", "≥": ">=", "≠": "!=", "≔": "=", "←": "=", "∼": "~", "…": "..", "‥": "..", "′": "'",
    "’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "∑": "sum", ";": "",
    "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u3000": " ",
    "\ufeff": "", "\u200b": "", "\u200c": "", "\u200d": "",
}  # fmt: skip


def spell_word(word: str) -> str | None:
    """An ASCII name for a word, or None: `α` is `alpha`, `café` is `cafe`, `h₁` is `h1`, `_Q` is `Q`."""
    if any(unicodedata.decomposition(letter).startswith("<super>") for letter in word):
        return None
    spelled = "".join(_spell_letter(letter) for letter in unicodedata.normalize("NFKC", word)).strip("_")
    return spelled if re.fullmatch("[A-Za-z][A-Za-z0-9_]*", spelled) else None


def _spell_letter(letter: str) -> str:
    if letter.isascii() or letter in _LETTERS:
        return _LETTERS.get(letter, letter)
    plain = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return "".join(_LETTERS.get(part, part) for part in plain)


def spell_sign(sign: str) -> str | None:
    """The ASCII sign for one that is not, `""` where it only has to go, or None."""
    if sign in SIGNS:
        return SIGNS[sign]
    plain = unicodedata.normalize("NFKC", sign)
    return plain if plain != sign and plain.isascii() and len(plain) == 1 else None
