"""The sparse n-step approximation, SnAp-n: real-time recurrent learning with only those influences that a parameter has
within n steps, the one that reads it being the first (Menick, Elsen, Evci, Osindero, Simonyan and Graves 2021,
"Practical real time recurrent learning with a sparse approximation", ICLR).

All others are set to zero at every step, so that n = 1 holds a number or a few for a weight, and some n has them all
and is exact. Entries are told apart by unit where the network does: an influence on a layer is held entry by entry, or
whole. So a sparse connection counts as a dense one from n = 2 on, where the paper would keep some of its entries, and a
state that takes up entries of an influence held whole holds its own whole.
"""

from __future__ import annotations

from rnnc.autodiff.choice import Choice
from rnnc.learning.forms import Forward
from rnnc.learning.rtrl import rtrl
from rnnc.system.forms import System


def snap(system: System, most: int | None, steps: int) -> Forward:
    """The system with the influences within `steps` steps. Raises as `rnnc.learning.rtrl.rtrl`."""
    return rtrl(system, most, Choice(steps=steps))
