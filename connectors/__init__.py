"""Edges: agencies in, analysts and data officers out."""
