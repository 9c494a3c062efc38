"""Wiring: which parts each process of the system is built from."""
