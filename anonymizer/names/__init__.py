"""Trained recognisers of names, places, organisations and other give-aways."""
