"""Contracts: Avro schemas, privacy roles, models, codec, evolution, code lists."""
