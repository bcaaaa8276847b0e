"""Files are written whole or not at all; the same spec is the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnnc.cli import run
from rnnc.places import specs_folder

Capture = pytest.CaptureFixture[str]


def test_a_file_is_written_whole_or_not_at_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["compile", "small.rnn"]) == 0
    old = (folder / "small.py").read_bytes()
    before = sorted(folder.iterdir())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            assert run(["compile", "small.rnn", "-s", "H=7"]) == 2
        assert (folder / "small.py").read_bytes() == old and sorted(folder.iterdir()) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions bind everyone but root")
def test_a_folder_that_cannot_be_written(folder: Path, capsys: Capture) -> None:
    closed = folder / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    assert run(["compile", "small.rnn", "-o", "closed/small.py"]) == 2
    assert "cannot write closed/small.py: permission denied" in capsys.readouterr().err
    assert list(closed.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links, modes and devices of Unix")
def test_modes_links_and_devices(folder: Path) -> None:
    mask = os.umask(0o022)
    try:
        assert run(["compile", "small.rnn", "-o", "real.py"]) == 0
    finally:
        os.umask(mask)
    assert (folder / "real.py").stat().st_mode & 0o777 == 0o644
    (folder / "real.py").chmod(0o640)
    (folder / "link.py").symlink_to("real.py")
    assert run(["compile", "small.rnn", "-s", "H=9", "-o", "link.py"]) == 0
    assert (folder / "link.py").is_symlink() and "'H': 9" in (folder / "real.py").read_text(encoding="utf-8")
    assert (folder / "real.py").stat().st_mode & 0o777 == 0o640
    assert run(["compile", "small.rnn", "-o", os.devnull]) == 0
    assert not Path(os.devnull).is_file()


def test_the_same_module_from_anywhere(folder: Path) -> None:
    """Another folder, another locale, another seed of the hashes, another process."""
    lstm = specs_folder() / "lstm.rnn"
    (folder / "elsewhere").mkdir()
    assert run(["compile", str(lstm), "-o", "here.py"]) == 0
    for seed, locale, where, spec in (
        ("1", "C", folder, "lstm"),
        ("77", "C.UTF-8", folder / "elsewhere", str(lstm)),
    ):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONUTF8": "0"}
        asked = [sys.executable, "-m", "rnnc", "compile", spec, "-o", "-"]
        made = subprocess.run(asked, cwd=where, env=environment, capture_output=True, check=True)
        assert made.stdout == (folder / "here.py").read_bytes() and not made.stderr


def test_the_order_of_statements_changes_nothing(folder: Path) -> None:
    spec = (specs_folder() / "lstm.rnn").read_text(encoding="utf-8")
    lines = [line for line in spec.splitlines() if line and not line.startswith("#")]
    cell, network = lines[1:6], lines[9:15]
    assert lines[7] == "}" and lines[15] == "}"
    turned = [lines[0], *reversed(cell), *lines[6:8], lines[8], *reversed(network), "}"]
    texts = []
    for name, body in (("lstm", lines), ("turned", turned)):
        (folder / f"{name}.rnn").write_text("\n".join(body) + "\n")
        assert run(["compile", f"{name}.rnn"]) == 0
        module = (folder / f"{name}.py").read_text(encoding="utf-8")
        texts.append(module[: module.index("SPEC = (")] + module[module.index("\n)\n") :])
    assert texts[0] == texts[1]


def test_a_name_as_long_as_a_name_may_be(folder: Path) -> None:
    name = "\u6587" * 84 + ".py"
    try:
        (folder / name).touch()
    except OSError:
        pytest.skip("no such names here")
    assert run(["compile", "small.rnn", "-o", name]) == 0
    assert (folder / name).stat().st_size > 1000
