"""Streaming: pure rules in core, Faust agents, transport, state, topics."""
