"""Did you mean."""

from __future__ import annotations

import pytest

from rnnc.suggest import edit_distance, suggest


@pytest.mark.parametrize(
    ("name", "candidates", "meant"),
    [
        ("hiden", ["hidden", "h"], "hidden"),
        ("h", ["H", "x"], "H"),
        ("Hidden", ["hiddem", "hidden"], "hidden"),
        ("uint", ["input", "unit"], "unit"),
        ("x", ["y"], None),
        ("W_x", ["W_h", "W_xx"], "W_h"),
        ("import", ["input"], None),
        ("abc", [], None),
        ("same", ["same"], None),
    ],
)
def test_suggest(name: str, candidates: list[str], meant: str | None) -> None:
    assert suggest(name, candidates) == meant


def test_edit_distance() -> None:
    assert edit_distance("", "abc") == 3
    assert edit_distance("uint", "unit") == 1
    assert edit_distance("kitten", "sitting") == 3
