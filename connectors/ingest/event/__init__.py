"""One event, from an agency's record to a sealed, signed message.

Invariant: nothing here opens a file or knows a broker; a row of a file is converted in `connectors.ingest.files`.
"""
