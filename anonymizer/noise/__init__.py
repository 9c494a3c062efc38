"""Tables with noise: exact counts in, published numbers with their uncertainty out."""
