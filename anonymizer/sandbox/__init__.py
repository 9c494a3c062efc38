"""Detector processes in isolation: a text that hangs or crashes a detector harms no other text."""
