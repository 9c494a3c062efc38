"""Disclosure control on a statistician's own tables and texts: files in, files out, no broker."""
