"""Rules of counting: admission, de-identification, deduplication, aggregation, outcomes and reconciliation."""
