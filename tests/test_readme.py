"""The README, block by block. Its set-up commands are run by `.ci/run`, and compared with it here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import ROOT, Block, blocks, play

README = blocks("README.md")
SETUP = [b for b in README if b.remark == "setup"]
PAGES = ("language", "module", "decoding", "training", "learning", "fidelity")
EXAMPLES = [b for b in README if b.remark == "example"]  # test_examples.py runs them in their quick form


def test_the_blocks_run(tmp_path: Path) -> None:
    play([b for b in README if b not in SETUP and b not in EXAMPLES], tmp_path)


def test_the_main_job_in_its_short_form(tmp_path: Path) -> None:
    """The command of the README from a checkout, with `--quick`."""
    command = SETUP[0].text.strip().split(" && ")[-1].removeprefix(".venv/bin/")
    assert command.startswith("rnnc train specs/char_lm.rnn")
    (tmp_path / "specs").mkdir()
    for name in ("char_lm.rnn", "lstm.rnn"):
        text = (ROOT / "specs" / name).read_text(encoding="utf-8")
        (tmp_path / "specs" / name).write_text(text, encoding="utf-8")
    short = Block("README.md", SETUP[0].line, "sh", "", f"{command} --quick --steps 3 -s H=8")
    play([short], tmp_path)
    assert (tmp_path / "weights.npz").stat().st_size > 10_000


@pytest.mark.parametrize("block", SETUP, ids=str)
def test_the_ci_runs_what_the_readme_says(block: Block) -> None:
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert block.text.strip().replace("--text pydoc", "--text pydoc --quick") in text


def test_the_examples_are_there() -> None:
    found = [name for block in EXAMPLES for name in re.findall(r"examples/\w+\.py", block.text)]
    assert found == ["examples/digits.py", "examples/spanish_numbers.py"]
    assert all((ROOT / name).exists() for name in found)


def test_links_lead_somewhere() -> None:
    for page in ("README.md", *(f"docs/{page}.md" for page in PAGES)):
        text = (ROOT / page).read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            assert ((ROOT / page).parent / link).exists(), f"{page}: {link}"
