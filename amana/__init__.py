"""The front door: the `amana` command, the public API, the local runtime and the composition roots."""
