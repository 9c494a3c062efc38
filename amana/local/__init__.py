"""A real broker and a real registry as child processes of this machine."""
