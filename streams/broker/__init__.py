"""The layout of the broker as data: topics, access rules, quotas, partitioning."""
