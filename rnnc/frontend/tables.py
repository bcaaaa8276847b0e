"""The parser's tables: plain data made from the grammar once, and the text they are stored as."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

STORED = Path(__file__).with_name("tables.json")


@dataclass(frozen=True)
class Rule:
    """One production: what it reduces to, how many symbols it takes off the stack, and which tree action it
    calls.

    `spliced` are the positions of symbols that stand for a repetition, whose items join the list in place. A
    rule with `action` None hands its only symbol on; with action `""` it is itself a repetition.
    """

    origin: str
    length: int
    action: str | None
    spliced: tuple[int, ...]


@dataclass(frozen=True)
class Tables:
    """An LALR(1) automaton: `states[s][symbol]` is a state to go to, or `-1 - r` to reduce by rule `r`."""

    digest: str
    patterns: tuple[tuple[str, str], ...]
    keywords: dict[str, str]
    ignored: tuple[str, ...]
    rules: tuple[Rule, ...]
    states: tuple[dict[str, int], ...]
    start: int
    end: int


def digest(grammar: str) -> str:
    return hashlib.sha256(grammar.replace("\r\n", "\n").encode()).hexdigest()


def to_text(tables: Tables) -> str:
    """The stored form: JSON, one state a line, the same bytes for the same grammar."""
    head = {
        "digest": tables.digest,
        "patterns": tables.patterns,
        "keywords": tables.keywords,
        "ignored": tables.ignored,
        "start": tables.start,
        "end": tables.end,
    }
    rules = [[r.origin, r.length, r.action, r.spliced] for r in tables.rules]
    lines = [json.dumps(head)[:-1], ', "rules": [']
    lines.append(",\n".join(json.dumps(rule) for rule in rules))
    lines.append('], "states": [')
    lines.append(",\n".join(json.dumps(row, separators=(",", ":")) for row in tables.states))
    lines.append("]}")
    return "\n".join(lines) + "\n"


def from_text(text: str) -> Tables:
    """The inverse of `to_text`; raises `ValueError` or `KeyError` for anything else."""
    raw = json.loads(text)
    return Tables(
        digest=raw["digest"],
        patterns=tuple((name, pattern) for name, pattern in raw["patterns"]),
        keywords=raw["keywords"],
        ignored=tuple(raw["ignored"]),
        rules=tuple(Rule(origin, length, action, tuple(at)) for origin, length, action, at in raw["rules"]),
        states=tuple(raw["states"]),
        start=raw["start"],
        end=raw["end"],
    )
