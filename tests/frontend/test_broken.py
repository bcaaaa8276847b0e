"""Broken texts end in diagnostics: no traceback, not for long, and every edit on offer mends something."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from frontend.trees import wrong
from understanding import inside

from rnnc.diagnostics import Source, apply_edits
from rnnc.frontend.lex import lex
from rnnc.frontend.parse import count_errors
from rnnc.frontend.read import read_text
from rnnc.frontend.stored import tables
from rnnc.places import specs_folder
from rnnc.render import render

SPECS = sorted(specs_folder().glob("*.rnn"))


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


def _lines(text: str) -> int:
    """How many lines of Python run to read a text once."""
    source, count = read_text(text), 0

    def one(_frame: FrameType, _event: str, _argument: object) -> Any:
        nonlocal count
        count += 1
        return one

    before = sys.gettrace()
    sys.settrace(one)
    try:
        count_errors(source)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "text",
    [
        lambda n: "network a {\n" + "uint x = 3\n" * n + "}",
        lambda n: "network a { unit h = 1 " + "} " * n,
        lambda n: "network a { unit h = full(" + "a " * n + ") }",
        lambda n: "network a { unit h = x[" + ":" * n + "] }",
        lambda n: "network a {\n" + "cell c(x) { unit y = x return y }\n" * n + "}",
        lambda n: "α" * n,
        lambda n: " ".join(f"α{k}" for k in range(n)),
        lambda n: "'" * n,
        lambda n: inside("\n".join(f"unit h{k}[n] : D = tanh(full(x[n]) + full(h{k}[n-1]))" for k in range(n))),
        lambda n: inside("output y[n] : D = " + "x * 2 + " * n + "x"),
    ],
    ids=[*("statements", "closers", "names", "colons", "cells", "letter", "words", "quotes"), "right", "a sum"],
)
def test_work_grows_as_the_text_does(text: Callable[[int], str]) -> None:
    """The seconds of a megabyte: `benchmarks/limits.py`."""
    assert _lines(text(1_000)) <= 2.05 * _lines(text(500))


@pytest.mark.parametrize("mistakes", [20, 90, 200, 1_000])
def test_helps_are_tried_within_measure(mistakes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text is read again for every help of twenty mistakes; of hundreds, each of which takes its time in each
    reading, for the first alone, and for none once there are too many to count."""
    read = 0

    def counted(source: Source) -> int:
        nonlocal read
        read += count_errors(source)
        return count_errors(source)

    monkeypatch.setattr("rnnc.frontend.parse.count_errors", counted)
    found = wrong("network a {\n" + "uint x = 3\n" * mistakes + "}")
    assert mistakes > 100 or all(one.help() is not None for one in found[:20])
    assert read < 8_000
