"""Ports to the outside that several services use: broker, schema registry, release ledger, budget file."""
