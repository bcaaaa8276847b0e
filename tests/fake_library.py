"""What g++ makes of a text, loaded; nothing of it stays on the disk."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from pathlib import Path

FLAGS = ("-std=c++17", "-O1", "-ffp-contract=off", "-w", "-shared", "-fPIC")


def library(text: str) -> ctypes.CDLL:
    with tempfile.TemporaryDirectory(prefix="rnnc-kernels") as folder:
        Path(folder, "kernels.cpp").write_text(text, encoding="utf-8")
        command = ["g++", *FLAGS, "-o", "kernels.so", "kernels.cpp"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[:4000]
        return ctypes.CDLL(str(Path(folder, "kernels.so")))
