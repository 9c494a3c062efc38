"""What an analyst reads."""
