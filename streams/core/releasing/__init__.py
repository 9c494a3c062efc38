"""Pure rules of a release, from exact cells to protected rows: selection, protection, spelling, attack."""
