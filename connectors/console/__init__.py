"""What a data officer audits."""
