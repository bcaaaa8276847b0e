"""Python's collector of cycles, held back while rnnc compiles.

All that a compilation makes are trees that live until its end. The collector goes through them again and again as they
grow and finds nothing; that is about a quarter of the time that a spec of 500 equations takes.
"""

from __future__ import annotations

import gc
from contextlib import ContextDecorator
from threading import Lock


class _HeldBack(ContextDecorator):
    """No collection from the first that enters, in any thread, until the last has left; then as it was."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._was_on = False

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._was_on = gc.isenabled()
                gc.disable()
            self._inside += 1

    def __exit__(self, *raised: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._was_on:
                gc.enable()


without_collections = _HeldBack()
"""`with without_collections:` or, over a function, `@without_collections`."""
