"""A reference case as it is stored: arrays in an npz, equations and conventions in a json beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

FOLDER = Path(__file__).resolve().parent.parent / "data" / "cases"
GROUPS = ("models", "onnx", "onnx_ext", "ort", "rtrl", "torch")


@dataclass(frozen=True)
class Stored:
    """One case: group and name, family and hyper-parameters of its json, every array by role and name."""

    group: str
    name: str
    family: str
    hyper: Mapping[str, Any]
    rtol: float
    atol: float
    arrays: Mapping[str, Array]

    def __getitem__(self, key: str) -> Array:
        """The array `in.X`, `par.W`, `out.Y` ...; floats as float64.

        Raises KeyError where the case has none of that name.
        """
        found = self.arrays[key]
        return found.astype(np.float64) if found.dtype.kind == "f" else found

    def __contains__(self, key: str) -> bool:
        return key in self.arrays

    def named(self, role: str) -> dict[str, Array]:
        """All arrays of a role (`grad`), by their names without it."""
        keys = (key for key in self.arrays if key.startswith(role + "."))
        return {key[len(role) + 1 :]: self[key] for key in keys}


def load(group: str, name: str) -> Stored:
    """Read one case. Raises FileNotFoundError where there is none."""
    text = json.loads((FOLDER / group / f"{name}.json").read_text(encoding="utf-8"))
    with np.load(FOLDER / group / f"{name}.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    tolerance = text["tolerance"]
    return Stored(
        group, name, text["family"], text["hyper"], float(tolerance["rtol"]), float(tolerance["atol"]), arrays
    )


def names(group: str) -> tuple[str, ...]:
    """The cases of a group, sorted."""
    return tuple(sorted(path.stem for path in (FOLDER / group).glob("*.json")))
