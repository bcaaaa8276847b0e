"""Every diagnostic as its author reads it: each `.rnn` in `diagnostics/` has the rendered text beside it in
`.err`.

To see a changed wording as a difference in the repository, run once with RNNC_WRITE=1: the `.err` files are
written anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import pytest

import rnnc
from rnnc.catalogue import DIAGNOSTICS, codes, explain, summary
from rnnc.compiler import understand
from rnnc.diagnostics import Diagnostic, Rejected, Reporter, Source, apply_edits
from rnnc.frontend.read import read_bytes, read_text
from rnnc.learning.forms import Asked
from rnnc.learning.rules import rule
from rnnc.render import render

FOLDER = Path(__file__).parent / "diagnostics"
PAIRS = sorted(FOLDER.glob("*.rnn"))
# Too large to keep as a file; made in its own test.
GENERATED = {"E503"}


def _options(source: Source) -> dict[str, Any]:
    """A first line such as `# with -s H=0 --network b` says what the command line would."""
    words = source.line(1).split()
    if words[:2] != ["#", "with"]:
        return {}
    given: dict[str, Any] = {"settings": {}}
    for option, value in zip(words[2::2], words[3::2], strict=True):
        if option == "--network":
            given["network"] = value
        elif option in ("--algorithm", "--rule"):
            continue
        else:
            name, _, number = value.partition("=")
            given["settings"][name] = float(number)
    return given


def diagnose(raw: bytes, name: str) -> tuple[Diagnostic, ...]:
    """All diagnostics of a spec in the folder of pairs, as the command line would collect them."""
    try:
        source = read_bytes(raw, name)
        understood = understand(source, path=FOLDER / name, **_options(source))
        reporter = Reporter()
        first = source.line(1).split()
        if "--algorithm" in first:
            learned = rule(first[first.index("--algorithm") + 1]).learned
            assert learned is not None
            learned(understood.system, reporter, Asked())
        return (*understood.warnings, *reporter.diagnostics)
    except Rejected as rejected:
        return rejected.diagnostics


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_rendered_text(path: Path) -> None:
    found = diagnose(path.read_bytes(), path.name)
    assert found, "a spec in this folder is wrong"
    text = render(found)
    expected = path.with_suffix(".err")
    if os.environ.get("RNNC_WRITE"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
    assert path.stem.split("_")[0] in {one.code for one in found}


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_help_mends(path: Path) -> None:
    """Each help alone removes its error and brings no other; all together leave none."""
    found = diagnose(path.read_bytes(), path.name)
    errors = [one for one in found if one.is_error]
    mends = [mend for mend in (one.help() for one in found) if mend is not None and mend.edits]
    for mend in mends:
        text = apply_edits(mend.edits[0].span.source.text, mend.edits)
        left = [one for one in diagnose(text.encode(), path.name) if one.is_error]
        assert len(left) <= max(len(errors) - 1, 0), (mend, [one.message() for one in left])
    if mends and len(mends) == len(found):
        edits = tuple(dict.fromkeys(edit for mend in mends for edit in mend.edits))
        text = apply_edits(edits[0].span.source.text, edits)
        left = [one for one in diagnose(text.encode(), path.name) if one.is_error]
        assert not left, [one.message() for one in left]


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_wording(path: Path) -> None:
    for one in diagnose(path.read_bytes(), path.name):
        message = one.message()
        assert not message.endswith(".")
        assert message[0].islower() or not message[0].isalpha()
        assert "\n" not in message
        for form in ("full", "concise", "json"):
            text = render([one], form)
            assert not any(word in text for word in ("ANON", "RPAR", "Error:", "Traceback", "Token("))
        record = json.loads(render([one], "json"))
        assert record["code"] == one.code
        assert record["message"] == message


def test_every_code_has_a_pair() -> None:
    shown = {one.code for path in PAIRS for one in diagnose(path.read_bytes(), path.name)}
    assert set(codes()) - shown - GENERATED == set()


@pytest.mark.parametrize("kind", DIAGNOSTICS, ids=lambda kind: kind.__name__)
def test_long_form(kind: type[Diagnostic]) -> None:
    """The rule in words, and a spec as an indented block."""
    assert kind.__doc__ is not None and kind.__doc__[0] in "`" + ascii_uppercase
    assert explain(kind.code).startswith(kind.code)
    assert len(kind.__doc__.splitlines()) > 3


def test_the_long_form_is_set_in_lines_of_its_own() -> None:
    assert "the way\nround must move one step or more." in explain("E302")
    assert "\n      output h[n] : H = tanh(full(x[n]) + full(h[n]) + bias)\n" in explain("E302")
    assert max(len(line) for code in codes() for line in explain(code).split("\n")) <= 120
    assert summary("E393").startswith("A unit that draws a sample, `unit s[n] : H ~ bernoulli")


def test_an_exception_alone_says_where_and_what_mends_it() -> None:
    source = "network a(D = 2) {\n  axis n\n  output y[n] : D = full(y[n])\n}"
    with pytest.raises(Rejected) as caught:
        rnnc.compile_text(source, name="a.rnn")
    assert str(caught.value) == "a.rnn:3:26: E302: `y` reads itself at the same step (did you mean `y[n-1]`?)"


def test_too_large() -> None:
    with pytest.raises(Rejected) as caught:
        read_text("#" * 1_500_001)
    assert caught.value.diagnostics[0].code == "E503"


def test_twenty_are_shown() -> None:
    body = "".join(f"  uint h{k}[n] : 3 = x\n" for k in range(30))
    found = diagnose(f"network a {{\n  axis n\n{body}}}\n".encode(), "many.rnn")
    assert len(found) == 30
    assert render(found).count("error[E001]") == 20
    assert render(found).endswith("30 errors, the first 20 are shown\n")
    assert len(render(found, "json").splitlines()) == 30


def test_source_names() -> None:
    assert Source("a.rnn", "x\ny").position(2) == (2, 1)
