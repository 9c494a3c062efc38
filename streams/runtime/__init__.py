"""The runtime of the stages: Faust applications, batches, state, transport, watchdog."""
