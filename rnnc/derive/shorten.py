"""The sections of weights that enter a network alike: what one shares with an earlier one is said once."""

from __future__ import annotations

from dataclasses import replace

from rnnc.derive import expression as x
from rnnc.derive.derivation import Line, Section
from rnnc.derive.names import influence, is_influence, subject
from rnnc.derive.rewrite import rebuild


def shortened(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """Each section less the influences it has in common with an earlier whole one, where these are at least half."""
    made: list[Section] = []
    whole: dict[str, set[Line]] = {}
    for section in sections:
        keys = {line: _any_weight(line) for line in section.lines if is_influence(line.left.name)}
        like = max(whole, key=lambda name: len(whole[name] & set(keys.values())), default="")
        common = {line for line, key in keys.items() if like and key in whole[like]}
        if len(common) < 2 or 2 * len(common) < len(keys):
            if keys:
                whole[_weight(next(iter(keys)))] = set(keys.values())
            made.append(section)
            continue
        lines = tuple(line for line in section.lines if line not in common)
        omitted = tuple(line for line in section.lines if line in common)
        made.append(replace(section, lines=lines, omitted=omitted, like=like))
    return tuple(made)


def _weight(line: Line) -> str:
    return line.left.name.removesuffix(")").partition("|")[2]


def _any_weight(line: Line) -> Line:
    """The line with its weight unnamed."""

    def unnamed(e: x.Expr) -> x.Expr:
        return replace(e, name=influence(subject(e.name), "")) if isinstance(e, x.Ref) and is_influence(e.name) else e

    left = unnamed(line.left)
    assert isinstance(left, x.Ref)
    return replace(line, left=left, right=rebuild(line.right, unnamed))
