"""The privacy budget: what a loss is, what one person can cause, and what may still be spent."""
