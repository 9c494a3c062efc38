"""The release process, and the ports through which it reaches broker, log and ledger."""
