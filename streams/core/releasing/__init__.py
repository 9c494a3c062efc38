"""Pure rules from exact cells to released rows."""
