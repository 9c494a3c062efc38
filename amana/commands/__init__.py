"""One module per command: reads arguments, calls one room, prints."""
