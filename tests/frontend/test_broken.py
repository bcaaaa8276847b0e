"""Broken texts end in diagnostics: no traceback, not for long, and every edit on offer mends something."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from frontend.trees import wrong

from rnnc.diagnostics import apply_edits
from rnnc.frontend.lex import lex
from rnnc.frontend.stored import tables
from rnnc.places import specs_folder
from rnnc.render import render

SPECS = sorted(specs_folder().glob("*.rnn"))
MEGABYTE = 1_000_000


def _broken(text: str, rng: random.Random) -> Iterator[str]:
    """One lexeme deleted, doubled, misspelt or swapped with the next, at some places."""
    lexemes = lex(text, tables())[:-1]
    for place in sorted(rng.sample(range(len(lexemes) - 1), 12)):
        one, after = lexemes[place], lexemes[place + 1]
        front, back = text[: one.start], text[one.end :]
        yield front + back
        yield front + one.text + " " + one.text + back
        yield front + one.text[1:] + one.text[:1] + back
        yield front + after.text + text[one.end : after.start] + one.text + text[after.end :]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_one_lexeme_wrong(path: Path) -> None:
    rng = random.Random(path.stem)
    for text in _broken(path.read_text(encoding="utf-8"), rng):
        found = wrong(text)
        assert len(found) <= 4, render(found)
        for one in found:
            mend = one.help()
            if mend is not None and mend.edits:
                assert len(wrong(apply_edits(text, mend.edits))) < len(found), render(found)


def test_noise() -> None:
    rng = random.Random(5)
    words = [
        *"abxyn012 ()[]{}=:,.~^*/+-<>!\"'#;\n\té\0",
        "unit",
        "axis",
        "network",
        "over",
        "as",
        "first",
        "use",
    ]
    for _ in range(400):
        text = " ".join(rng.choice(words) for _ in range(rng.randrange(60)))
        render(wrong(text))
        render(wrong("network a {\n" + text.replace(" ", "") + "\n}"))


@pytest.mark.parametrize(
    "text",
    [
        "network a {\n" + "uint x = 3\n" * 90_000 + "}",
        "network a { unit h = 1 " + "} " * (MEGABYTE // 2),
        "network a { unit h = full(" + "a " * (MEGABYTE // 2) + ") }",
        "network a { unit h = x[" + ":" * MEGABYTE + "] }",
        "network a {\n" + "cell c(x) { unit y = x return y }\n" * 30_000 + "}",
        "α" * MEGABYTE,
        " ".join(f"α{k}" for k in range(MEGABYTE // 8)),
        "'" * MEGABYTE,
    ],
    ids=["statements", "closers", "names", "colons", "cells", "letter", "words", "quotes"],
)
def test_a_megabyte_of_mistakes(text: str) -> None:
    start = time.process_time()
    found = wrong(text)
    assert found
    assert render(found)
    assert time.process_time() - start < 5


def test_a_megabyte_that_is_right() -> None:
    unit = "unit h{0}[n] : H = tanh(full(x[n]) + full(h{0}[n-1]) + bias)\n"
    text = "network a(D = 3, H = 4) {\naxis n\ninput x[n] : D\n" + "".join(map(unit.format, range(16_000))) + "}"
    start = time.process_time()
    assert wrong(text) == ()
    assert time.process_time() - start < 5
