"""A path, standard input or a text becomes a `Source`: UTF-8 with or without BOM, LF or CRLF line ends."""

from __future__ import annotations

import os
import sys

from rnnc.diagnostics import Rejected, Source, Span
from rnnc.frontend.errors_text import NotText, TooLarge

LIMIT = 1_500_000


class Unreadable(OSError):
    """A spec that could not be read at all; `str` is one line that names the path and the reason."""


def read_path(path: str | os.PathLike[str], name: str | None = None) -> Source:
    """The spec at `path` (`-` is standard input), shown in messages as `name`, or as the path itself.

    Raises `Unreadable` where there is no such file, and `Rejected` where its bytes are no text.
    """
    if os.fspath(path) == "-":
        return read_bytes(sys.stdin.buffer.read(LIMIT + 1), name or "<stdin>")
    shown = name or os.fspath(path)
    try:
        with open(path, "rb") as stream:
            raw = stream.read(LIMIT + 1)
    except ValueError:
        raise Unreadable(f"cannot read {shown!r}: not a path") from None
    except IsADirectoryError:
        raise Unreadable(f"cannot read {shown}: it is a directory") from None
    except FileNotFoundError:
        raise Unreadable(f"cannot read {shown}: no such file") from None
    except PermissionError:
        raise Unreadable(f"cannot read {shown}: permission denied") from None
    except OSError as problem:
        raise Unreadable(f"cannot read {shown}: {problem.strerror or problem}".splitlines()[0]) from None
    return read_bytes(raw, shown)


def read_bytes(raw: bytes, name: str) -> Source:
    """A spec from its bytes; raises `Rejected` where they are not UTF-8, hold a zero, or are too many."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        if len(raw) > LIMIT:
            raise _too_large(name, len(raw)) from None
        # The position counts from the start of what was decoded, which lacks a BOM.
        body = problem.object
        before = body[: problem.start].decode("utf-8")
        source = Source(name, _line_ends(body.decode("utf-8", "replace")))
        at = len(_line_ends(before))
        raise Rejected([NotText(span=Span(source, at, at + 1), byte=body[problem.start])]) from None
    if len(raw) > LIMIT:
        raise _too_large(name, len(raw))
    return read_text(text, name)


def read_text(text: str, name: str = "<text>") -> Source:
    """A spec given as a string; raises `Rejected` where it holds a zero character or is too long."""
    if len(text) > LIMIT:
        raise _too_large(name, len(text))
    source = Source(name, _line_ends(text.removeprefix("\ufeff")))
    at = source.text.find("\0")
    if at >= 0:
        raise Rejected([NotText(span=Span(source, at, at + 1), byte=0)])
    return source


def _line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _too_large(name: str, size: int) -> Rejected:
    return Rejected([TooLarge(span=Span(Source(name, ""), 0, 0), limit=LIMIT)])
