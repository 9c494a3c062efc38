"""The approval of policies: acts signed by two officers, the policy of each year, and what a change means."""
