"""Data as sequences with the names of a spec: one reader a format, one form for training."""

from rnnc.runtime.data.fields import DataError, Field, fields_of
from rnnc.runtime.data.opening import SUFFIXES, open_data
from rnnc.runtime.data.sequences import Sequences

__all__ = ["SUFFIXES", "DataError", "Field", "Sequences", "fields_of", "open_data"]
