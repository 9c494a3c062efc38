"""Adapters of linear and integer programming solvers."""
