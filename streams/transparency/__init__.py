"""The transparency log: Merkle tree, signed checkpoints, storage, verification. Can be used alone."""
