"""Files of events: reading, column mappings, conversion of rows, the journal of publication, the report.

Invariant: nothing here knows a broker; `connectors.ingest.file_publisher` brings files and sinks together.
"""
