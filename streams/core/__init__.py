"""Pure rules: (state, input, policy) -> (state, outcomes)."""
