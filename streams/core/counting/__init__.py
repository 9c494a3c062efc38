"""Pure rules from an admitted event to exact cells and one outcome for every record."""
