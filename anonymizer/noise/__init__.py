"""Noisy tables: exact counts in, published numbers with their uncertainty out."""
