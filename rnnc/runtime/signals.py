"""Ctrl-C and SIGTERM as a request that a loop looks at, so that it ends between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

CAUGHT = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Stop:
    """Which signal asked for the end; 0 while none has."""

    number: int = 0

    @property
    def exit_status(self) -> int:
        """128 + the signal's number, as a shell reports it; 0 without one."""
        return 128 + self.number if self.number else 0


@contextmanager
def stop_requests() -> Iterator[Stop]:
    """Inside, the first Ctrl-C or SIGTERM only sets `number`; a second one acts as it always does.

    Outside the main thread, where Python takes no handlers, nothing is caught.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in CAUGHT}

    def request(number: int, frame: FrameType | None) -> None:
        stop.number = number
        for caught in CAUGHT:
            signal.signal(caught, signal.default_int_handler if caught == signal.SIGINT else signal.SIG_DFL)

    for number in CAUGHT:
        # A process started with SIGINT ignored (nohup, a background job) keeps ignoring it.
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, request)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
