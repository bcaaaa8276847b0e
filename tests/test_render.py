"""The three forms in which diagnostics are shown."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest

from rnnc.diagnostics import Diagnostic, Edit, Help, Label, Source, Span
from rnnc.render import render


class Example(Diagnostic):
    code: ClassVar[str] = "E999"
    more: tuple[Label, ...] = ()

    def message(self) -> str:
        return "something is wrong"

    def label(self) -> str:
        return "here"

    def others(self) -> tuple[Label, ...]:
        return self.more

    def notes(self) -> tuple[str, ...]:
        return ("a remark",)

    def help(self) -> Help:
        return Help("write it", (Edit(self.span, "new"),))


class Remark(Example):
    code: ClassVar[str] = "W999"


class Quoting(Example):
    code: ClassVar[str] = "E998"
    name: str

    def message(self) -> str:
        return f"`{self.name}` is wrong"


def span(source: Source, word: str, start: int = 0) -> Span:
    at = source.text.index(word, start)
    return Span(source, at, at + len(word))


FIRST = Source("a.rnn", "one two\n\tthree 日本 four\nfive\nsix\nseven\n")
SECOND = Source("b.rnn", "elsewhere stands this\n")


def test_full() -> None:
    one = Example(
        span=span(FIRST, "four"),
        more=(Label(span(FIRST, "one"), "first"), Label(span(FIRST, "seven"), "last")),
    )
    assert render([one]) == (
        "error[E999]: something is wrong\n"
        " --> a.rnn:2:11\n"
        "  |\n"
        "1 | one two\n"
        "  | --- first\n"
        "2 |     three 日本 four\n"
        "  |                ^^^^ here\n"
        "...\n"
        "5 | seven\n"
        "  | ----- last\n"
        "  = note: a remark\n"
        "help: write it\n"
    )


def test_another_file() -> None:
    one = Example(span=span(FIRST, "two"), more=(Label(span(SECOND, "this"), "declared there"),))
    assert render([one]).splitlines()[3:9] == [
        "1 | one two",
        "  |     ^^^ here",
        " ::: b.rnn:1:18",
        "  |",
        "1 | elsewhere stands this",
        "  |                  ---- declared there",
    ]


def test_concise() -> None:
    found = [Example(span=span(FIRST, "five")), Remark(span=span(FIRST, "six"))]
    assert render(found, "concise") == (
        "a.rnn:3:1: error[E999]: something is wrong\na.rnn:4:1: warning[W999]: something is wrong\n"
    )


def test_json_has_every_field() -> None:
    one = Example(span=span(FIRST, "five"), more=(Label(span(SECOND, "this"), "there"),))
    record = json.loads(render([one], "json"))
    assert record["place"] == {
        "file": "a.rnn", "line": 3, "column": 1, "end_line": 3, "end_column": 5, "start": 23, "end": 27,
    }  # fmt: skip
    assert record["severity"] == "error"
    assert record["others"][0]["place"]["file"] == "b.rnn"
    assert record["notes"] == ["a remark"]
    assert record["help"]["edits"][0]["text"] == "new"


def test_colors_only_when_asked() -> None:
    one = Example(span=span(FIRST, "five"))
    assert "\033" not in render([one])
    colored = render([one], color=True)
    assert "\033[1;31merror[E999]\033[0m" in colored


def test_no_escape_sequence_of_the_author_s_reaches_the_terminal() -> None:
    source = Source("a.rnn", "\033[31mred\u202e\n")
    assert "\033" not in render([Example(span=span(source, "red"))])
    assert "\u202e" not in render([Example(span=span(source, "red"))])


def test_long_lines_are_cut_around_the_mark() -> None:
    source = Source("a.rnn", "x" * 50_000 + "here" + "y" * 50_000)
    lines = render([Example(span=span(source, "here"))]).splitlines()
    assert max(map(len, lines)) < 200
    assert lines[3].index("here") == lines[4].index("^^^^")


@pytest.mark.parametrize("form", ["full", "concise"])
def test_what_a_message_quotes_is_cleaned_and_cut(form: str) -> None:
    long = render([Quoting(span=span(FIRST, "five"), name="y" * 1_000)], form)
    assert f"`{'y' * 399}...` is wrong" in long and len(max(long.splitlines(), key=len)) < 500
    assert "`a?[31mb?c` is wrong" in render([Quoting(span=span(FIRST, "five"), name="a\033[31mb\nc")], form)


def test_end_of_text_and_empty_text() -> None:
    empty = Source("a.rnn", "")
    assert "1 |\n  | ^ here" in render([Example(span=Span(empty, 0, 0))])
    text = Source("a.rnn", "abc")
    assert "1 | abc\n  |    ^ here" in render([Example(span=Span(text, 3, 3))])


def test_unknown_form() -> None:
    with pytest.raises(ValueError, match="full, concise, json"):
        render([], "xml")


def test_nothing() -> None:
    assert render([]) == ""
