"""How the shipped models are made from their corpora; needs the extra `train`, never imported by a worker."""
