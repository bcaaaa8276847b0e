"""One record per operation of the expression language."""
