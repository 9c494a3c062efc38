"""Privacy: one record in, one out (microdata); one table in, one out (tabular)."""
