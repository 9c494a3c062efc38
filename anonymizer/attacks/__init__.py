"""What anybody could do with the published tables: attacks that share no code with what they attack."""
