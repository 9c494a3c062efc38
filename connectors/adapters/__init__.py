"""Registry, keys, ledger and audit storage."""
