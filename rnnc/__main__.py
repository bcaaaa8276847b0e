"""`rnnc …` and `python -m rnnc …`."""

from __future__ import annotations

import gc
import sys

# Importing the compiler makes some 100,000 objects that stay; looking for garbage among them costs 50 ms.
_ALLOCATIONS = 200_000


def main() -> int:
    """Run the command line of this process; returns its exit status."""
    gc.set_threshold(_ALLOCATIONS)
    from rnnc.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
