"""The release process: audit log, ledger and publication on a tick of the calendar."""
