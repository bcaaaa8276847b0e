"""Scalars for TensorBoard: those of the log, for the steps that a run has in the end; nothing hangs or hides."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from run_parts import module, options, play, same, sums

from rnnc.cli import run
from rnnc.runtime.fit import fit
from rnnc.runtime.tensorboard import Board, MissingExtra
from rnnc.runtime.weights import WeightsError

MADE = module()
Scalars = dict[str, dict[int, float]]


def events(folder: Path) -> list[Any]:
    """All events of a folder's files, in the order of their names: records of TensorFlow (length, its checksum,
    content, its checksum)."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    found = []
    for file in sorted(folder.glob("events.out.tfevents.*")):
        content = file.read_bytes()
        while content:
            [size] = struct.unpack("<Q", content[:8])
            found.append(event_pb2.Event.FromString(content[12 : 12 + size]))
            content = content[16 + size :]
    return found


def shown(folder: Path) -> Scalars:
    """What a viewer shows: a session that starts drops what earlier ones said of its steps."""
    found: Scalars = {}
    for event in events(folder):
        if event.session_log.status == event.session_log.START:
            found = {tag: {n: v for n, v in own.items() if n < event.step} for tag, own in found.items()}
        for value in event.summary.value:
            found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def logged(folder: Path) -> Scalars:
    found: Scalars = {}
    for line in map(json.loads, (folder / "log.jsonl").read_text().splitlines()):
        for name in {"step": ("loss", "norm", "lr"), "valid": ("loss",)}.get(line["event"], ()):
            tag = f"{'train' if line['event'] == 'step' else 'valid'}/{name}"
            found.setdefault(tag, {})[line["step"]] = line[name]
    return found


def agree(folder: Path) -> None:
    one, other = shown(folder), logged(folder)
    assert set(one) == set(other) and len(one) == 4
    for tag, values in other.items():
        assert one[tag] == pytest.approx(values, rel=1e-6)


def test_what_is_shown_is_the_log_also_after_a_resume(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    chosen = options(24, "all")
    play(MADE, tmp_path / "whole", chosen, board=Board(tmp_path / "whole"))
    agree(tmp_path / "whole")
    play(MADE, tmp_path / "plain", chosen)
    same(tmp_path / "plain", tmp_path / "whole")
    # the last checkpoint is gone, as after a kill: the run goes on from an earlier one
    play(MADE, tmp_path / "cut", options(18, "all"), board=Board(tmp_path / "cut"))
    (tmp_path / "cut" / "checkpoint-000000018.npz").unlink()
    play(MADE, tmp_path / "cut", chosen, resume=True, board=Board(tmp_path / "cut"))
    agree(tmp_path / "cut")
    same(tmp_path / "plain", tmp_path / "cut")


def test_tensorboard_itself_reads_it(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    fit(MADE, sums(), valid=sums(6, 1), steps=10, check=5, out=tmp_path / "run", tensorboard=True)
    read = accumulator.EventAccumulator(str(tmp_path / "run")).Reload()
    assert read.Tags()["scalars"] == ["train/loss", "train/lr", "valid/loss"]
    assert [e.step for e in read.Scalars("valid/loss")] == [5, 10]


def test_a_full_disk_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = pytest.importorskip("tensorboardX.record_writer")
    real, calls = writer.RecordWriter.write, [0]

    def fails(self: Any, data: bytes) -> None:
        calls[0] += 1
        if calls[0] > 10:
            raise OSError(28, "No space left on device")
        real(self, data)

    monkeypatch.setattr(writer.RecordWriter, "write", fails)
    with pytest.raises(WeightsError, match=r"cannot write events for TensorBoard in `.*`: No space left on device"):
        play(MADE, tmp_path / "run", options(20), board=Board(tmp_path / "run"))
    monkeypatch.undo()
    play(MADE, tmp_path / "run", options(20), resume=True)
    play(MADE, tmp_path / "whole", options(20))
    same(tmp_path / "whole", tmp_path / "run")


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingExtra, match=r"pip install 'rnnc\[tensorboard\]'"):
        fit(MADE, sums(), out=tmp_path / "run", tensorboard=True)
    with pytest.raises(ValueError, match="name one, `out=`"):
        fit(MADE, sums(), tensorboard=True)
    words = ["train", "elman", "--data", "x.npz", "--out", str(tmp_path / "run"), "--tensorboard"]
    assert run(words) == 2
    assert capsys.readouterr().err == "error: --tensorboard needs tensorboardX: pip install 'rnnc[tensorboard]'\n"
    assert list(tmp_path.iterdir()) == []
