"""Released trends for analysts: read the feeds, export tables, draw charts.

Invariant: nothing here can see a record about a person, or a count before disclosure control.
"""
