"""Reproducible invented events of a region's agencies, with their answer key."""
