"""Pages of the documentation as tests: their fenced blocks, run in order in a folder of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```(\w+) ?(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
ANYTHING = "…"


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


def blocks(path: str) -> list[Block]:
    """The fenced blocks of a page of the repository, in order."""
    page = ROOT / path
    text = page.read_text(encoding="utf-8")
    return [
        Block(page.name, text.count("\n", 0, m.start()) + 1, m[1], m[2].strip(), m[3]) for m in FENCE.finditer(text)
    ]


def play(page: list[Block], folder: Path) -> None:
    """Run shell blocks (`sh`, or `sh fails`) and Python blocks of a page.

    What a `text` block shows is what the block before it printed; a line of … stands for any lines.

    A `rnn` block with a file name beside it is that file. The Python blocks of a page share their names: each
    runs in a process of its own, after those before it.
    """
    told, printed = "", ""
    for block in page:
        if block.language == "rnn" and block.remark:
            (folder / block.remark).write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            printed = _run(["bash", "-eu", "-o", "pipefail", "-c", block.text], folder, block)
        elif block.language == "python" and not block.remark:
            mark = "print('\\x00', end='', flush=True)\n"
            printed = _run([sys.executable, "-c", told + mark + block.text], folder, block).split("\0")[-1]
            told += block.text
        elif block.language == "text":
            _compare(block, printed)


def _run(command: list[str], folder: Path, block: Block) -> str:
    bin_folder = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    environment["PYTHONPATH"] = f"{ROOT}{os.pathsep}{folder}"  # this checkout, whatever is installed
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    said = f"{block} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert (done.returncode != 0) is (block.remark == "fails"), said
    return done.stdout + done.stderr


def _compare(block: Block, printed: str) -> None:
    parts = [re.escape(line) if line != ANYTHING else ".*" for line in block.text.strip().splitlines()]
    pattern = "\n".join(parts)
    found = re.fullmatch(pattern, printed.strip(), re.DOTALL)
    assert found, f"{block} shows\n{block.text}\nbut printed was\n{printed}"
