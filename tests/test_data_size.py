"""Files larger than memory: what a process holds does not grow with them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent

SCRIPT = """
import resource, sys, types
import numpy as np
from rnnc.runtime.data import open_data
from rnnc.runtime.data.check import check_data
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
module = types.SimpleNamespace(
    INPUTS={"x": {"axes": ("n",), "shape": ("D",), "token": None}}, TARGETS={}, AXES=("n",), SIZES={"D": 50},
    data_shapes=lambda D: {"x": ((D,), 0)})
before = peak()
data = open_data(sys.argv[1], module)
check_data(data, module, {"D": 50})
for number in range(0, len(data), 7):
    data.batch(np.array([number]))
    data.batch(np.arange(20), 100, 120)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory as Linux counts it")
@pytest.mark.parametrize("order", ["sequences side by side", "one after the other"])
def test_memory_does_not_grow_with_the_file(order: str, tmp_path: Path) -> None:
    """800 MB of zeros that take no place on the disk, looked through, and read in batches."""
    count, steps = 100, 40_000
    path = tmp_path / "x.npy"
    side = order == "sequences side by side"
    shape = (steps, count, 50) if side else (steps * count, 50)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + 4 * steps * count * 50)
    if not side:
        np.save(tmp_path / "lengths.npy", np.full(count, steps))
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 250
