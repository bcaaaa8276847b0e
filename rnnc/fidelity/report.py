"""What was measured, as it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

ALL = ""
"""The key of the figures of all parameters together."""


class Figures(Protocol):
    """Of one gradient: |g - g*| / |g*|, the cosine (None where either is zero), and of a rule that draws the error of
    the mean of its draws with the standard error of that mean."""

    @property
    def error(self) -> float: ...

    @property
    def cosine(self) -> float | None: ...

    @property
    def mean_error(self) -> float | None: ...

    @property
    def standard_error(self) -> float | None: ...


@dataclass(frozen=True)
class Row:
    """A rule: `drops` says what its gradient lacks, "" where that is nothing, if only in the mean; `whole` and
    `windows` by parameter and `ALL`. `windows` is None for the reason `without`. `draws`: of how many seeds, 1 for a
    rule that takes none."""

    rule: str
    title: str
    exact: bool
    drops: str
    draws: int
    whole: Mapping[str, Figures]
    windows: Mapping[str, Figures] | None
    without: str


@dataclass(frozen=True)
class Report:
    """`steps` of the shortest and of the longest sequence; `read` and `weights` say in words what was read with what;
    `parameters`: name, shape, norm of the exact gradient; `edges`: where windows begin and the last ends, in `inside`
    of the sequences, empty where there are none, for the reason `without`; `left_out`: rules that were not run, the
    code of the diagnostic that says so or "", and why."""

    network: str
    sizes: tuple[tuple[str, int], ...]
    sequences: int
    steps: tuple[int, int]
    read: str
    weights: str
    loss: float
    parameters: tuple[tuple[str, tuple[int, ...], float], ...]
    edges: tuple[int, ...]
    inside: int
    without: str
    rows: tuple[Row, ...]
    left_out: tuple[tuple[str, str, str], ...]

    @property
    def spans(self) -> tuple[tuple[str, str], ...]:
        """(field of a row, title) of the settings that were measured."""
        whole = (("whole", "whole sequences"),)
        return (*whole, ("windows", "windows")) if self.edges else whole


def over(row: Row, span: str) -> Mapping[str, Figures] | None:
    """Its figures in a setting of `Report.spans`."""
    return row.windows if span == "windows" else row.whole


def drawn(row: Row) -> bool:
    """Whether the rule draws, and something is said of the mean of its draws."""
    return row.whole[ALL].mean_error is not None
