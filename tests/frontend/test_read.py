"""Bytes, paths and texts become sources, or one line that says why not."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from rnnc.diagnostics import Rejected
from rnnc.frontend.read import Unreadable, read_bytes, read_path, read_text

TEXT = "network a {\n  axis n\n}\n"


def test_byte_order_mark_and_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.rnn"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert read_path(path).text == TEXT
    assert read_path(path).name == str(path)
    assert read_path(path, "shown.rnn").name == "shown.rnn"
    assert read_text("\ufeff" + TEXT).text == TEXT


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Standard:
        buffer = io.BytesIO(TEXT.encode())

    monkeypatch.setattr(sys, "stdin", Standard)
    source = read_path("-")
    assert (source.name, source.text) == ("<stdin>", TEXT)


@pytest.mark.parametrize("bad", ["missing.rnn", ".", "a\0b", "x" * 5000])
def test_unreadable(bad: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Unreadable) as caught:
        read_path(bad)
    assert isinstance(caught.value, OSError)
    assert "\n" not in str(caught.value)
    assert "Error" not in str(caught.value)
    assert str(caught.value).startswith("cannot read ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "a.rnn"
    path.write_text(TEXT)
    path.chmod(0)
    with pytest.raises(Unreadable, match="permission denied"):
        read_path(path)


def test_not_utf8_says_where() -> None:
    with pytest.raises(Rejected) as caught:
        read_bytes(b"\xef\xbb\xbfa\r\nbc\xff", "a.rnn")
    (found,) = caught.value.diagnostics
    assert found.code == "E008"
    assert found.span.source.position(found.span.start) == (2, 3)
    assert "0xFF" in found.message()
