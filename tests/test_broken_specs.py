"""One lexeme of the library deleted, doubled, swapped or misspelt: a meaning or diagnostics, and soon."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from rnnc.compiler import Understood, emit, load_module, understand
from rnnc.diagnostics import Diagnostic, Rejected, apply_edits
from rnnc.frontend.lex import Lexeme, lex
from rnnc.frontend.read import read_text
from rnnc.frontend.stored import tables
from rnnc.places import specs_folder
from rnnc.render import render

SPECS = sorted(specs_folder().glob("*.rnn"))
SAMPLE, IMPORTED, LONGEST = 1_500, 60, 5.0
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Broken(NamedTuple):
    """A spec of the library with one lexeme wrong; `name` says which and how."""

    path: Path
    name: str
    text: str


@lru_cache(maxsize=1)
def every() -> tuple[Broken, ...]:
    """Every way of every lexeme of every spec."""
    return tuple(one for path in SPECS for one in broken(path))


def broken(path: Path) -> list[Broken]:
    text = path.read_text(encoding="utf-8")
    lexemes = lex(text, tables())[:-1]
    rng = Random(path.stem)
    found = []
    for k, one in enumerate(lexemes):
        front, back = text[: one.start], text[one.end :]
        ways = {
            "deleted": front + back,
            "doubled": f"{front}{one.text} {one.text}{back}",
            "misspelt": front + misspelt(one, rng) + back,
        }
        if k + 1 < len(lexemes):
            after = lexemes[k + 1]
            ways["swapped"] = front + after.text + text[one.end : after.start] + one.text + text[after.end :]
        place = f"{path.stem} {k} {one.text!r}"
        found += [Broken(path, f"{place} {way}", wrong) for way, wrong in ways.items() if wrong != text]
    return found


def misspelt(one: Lexeme, rng: Random) -> str:
    """One letter more, less, exchanged or of the other case; another digit; another sign."""
    text = one.text
    at = rng.randrange(len(text))
    if text[0].isdigit():
        return text[:at] + rng.choice("0123456789.e-") + text[at + 1 :]
    if not text[0].isalpha():
        return text[:at] + rng.choice("()[]{}=:,.~^*/+-<>@'\"") + text[at + 1 :]
    return rng.choice(
        (
            text[:at] + text[at + 1 :],
            text[:at] + text[at] + text[at:],
            text[:at] + rng.choice(LETTERS) + text[at + 1 :],
            text[:at] + text[at:].swapcase(),
            text[:at] + rng.choice(LETTERS) + text[at:],
        )
    )


def understood(one: Broken) -> Understood | None:
    """What a broken spec still means, if anything; everything but a meaning or good diagnostics fails."""
    begin = time.process_time()
    result, errors = tried(one.text, one.path)
    took = time.process_time() - begin
    assert took < LONGEST, f"{took:.1f} s"
    if len(errors) == 1 and (mend := errors[0].help()) is not None and mend.edits:
        _, left = tried(apply_edits(one.text, mend.edits), one.path)
        assert errors[0].code not in {d.code for d in left}, f"`{mend.text}` does not mend {errors[0].message()}"
    return result


def tried(text: str, path: Path) -> tuple[Understood | None, tuple[Diagnostic, ...]]:
    """What a spec means, or what is wrong with it."""
    try:
        return understand(read_text(text), path=path), ()
    except Rejected as rejected:
        errors = tuple(d for d in rejected.diagnostics if d.is_error)
        assert errors
        assert "error[E" in render(rejected.diagnostics)
        return None, errors


def failures(cases: list[Broken]) -> list[str]:
    found = []
    for one in cases:
        try:
            understood(one)
        except Exception as failure:
            found.append(f"{one.name}: {type(failure).__name__}: {failure}")
    return found


def test_a_meaning_or_diagnostics(all_broken: bool) -> None:
    cases = list(every()) if all_broken else Random(1).sample(every(), SAMPLE)
    found = failures(cases)
    assert not found, f"{len(found)} of {len(cases)}:\n" + "\n".join(found[:40])


def test_what_still_has_a_meaning_is_a_module(all_broken: bool) -> None:
    cases = list(every())
    Random(2).shuffle(cases)
    found, made, begin = [], 0, set()
    for one in cases:
        if made == IMPORTED and not all_broken:
            break
        result = understood(one)
        if result is None or (what := (one.path, one.name.rsplit(" ", 1)[1])) in begin:
            continue
        begin.add(what)
        made += 1
        try:
            module = load_module(emit(result), result.model.name)
            assert module.init(seed=0).sizes == module.SIZES
        except Exception as failure:
            found.append(f"{one.name}: {type(failure).__name__}: {failure}")
    assert not found, "\n".join(found)
    assert made >= IMPORTED


@pytest.fixture
def all_broken(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("all_broken"))
