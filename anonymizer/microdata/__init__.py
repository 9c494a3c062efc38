"""De-identification of one record: which fields are carried, how coarse values are, what replaces a finding.

Pure rules over values: `field_mapping` plans a kind of event, `generalise` coarsens a value, `record_identifiers` finds
a record's own names in its texts, `replacement` writes the texts without them, `pseudonym` makes tokens, and `receipt`
counts the rules that were applied.
"""
