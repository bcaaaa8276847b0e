"""`rnnc …` and `python -m rnnc …`."""

from __future__ import annotations

import gc
import os
import sys

# Importing the compiler makes some 100,000 objects that stay; looking for garbage among them costs 50 ms.
_ALLOCATIONS = 200_000


def main() -> int:
    """Run the command line of this process; returns its exit status."""
    gc.set_threshold(_ALLOCATIONS)
    # A stream that was closed before the start is None; what goes there is wanted by nobody.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        from rnnc.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return 130
    finally:
        gc.freeze()  # Else the end of the process looks for garbage among them as well.


if __name__ == "__main__":
    sys.exit(main())
