"""Decoders of connectionist temporal classification: from posteriors of every frame to labellings and words."""

from rnnc.runtime.decode.beam import beam
from rnnc.runtime.decode.best_path import best_path
from rnnc.runtime.decode.distance import edit_distance, label_error_rate
from rnnc.runtime.decode.lattice import Alignment, align
from rnnc.runtime.decode.lexicon import lexicon
from rnnc.runtime.decode.prefix_search import prefix_search
from rnnc.runtime.decode.token_passing import token_passing
from rnnc.runtime.decode.words import word_score

DECODERS = (best_path, prefix_search, beam, lexicon, token_passing)

__all__ = [
    "DECODERS",
    "Alignment",
    "align",
    "beam",
    "best_path",
    "edit_distance",
    "label_error_rate",
    "lexicon",
    "prefix_search",
    "token_passing",
    "word_score",
]
