"""Detection of personal data in free text: Presidio recognisers of this project, run behind a prefilter.

presidio            the analyzer: from a text to its findings
recognisers/        the catalogue of patterns, by subject
dates, phones       patterns of dates; telephone numbers
pattern_recogniser  a recogniser: patterns, checks and context words
prefilter           one Hyperscan scan that tells which patterns can match, and where
match_windows       runs a pattern only near those places
checksums           check digits and lengths of identifiers
phone_numbering     valid numbers of several regions' numbering plans
"""
