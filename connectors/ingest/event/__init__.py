"""One event: from a row of a file to a sealed, signed message. No files, no broker."""
