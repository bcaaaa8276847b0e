"""The grammar has no conflicts, and the stored tables are those of the grammar."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from lark import Lark
from lark import logger as lark_logger

from rnnc.frontend.grammar import generate
from rnnc.frontend.tables import STORED, from_text, to_text
from rnnc.frontend.words import BLOCKS, RESERVED, STATEMENTS
from rnnc.places import grammar_file


def test_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    before = lark_logger.level
    lark_logger.setLevel(logging.DEBUG)
    lark_logger.addHandler(caplog.handler)
    try:
        Lark(grammar_file().read_text(encoding="utf-8"), parser="lalr", lexer="basic", debug=True)
    finally:
        lark_logger.removeHandler(caplog.handler)
        lark_logger.setLevel(before)
    assert "conflict" not in caplog.text.lower()


def test_stored_tables_are_up_to_date() -> None:
    """Where this fails: python -m rnnc.frontend.grammar."""
    made = generate(grammar_file().read_text(encoding="utf-8"))
    stored = STORED.read_text(encoding="utf-8")
    assert from_text(stored) == made
    assert to_text(made) == stored


@pytest.mark.parametrize("seed", ["1", "77"])
def test_tables_do_not_depend_on_the_hash_seed(seed: str) -> None:
    code = (
        "from rnnc.frontend.grammar import generate; from rnnc.frontend.tables import to_text;"
        "from rnnc.places import grammar_file; import sys;"
        "sys.stdout.write(to_text(generate(grammar_file().read_text(encoding='utf-8'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True)
    assert done.stdout.decode() == STORED.read_text(encoding="utf-8")


def test_parsing_imports_no_generator() -> None:
    code = (
        "import sys, rnnc.frontend.parse as p; p.tables();"
        "print(sorted({'lark', 'sympy', 'networkx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"


def test_reserved_words_are_the_grammar_s() -> None:
    stored = from_text(STORED.read_text(encoding="utf-8"))
    assert sorted(stored.keywords) == sorted(RESERVED)
    assert {stored.keywords[word]: word for word in stored.keywords} == {
        **STATEMENTS,
        **BLOCKS,
        **{word.upper(): word for word in ("over", "as", "backward", "first", "last", "learned", "bias")},
    }
