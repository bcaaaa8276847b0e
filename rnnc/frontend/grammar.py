"""The door to lark: a grammar's text becomes LALR(1) tables as plain data.

lark checks the grammar, expands its repetitions and computes the automaton. Running the automaton is a loop
of twenty lines (`automaton.py`), kept apart for three reasons: a start does not import lark, an error can be
repaired in the middle of the text, and nothing is ever unpickled. `python -m rnnc.frontend.grammar` writes
the stored tables anew.
"""

from __future__ import annotations

from typing import Any

from lark import Lark
from lark.grammar import Rule as LarkRule
from lark.lexer import PatternStr, TerminalDef

from rnnc.frontend.tables import STORED, Rule, Tables, digest, to_text
from rnnc.places import grammar_file


def generate(grammar: str) -> Tables:
    """Tables of a grammar, the same bytes for the same text. Raises lark's errors for a grammar that is
    wrong.
    """
    built = Lark(grammar, parser="lalr", lexer="basic", keep_all_tokens=True, maybe_placeholders=False)
    data, memo = built.memo_serialize([TerminalDef, LarkRule])
    automaton = data["parser"]["parser"]
    symbols: dict[int, str] = automaton["tokens"]
    keys = sorted(
        {row["@"] for state in automaton["states"].values() for kind, row in state.values() if kind == 1},
        key=lambda key: _rule_order(memo[key]),
    )
    numbers = {key: place for place, key in enumerate(keys)}
    (start,) = automaton["start_states"].values()
    (end,) = automaton["end_states"].values()
    rows = {
        state: {
            symbols[token]: (kind, numbers[target["@"]] if kind == 1 else target)
            for token, (kind, target) in row.items()
        }
        for state, row in automaton["states"].items()
    }
    order = _walk(rows, start)
    states = tuple(
        {
            symbol: (-1 - target if kind == 1 else order[target])
            for symbol, (kind, target) in sorted(rows[state].items())
        }
        for state in order
    )
    patterns, keywords = _terminals(list(built.terminals))
    return Tables(
        digest=digest(grammar),
        patterns=patterns,
        keywords=keywords,
        ignored=tuple(sorted(built.ignore_tokens)),
        rules=tuple(_rule(memo[key]) for key in keys),
        states=states,
        start=order[start],
        end=order[end],
    )


def _rule_order(rule: Any) -> tuple[str, list[str], str]:
    return rule["origin"]["name"], [symbol["name"] for symbol in rule["expansion"]], rule["alias"] or ""


def _rule(rule: Any) -> Rule:
    origin: str = rule["origin"]["name"]
    expansion = [symbol["name"] for symbol in rule["expansion"]]
    repeats = tuple(place for place, name in enumerate(expansion) if name.startswith("__"))
    action: str | None = rule["alias"] or origin
    if origin.startswith("__"):
        action = ""
    elif rule["alias"] is None and rule["options"]["expand1"] and len(expansion) == 1:
        action = None
    return Rule(origin, len(expansion), action, repeats)


def _walk(rows: dict[int, dict[str, tuple[int, int]]], start: int) -> dict[int, int]:
    """Numbers the states in the order they are first reached: lark's own numbers follow the hash seed."""
    order = {start: 0}
    queue = [start]
    for state in queue:
        for _, (kind, target) in sorted(rows[state].items()):
            if kind == 0 and target not in order:
                order[target] = len(order)
                queue.append(target)
    return order


def _terminals(terminals: list[TerminalDef]) -> tuple[tuple[tuple[str, str], ...], dict[str, str]]:
    """Patterns in the order to try them, longer fixed texts first; the words reserved among names."""
    words = {t.pattern.value: t.name for t in terminals if t.pattern.value.isalpha()}
    fixed = [t for t in terminals if isinstance(t.pattern, PatternStr) and t.name not in words.values()]
    free = [t for t in terminals if not isinstance(t.pattern, PatternStr)]
    fixed.sort(key=lambda t: (-len(t.pattern.value), t.name))
    free.sort(key=lambda t: t.name)
    return tuple((t.name, t.pattern.to_regexp()) for t in [*free, *fixed]), dict(sorted(words.items()))


if __name__ == "__main__":
    STORED.write_text(to_text(generate(grammar_file().read_text(encoding="utf-8"))), encoding="utf-8")
