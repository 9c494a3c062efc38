"""Destinations of sealed events."""
