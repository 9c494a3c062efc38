"""What an agency's system publishes."""
