"""Optimisers with torch's names, arguments and defaults, and gradient clipping, on NumPy arrays in place."""

from rnnc.runtime.optim.adadelta import Adadelta
from rnnc.runtime.optim.adagrad import Adagrad
from rnnc.runtime.optim.adam import Adam
from rnnc.runtime.optim.adamax import Adamax
from rnnc.runtime.optim.adamw import AdamW
from rnnc.runtime.optim.clip import clip_norm, clip_value
from rnnc.runtime.optim.nadam import NAdam
from rnnc.runtime.optim.optimiser import Optimiser
from rnnc.runtime.optim.rmsprop import RMSprop
from rnnc.runtime.optim.rprop import Rprop
from rnnc.runtime.optim.sgd import SGD

OPTIMISERS = (SGD, Adagrad, Adadelta, RMSprop, Adam, AdamW, Adamax, NAdam, Rprop)

__all__ = [
    "OPTIMISERS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "Optimiser",
    "RMSprop",
    "Rprop",
    "clip_norm",
    "clip_value",
]
