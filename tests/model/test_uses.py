"""`use`: relative files, shipped specs, diamonds, cycles, and ways out that are closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnc.diagnostics import Rejected, Reporter
from rnnc.frontend.parse import parse
from rnnc.frontend.read import read_path
from rnnc.model.forms import Model
from rnnc.model.resolve import resolve
from rnnc.model.uses import Loader

CELL = "cell {0}(x, H) over n {{ unit y : H = tanh(full(x) + full(y[n-1])) return y }}\n"
NETWORK = "network a(D = 3, H = 4) {{ axis n input x[n] : D output y[n] = {0}(x, H) }}\n"


def model(path: Path) -> Model:
    reporter = Reporter()
    file = parse(read_path(path), reporter)
    return resolve(file, reporter, load=Loader(path, reporter))


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.rnn"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "main.rnn"


def codes(path: Path) -> list[str]:
    with pytest.raises(Rejected) as caught:
        model(path)
    return [d.code for d in caught.value.diagnostics if d.is_error]


def test_relative_and_shipped(tmp_path: Path) -> None:
    main = write(tmp_path, main='use "sub/c.rnn" use "gru"\n' + NETWORK.format("c"), sub__c=CELL.format("c"))
    assert [u.name for u in model(main).units] == ["y"]


def test_a_used_file_looks_beside_itself(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main='use "sub/b.rnn"\n' + NETWORK.format("c"),
        sub__b='use "c.rnn"\nuse "../d.rnn"\n',
        sub__c=CELL.format("c"),
        d=CELL.format("d"),
    )
    assert [u.name for u in model(main).units] == ["y"]


def test_diamond_is_read_once(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main='use "left.rnn"\nuse "right.rnn"\n' + NETWORK.format("c"),
        left='use "c.rnn"\n' + CELL.format("l"),
        right='use "./c.rnn"\n' + CELL.format("r"),
        c=CELL.format("c"),
    )
    assert [u.name for u in model(main).units] == ["y"]


def test_cycle(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main='use "b.rnn"\n' + NETWORK.format("c"),
        b='use "c.rnn"\n',
        c='use "main.rnn"\n' + CELL.format("c"),
    )
    with pytest.raises(Rejected) as caught:
        model(main)
    (found,) = [d for d in caught.value.diagnostics if d.is_error]
    assert found.message() == "use cycle: main.rnn -> b.rnn -> c.rnn -> main.rnn"
    assert found.label() == "main.rnn:1 uses b.rnn, b.rnn:1 uses c.rnn, c.rnn:1 uses main.rnn"


def test_ways_out_are_closed(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    outside = tmp_path / "secret.rnn"
    outside.write_text(CELL.format("c"), encoding="utf-8")
    (inner / "link.rnn").symlink_to(outside)
    (inner / "folder").symlink_to(tmp_path)
    for path in (
        "../secret.rnn",
        str(outside),
        "link.rnn",
        "folder/secret.rnn",
        "x/../../secret.rnn",
        "..\\a.rnn",
    ):
        assert "E010" in codes(write(inner, main=f'use "{path}"\n' + NETWORK.format("c"))), path


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.rnn").mkdir()
    (tmp_path / "loop.rnn").symlink_to(tmp_path / "loop.rnn")
    for path in ("missing.rnn", "folder.rnn", "loop.rnn", "missing", ""):
        assert "E007" in codes(write(tmp_path, main=f'use "{path}"\n' + NETWORK.format("c"))), path


def test_a_name_too_long_for_a_file(tmp_path: Path) -> None:
    long = "y" * 3_000
    assert "E007" in codes(write(tmp_path, main=f'use "{long}.rnn"\n' + NETWORK.format("c")))
    assert "E007" in codes(write(tmp_path, main=f'use "{long}"\n' + NETWORK.format("c")))
    assert codes(write(tmp_path, main=NETWORK.format(long))) == ["E101"]
    assert "E007" in codes(write(tmp_path, main=f'use "{"u/" * 500_000}c.rnn"\n' + NETWORK.format("c")))


def test_a_wrong_used_file_is_reported(tmp_path: Path) -> None:
    main = write(tmp_path, main='use "c.rnn"\n' + NETWORK.format("c"), c="cell c(x { }\n")
    with pytest.raises(Rejected) as caught:
        model(main)
    assert {d.span.source.name for d in caught.value.diagnostics if d.code < "E1"} == {str(tmp_path / "c.rnn")}


def test_a_name_defined_in_two_files(tmp_path: Path) -> None:
    main = write(tmp_path, main='use "c.rnn"\n' + CELL.format("c") + NETWORK.format("c"), c=CELL.format("c"))
    assert codes(main) == ["E102"]
