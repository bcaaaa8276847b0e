"""The report as the text that `rnnc fidelity` prints."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from rnnc.fidelity.report import ALL, Figures, Report, Row, drawn, over
from rnnc.fidelity.spell import cosine, error

WIDEST = 110
"""Characters of a line of the tables by parameter; what does not fit is set below."""

REFERENCE = "bptt"
"""The rule whose gradient of the whole sequence is the exact one."""
ROUNDING = 1e-8
"""An error of an exact rule that is more than that of its arithmetic."""

Cells = tuple[str, str]


def text(report: Report) -> str:
    """What was measured on what, every rule in a line, then the tables by parameter."""
    lines = [f"{report.network}: {', '.join(f'{n} = {v}' for n, v in report.sizes)}"]
    lines += [f"{extent(report)}: {report.read}"]
    lines += [f"weights {report.weights}; float64; loss {report.loss:.6g}"]
    lines += ["error: |g - g*| / |g*|, cosine: of g and g*; g* is the exact gradient, bptt of the whole sequence"]
    if report.edges:
        lines += [_windows(report)]
    else:
        lines += [f"no windows: {report.without}"]
    lines += ["", *_summary(report)]
    lines += _remarks(report)
    for span, title in report.spans:
        table = list(_by_parameter(report, span, title))
        lines += ["", *table] if table else []
    return "\n".join(lines) + "\n"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def extent(report: Report) -> str:
    """`8 sequences of 100 steps`."""
    least, most = report.steps
    long = _count(most, "step") if least == most else f"{least} to {most} steps"
    return f"{_count(report.sequences, 'sequence')} of {long}"


def _windows(report: Report) -> str:
    edges = report.edges
    lengths = sorted({b - a for a, b in pairwise(edges[1:])})
    long = " or ".join(str(n) for n in lengths)
    some = f" in {report.inside} of the sequences" if report.inside < report.sequences else ""
    return (
        f"windows: {len(edges) - 2} of {long} steps{some}, {edges[1]} before the first, the state carried on; g* goes "
        "through all of the past"
    )


def _summary(report: Report) -> Iterator[str]:
    heads = ["rule", "exact"]
    above = ["all parameters", ""]
    for _, title in report.spans:
        heads += ["error", "cosine"]
        above += [title, ""]
    rows = [heads]
    for row in report.rows:
        first = [row.rule, "yes" if row.exact else "no"]
        second = [f"  mean of {row.draws} draws", ""]
        for span, _ in report.spans:
            found = over(row, span)
            first += _pair(found[ALL]) if found else ("-", "-")
            second += (_mean(found[ALL]) if found and drawn(row) else "-", "")
        rows += [first, second] if drawn(row) else [first]
    widths = [max(len(r[k]) for r in rows) for k in range(len(heads))]
    widths[0] = max(widths[0], len(above[0]))
    yield _above(above, widths)
    for r in rows:
        cells = [f"{cell:{'<' if k < 2 else '>'}{w}}" for k, (cell, w) in enumerate(zip(r, widths, strict=True))]
        yield "  ".join(cells).rstrip()


def _remarks(report: Report) -> Iterator[str]:
    stopping = [r.rule for r in report.rows if r.exact and r.windows is not None and r.windows[ALL].error > ROUNDING]
    if stopping:
        yield f"{', '.join(stopping)}: exact in what it is given; in windows its gradient stops where the window begins"
    for row in report.rows:
        if row.drops:
            yield f"{row.rule}: without {row.drops}"
        elif drawn(row):
            yield f"{row.rule}: random and exact in the mean, whose error is then about its standard error (±)"
        if row.windows is None and report.edges:
            yield f"{row.rule}: no windows, {row.without}"
    for rule, code, why in report.left_out:
        yield f"{rule}: {'impossible here, ' if code else ''}{why}"


def _above(titles: list[str], widths: list[int]) -> str:
    """Each title over the two columns that begin with it."""
    parts = [f"{titles[0]:<{widths[0]}}", " " * widths[1]]
    for k in range(2, len(widths), 2):
        parts.append(f"{titles[k]:>{widths[k] + 2 + widths[k + 1]}}")
    return "  ".join(parts).rstrip()


def _by_parameter(report: Report, span: str, title: str) -> Iterator[str]:
    """A line for every parameter, two columns for every rule; as many rules beside each other as there is room."""
    names = [name for name, _, _ in report.parameters]
    left = max(len(title), *(len(name) for name in names)) if names else len(title)
    columns = [block for row in report.rows for block in _blocks(row, span, names)]
    if columns and span == "whole":
        norms = [f"{norm:.3g}" for _, _, norm in report.parameters]
        columns.insert(0, _block("|g*|", ("", ""), [(norm, "") for norm in norms]))
    while columns:
        many = 1
        while many < len(columns) and left + sum(c[0] for c in columns[: many + 1]) <= WIDEST:
            many += 1
        shown, columns = columns[:many], columns[many:]
        for k, head in enumerate((title, "", *names)):
            yield (f"{head:<{left}}" + "".join(cells[k] for _, cells in shown)).rstrip()
        if columns:
            yield ""


def _blocks(row: Row, span: str, names: list[str]) -> Iterator[tuple[int, list[str]]]:
    """The columns of one rule: their width, then head, under-head and a text for every parameter."""
    found = over(row, span)
    if found is None or (row.rule == REFERENCE and span == "whole"):
        return
    yield _block(row.rule, ("error", "cosine"), [_pair(found[name]) for name in names])
    if drawn(row):
        yield _block(f"mean of {row.draws}", ("error", "s.e."), [_mean_pair(found[name]) for name in names])


def _block(head: str, under: Cells, cells: list[Cells]) -> tuple[int, list[str]]:
    first = max(len(a) for a, _ in (under, *cells))
    second = max(len(b) for _, b in (under, *cells))
    gap = "  " if second else ""
    inner = max(first + len(gap) + second, len(head))
    first = inner - len(gap) - second
    lines = [f"{head:>{inner}}", *(f"{a:>{first}}{gap}{b:>{second}}" for a, b in (under, *cells))]
    return inner + 3, ["   " + line for line in lines]


def _pair(one: Figures) -> Cells:
    return error(one.error), cosine(one.cosine)


def _mean_pair(one: Figures) -> Cells:
    assert one.mean_error is not None and one.standard_error is not None
    return error(one.mean_error), error(one.standard_error)


def _mean(one: Figures) -> str:
    return " ± ".join(_mean_pair(one))
