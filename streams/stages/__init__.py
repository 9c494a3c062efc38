"""One Faust agent a file, attached by a function."""
