"""Attacks on published tables, which share no code with what they attack."""
