"""Solvers of linear and integer programs: adapters of the ports of `anonymizer.tabular` and `anonymizer.attacks`.

highs           HiGHS, which protects tables
ortools_engine  GLOP and CP-SAT of OR-Tools, which audit and attack what HiGHS protected
"""
