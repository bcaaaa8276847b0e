"""The tables of the shipped grammar: read from the file beside the code, built anew only where that is out of
date.

Building takes about 90 ms and imports lark; reading takes two. The stored file carries the hash of the
grammar it was made from, so whoever changes the grammar sees the change at once and a test asks for the file
to be written anew.
"""

from __future__ import annotations

from functools import lru_cache

from rnnc.frontend.tables import STORED, Tables, digest, from_text
from rnnc.places import grammar_file


@lru_cache(maxsize=1)
def tables() -> Tables:
    """Raises `FileNotFoundError` where the installation lacks its grammar."""
    grammar = grammar_file().read_text(encoding="utf-8")
    if STORED.is_file():
        stored = from_text(STORED.read_text(encoding="utf-8"))
        if stored.digest == digest(grammar):
            return stored
    from rnnc.frontend.grammar import generate

    return generate(grammar)
