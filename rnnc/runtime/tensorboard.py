"""The log of a run as scalars for TensorBoard (the extra `tensorboard`)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnc.runtime.weights import WeightsError

PAUSE = 5.0  # seconds between two times that a viewer gets to see something new


class MissingExtra(ValueError):
    """A package that only an extra of rnnc brings is not there."""


class Board:
    """Writes an event file into the folder of a run. Unlike the log it holds times: no two are the same bytes."""

    def __init__(self, folder: Path) -> None:
        """MissingExtra where tensorboardX is not installed."""
        try:
            from tensorboardX import event_file_writer
            from tensorboardX.proto import event_pb2, summary_pb2
        except ImportError:
            raise MissingExtra("--tensorboard needs tensorboardX: pip install 'rnnc[tensorboard]'") from None
        self._folder, self._shown = folder, 0.0
        # Not its SummaryWriter, which writes in a thread that waits forever once the disk is full.
        self._open, self._events, self._summaries = event_file_writer.EventsWriter, event_pb2, summary_pb2
        self._file: Any = None

    def begin(self, step: int) -> None:
        """A new file that goes on after `step`: what older ones say of later steps is no longer shown."""
        # Viewers read files in the order of their names.
        suffix = f".{step:09d}.{secrets.token_hex(4)}"
        session = self._events.SessionLog(status=self._events.SessionLog.START)
        try:
            self._file = self._open(str(self._folder / "events"), suffix)
            self._file.write_event(self._events.Event(wall_time=time.time(), step=step + 1, session_log=session))
            self._file.flush()
        except OSError as error:
            raise self._failed(error) from None

    def write(self, line: Mapping[str, Any]) -> None:
        """A line of the log. WeightsError where it cannot be written."""
        values = [self._summaries.Summary.Value(tag=tag, simple_value=value) for tag, value in _scalars(line)]
        if not values:
            return
        summary = self._summaries.Summary(value=values)
        try:
            self._file.write_event(self._events.Event(wall_time=time.time(), step=line["step"], summary=summary))
            if time.monotonic() - self._shown > PAUSE:
                self._file.flush()
                self._shown = time.monotonic()
        except OSError as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """Write what is left."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                raise self._failed(error) from None

    def _failed(self, error: OSError) -> WeightsError:
        return WeightsError(f"cannot write events for TensorBoard in `{self._folder}`: {error.strerror or error}")


def _scalars(line: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """`train/loss`, `valid/loss`, … and their values."""
    parts = {"step": ("train", ("loss", "norm", "lr")), "valid": ("valid", ("loss",))}
    if line["event"] not in parts:
        return
    part, names = parts[line["event"]]
    for name in names:
        if line[name] is not None:
            yield f"{part}/{name}", line[name]
    for target, rate in line.get("label_error_rate", {}).items():
        yield f"{part}/label error rate of {target}", rate
