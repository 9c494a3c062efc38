"""Destinations of sealed events, behind one port: a Kafka topic today.

Invariant: nothing here opens a file or sees an event in clear.
"""
