"""Every block of the documentation does what the page says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import rnnc
from rnnc.diagnostics import Rejected

DOCS = Path(__file__).resolve().parent.parent / "docs"
FENCE = re.compile(r"^```(\w+) ?(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
HEAD = "network page(D = 3, H = 4, K = 2, V = 7) {\n"
WHOLE = ("network", "cell", "fn", "use", "#")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what stands beside it, its text, and where it begins."""

    page: str
    line: int
    language: str
    remark: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page.name, text.count("\n", 0, m.start()) + 1, m[1], m[2].strip(), m[3])
        for m in FENCE.finditer(text)
    ]


ALL = [block for name in ("language.md", "module.md") for block in blocks(DOCS / name)]
SPECS = [block for block in ALL if block.language == "rnn"]


def whole(text: str) -> str:
    """A block as a file: the inside of a network gets one around it."""
    return text if text.startswith(WHOLE) else f"{HEAD}{text}}}\n"


@pytest.mark.parametrize("block", [b for b in SPECS if not b.remark], ids=str)
def test_a_spec_compiles(block: Block) -> None:
    module = rnnc.compile_text(whole(block.text))
    assert module.init(dtype="float64").flat.dtype == "float64"


@pytest.mark.parametrize("block", [b for b in SPECS if b.remark], ids=str)
def test_a_refused_spec_has_its_code(block: Block) -> None:
    remark, code = block.remark.split()
    assert remark in ("wrong", "not-yet")
    with pytest.raises(Rejected) as rejected:
        rnnc.compile_text(whole(block.text))
    codes = {d.code for d in rejected.value.diagnostics if not d.code.startswith("W")}
    assert code in codes
    if remark == "wrong":
        assert codes == {code}
    else:
        assert {c[:3] for c in codes} == {"E39"}


def test_the_fences_are_known() -> None:
    assert {b.language for b in ALL} <= {"rnn", "python", "sh", "text"}
    assert len(SPECS) > 15
