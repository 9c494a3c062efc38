"""Edges of the system, by party.

- `ingest`: publication by an agency, on its own machine.
- `operations`: the operator's services.
- `console`: the data officer's checks.
- `feed`: the released trends, for analysts.
- `offline`: the same disclosure control on a statistician's own files, without a broker.
- `adapters`: the broker, the schema registry and the files that several of them use.
"""
