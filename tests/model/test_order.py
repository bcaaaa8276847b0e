"""The order of an author's statements never changes the model."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from rnnc.diagnostics import Reporter
from rnnc.frontend import syntax
from rnnc.frontend.parse import parse
from rnnc.frontend.read import read_path
from rnnc.model.resolve import resolve
from rnnc.model.show import show_model
from rnnc.model.uses import Loader
from rnnc.places import specs_folder

SPECS = sorted(specs_folder().glob("*.rnn"))


def shown(path: Path, seed: int | None) -> str:
    reporter = Reporter()
    file = parse(read_path(path), reporter)
    network = file.networks[0]
    body = list(network.body)
    cells = [list(cell.body) for cell in file.cells]
    if seed is not None:
        Random(seed).shuffle(body)
        for cell in cells:
            Random(seed).shuffle(cell)
    shuffled = syntax.File(
        file.uses,
        file.functions,
        tuple(syntax.Cell(c.name, c.formals, c.over, tuple(b), c.span) for c, b in zip(file.cells, cells, strict=True)),
        (syntax.Network(network.name, network.formals, tuple(body), network.span),),
        file.span,
    )
    return show_model(resolve(shuffled, reporter, load=Loader(path, reporter)))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_shuffled_statements(path: Path) -> None:
    written = shown(path, None)
    assert all(shown(path, seed) == written for seed in range(3))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_library_has_no_warnings(path: Path) -> None:
    reporter = Reporter()
    resolve(parse(read_path(path), reporter), reporter, load=Loader(path, reporter))
    assert reporter.diagnostics == ()
