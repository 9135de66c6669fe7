"""The table of connections of a running kernel: read, counted, and a policy drafted from it."""
