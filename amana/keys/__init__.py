"""The keys of the parties: which party has which secret, how they are made, handed over, replaced and destroyed."""
