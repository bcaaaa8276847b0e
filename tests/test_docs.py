"""Every block of the documentation does what the page says of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import ROOT, Block, blocks, play

import rnnc
from rnnc.compiler import emit_text
from rnnc.diagnostics import Rejected
from rnnc.learning.rules import RULES

HEAD = "network page(D = 3, H = 4, K = 2, V = 7) {\n"
WHOLE = ("network", "cell", "fn", "use", "#")
LANGUAGE, MODULE = blocks("docs/language.md"), blocks("docs/module.md")
TRAINING = blocks("docs/training.md")
LEARNING, FIDELITY = blocks("docs/learning.md"), blocks("docs/fidelity.md")
DECODING, DERIVATIONS = blocks("docs/decoding.md"), blocks("docs/derivations.md")
SPECS = [block for block in LANGUAGE if block.language == "rnn"]


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


def test_every_block_is_run_by_some_test() -> None:
    assert {b.language for b in LANGUAGE} == {"rnn"}
    assert {b.language for b in MODULE} == {"rnn", "sh", "python", "text"}
    assert {b.language for b in DECODING} == {"python", "text"}
    assert {b.language for b in DERIVATIONS} == {"sh", "text"}
    assert {b.language for b in LEARNING} == {"sh", "python", "text"}
    assert len(SPECS) > 15


def test_the_page_on_the_module(tmp_path: Path) -> None:
    for name in ("elman.rnn", "elman_ctc.rnn"):
        (tmp_path / name).write_text((ROOT / "specs" / name).read_text(encoding="utf-8"), encoding="utf-8")
    play(MODULE, tmp_path)


def test_the_page_on_decoders(tmp_path: Path) -> None:
    play(DECODING, tmp_path)


def test_the_page_on_learning_rules(tmp_path: Path) -> None:
    (tmp_path / "elman.rnn").write_text((ROOT / "specs" / "elman.rnn").read_text(encoding="utf-8"), encoding="utf-8")
    play(LEARNING, tmp_path)


def test_every_rule_has_its_row() -> None:
    page = (ROOT / "docs" / "learning.md").read_text(encoding="utf-8")
    assert [rule.name for rule in RULES if f"| `{rule.name}` | {'yes' if rule.exact else 'no'} |" not in page] == []


def test_the_page_on_training(tmp_path: Path) -> None:
    play(TRAINING, tmp_path)
    assert not (tmp_path / "never").exists()


def test_the_page_on_fidelity(tmp_path: Path) -> None:
    play(FIDELITY, tmp_path)
    assert (tmp_path / "fidelity.svg").exists()


def emitted(block: Block) -> str:
    """The statement of a module that begins as an excerpt does, with all that is indented below it."""
    word, name = block.remark.split()
    assert word == "emitted"
    lines = emit_text((ROOT / "specs" / f"{name}.rnn").read_text(encoding="utf-8")).splitlines()
    head = block.text.splitlines()[0]
    indent = head[: len(head) - len(head.lstrip())]
    start = lines.index(head)
    inside = (indent + " ", indent + ")")
    end = next(k for k in range(start + 1, len(lines)) if not lines[k].startswith(inside))
    return "\n".join(lines[start:end]) + "\n"


def test_the_excerpts_are_what_is_emitted() -> None:
    excerpts = [b for b in MODULE if b.remark and b.language == "python"]
    assert excerpts
    for block in excerpts:
        assert block.text == emitted(block), (
            f"{block} is out of date: `PYTHONPATH=tests python tests/test_docs.py` copies it anew"
        )


def test_derivations_read_as_shown(tmp_path: Path) -> None:
    play(DERIVATIONS, tmp_path)


def refresh() -> None:
    """Write the excerpts of the page on the module anew."""
    page = ROOT / "docs" / "module.md"
    text = page.read_text(encoding="utf-8")
    for block in MODULE:
        if block.remark and block.language == "python":
            text = text.replace(block.text, emitted(block))
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    refresh()
