"""Where the files that ship beside the code lie: the grammar and the library of specs.

In a checkout or an editable install they stand next to the package (`grammar/`, `specs/`); a wheel carries
the same folders inside it, as `rnnc/_data/`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The shipped folder `grammar` or `specs`; raises `FileNotFoundError` where it is missing."""
    inside = _PACKAGE / "_data" / name
    if inside.is_dir():
        return inside
    beside = _PACKAGE.parent / name
    if (_PACKAGE.parent / "pyproject.toml").is_file() and beside.is_dir():
        return beside
    raise FileNotFoundError(f"the folder `{name}` of this installation of rnnc is missing")


def grammar_file() -> Path:
    return folder("grammar") / "rnn.lark"


def specs_folder() -> Path:
    return folder("specs")


@cache
def shipped_specs() -> tuple[str, ...]:
    """The names of the shipped specs, in order."""
    return tuple(sorted(path.stem for path in specs_folder().glob("*.rnn")))
