"""One record in, one de-identified record out."""
