"""Files of events: reading, mapping, the journal of what was published, the report."""
