"""Noise mechanisms: the adapters of differential-privacy libraries."""
