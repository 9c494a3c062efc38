"""The only modules that import detection engines and solvers."""
