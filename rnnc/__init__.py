"""rnnc: a declarative compiler for recurrent networks.

    import rnnc
    elman = rnnc.compile_file("elman.rnn")      # or rnnc.compile_text("network elman(...) {...}")

The functions import the compiler when they are first called, so that `import rnnc` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "compile_file", "compile_text"]

if TYPE_CHECKING:
    from rnnc.compiler import compile_file, compile_text


def __getattr__(name: str) -> Any:
    if name in ("compile_file", "compile_text"):
        from rnnc import compiler

        return getattr(compiler, name)
    raise AttributeError(f"module 'rnnc' has no attribute {name!r}")
