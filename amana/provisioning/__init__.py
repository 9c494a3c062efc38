"""Setting up a site and its cluster: keys, topics, access rules, quotas, schemas, and the check of them."""
