"""How a run is going: one line that renews itself on a terminal, plain lines now and then elsewhere."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

BAR = 20


def talk(text: str) -> None:
    """A line on standard error, for people."""
    _put(sys.stderr, f"{text}\n")


def _put(stream: TextIO, text: str) -> None:
    # Where nobody reads (a pipe that is closed, a full disk), work goes on, and the exit status tells.
    with contextlib.suppress(OSError):
        stream.write(text)
        stream.flush()


def clock(seconds: float) -> str:
    """Minutes and seconds, as 1:05; hours before them where there are any."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"


class Progress:
    """Shows the share done, the loss (smoothed; for text in bits per character), how much it reads a second, time
    left."""

    def __init__(
        self,
        stream: TextIO | None = None,
        now: Callable[[], float] = time.monotonic,
        *,
        units: tuple[str, str] = ("bits/char", "char/s"),
    ) -> None:
        self._units = units
        self.share = 0.0  # how much of the run was over when it went on
        self._stream = sys.stderr if stream is None else stream
        self._now = now
        self._live = self._stream.isatty() and os.environ.get("TERM", "") != "dumb"
        self._pause = 0.2 if self._live else 10.0
        self._begun = self._shown = now()
        self._characters = 0
        self._bits: float | None = None
        self._drawn = False

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return self._now() - self._begun

    @property
    def cost(self) -> float | None:
        """The loss as it is shown, None before the first step."""
        return self._bits

    def update(self, done: float, bits: float, characters: int) -> None:
        """One step more: the share of the run that is over, its loss, and how many characters it read."""
        self._characters += characters
        self._bits = bits if self._bits is None else 0.95 * self._bits + 0.05 * bits
        if self._now() - self._shown >= self._pause:
            self._shown = self._now()
            self._draw(self._line(done, self._bits))

    def say(self, text: str) -> None:
        """A line that stays."""
        self.clear()
        _put(self._stream, f"{text}\n")

    def clear(self) -> None:
        """Take the renewing line off the terminal."""
        if self._drawn:
            _put(self._stream, "\r\x1b[K")
            self._drawn = False

    def _line(self, done: float, bits: float) -> str:
        seconds = max(self.seconds, 1e-9)
        made = done - self.share
        left = seconds * (1.0 - done) / made if made > 0.0 else 0.0
        full = int(BAR * min(done, 1.0))
        bar = f"[{'#' * full}{'.' * (BAR - full)}] " if self._live else ""
        rate = self._characters / seconds
        cost, pace = self._units
        return f"{bar}{done:4.0%}  {bits:.3f} {cost}  {rate:,.0f} {pace}  {clock(left)} left"

    def _draw(self, line: str) -> None:
        if self._live:
            # One column stays free: a full line would wrap and could not be overwritten.
            width = shutil.get_terminal_size().columns - 1
            _put(self._stream, f"\r{line[:width]}\x1b[K")
            self._drawn = True
        else:
            _put(self._stream, f"{line}\n")
