"""The same disclosure control as the stream's, offline, on a statistician's own tables."""
