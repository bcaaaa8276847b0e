"""Every mistake and every warning of this layer, for `rnnc explain`."""

from __future__ import annotations

from rnnc.diagnostics import Diagnostic
from rnnc.model import errors_axes, errors_feedback, errors_files, errors_losses, errors_names, errors_shapes, warnings

ERRORS: tuple[type[Diagnostic], ...] = (
    *errors_files.ERRORS,
    *errors_names.ERRORS,
    *errors_axes.ERRORS,
    *errors_shapes.ERRORS,
    *errors_losses.ERRORS,
    *errors_feedback.ERRORS,
    *warnings.ERRORS,
)
