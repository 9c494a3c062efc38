"""Publication by an agency, on its own machine: the only room that holds an agency's keys and its events in clear.

`file_publisher` publishes one file: `files` reads rows, `event` builds, seals and signs one event, `sinks` sends.
"""
