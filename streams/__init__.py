"""Streaming: pure rules in core, stages and their runtime, release process, transparency log, layout of the broker."""
