"""Results: on standard output as UTF-8 in any locale, or in a file that is written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys

from rnnc.commands.failure import Failure


def write_result(text: str, out: str = "-") -> None:
    """To the file `out`, or to standard output for `-`. Raises `Failure` where the file cannot be written."""
    if out == "-":
        sys.stdout.flush()
        # The name of a file may hold bytes that are no text.
        sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
        sys.stdout.buffer.flush()
        return
    try:
        _write(out, text.encode())
    except OSError as problem:
        raise Failure(f"cannot write {out}: {(problem.strerror or str(problem)).lower()}") from None


def refuse_input(out: str, *given: str | None) -> None:
    """`Failure` where the file to write is one of those `given` to be read (-: standard input; None: not given)."""
    if out == "-" or not os.path.isfile(out):
        return
    for name in given:
        # No such file: whoever reads it says so, or it is the name of a shipped network.
        with contextlib.suppress(OSError):
            if name is not None and os.path.samefile(0 if name == "-" else name, out):
                named = "" if name == out else "what stands on standard input, " if name == "-" else f"{name}, "
                raise Failure(f"{out} is {named}the input itself", "name another place with `-o`")


def _write(out: str, content: bytes) -> None:
    """Into a new file beside the old one, which then takes its place: no reader ever sees a half of it."""
    try:
        old = os.stat(out)
    except FileNotFoundError:
        old = None
    if old is not None and not stat.S_ISREG(old.st_mode):
        # A device, a pipe: nothing to replace. A folder: says so.
        with open(out, "wb") as stream:
            stream.write(content)
        return
    path = os.path.realpath(out)
    folder, name = os.path.split(path)
    # A name may have 255 bytes, a letter four.
    fresh = os.path.join(folder, f".{name[:50]}.{secrets.token_hex(6)}")
    # Not `tempfile`, whose files only their owner can read: the mode follows the umask, as for any output.
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if old is not None:
            os.chmod(fresh, stat.S_IMODE(old.st_mode))
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise
