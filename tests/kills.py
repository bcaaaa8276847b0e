"""Kills runs with SIGKILL at random moments, and inside a checkpoint, and resumes them until they are done.

Run as a process of its own, which forks every run: `python kills.py FOLDER KILLS SEED`. Prints what it did as JSON.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from run_parts import module, options, play

from rnnc.runtime.checkpoints import Folder

CALLS = ("fsync", "replace", "open", "write")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(call: str, count: int) -> None:
    """Die within the `count`-th call of that kind while files are written; of a write, after half of it."""
    left = [count]

    def due() -> bool:
        left[0] -= 1
        return left[0] == 0

    if call == "write":

        class Dies(io.FileIO):
            def write(self, content: Any) -> int:
                if due():
                    super().write(bytes(content)[: len(content) // 2])
                    die()
                return super().write(content)

        io.FileIO = Dies  # type: ignore[misc]
        return
    real = getattr(os, call)

    def dies(*arguments: Any, **more: Any) -> Any:
        if due():
            die()
        return real(*arguments, **more)

    setattr(os, call, dies)


def life(made: Any, out: Path, chosen: Any, draw: random.Random, within: bool) -> bool:
    """One run until it is killed (False) or done (True)."""
    call, count, seconds = draw.choice(CALLS), draw.randint(1, 12), draw.uniform(0.0, 0.06)
    child = os.fork()
    if not child:
        if within:
            arm(call, count)
        try:
            play(made, out, chosen, resume=True)
        except BaseException:
            os._exit(1)
        os._exit(0)
    if not within:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "a run could not go on"
    return not os.WIFSIGNALED(status)


def main(folder: Path, kills: int, seed: int) -> None:
    made, draw = module(), random.Random(seed)
    chosen = options(60, "all", save=1)
    play(made, folder / "whole", chosen)
    done = {"kills": 0, "within": 0, "runs": 0, "read": 0}
    while done["kills"] < kills:
        out = folder / f"run{done['runs']}"
        while True:
            within = draw.random() < 0.5 and done["kills"] < kills
            if done["kills"] >= kills:
                play(made, out, chosen, resume=True)
                break
            if life(made, out, chosen, draw, within):
                break
            done["kills"] += 1
            done["within"] += within
            if Folder(out, 3).steps():
                assert Folder(out, 3).latest(print) is not None
                done["read"] += 1
        for name in ("weights.npz", "best.npz", "log.jsonl", "checkpoint-000000060.npz"):
            assert (out / name).read_bytes() == (folder / "whole" / name).read_bytes(), name
        assert not [file for file in out.iterdir() if file.name.startswith(".")]
        done["runs"] += 1
    print(json.dumps(done))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
