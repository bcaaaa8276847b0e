"""A readable checkpoint always exists: whatever is killed, fails or is damaged; and nothing in one is executed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_parts import module, options, play, same, trainer
from test_data_mistakes import Bomb

from rnnc.runtime.checkpoints import Checkpoint, Folder, nested, unnested
from rnnc.runtime.weights import WeightsError, load_weights, save_weights

HERE = Path(__file__).parent
MADE = module()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills need fork")
def test_killed_runs_go_on_to_the_same_bits(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    kills = 100 if request.config.getoption("long_proofs") else 12
    paths = os.pathsep.join((str(HERE), str(HERE.parent)))
    environment = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, str(HERE / "kills.py"), str(tmp_path), str(kills), "1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(done.stdout)
    assert counts["kills"] == kills and counts["within"] >= kills // 4 and counts["read"] >= kills // 3


class Failing:
    """Every call by which a file is written fails from the N-th on; `calls` is how many there were."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, number: int = 28) -> None:
        self.calls, self.at, self.number = 0, at, number
        failing = self

        class Fails(io.FileIO):
            def __init__(self, *arguments: Any, **more: Any) -> None:
                failing.call()
                super().__init__(*arguments, **more)

            def write(self, content: Any) -> int:
                failing.call()
                return super().write(content)

        monkeypatch.setattr(io, "FileIO", Fails)
        for name in ("fsync", "replace", "open"):
            monkeypatch.setattr(os, name, self.wrapped(getattr(os, name)))

    def call(self) -> None:
        self.calls += 1
        if 0 < self.at <= self.calls:
            raise OSError(self.number, os.strerror(self.number))

    def wrapped(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def tried(*arguments: Any, **more: Any) -> Any:
            self.call()
            return real(*arguments, **more)

        return tried


def checkpoint(step: int) -> Checkpoint:
    return Checkpoint(step, {"weights/h": np.full(3000, float(step)), "good": np.ones(2)}, {"log": 0})


@pytest.mark.parametrize("number", [28, 1, 5, 122])
def test_whichever_call_fails_the_old_checkpoint_is_whole(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path, 1)
    folder.save(checkpoint(1))
    with monkeypatch.context() as patch:
        counted = Failing(patch, 0)
        folder.save(checkpoint(2))
    assert counted.calls > 6
    for at in range(1, counted.calls + 1):
        with monkeypatch.context() as patch:
            Failing(patch, at, number)
            try:
                folder.save(checkpoint(2 + at))
            except WeightsError as error:
                assert f"cannot write `{folder.file(2 + at)}`: {os.strerror(number)}" in str(error)
        found = folder.latest(print)
        assert found is not None and (found.arrays["weights/h"] == found.step).all()
        assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]


def test_a_run_on_a_full_disk_ends_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    chosen = options(20, "all")
    with monkeypatch.context() as patch:
        counted = Failing(patch, 0)
        play(MADE, tmp_path / "whole", chosen)
    failed = 0
    stride = 1 if request.config.getoption("long_proofs") else 1 + counted.calls // 12
    for at in range(3, counted.calls + 1, stride):
        out = tmp_path / str(at)
        with monkeypatch.context() as patch:
            Failing(patch, at)
            try:
                play(MADE, out, chosen)
            except WeightsError as error:
                assert "No space left on device" in str(error)
                failed += 1
        play(MADE, out, chosen, resume=True)
        same(tmp_path / "whole", out)
    assert failed >= 5


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from rnnc.runtime.weights import WeightsError, save_weights
path = Path(sys.argv[1])
save_weights(path, {"h": np.zeros(3000)})
size = path.stat().st_size
said = set()
for limit in range(0, size, 997):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        save_weights(path, {"h": np.ones(3000)})
    except WeightsError as error:
        said.add(str(error))
    assert not np.load(path)["h"].any()
print(len(said), *said)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")
def test_the_system_itself_refuses_to_write(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "w.npz")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 cannot write `") and "File too large" in done.stdout
    assert len(list(tmp_path.iterdir())) == 1


def test_damaged_checkpoints_are_refused(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    made = trainer(MADE, options(3, "all"))
    made.advance()
    folder = Folder(tmp_path, 3)
    file = folder.save(made.checkpoint({"log": 0}))
    whole = file.read_bytes()
    for cut in range(0, len(whole), 64):
        file.write_bytes(whole[:cut])
        with pytest.raises(WeightsError, match=file.name):
            folder.load(1)
    for place in range(0, len(whole), 1 if request.config.getoption("long_proofs") else 7):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(WeightsError, match=file.name):
            folder.load(1)
    file.write_bytes(whole)
    assert folder.load(1).step == 1


def test_the_newest_readable_checkpoint_is_taken_and_the_others_are_named(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 3)
    for step in (1, 2, 3):
        folder.save(checkpoint(step))
    folder.file(3).write_bytes(folder.file(3).read_bytes()[:-1])
    heard: list[str] = []
    found = folder.latest(heard.append)
    assert found is not None and found.step == 2
    assert len(heard) == 1 and "checkpoint-000000003.npz` is damaged: its checksum is missing" in heard[0]
    folder.file(2).write_bytes(folder.file(1).read_bytes())
    folder.file(1).write_bytes(b"")
    with pytest.raises(WeightsError, match=r"no checkpoint in `.*` is readable"):
        folder.latest(heard.append)
    assert "is the checkpoint of another step, 1" in heard[2]


def test_checkpoints_of_other_networks_and_objects_are_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 3)
    np.savez(folder.file(1), weights=np.array([Bomb()], dtype=object))
    with pytest.raises(WeightsError, match="its checksum is missing"):
        folder.load(1)
    with pytest.raises(WeightsError, match="`weights`"):
        load_weights(folder.file(1))
    save_weights(folder.file(1), {"h": np.ones(3)})
    with pytest.raises(WeightsError, match="is no checkpoint of rnnc"):
        folder.load(1)
    made = trainer(MADE, options(3))
    folder.save(checkpoint(2))
    before = made.p.flat.copy()
    with pytest.raises(WeightsError, match="a network with other weights"):
        made.restore(folder.load(2))
    np.testing.assert_array_equal(made.p.flat, before)


def test_states_of_states_go_there_and_back() -> None:
    state = {"h": np.ones(2), "more": {"a/b".replace("/", "."): np.zeros((1, 3)), "n": np.array(3)}}
    arrays: dict[str, Any] = {}
    nested(state, "state", arrays)
    found = unnested(arrays, "state")
    assert found["more"]["n"] == 3 and found["more"]["a.b"].shape == (1, 3)
    assert unnested(arrays, "other") is None
    with pytest.raises(WeightsError, match="holds a str at `state/x`"):
        nested({"x": "text"}, "state", arrays)


def test_only_the_last_few_are_kept(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 2)
    for step in (1, 5, 10, 15):
        folder.save(checkpoint(step))
    assert folder.steps() == [10, 15]
    (tmp_path / ".checkpoint-000000015.npz.0123abcd.tmp").write_text("half")
    (tmp_path / ".mine").write_text("kept")
    folder.make()
    assert sorted(file.name[:2] for file in tmp_path.iterdir()) == [".m", "ch", "ch"]
