"""Local partials and the adjoint system; the only room that knows sympy."""
