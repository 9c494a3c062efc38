"""One table in, one protected table out."""
