"""The learning rules of a module beside back-propagation: what each of them needs, and once what they share."""

from __future__ import annotations

from rnnc.emit.blockwise import Blockwise
from rnnc.emit.cutting import pieces
from rnnc.emit.influences import places
from rnnc.emit.kernels import KernelSpelling
from rnnc.emit.online import Online
from rnnc.emit.rowwise import Rowwise
from rnnc.emit.streaming import Streaming
from rnnc.emit.support_text import copied
from rnnc.emit.views import Names
from rnnc.emit.windows import windows
from rnnc.learning import forms as learned
from rnnc.model.forms import Model
from rnnc.program.learner import Learner
from rnnc.system.pieces import Pieces


def functions(
    model: Model, learners: tuple[Learner, ...], kernels: KernelSpelling, main: Names, stream: Streaming
) -> tuple[str, ...]:
    """The texts of all rules' functions; `main` names what the other functions of the module make."""
    forward = tuple(_of(model, one, kernels, main, stream) for one in learners if not isinstance(one.learned, Pieces))
    texts: list[str] = []
    for one in learners:
        if isinstance(one.learned, Pieces):
            assert main.system.loss is not None
            texts += pieces(one.learned, one.programs, main.system.loss, kernels) if not texts else ()
            texts += [] if one.rule.form_of else [windows(one.rule, model, main, stream)]
    if forward:
        texts += [places((o.rule.name, o.names, o.carried()) for o in forward), copied("influences")]
    in_blocks = any(isinstance(one, Blockwise) and one.opening is not None for one in forward)
    in_rows = any(isinstance(one, Rowwise) for one in forward)
    parts = (("block", in_blocks or in_rows), ("blocks", in_blocks), ("rows", in_rows))
    texts += [copied(name) for name, needed in parts if needed]
    if any(o.rule.random for o in forward):
        texts.append(copied("signs"))
    for rule in forward:
        texts += rule.functions()
    return tuple(texts)


def _of(model: Model, one: Learner, kernels: KernelSpelling, main: Names, stream: Streaming) -> Online:
    if isinstance(one.learned, learned.Blockwise):
        return Blockwise(one.rule, one.learned, model, one.programs, kernels, main, stream)
    if isinstance(one.learned, learned.Rowwise):
        return Rowwise(one.rule, one.learned, model, one.programs, kernels, main, stream)
    return Online(one.rule, model, one.programs[-1], kernels, main, stream)
