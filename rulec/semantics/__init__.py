"""What a ruleset does to packets: matches, targets, chains, tables and hooks, as sets of packets."""
