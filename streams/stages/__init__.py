"""The stages of the pipeline: each has a handler for batches, and a function that attaches it to an application."""
