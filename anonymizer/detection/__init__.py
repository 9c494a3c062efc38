"""Detection of personal data in free text: Presidio with the recognisers of this project."""
