"""Noise mechanisms of differential-privacy libraries: adapters of the port `anonymizer.noise.sampler`."""
