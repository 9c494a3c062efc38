"""Composition of the processes: the parts from which a stage, the release process and a command are built."""
