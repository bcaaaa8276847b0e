"""Connectionist temporal classification: the labels in their order, at positions nobody says."""

from __future__ import annotations

from dataclasses import replace

from rnnc.losses.terms import Logarithms
from rnnc.model.forms import Apply, Expr


def ctc(loss: Apply, logarithms: Logarithms) -> Expr:
    """-log of the sum over all alignments of their probability (Graves, Fernandez, Gomez & Schmidhuber 2006), as one
    operation on the logits, whose gradient is one operation too: `rnnc.system.forms.Ctc`."""
    p, labels, blank = loss.args
    return replace(loss, op="ctc_of_logits", args=(logarithms.logits(p), labels, blank))
