"""The log of a run: one JSON object a line, the same bytes for the same run, whenever and however often stopped."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from rnnc.runtime.weights import WeightsError

_TEXT, _WHOLE, _NUMBER, _MAYBE = (
    {"type": "string"},
    {"type": "integer"},
    {"type": "number"},
    {"type": ["number", "null"]},
)


def _event(name: str, optional: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    needed = {"event": {"const": name}, **properties}
    fields = {**needed, **(optional or {})}
    return {"type": "object", "properties": fields, "required": list(needed), "additionalProperties": False}


_SKIPPED = {"skipped": {"type": "array", "items": _WHOLE}}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A line of the log of `rnnc train --data`",
    "oneOf": [
        _event(
            "run",
            schema={"const": 1},
            network=_TEXT,
            spec=_TEXT,
            sizes={"type": "object", "additionalProperties": _WHOLE},
            weights=_WHOLE,
            sequences=_WHOLE,
            positions=_WHOLE,
            options={"type": "object"},
        ),
        _event(
            "step",
            {"skipped": {"type": "array", "items": _WHOLE}},
            step=_WHOLE,
            epoch=_WHOLE,
            loss=_NUMBER,
            norm=_MAYBE,
            lr=_NUMBER,
        ),
        _event(
            "valid",
            {"label_error_rate": {"type": "object", "additionalProperties": _NUMBER}},
            step=_WHOLE,
            epoch=_WHOLE,
            loss=_NUMBER,
            best={"type": "boolean"},
        ),
        _event("end", step=_WHOLE, reason={"enum": ["steps", "patience"]}),
    ],
}
"""JSON Schema of a line.

`loss` is the mean over the sequences of a batch, in full precision; `norm` the gradient's before clipping, null where
nothing clips by norm; `skipped` are sequences that no weights give a finite loss; `label_error_rate` has
a number for every target of a `ctc` loss; `spec` is the SHA-256 of the spec.
"""


class Log:
    """Appends lines; `size` is the length in bytes of what has been written."""

    def __init__(self, path: Path, size: int = 0) -> None:
        """Go on after the first `size` bytes; what follows them is dropped. WeightsError where they are not there."""
        self.path = path
        try:
            self._file = open(path, "ab")  # noqa: SIM115 - closed by `close`
            there = self._file.seek(0, os.SEEK_END)
            if there < size:
                self._file.close()
                raise WeightsError(
                    f"`{path}` has {there} bytes, the checkpoint was made at {size}: it is of another run"
                )
            self._file.truncate(size)
        except OSError as error:
            raise WeightsError(f"cannot write `{path}`: {error.strerror or error}") from None
        self.size = size

    def write(self, **line: Any) -> None:
        """One line."""
        text = (json.dumps(line) + "\n").encode()
        try:
            self._file.write(text)
        except OSError as error:
            raise WeightsError(f"cannot write `{self.path}`: {error.strerror or error}") from None
        self.size += len(text)

    def sync(self) -> None:
        """Have all of it on the disk, as a checkpoint that counts on it needs."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise WeightsError(f"cannot write `{self.path}`: {error.strerror or error}") from None

    def close(self) -> None:
        """Write what is left."""
        try:
            self._file.close()
        except OSError as error:
            raise WeightsError(f"cannot write `{self.path}`: {error.strerror or error}") from None
