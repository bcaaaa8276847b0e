"""Syntax tree to a resolved, typed network."""
